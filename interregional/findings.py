"""What is noticed with the database's help, and how findings are kept: one for as long as something lasts."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
from django.db import connection

from interregional import store_sql as sql
from interregional.clock import day_bounds
from interregional.models import FlowFinding, FlowRun, Interface, Severity
from interregional.noticing import Notice, Noticed, instant_of, microseconds_of, of_gaps
from interregional.nyiso import Reading

SEVERITY: Final = {
    Noticed.UNREADABLE: Severity.ERROR,
    Noticed.NO_SUCH_TIME: Severity.ERROR,
    Noticed.AHEAD: Severity.ERROR,
    Noticed.OFF_GRID: Severity.INFO,
    Noticed.UNSORTED: Severity.INFO,
}
# These last: what is noticed again within a quarter of an hour is the same.
LASTING: Final = {Noticed.OUTSIDE_LIMIT, Noticed.FROZEN, Noticed.MISSING, Noticed.STALE}
SAME_WITHIN: Final = timedelta(minutes=15)
APART: Final = timedelta(hours=6)  # rows of a file that are further apart are looked at on their own
LOOKED_FOR: Final = timedelta(hours=24)  # an interface that had no row for longer is not expected


def absent(reading: Reading) -> list[Notice]:
    """Interfaces that had rows within the day before the file's last row, and have none in the file."""
    newest = reading.newest
    assert newest is not None  # noqa: S101 - only readings with rows come here
    here = set(reading.flows.point_id.tolist())
    expected = Interface.objects.filter(first_seen__lte=newest, last_seen__gte=newest - LOOKED_FOR)
    return [
        Notice(Noticed.MISSING, f"{i.name} has no row in the file.", 1, newest, newest, i.point_id)
        for i in expected.exclude(point_id__in=here)
    ]


def frozen(reading: Reading) -> list[Notice]:
    """Interfaces without a schedule whose flow stood still for an hour, in what is stored around the file."""
    begins, ends = _stretches(reading)
    with connection.cursor() as cursor:
        cursor.execute(sql.FROZEN, {"begins": begins, "ends": ends})
        found = cursor.fetchall()
    points = dict(Interface.objects.values_list("pk", "point_id"))
    minute = timedelta(minutes=1)
    return [
        Notice(
            Noticed.FROZEN,
            f"The flow stands still at {flow.normalize():f} MW for {(last - first) // minute} minutes.",
            number,
            first,
            last,
            points[interface],
        )
        for interface, first, last, number, flow in found
    ]


def _stretches(reading: Reading) -> tuple[list[datetime], list[datetime]]:
    """When the file's rows begin and end, and begin again: a row of another year stands alone."""
    when = reading.flows.microseconds
    after = np.flatnonzero(np.diff(when) > APART // timedelta(microseconds=1)) + 1
    begins, ends = np.insert(after, 0, 0), np.append(after, len(when)) - 1
    return [instant_of(when[at]) for at in begins], [instant_of(when[at]) for at in ends]


def gaps(dates: Sequence[date], asked_at: datetime) -> list[Notice]:
    """Five-minute marks of these days at which nothing is stored, whatever file it came from."""
    notices = []
    for day in dates:
        begins, ends = day_bounds(day)
        with connection.cursor() as cursor:
            cursor.execute(sql.MARKS, (begins, ends))
            marks = np.array([microseconds_of(mark) for (mark,) in cursor.fetchall()], dtype=np.int64)
        FlowFinding.objects.filter(kind=Noticed.GAP, starts_at__gte=begins, starts_at__lt=ends).delete()
        notices += of_gaps(marks, [day], asked_at)
    return notices


def keep(run: FlowRun, notices: Sequence[Notice]) -> None:
    """Write findings, or widen those that say the same."""
    ids = dict(Interface.objects.values_list("point_id", "pk"))
    for notice in notices:
        interface = ids[notice.point_id] if notice.point_id is not None else None
        same = FlowFinding.objects.filter(kind=notice.kind, interface=interface)
        if notice.kind in LASTING:
            same = same.filter(
                starts_at__lte=notice.ends_at + SAME_WITHIN, ends_at__gte=notice.starts_at - SAME_WITHIN
            )
        else:
            same = same.filter(starts_at=notice.starts_at)
        known = same.order_by("starts_at").first()
        if known is None:
            known = FlowFinding(
                kind=notice.kind,
                interface_id=interface,
                starts_at=notice.starts_at,
                ends_at=notice.ends_at,
                count=0,
            )
            known.severity = SEVERITY.get(notice.kind, Severity.WARNING)
        lasts = notice.kind in LASTING
        if not lasts or notice.count >= known.count or notice.ends_at > known.ends_at:
            known.message, known.examples = notice.message, notice.examples
        known.run = run
        known.count = max(known.count, notice.count) if lasts else notice.count
        known.starts_at = min(known.starts_at, notice.starts_at)
        known.ends_at = max(known.ends_at, notice.ends_at) if lasts else notice.ends_at
        known.save()


def notice_staleness(run: FlowRun, newest: datetime | None, now: datetime) -> None:
    """A finding while what is stored is older than a quarter of an hour."""
    if newest is None or now - newest <= SAME_WITHIN:
        return
    minutes = (now - newest) // timedelta(minutes=1)
    message = f"The newest flow is {minutes:,} minutes old."
    keep(run, [Notice(Noticed.STALE, message, minutes, newest, now)])
