"""How much of each day is stored: five-minute marks that have a row, and those that have none."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection

from interregional.clock import day_bounds, grid_of

MARKS_BY_DAY = """
SELECT ("timestamp" AT TIME ZONE 'America/New_York')::date AS day, count(DISTINCT "timestamp"), count(*)
FROM interregional_interfaceflow
WHERE "timestamp" >= %s AND "timestamp" < %s
  AND extract(epoch FROM "timestamp")::bigint %% 300 = 0
GROUP BY day
"""


@dataclass(frozen=True)
class DayCoverage:
    """One New York day."""

    day: date
    marks: int  # 276, 288 or 300
    stored: int  # marks with at least one row
    rows: int

    @property
    def missing(self) -> int:
        return self.marks - self.stored

    @property
    def percent(self) -> float:
        return 100 * self.stored / self.marks


def days(first: date, last: date) -> Iterator[date]:
    """Both ends included."""
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)


def by_day(first: date, last: date) -> list[DayCoverage]:
    """Each day from the first to the last, both included."""
    with connection.cursor() as cursor:
        cursor.execute(MARKS_BY_DAY, (day_bounds(first)[0], day_bounds(last)[1]))
        stored = {day: (marks, rows) for day, marks, rows in cursor.fetchall()}
    return [DayCoverage(day, len(grid_of(day)), *stored.get(day, (0, 0))) for day in days(first, last)]
