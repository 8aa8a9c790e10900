"""How pages say times and names, in the reader's language."""

from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


class Instant(NamedTuple):
    """An instant as a page shows it: `local` and `ago` to read, `exact` (UTC) on hover."""

    local: str
    ago: str
    exact: str


def named(utility: str, *, synthetic: bool) -> str:
    """A utility's name where no badge can stand: one that does not exist says so in words."""
    said = _("synthetic")
    return f"{utility} ({said})" if synthetic and said not in utility.lower() else utility


def instant(moment: datetime, zone: str) -> Instant:
    """`moment` in the time zone with IANA name `zone`: ("2026-10-01 10:30 EDT", "3 days ago", "...Z")."""
    there = moment.astimezone(ZoneInfo(zone))
    return Instant(
        local=f"{date_format(there, 'Y-m-d H:i')} {there.tzname()}",
        ago=ago(timezone.now() - moment),
        exact=moment.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def ago(passed: timedelta) -> str:
    """How long ago, in the largest unit that fits: "3 min ago"."""
    minutes = int(passed.total_seconds() // 60)
    if minutes < 1:
        return _("just now")
    if minutes < 60:
        return _("%(minutes)d min ago") % {"minutes": minutes}
    if minutes < 24 * 60:
        return _("%(hours)d h ago") % {"hours": minutes // 60}
    days = minutes // (24 * 60)
    return ngettext("%(days)d day ago", "%(days)d days ago", days) % {"days": days}
