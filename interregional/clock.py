"""New York's wall clock, which the files give without a zone, as UTC instants; no Django here.

Two hours a year are special. In spring 02:xx does not exist. In autumn 01:xx comes twice, first in daylight
time (EDT, fold 0), then in standard time (EST, fold 1), and no row says which: the order of rows does, and
where there is no order, the time at which the file was asked for.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

NEW_YORK: Final = ZoneInfo("America/New_York")
GRID: Final = timedelta(minutes=5)
LEAD: Final = timedelta(minutes=6)  # stamps run ahead of the clock by up to five minutes, and clocks differ


class Stamp(NamedTuple):
    """A row's time as the file has it, and whose row it is."""

    point_id: int
    wall: datetime  # naive: New York


class Folds(NamedTuple):
    """For each row of the repeated hour 0 (EDT) or 1 (EST), and whether anything but the order told them
    apart."""

    folds: list[int]
    guessed: bool


def instants(wall: datetime) -> tuple[datetime, ...]:
    """The UTC instants at which New York's clocks show `wall`: none, one, or both in order."""
    found = []
    for fold in (0, 1):
        instant = wall.replace(tzinfo=NEW_YORK, fold=fold).astimezone(UTC)
        shows = instant.astimezone(NEW_YORK)
        if shows.replace(tzinfo=None, fold=0) == wall and instant not in found:
            found.append(instant)
    return tuple(found)


def instants_of(walls: Sequence[datetime]) -> list[tuple[datetime, ...]]:
    """`instants` of each; days without a change of clocks are asked about once."""
    offsets: dict[date, timedelta | None] = {}
    found = []
    for wall in walls:
        day = wall.date()
        if day not in offsets:
            begins, ends = day_bounds(day)
            plain = ends - begins == timedelta(days=1)
            offsets[day] = datetime.combine(day, time(), UTC) - begins if plain else None
        offset = offsets[day]
        found.append(instants(wall) if offset is None else ((wall - offset).replace(tzinfo=UTC),))
    return found


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The UTC instants at which a New York day begins and ends: 23, 24 or 25 hours apart."""
    begins, ends = (
        datetime.combine(which, time(), NEW_YORK).astimezone(UTC) for which in (day, day + timedelta(days=1))
    )
    return begins, ends


def grid_of(day: date) -> list[datetime]:
    """The five-minute instants of a New York day: 276, 288 or 300."""
    begins, ends = day_bounds(day)
    return [begins + GRID * number for number in range((ends - begins) // GRID)]


def new_york_date(instant: datetime) -> date:
    """The day in New York."""
    return instant.astimezone(NEW_YORK).date()


def folds_of(rows: Sequence[Stamp], asked_at: datetime | None) -> Folds:
    """Tell the two passes of the repeated hour apart. `rows`: those of the hour, in the order of the file.

    A strict step back of an interface's own stamps is the change from EDT to EST; an equal stamp is a
    duplicate. Where the file goes from stamp to stamp, one interface's step is everybody's. Without a step
    the time of asking decides (`asked_at`, only where the hour was still the file's last), else EDT is
    assumed.
    """
    steps = _steps_by_interface(rows)
    common = _step_of_the_file(rows)
    folds, guessed = [0] * len(rows), False
    if common is not None and steps:
        folds = [int(number >= common) for number in range(len(rows))]
    else:
        for point_id, numbers in _numbers_by_interface(rows).items():
            found = steps.get(point_id, [])
            if found:
                step = max(found, key=lambda at: _drop(rows, numbers, at))
                guessed |= len(found) > 1
                for number in numbers:
                    folds[number] = int(number >= step)
            else:
                fold = _fold_by_time(rows[numbers[-1]].wall, asked_at)
                passed = rows[numbers[-1]].wall - rows[numbers[0]].wall
                guessed |= asked_at is None or bool(steps) or (fold == 1 and passed > timedelta(minutes=30))
                for number in numbers:
                    folds[number] = fold
    if asked_at is not None:
        for number, row in enumerate(rows):
            if folds[number] and instants(row.wall)[-1] > asked_at + LEAD:
                folds[number], guessed = 0, True  # EST has not come that far: the step was disorder
    return Folds(folds, guessed)


def _fold_by_time(last: datetime, asked_at: datetime | None) -> int:
    """The fold of an interface's last stamp: the nearer instant, unless it is yet to come.

    Without a step back, the stamps before it are of the same pass.
    """
    return int(asked_at is not None and instants(last)[-1] <= asked_at + LEAD)


def _numbers_by_interface(rows: Sequence[Stamp]) -> dict[int, list[int]]:
    numbers: dict[int, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        numbers[row.point_id].append(number)
    return numbers


def _steps_by_interface(rows: Sequence[Stamp]) -> dict[int, list[int]]:
    """Point ID to the numbers of its rows whose stamp is before that of its row before."""
    found: dict[int, list[int]] = {}
    for point_id, numbers in _numbers_by_interface(rows).items():
        steps = [after for before, after in pairwise(numbers) if rows[after].wall < rows[before].wall]
        if steps:
            found[point_id] = steps
    return found


def _step_of_the_file(rows: Sequence[Stamp]) -> int | None:
    """The row at which stamps step back, where they do so once in the whole file."""
    steps = [number for number in range(1, len(rows)) if rows[number].wall < rows[number - 1].wall]
    return steps[0] if len(steps) == 1 else None


def _drop(rows: Sequence[Stamp], numbers: list[int], step: int) -> timedelta:
    before = numbers[numbers.index(step) - 1]
    return rows[before].wall - rows[step].wall
