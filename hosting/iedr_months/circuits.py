"""Circuit files: segments of the first utility's feeders, feeders of the second."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from hosting.iedr_months.answer import UNKNOWN, Feeders, Source
from hosting.iedr_months.chance import Chance, Ints
from hosting.iedr_months.forms import day, hundredths, nothing, written
from hosting.iedr_months.population import Dirt, Mask, Population

SEGMENTS, FEEDERS_1, FEEDERS_2 = 64_539, 267, 1_909
ROWS_A_NEW_FEEDER = 3
RENAMED = 133  # one in so many of the first utility's feeders has segments of a circuit of another name
# Kinds whose rows are kept apart, by the check that does it; then those that are published as they are.
REFUSED = {
    "no_feeder": "Q10", "not_a_number": "Q27", "not_a_date": "Q47", "min_above_max": "Q15",
    "in_the_future": "Q41", "too_old": "Q41", "twice": "Q08",
}  # fmt: skip
SEGMENT_DIRT = Dirt(
    dict.fromkeys(REFUSED, 0.0006)
    | {"other_max": 0.002, "above_feeder": 0.002, "other_day": 0.002, "no_f": 0.001, "negative": 0.0005}
    | {"no_n": 0.015}
)
FEEDER_DIRT = Dirt(dict.fromkeys(REFUSED, 0.0008) | {"nothing_known": 0.01})
_COLOURS = ("brown", "green", "dark blue", "yellow")
_FUTURE, _OLD = "2099-01-01", "2014-06-30"


@dataclass(frozen=True)
class Month:
    """Which month, counted from 0 for the first, the day it begins, and the day on which the first began."""

    number: int
    first_day: date
    origin: date  # what is not said anew keeps its dates

    @property
    def name(self) -> str:
        return f"{self.first_day:%Y-%m}"


def names_1(count: int) -> list[str]:
    """Ids of the first utility's feeders; some begin with a zero."""
    return [f"0{210000 + n}" if n % 11 == 5 else str(1_105_000 + n) for n in range(count)]


def circuit_1(number: int) -> str:
    """The other name of a renamed feeder's circuit."""
    return str(7_000_000 + number)


def names_2(count: int) -> list[str]:
    """Ids of the second utility's feeders: state, area, circuit."""
    return [f"36_{n % 60:02d}_{n:05d}" for n in range(count)]


