"""What is worth a person's look in one file's rows, without asking a database; all of it is check Q65."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from interregional.clock import GRID, NEW_YORK, day_bounds

Whole = NDArray[np.int64]
Numbers = NDArray[np.float64]

EXAMPLES: Final = 20
FAR_OUTSIDE: Final = 1.2  # times the limit
LITTLE_MW: Final = 1.0  # what a closed line may show without being noticed
MARK: Final = GRID // timedelta(microseconds=1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Noticed(StrEnum):
    """What was noticed."""

    UNREADABLE = "unreadable_row"
    NO_SUCH_TIME = "no_such_time"
    AHEAD = "ahead_of_the_clock"
    DUPLICATE = "duplicate"
    OFF_GRID = "off_grid"
    UNSORTED = "unsorted"
    GUESSED_HOUR = "guessed_hour"
    GAP = "gap"
    MISSING = "missing_interface"
    UNKNOWN = "unknown_interface"
    RENAMED = "renamed_interface"
    OUTSIDE_LIMIT = "outside_limit"
    FROZEN = "frozen_value"
    STALE = "stale"


class Refused(NamedTuple):
    """A row that was not taken in."""

    line: int
    text: str
    kind: Noticed
    reason: str


@dataclass(frozen=True)
class Notice:
    """Something noticed, `count` times, between two instants."""

    kind: Noticed
    message: str
    count: int
    starts_at: datetime
    ends_at: datetime
    point_id: int | None = None
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Flows:
    """Rows as columns, in order of time and Point ID."""

    microseconds: Whole  # since 1970, UTC
    point_id: Whole
    flow_mw: Numbers  # positive is into New York
    positive_limit_mw: Numbers  # nan: no limit posted
    negative_limit_mw: Numbers

    def __len__(self) -> int:
        return len(self.microseconds)

    def taken(self, chosen: Any) -> "Flows":
        """Only these rows."""
        return Flows(
            self.microseconds[chosen],
            self.point_id[chosen],
            self.flow_mw[chosen],
            self.positive_limit_mw[chosen],
            self.negative_limit_mw[chosen],
        )


def of_refusals(refused: Sequence[Refused], flows: Flows) -> list[Notice]:
    """Rows that were quarantined, one notice for each kind. The rows beside them say when that was."""
    if not len(flows):
        return []
    by_kind: dict[Noticed, list[Refused]] = defaultdict(list)
    for fault in refused:
        by_kind[fault.kind].append(fault)
    return [
        _notice(
            kind,
            f"{_many(len(faults), 'row')} quarantined: {faults[0].reason}.",
            flows.microseconds,
            count=len(faults),
            examples=[f"line {fault.line}: {fault.text}" for fault in faults[:EXAMPLES]],
        )
        for kind, faults in by_kind.items()
    ]


def of_repetition(every: Flows, again: Whole) -> list[Notice]:
    """An interface more than once at one instant: rows `again` are followed by another for the same."""
    if not len(again):
        return []
    before, after = every.taken(again), every.taken(again + 1)
    differ = np.zeros(len(again), dtype=bool)
    for old, new in (
        (before.flow_mw, after.flow_mw),
        (before.positive_limit_mw, after.positive_limit_mw),
        (before.negative_limit_mw, after.negative_limit_mw),
    ):
        differ |= (old != new) & ~(np.isnan(old) & np.isnan(new))
    examples = [
        f"{said(instant_of(before.microseconds[row]))}, {before.point_id[row]}: "
        f"{before.flow_mw[row]:g} MW, then {after.flow_mw[row]:g} MW"
        for row in np.flatnonzero(differ)[:EXAMPLES]
    ]
    message = (
        f"{_many(len(again), 'row')} came twice, {int(differ.sum()):,} of them with other values; "
        "the last of the file counts."
    )
    return [_notice(Noticed.DUPLICATE, message, before.microseconds, count=len(again), examples=examples)]


def of_order(in_file: Whole, flows: Flows) -> list[Notice]:
    """Stamps off the five-minute grid, and rows that go back in time. `in_file`: instants in file order."""
    notices = []
    off = np.unique(flows.microseconds[flows.microseconds % MARK != 0])
    if len(off):
        message = (
            f"{_many(len(off), 'stamp')} {'lies' if len(off) == 1 else 'lie'} between five-minute marks."
        )
        examples = [said(instant_of(stamp)) for stamp in off[:EXAMPLES]]
        notices.append(_notice(Noticed.OFF_GRID, message, off, examples=examples))
    back = int((np.diff(in_file) < 0).sum())
    if back:
        message = f"Rows are not in order of time: {_many(back, 'row')} earlier than the one before."
        notices.append(_notice(Noticed.UNSORTED, message, flows.microseconds, count=back))
    return notices


def of_gaps(when: Whole, dates: Iterable[date], asked_at: datetime | None) -> list[Notice]:
    """Five-minute marks without any row, a notice for each day. `when`: instants of rows, in order.

    A day that was under way when the file was asked for is looked at up to its last row.
    """
    notices = []
    for day in dates if len(when) else ():
        begins, ends = (microseconds_of(bound) for bound in day_bounds(day))
        over = asked_at is None or microseconds_of(asked_at) >= ends
        until = ends if over else min(ends, int(when[-1]) + 1)
        grid = np.arange(begins, until, MARK, dtype=np.int64)
        missing = np.setdiff1d(grid, when)
        if len(missing):
            message = f"{len(missing):,} of {len(grid)} five-minute marks of {day} have no row."
            notices.append(_notice(Noticed.GAP, message, missing, examples=stretches(missing.tolist())))
    return notices


def of_absences(flows: Flows) -> list[Notice]:
    """Interfaces that some stamps lack at which others have rows."""
    stamps = np.unique(flows.microseconds)
    ids, rows = np.unique(flows.point_id, return_counts=True)
    notices = []
    for point_id in ids[rows < len(stamps)]:
        lacking = np.setdiff1d(stamps, flows.microseconds[flows.point_id == point_id])
        message = (
            f"It is missing from {len(lacking):,} of {_many(len(stamps), 'stamp')} at which others have rows."
        )
        notices.append(
            _notice(Noticed.MISSING, message, lacking, int(point_id), examples=stretches(lacking.tolist()))
        )
    return notices


def of_limits(flows: Flows) -> list[Notice]:
    """Flows outside of their limit by a fifth or more, a notice for each interface."""
    incoming = flows.flow_mw > 0
    limit = np.where(incoming, flows.positive_limit_mw, -flows.negative_limit_mw)
    size = np.abs(flows.flow_mw)
    with np.errstate(invalid="ignore"):
        outside = np.flatnonzero((size > LITTLE_MW) & (size >= FAR_OUTSIDE * np.maximum(limit, 0)))
    outside = outside[~np.isnan(limit[outside])]
    notices = []
    for point_id in np.unique(flows.point_id[outside]):
        found = flows.taken(outside[flows.point_id[outside] == point_id])
        examples = [
            f"{said(instant_of(found.microseconds[row]))}: {found.flow_mw[row]:g} MW, "
            f"limits {found.positive_limit_mw[row]:g} and {found.negative_limit_mw[row]:g} MW"
            for row in range(min(len(found), EXAMPLES))
        ]
        message = f"The flow lies outside its limit by 20 % or more at {_many(len(found), 'stamp')}."
        notices.append(
            _notice(Noticed.OUTSIDE_LIMIT, message, found.microseconds, int(point_id), examples=examples)
        )
    return notices


def stretches(marks: Sequence[int]) -> list[str]:
    """Five-minute marks in order, as stretches of New York time: ["2014-09-10 03:05 EDT to 03:55 EDT",
    ...]."""
    found: list[list[int]] = []
    for mark in marks:
        if found and mark - found[-1][-1] == MARK:
            found[-1][1:] = [mark]
        else:
            found.append([mark])
    return [
        " to ".join(
            [said(instant_of(first)), *(f"{instant_of(last).astimezone(NEW_YORK):%H:%M %Z}" for last in rest)]
        )
        for first, *rest in found[:EXAMPLES]
    ]


def said(instant: datetime) -> str:
    """An instant as New York says it, with the zone that tells the repeated hour apart."""
    return f"{instant.astimezone(NEW_YORK):%Y-%m-%d %H:%M %Z}"


def _notice(
    kind: Noticed,
    message: str,
    when: Whole,
    point_id: int | None = None,
    *,
    count: int | None = None,
    examples: Sequence[str] = (),
) -> Notice:
    """`when`: the instants concerned, in order."""
    number = len(when) if count is None else count
    return Notice(kind, message, number, instant_of(when[0]), instant_of(when[-1]), point_id, list(examples))


def instant_of(microseconds: Any) -> datetime:
    """Microseconds since 1970, UTC, as an instant."""
    return EPOCH + timedelta(microseconds=int(microseconds))


def microseconds_of(instant: datetime) -> int:
    """An instant as microseconds since 1970, UTC."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def _many(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
