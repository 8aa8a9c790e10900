"""What loading a month must give, added up from what was drawn. Knows the rules of the files, not our code.

A feeder is MAX(FMAXHC), MIN(FMINHC), MAX(FHCADATE) over its sound rows. Power is in whole hundredths of MW
and tenths of kW here, so that sums are exact.
"""

import csv
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from hosting.iedr_months.chance import Ints
from hosting.iedr_months.population import Mask

UNKNOWN = -1
_HIGH = np.iinfo(np.int64).max
COLUMNS = (
    "utility_code", "feeder_id", "max_hosting_capacity_mw", "min_hosting_capacity_mw", "record_date",
    "section_count", "installed_der_count", "installed_der_kw", "planned_der_count", "planned_der_kw",
)  # fmt: skip


@dataclass
class Source:
    """One file: rows as published, those that pass, and those to be kept apart by check."""

    rows: int = 0
    passed: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    unresolved: int = 0  # DER of which a part of the reference leads nowhere
    without_feeder: int = 0  # DER that are on none
    tenths_of_kw: int = 0

    def said(self) -> dict[str, Any]:
        """As it is written."""
        kilowatts = f"{self.tenths_of_kw // 10}.{self.tenths_of_kw % 10}"
        return {
            "rows": self.rows,
            "passed": self.passed,
            "quarantined": dict(sorted(self.quarantined.items())),
            "unresolved": self.unresolved,
            "without_feeder": self.without_feeder,
            "nameplate_kw": kilowatts,
        }


class Feeders:
    """The feeders of one utility, by number."""

    def __init__(self, code: str, ids: list[str], *, at_first: int) -> None:
        """`at_first`: how many of them the first month had."""
        count = len(ids)
        self.code, self.ids, self.at_first = code, ids, at_first
        self.highest = np.full(count, UNKNOWN)
        self.lowest = np.full(count, _HIGH)
        self.day = np.zeros(count, np.int64)
        self.sections = np.zeros(count, np.int64)
        self.count = {status: np.zeros(count, np.int64) for status in ("installed", "planned")}
        self.tenths_of_kw = {status: np.zeros(count, np.int64) for status in ("installed", "planned")}

    @property
    def there(self) -> Mask:
        """Those that a sound row names: what a reference can lead to."""
        return self.sections > 0

    def study(self, feeder: Ints, highest: Ints, lowest: Ints, day: Ints) -> None:
        """Take in sound rows; UNKNOWN where a row says nothing."""
        np.maximum.at(self.highest, feeder, highest)
        np.minimum.at(self.lowest, feeder, np.where(lowest == UNKNOWN, _HIGH, lowest))
        np.maximum.at(self.day, feeder, day)
        np.add.at(self.sections, feeder, 1)

    def connect(self, status: str, feeder: Ints, tenths_of_kw: Ints) -> None:
        """Take in DER; UNKNOWN where a nameplate is not known."""
        np.add.at(self.count[status], feeder, 1)
        np.add.at(self.tenths_of_kw[status], feeder, np.maximum(tenths_of_kw, 0))

    def lines(self) -> "list[list[str]]":
        """A line of COLUMNS for each feeder that is there."""
        lines = []
        for number in np.flatnonzero(self.there).tolist():
            highest, lowest = int(self.highest[number]), int(self.lowest[number])
            of_ders: list[str] = []
            for status in ("installed", "planned"):
                of_ders.append(str(self.count[status][number]))
                of_ders.append(f"{self.tenths_of_kw[status][number] / 10:.1f}")
            lines.append(
                [
                    self.code,
                    self.ids[number],
                    "" if highest == UNKNOWN else f"{highest / 100:.2f}",
                    "" if lowest == _HIGH else f"{lowest / 100:.2f}",
                    date.fromordinal(int(self.day[number])).isoformat(),
                    str(self.sections[number]),
                    *of_ders,
                ]
            )
        return lines


def write(folder: Path, sources: dict[str, dict[str, Source]], feeders: list[Feeders]) -> None:
    """`expected.json` of the month's files, `expected_feeders.csv` of its feeders."""
    said = {code: {name: one.said() for name, one in mine.items()} for code, mine in sources.items()}
    for one in feeders:
        said[one.code]["feeders"] = {"count": int(one.there.sum())}
    (folder / "expected.json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    with (folder / "expected_feeders.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for one in feeders:
            writer.writerows(one.lines())
