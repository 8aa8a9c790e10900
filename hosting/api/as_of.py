"""`as_of`: what readers saw on an earlier day, or at an instant.

A bare date is the end of that day where the utility is, as its dates are days there; one that has not ended
is what there is of it. An instant has its offset. Both are publisher time: since when the publisher says so.
"""

import re
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from hosting.api.missing import no_such_utility
from utilities.models import Grain, Source, Utility

FORM = "Give a day (2025-06-30) or an instant with its offset (2025-06-30T12:00:00Z; a + is written %2B)."
_FORM = re.compile(
    r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d([.]\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII
)  # of what Python reads as ISO 8601
FIRST = date(2000, 1, 1)  # hosting capacity was not published before


@extend_schema_field(
    {
        "anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}],
        "example": "2025-06-30",
    }
)
class DayOrInstant(serializers.Field[Any, Any, Any, Any]):
    """A day, or an aware instant."""

    default_error_messages = {
        "form": FORM,
        "naive": f"It has no offset, so it is no instant. {FORM}",
        "early": f"It is before {FIRST}, when nothing was published.",
    }

    def to_internal_value(self, data: Any) -> date | datetime:
        text = str(data)
        if not _FORM.fullmatch(text):
            self.fail("form")
        found: date | datetime
        try:
            found = date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
        except ValueError:  # the 30th of February
            self.fail("form")
        if isinstance(found, datetime) and found.tzinfo is None:
            self.fail("naive")
        if (found.date() if isinstance(found, datetime) else found) < FIRST:
            self.fail("early")
        return found


AS_OF = (
    "The state on that day or at that instant. A bare date is the end of that day where the utility is, an "
    "instant has its offset"
)


def instant_of(asked: date | datetime | None, zone: str, name: str = "as_of") -> datetime | None:
    """The instant that is meant; now where a day has not ended. Raises ValidationError for the future."""
    if asked is None:
        return None
    now = timezone.now()
    if isinstance(asked, datetime):
        if asked > now:
            raise serializers.ValidationError({name: ["It is to come; there is no state yet."]})
        return asked
    begin = datetime.combine(asked, time(), ZoneInfo(zone))
    if begin > now:
        raise serializers.ValidationError({name: ["It is to come; there is no state yet."]})
    tomorrow = datetime.combine(asked + timedelta(days=1), time(), ZoneInfo(zone))
    return min(tomorrow - timedelta(microseconds=1), now)


def choose_instant(given: dict[str, Any], code: str) -> None:
    """Put the instant that `as_of` means into `given` as `at`; None where it is not given.

    Raises Http404 where there is no such utility.
    """
    given["at"] = None
    if given["as_of"] is not None:
        zone = Utility.objects.filter(utility_code=code).values_list("timezone", flat=True).first()
        if zone is None:
            raise no_such_utility(code)
        given["at"] = instant_of(given["as_of"], zone)


def said_of(at: datetime | None, sources: list[int]) -> dict[str, Any]:
    """What an answer says of its time: the instant, and which sources cannot be asked for one.

    Rows without identity are replaced whole and have no versions; what changed since then is left out.
    """
    if at is None:
        return {}
    whole = Source.objects.filter(pk__in=sources, config_json__key="none").order_by("code")
    codes = [source.code for source in whole if not _rolls_up(source)]
    return {"as_of": at.isoformat()} | ({"without_history": codes} if codes else {})


def _rolls_up(source: Source) -> bool:
    """Its records are made from sections, and have the feeder's identity."""
    return source.grain == Grain.SECTION and bool(source.config_json.get("feeder_records", True))


def described() -> dict[str, serializers.Field[Any, Any, Any, Any]]:
    """The same as fields of an answer's description."""
    return {
        "as_of": serializers.DateTimeField(
            required=False, help_text="The instant of the answer; absent where `as_of` is not given"
        ),
        "without_history": serializers.ListField(
            child=serializers.CharField(),
            required=False,
            help_text="Sources whose rows have no identity, so that no earlier state of them is kept",
        ),
    }
