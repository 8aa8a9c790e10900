"""Reads NYISO's report P-32, interface limits and flows: bytes in, rows and what was noticed out.

No database, no network, no Django. The header says MWH; the values are megawatts as of the stamp (the value
at a ramp on the quarter hour is the midpoint of its neighbours). Positive is into New York. Exactly 9999 or
-9999 is no limit; 0 is a limit ("closed this way"), and -9899 is a value.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np

from interregional import noticing
from interregional.clock import Stamp, folds_of, instants_of, new_york_date
from interregional.lines import Columns, NotAFlowFile, check_refused, columns_of
from interregional.noticing import Flows, Notice, Noticed, Refused, Whole, instant_of, microseconds_of

__all__ = ["FlowRow", "NotAFlowFile", "Reading", "read"]

# Stamps lead the clock by five minutes. One that led it by hours would stand as the newest until then.
FAR_AHEAD: Final = timedelta(minutes=15)


class FlowRow(NamedTuple):
    """One interface at one instant, as people and tests look at it."""

    timestamp: datetime  # UTC
    point_id: int
    name: str  # as this file has it
    flow_mw: Decimal  # positive is into New York
    positive_limit_mw: Decimal | None  # None: no limit posted
    negative_limit_mw: Decimal | None


class NameSeen(NamedTuple):
    """A name that an interface has in a file, from its first to its last row under it."""

    point_id: int
    name: str
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Reading:
    """What one file holds. `flows`: one row for each instant and interface, in that order, the file's
    last."""

    flows: Flows
    names: list[NameSeen]
    refused: list[Refused]
    notices: list[Notice]
    rows_read: int
    dates: list[date] = field(default_factory=list)  # New York days that rows are of, in order

    def rows(self) -> list[FlowRow]:
        """The rows one by one, each with the name that its interface has last."""
        named = {seen.point_id: seen.name for seen in sorted(self.names, key=lambda seen: seen.last)}
        flows = self.flows
        return [
            FlowRow(instant_of(moment), point_id, named[point_id], *map(_exactly, values))  # type: ignore[arg-type]
            for moment, point_id, *values in zip(
                flows.microseconds.tolist(),
                flows.point_id.tolist(),
                flows.flow_mw.tolist(),
                flows.positive_limit_mw.tolist(),
                flows.negative_limit_mw.tolist(),
                strict=True,
            )
        ]

    @property
    def oldest(self) -> datetime | None:
        """The first instant."""
        return instant_of(int(self.flows.microseconds[0])) if len(self.flows) else None

    @property
    def newest(self) -> datetime | None:
        """The latest instant."""
        return instant_of(int(self.flows.microseconds[-1])) if len(self.flows) else None


def _exactly(value: float) -> Decimal | None:
    return None if value != value else Decimal(repr(value)).normalize() + 0  # noqa: PLR0124 - nan is no limit


def read(body: bytes, *, asked_at: datetime | None = None, is_snapshot: bool = False) -> Reading:
    """Read one CSV file.

    `asked_at`: when it was fetched; it tells which autumn hour the last rows are of, and whether a day is
    over. `is_snapshot`: the file of the moment, of which no whole day is expected. Raises NotAFlowFile.
    """
    columns, refused = columns_of(body)
    rows_read = len(columns.line) + len(refused)
    placed, when, notices = _placed(columns, refused, asked_at)
    check_refused(refused)
    order = np.lexsort((placed.point_id, when))  # stable: equals stay in the order of the file
    ordered, times = placed.taken(order), when[order]
    again = (times[1:] == times[:-1]) & (ordered.point_id[1:] == ordered.point_id[:-1])
    last = np.flatnonzero(np.append(~again, True)) if len(times) else np.zeros(0, dtype=np.int64)
    every = _flows(ordered, times)
    flows = every.taken(last)
    if refused:
        lines = body.decode("utf-8-sig", "replace").split("\n")
        refused = [
            fault._replace(text=fault.text or lines[fault.line - 1].strip()[:300])
            for fault in sorted(refused)
        ]
    dates = sorted({columns.stamps[number].date() for number in np.unique(placed.stamp)})
    notices += noticing.of_refusals(refused, flows)
    notices += noticing.of_repetition(every, np.flatnonzero(again))
    notices += noticing.of_order(when, flows)
    notices += noticing.of_limits(flows)
    if not is_snapshot:
        notices += noticing.of_gaps(flows.microseconds, dates, asked_at)
        notices += noticing.of_absences(flows)
    return Reading(flows, _names(ordered, times), refused, notices, rows_read, dates)


def _flows(columns: Columns, times: Whole) -> Flows:
    return Flows(
        times, columns.point_id, columns.flow_mw, columns.positive_limit_mw, columns.negative_limit_mw
    )


def _names(columns: Columns, times: Whole) -> list[NameSeen]:
    """Each interface's names with the first and last of their rows. `times` are in order."""
    pairs = columns.point_id * len(columns.names) + columns.name
    _, first = np.unique(pairs, return_index=True)
    _, from_the_end = np.unique(pairs[::-1], return_index=True)
    return [
        NameSeen(
            int(columns.point_id[begins]),
            columns.names[columns.name[begins]],
            instant_of(int(times[begins])),
            instant_of(int(times[len(times) - 1 - ends])),
        )
        for begins, ends in zip(first.tolist(), from_the_end.tolist(), strict=True)
    ]


