"""Bring a stretch of days, one run a day, and go on where an earlier attempt ended."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from interregional.clock import day_bounds
from interregional.coverage import days
from interregional.defaults import DAILY
from interregional.ingest import read_day
from interregional.models import FlowRun, RunStatus
from interregional.publishers import asking

SETTLED_AFTER = timedelta(hours=3)  # a day's file that was read later than this after midnight is whole


@dataclass(frozen=True)
class Step:
    """A day that is done, and its run; no run where an earlier one had done it."""

    day: date
    run: FlowRun | None


def backfill(
    first: date, last: date, *, force: bool = False, tell: Callable[[Step], Any] = lambda _step: None
) -> Iterator[Step]:
    """Each day's file, oldest first. Days that were read whole are left alone unless forced."""
    done = set() if force else read_already(first, last)
    with asking(patient=True) as session:
        for day in days(first, last):
            step = Step(day, None if day in done else read_day(day, session=session, wait=True))
            tell(step)
            yield step


def read_already(first: date, last: date) -> set[date]:
    """Days whose file was taken, without complaint, after the day was over."""
    good = FlowRun.objects.filter(
        source__code=DAILY,
        target_date__range=(first, last),
        status__in=[RunStatus.COMPLETED, RunStatus.UNCHANGED],
        error="",
    ).values_list("target_date", "started_at")
    return {day for day, at in good if day is not None and at >= day_bounds(day)[1] + SETTLED_AFTER}
