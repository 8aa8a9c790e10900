"""Lists of DER, installed and planned, of both utilities. Streets are made up and say so."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hosting.iedr_months.answer import UNKNOWN, Feeders, Source
from hosting.iedr_months.chance import Chance, Ints
from hosting.iedr_months.circuits import Month
from hosting.iedr_months.forms import TECHNOLOGIES, day, nothing, tenths, written
from hosting.iedr_months.population import Dirt, Mask, Population
from hosting.iedr_months.references import References

VOLUMES = {
    ("utility1", "installed"): 13_727,
    ("utility1", "planned"): 1_688,
    ("utility2", "installed"): 25_537,
    ("utility2", "planned"): 30_957,
}
# Of the ids that files name, 8 of 202 installed and 345 of 574 planned lead to no feeder.
LOST = {"installed": 8 / 202, "planned": 345 / 574}
REFUSED = {"no_id": "Q10", "not_a_number": "Q27", "not_a_date": "Q47", "nothing_rated": "Q61", "twice": "Q60"}
_SHARES = dict.fromkeys(REFUSED, 0.0008) | {"not_rated": 0.003, "other_sum": 0.005, "flagged": 0.004}
_DATED = Dirt(_SHARES)
_UNDATED = Dirt({kind: share for kind, share in _SHARES.items() if kind != "not_a_date"})
_STATUSES = ("Application", "Study", "Agreement", "Construction")
_TYPES = ("Solar", "Energy Storage", "Wind", "Other")


class Row(NamedTuple):
    """What a line is written from."""

    number: int
    rated: int  # tenths of kW
    kind: str  # of what is wrong with it
    chance: float
    none: str  # how it says nothing
    reference: str
    rating: str = ""


class Ders:
    """One list of one utility."""

    def __init__(self, utility: str, status: str, scale: float, changes: float, chance: Chance) -> None:
        self.utility, self.status, self.chance = utility, status, chance
        self.purpose = f"{utility} {status}"
        size = max(30, round(VOLUMES[utility, status] * scale))
        self.rows = Population(self.purpose, size, changes, chance)
        word = "install" if status == "installed" else status
        self.file = f"{utility}_{word}_der"
        self.dirt = _DATED if status == "planned" else _UNDATED

    def write(self, folder: Path, month: Month, feeders: Feeders, source: Source) -> None:
        """Write the month's file, and take its rows into the answer."""
        with written(folder, self.file) as file:
            for rows, again in self.rows.chunks(month.number):
                dirt = self.dirt.of(self.chance, self.purpose, rows)
                references = References.drawn(
                    self.chance,
                    self.purpose,
                    rows,
                    again,
                    feeders=feeders.at_first,
                    share_lost=LOST[self.status],
                )
                tenths_of_kw = self._ratings(rows, again)
                file.writerows(
                    self._lines(
                        month,
                        feeders,
                        rows,
                        again,
                        references=references,
                        tenths_of_kw=tenths_of_kw,
                        dirt=dirt,
                    )
                )
                rated = np.where(dirt["not_rated"], UNKNOWN, tenths_of_kw)
                sound = self._count(source, dirt)
                source.tenths_of_kw += int(np.maximum(rated[sound], 0).sum())
                references.tally(feeders, source, self.status, sound, rated)

    def _ratings(self, rows: Ints, again: Ints) -> Ints:
        """Nameplates in tenths of kW: homes, then shops, then fields."""
        size, within = self.chance.of(f"{self.purpose} size", rows), self.chance.of(self.purpose, rows, again)
        home, shop, field = 30 + within * 120, 200 + within * 4_800, 5_000 + within * 45_000
        rated: Ints = np.where(size < 0.8, home, np.where(size < 0.97, shop, field)).astype(np.int64)
        return rated

    def _count(self, source: Source, dirt: dict[str, Mask]) -> Mask:
        sound = np.ones(len(dirt["twice"]), bool)
        for kind, check in REFUSED.items():
            if kind in dirt and dirt[kind].any():
                source.quarantined[check] += int(dirt[kind].sum())
                if kind != "twice":  # the first of both is sound
                    sound &= ~dirt[kind]
        source.rows += len(sound) + int(dirt["twice"].sum())
        source.passed += int(sound.sum())
        return sound

    def _lines(
        self,
        month: Month,
        feeders: Feeders,
        rows: Ints,
        again: Ints,
        *,
        references: References,
        tenths_of_kw: Ints,
        dirt: dict[str, Mask],
    ) -> Iterator[list[Any]]:
        chances = self.chance.of(f"{self.purpose} forms", rows, again).tolist()
        nothings = [nothing(chance * 97 % 1) for chance in chances]
        texts = references.texts(feeders, chances, nothings)
        kinds = np.full(len(rows), "", dtype="U16")
        for kind, has in dirt.items():
            kinds[has] = kind
        line_of = {
            ("utility1", "installed"): self._first_installed,
            ("utility1", "planned"): self._first_planned,
            ("utility2", "installed"): self._second_installed,
            ("utility2", "planned"): self._second_planned,
        }[self.utility, self.status]
        columns = (rows.tolist(), tenths_of_kw.tolist(), kinds.tolist(), chances, nothings, texts)
        for cells in zip(*columns, strict=True):
            row = Row(*cells)
            line = line_of(row._replace(rating=self._rating(row)), month)
            yield line
            if row.kind == "twice":
                yield line

    def _rating(self, row: Row) -> str:
        if row.kind == "not_rated":
            return row.none
        if row.kind == "nothing_rated":
            return "0" if row.chance < 0.5 else "-5.0"
        return "11,660 kVA" if row.kind == "not_a_number" else tenths(row.rated)

    def _first_id(self, row: Row) -> str:
        """The first utility's ids; a project in twenty of those planned is installed too."""
        if row.kind == "no_id":
            return row.none
        shared = self.status == "installed" or row.number % 20 == 3
        number = 3_000 + 2 * row.number if shared else 500_000_000 + row.number
        if row.number % 101 == 7:
            return f"0{number + 1}"  # leading zeros matter
        return f"{number}.0" if row.chance > 0.97 else str(number)

    def _parts(self, row: Row) -> list[str]:
        """Hybrid, and the parts of a nameplate: mostly sun alone, sometimes with a battery."""
        parts = dict.fromkeys(TECHNOLOGIES, 0)
        both = row.number % 10 == 4
        if row.kind not in {"not_rated", "nothing_rated"}:
            main = TECHNOLOGIES[0] if row.chance < 0.9 else TECHNOLOGIES[row.number % len(TECHNOLOGIES)]
            battery = row.rated // 3 if both and main != TECHNOLOGIES[1] else 0
            parts[main] = row.rated - battery - (10 if row.kind == "other_sum" else 0)
            parts[TECHNOLOGIES[1]] += battery
        written = [tenths(part) if part or place % 2 else "0" for place, part in enumerate(parts.values())]
        return ["Y" if both or row.kind == "flagged" else "N", *written]

    def _first_installed(self, row: Row, _month: Month) -> list[Any]:
        costs = [f"${row.rated:,}.50" if row.chance < 0.1 else row.none, row.none, "0", row.none]
        return [self._first_id(row), "RESPHOTO", row.rating, *costs, row.reference, *self._parts(row)]

    def _first_planned(self, row: Row, month: Month) -> list[Any]:
        status = _STATUSES[row.number % 4] if row.chance < 0.7 else row.none
        planned = self._planned(row, month, forms=6)
        identity = self._first_id(row)
        return [
            "NRESPHOTO",
            row.rating,
            planned,
            status,
            identity,
            row.none,
            row.reference,
            *self._parts(row),
        ]

    def _second_installed(self, row: Row, _month: Month) -> list[Any]:
        identity = row.none if row.kind == "no_id" else str(390_000 + row.number)
        address = row.none if row.chance < 0.2 else f"{row.number % 900 + 1} Example Street"
        cost = f"{row.rated}.0" if row.chance < 0.4 else "0.0"
        return [identity, address, _TYPES[row.number % 40 // 37], row.rating, row.reference, cost]

    def _second_planned(self, row: Row, month: Month) -> list[Any]:
        n = row.number
        return [
            _TYPES[n % 40 // 37],
            row.rating,
            row.none,
            self._planned(row, month, forms=5),
            _STATUSES[n % 4] if row.chance > 0.6 else row.none,
            "Waiting for a study" if row.chance < 0.05 else row.none,
            row.rating if row.chance < 0.5 else row.none,
            row.none if row.kind == "no_id" else str(290_000 + n),
            f"{n % 12 + 1}/{n % 28 + 1}/2020 {n % 24}:{n % 60:02d}",
            row.reference,
        ]

    def _planned(self, row: Row, month: Month, *, forms: int) -> str:
        if row.kind == "not_a_date":
            return "to be decided"
        if row.chance < 0.15:
            return row.none
        first = month.origin.replace(month=1, day=1).toordinal()
        return day(date.fromordinal(first + row.number % 1_400), row.number % forms)
