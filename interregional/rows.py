"""Flows as rows, read window by window: what an answer of any length costs is what it holds."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from django.db import connection

from interregional import rows_sql as sql
from interregional.clock import GRID, day_bounds, new_york_date
from interregional.roster import NAMES, NEIGHBOURS, Region

RESOLUTIONS: Final = ("5min", "hour", "day")
STEP: Final = {"5min": GRID, "hour": timedelta(hours=1), "day": timedelta(days=1)}
BEGINNING: Final = datetime(1990, 1, 1, tzinfo=UTC)
FIRST_PLACE: Final = -1
ALL: Final = 25  # interfaces, about
MOST_AT_ONCE: Final = 20_000  # rows of one statement


class FlowNow(NamedTuple):
    """One interface or region at one instant, or over one hour or day."""

    timestamp: datetime
    place: int  # order within the instant
    kind: str  # interface or region
    point_id: int | None
    name: str
    label: str
    region: str
    flow_mw: float | None  # over a period: the mean
    positive_limit_mw: float | None
    negative_limit_mw: float | None
    direction: str | None  # import, export, none; None within New York
    utilization_percent: float | None
    utilization_reason: str | None
    min_mw: float | None
    max_mw: float | None
    number: int  # of stamps: 1, or those of the hour or day


class Interfaces(NamedTuple):
    """The ids of interfaces that are wanted (None: all), and the regions whose totals are."""

    ids: list[int] | None
    regions: list[str]


class State(NamedTuple):
    """What there is."""

    version: tuple[str | None, str | None]  # changes whenever an answer may have
    newest: datetime | None  # the newest instant with a row
    is_synthetic: bool


@dataclass(frozen=True)
class Question:
    """What is asked: from an instant up to another, the latter excluded."""

    since: datetime
    until: datetime
    wanted: Interfaces
    resolution: str = "5min"
    after: tuple[datetime, int] = (BEGINNING, FIRST_PLACE)

    @property
    def places(self) -> int:
        """How many rows an instant has, if nothing is missing; of all interfaces, about."""
        return (ALL if self.wanted.ids is None else len(self.wanted.ids)) + len(self.wanted.regions)


def state() -> State:
    """What there is, in one question."""
    with connection.cursor() as cursor:
        cursor.execute(sql.STATE)
        run, interfaces, newest, is_synthetic = cursor.fetchone()
        return State((run, interfaces), newest, is_synthetic)


def rows(asked: Question, limit: int) -> list[FlowNow]:
    """The first `limit` rows."""
    found: list[FlowNow] = []
    for some in batches(asked, limit):
        found += some
    return found


def batches(asked: Question, limit: int | None = None) -> Iterator[list[FlowNow]]:
    """Rows in order, some at a time; all of them without a limit."""
    if not asked.places:
        return
    step = STEP[asked.resolution]
    at = max(asked.since, start_of(asked.after[0], asked.resolution))
    while at < asked.until and limit != 0:
        size = MOST_AT_ONCE if limit is None else min(limit, MOST_AT_ONCE)
        # One more, for what was read before within the first instant.
        until = min(asked.until, start_of(at + step * (size // asked.places + 2), asked.resolution))
        some = _read(replace(asked, since=at, until=until), limit)
        if some:
            yield some
            limit = None if limit is None else limit - len(some)
            at = until
        else:
            first = _next_stamp(until)
            if first is None:
                return
            at = max(until, start_of(first, asked.resolution))


def start_of(instant: datetime, resolution: str) -> datetime:
    """When the period began that an instant is in."""
    if resolution == "day":
        return day_bounds(new_york_date(instant))[0]
    return instant.replace(minute=0, second=0, microsecond=0) if resolution == "hour" else instant


def _read(asked: Question, limit: int | None) -> list[FlowNow]:
    text = sql.statement(
        interfaces=asked.wanted.ids is None or bool(asked.wanted.ids),
        regions=bool(asked.wanted.regions),
        resolution=asked.resolution,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            text,
            {
                "since": asked.since,
                "until": asked.until,
                "interfaces": asked.wanted.ids,
                "regions": asked.wanted.regions,
                "after_at": asked.after[0],
                "after_place": asked.after[1],
                "limit": limit,
            },
        )
        return list(map(FlowNow._make, cursor.fetchall()))


def _next_stamp(since: datetime) -> datetime | None:
    """The first instant with a row from this one on."""
    with connection.cursor() as cursor:
        cursor.execute(sql.NEXT_STAMP, (since,))
        found: datetime | None = cursor.fetchone()[0]
        return found


def region_name(region: str) -> str:
    """For people."""
    return NAMES[Region(region)]


NEIGHBOUR_CODES: Final = [region.value for region in NEIGHBOURS]