def _placed(
    columns: Columns, refused: list[Refused], asked_at: datetime | None
) -> tuple[Columns, Whole, list[Notice]]:
    """Rows with their instants (microseconds). Those without one, or far ahead, join the refused."""
    found = instants_of(columns.stamps)
    earlier = np.array([microseconds_of(both[0]) if both else -1 for both in found], dtype=np.int64)
    later = np.array([microseconds_of(both[-1]) if both else -1 for both in found], dtype=np.int64)
    when = earlier[columns.stamp]
    notices: list[Notice] = []
    twice = np.flatnonzero(earlier != later)
    if len(twice):
        rows = np.flatnonzero(np.isin(columns.stamp, twice))
        folds, notices = _folds(columns, rows, asked_at)
        when[rows] = np.where(folds, later[columns.stamp[rows]], when[rows])
    latest = microseconds_of(asked_at + FAR_AHEAD) if asked_at is not None else None
    sound = when >= 0
    for row in np.flatnonzero(~sound).tolist():
        reason = "clocks went forward: this hour did not exist"
        refused.append(Refused(int(columns.line[row]), "", Noticed.NO_SUCH_TIME, reason))
    if latest is not None:
        for row in np.flatnonzero(when > latest).tolist():
            reason = "it is more than a quarter of an hour ahead of the clock"
            refused.append(Refused(int(columns.line[row]), "", Noticed.AHEAD, reason))
        sound &= when <= latest
    chosen = np.flatnonzero(sound)
    return (
        (columns, when, notices)
        if len(chosen) == len(when)
        else (columns.taken(chosen), when[chosen], notices)
    )


def _folds(columns: Columns, rows: Whole, asked_at: datetime | None) -> tuple[Whole, list[Notice]]:
    """The fold of each of these rows, all of the repeated hour; and that it was a guess, where it was."""
    repeated = [Stamp(int(columns.point_id[row]), columns.stamps[columns.stamp[row]]) for row in rows]
    last = max(row.wall for row in repeated)
    in_progress = (
        asked_at is not None
        and new_york_date(asked_at) == last.date()
        and all(columns.stamps[number] <= last for number in np.unique(columns.stamp))
    )
    folds = folds_of(repeated, asked_at if in_progress else None)
    notices = []
    if folds.guessed:
        first_and_last = instants_of([min(row.wall for row in repeated), last])
        message = (
            f"The order of {len(repeated):,} rows did not tell the two passes of the repeated hour apart. "
            "Which of them they are of is a guess."
        )
        notices.append(
            Notice(Noticed.GUESSED_HOUR, message, len(repeated), first_and_last[0][0], first_and_last[1][-1])
        )
    return np.array(folds.folds, dtype=np.int64), notices