class Segments:
    """The first utility's file: F columns are the feeder's and repeat, N columns the segment's own."""

    def __init__(self, scale: float, changes: float, chance: Chance) -> None:
        size = max(40, round(SEGMENTS * scale))
        feeders = max(2, round(FEEDERS_1 * scale))
        self.chance = chance
        self.rows = Population("segments", size, changes, chance)
        self.feeders = Population("segments' feeders", feeders, changes, chance)

    def write(self, folder: Path, month: Month, source: Source) -> Feeders:
        """Write the month's file; its feeders as they must be read."""
        feeders = Feeders("utility1", names_1(self.feeders.upto(month.number)), at_first=self.feeders.size)
        numbers = np.arange(len(feeders.ids))
        revision = self.feeders.revision(numbers, month.number)
        highest = (self.chance.of("fmax", numbers, revision) ** 2 * 1_500).astype(np.int64)
        lowest = (highest * self.chance.of("fmin", numbers, revision) * 0.3).astype(np.int64)
        age = 31 + self.chance.whole("studied", numbers, 300, revision)
        with written(folder, "utility1_circuits") as file:
            for rows, again in self.rows.chunks(month.number):
                of = self._feeder_of(rows)
                dirt = SEGMENT_DIRT.of(self.chance, "segments", rows)
                dirt["no_f"] &= rows < self.rows.size
                fmax = highest[of] + np.where(dirt["other_max"], 50, 0)
                fmin = lowest[of]
                own = fmin + ((fmax - fmin + 1) * self.chance.of("nmax", rows, again)).astype(np.int64)
                own = np.where(dirt["above_feeder"], fmax + 30, np.minimum(own, fmax))
                own = np.where(dirt["negative"], -20, own)
                days = month.origin.toordinal() - age[of] - np.where(dirt["other_day"], 40, 0)
                cells = self._cells(
                    feeders.ids, rows, of=of, own=own, fmax=fmax, fmin=fmin, days=days, dirt=dirt
                )
                file.writerows(cells)
                sound = _count(source, dirt)
                fmax, fmin = np.where(dirt["no_f"], UNKNOWN, fmax), np.where(dirt["no_f"], UNKNOWN, fmin)
                feeders.study(of[sound], fmax[sound], fmin[sound], days[sound])
        return feeders

    def _feeder_of(self, rows: Ints) -> Ints:
        """Segments of a feeder stand together; the first of those added in a month are a new feeder's."""
        added = rows - self.rows.size
        a_month, new = max(1, self.rows.added_a_month), self.feeders.added_a_month
        place = added % a_month
        of_new = self.feeders.size + added // a_month * new + place // ROWS_A_NEW_FEEDER
        of_old = self.chance.whole("added to", rows, self.feeders.size)
        later = np.where(place < ROWS_A_NEW_FEEDER * new, of_new, of_old)
        return np.where(added < 0, rows * self.feeders.size // self.rows.size, later)

    def _cells(
        self,
        ids: list[str],
        rows: Ints,
        *,
        of: Ints,
        own: Ints,
        fmax: Ints,
        fmin: Ints,
        days: Ints,
        dirt: dict[str, Mask],
    ) -> Iterator[list[Any]]:
        odd = self.chance.of("segments' forms", rows).tolist()
        wrong = _kinds(dirt, len(rows))
        columns = (rows.tolist(), of.tolist(), own.tolist(), fmax.tolist(), fmin.tolist(), days.tolist(), odd)
        for row, feeder, n, high, low, ordinal, chance, kind in zip(*columns, wrong, strict=True):
            name = ids[feeder]
            none = nothing(chance * 97 % 1)
            floats = ".0" if chance < 0.1 else ""
            circuit = circuit_1(feeder) if feeder % RENAMED == 1 and row % 2 else name
            when = date.fromordinal(ordinal)
            studied = f"{when} 00:00:00" + ("+00:00" if chance < 0.5 else "")
            if kind == "not_a_date":
                studied = f"{when:%B %Y}"
            elif kind in ("in_the_future", "too_old"):
                studied = f"{_FUTURE if kind == 'in_the_future' else _OLD} 00:00:00"
            own_text = none if kind == "no_n" else hundredths(n)
            if kind == "not_a_number":
                own_text = "450 - 600" if chance < 0.5 else "11,660 kVA"
            phases = row % 4
            line = [
                row,
                circuit + floats,
                phases,
                "U" if chance < 0.2 else "O",
                ("", "A", "AB", "ABC")[phases],
                f"{200_000_000 + row}{'.0' if 0.2 < chance < 0.25 else ''}",
                none if kind == "no_feeder" else name + floats,
                "13.2",
                own_text,
                f"0.00 TO 0.29 {_COLOURS[row % 4].upper()}-953736",
                name,
                "13.2",
                none if kind == "no_f" else hundredths(high),
                none if kind == "no_f" else hundredths(high + 100 if kind == "min_above_max" else low),
                studied,
                none,
                f"{(1 + chance) * 3e-4:.5E}",
            ]
            yield line
            if kind == "twice":
                yield [*line[:8], "99.9", *line[9:]]


class SecondFeeders:
    """The second utility's file: one row for each feeder."""

    def __init__(self, scale: float, changes: float, chance: Chance) -> None:
        self.chance = chance
        self.rows = Population("feeders", max(20, round(FEEDERS_2 * scale)), changes, chance)

    def write(self, folder: Path, month: Month, source: Source) -> Feeders:
        """Write the month's file; its feeders as they must be read."""
        feeders = Feeders("utility2", names_2(self.rows.upto(month.number)), at_first=self.rows.size)
        with written(folder, "utility2_circuits") as file:
            for rows, again in self.rows.chunks(month.number):
                dirt = FEEDER_DIRT.of(self.chance, "feeders", rows)
                high = (self.chance.of("max", rows, again) ** 2 * 2_000).astype(np.int64)
                low = (high * self.chance.of("min", rows, again) * 0.3).astype(np.int64)
                days = month.origin.toordinal() - 31 - self.chance.whole("day", rows, 300, again)
                file.writerows(self._cells(feeders.ids, rows, high=high, low=low, days=days, dirt=dirt))
                sound = _count(source, dirt)
                unknown = dirt["nothing_known"]
                high, low = np.where(unknown, UNKNOWN, high), np.where(unknown, UNKNOWN, low)
                feeders.study(rows[sound], high[sound], low[sound], days[sound])
        return feeders

    def _cells(
        self, ids: list[str], rows: Ints, *, high: Ints, low: Ints, days: Ints, dirt: dict[str, Mask]
    ) -> Iterator[list[Any]]:
        odd = self.chance.of("feeders' forms", rows).tolist()
        wrong = _kinds(dirt, len(rows))
        columns = (rows.tolist(), high.tolist(), low.tolist(), days.tolist(), odd)
        for row, most, least, ordinal, chance, kind in zip(*columns, wrong, strict=True):
            none = nothing(chance * 97 % 1)
            when = date.fromordinal(ordinal)
            refreshed = day(when, (0, 3, 4)[int(chance * 3)])
            if kind == "not_a_date":
                refreshed = f"{when:%B %Y}"
            elif kind in ("in_the_future", "too_old"):
                refreshed = _FUTURE if kind == "in_the_future" else _OLD
            lowest = hundredths(most + 100 if kind == "min_above_max" else least)
            highest = "over the limit" if kind == "not_a_number" else hundredths(most)
            line = [
                none if kind == "no_feeder" else ids[row],
                "13.2",
                none if kind == "nothing_known" else highest,
                none if kind == "nothing_known" else lowest,
                hundredths(row % 7),
                refreshed,
                _COLOURS[row % 4],
                f"{1 + chance:.9f}",
            ]
            yield line
            if kind == "twice":
                yield [*line[:2], "99.9", *line[3:]]


def month_of(start: date, number: int) -> Month:
    """The month so many after the first."""
    at = start.replace(day=1)
    for _ in range(number):
        at = (at + timedelta(days=32)).replace(day=1)
    return Month(number, at, start.replace(day=1))


def _kinds(dirt: dict[str, Mask], count: int) -> list[str]:
    """What is wrong with each row; empty where nothing is."""
    kinds = np.full(count, "", dtype="U16")
    for kind, has in dirt.items():
        kinds[has] = kind
    found: list[str] = kinds.tolist()
    return found


def _count(source: Source, dirt: dict[str, Mask]) -> Mask:
    """Which rows are sound; what the others are kept apart for."""
    sound = np.ones(len(dirt["twice"]), bool)
    for kind, check in REFUSED.items():
        number = int(dirt[kind].sum())
        if number:
            source.quarantined[check] += number
        if kind != "twice":  # the first of both is sound
            sound &= ~dirt[kind]
    source.rows += len(sound) + int(dirt["twice"].sum())
    source.passed += int(sound.sum())
    return sound
