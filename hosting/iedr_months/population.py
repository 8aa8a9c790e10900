"""Which rows of a file there are in a month, and how often each has changed since the first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hosting.iedr_months.chance import Chance, Ints

ROWS_A_CHUNK = 20_000
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Population:
    """Rows of one file. Each month a third of `changes` is added, a third removed, a third said anew."""

    name: str
    size: int  # in the first month
    changes: float
    chance: Chance
    stays: int = 0  # the first so many are never removed

    @property
    def added_a_month(self) -> int:
        return max(1, round(self.size * self.changes / 3)) if self.changes else 0

    def upto(self, month: int) -> int:
        """How many there have been, counted from 0 for the first month."""
        return self.size + month * self.added_a_month

    def chunks(self, month: int) -> Iterator[tuple[Ints, Ints]]:
        """Numbers of the rows that are there, in order, with the revision of each."""
        for start in range(0, self.upto(month), ROWS_A_CHUNK):
            rows = np.arange(start, min(start + ROWS_A_CHUNK, self.upto(month)))
            there = np.ones(len(rows), bool)
            since = np.where(rows < self.size, 0, 1 + (rows - self.size) // max(1, self.added_a_month))
            for later in range(1, month + 1):
                gone = self.chance.of(f"{self.name} removed {later}", rows) < self.changes / 3
                there &= ~(gone & (since < later) & (rows >= self.stays))
            rows = rows[there]
            yield rows, self.revision(rows, month)

    def revision(self, rows: Ints, month: int) -> Ints:
        """How often each row was said anew up to a month."""
        times = np.zeros(len(rows), np.int64)
        for later in range(1, month + 1):
            times += self.chance.of(f"{self.name} changed {later}", rows) < self.changes / 3
        return times


class Dirt:
    """What is wrong with which rows: each kind in its share, no row with two; always the same rows."""

    def __init__(self, shares: Mapping[str, float]) -> None:
        self._upto: dict[str, tuple[float, float]] = {}
        before = 0.0
        for kind, share in shares.items():
            self._upto[kind] = (before, before + share)
            before += share

    def of(self, chance: Chance, purpose: str, rows: Ints) -> dict[str, Mask]:
        """For each kind, whether a row has it."""
        drawn = chance.of(f"{purpose} dirt", rows)
        return {kind: (low <= drawn) & (drawn < high) for kind, (low, high) in self._upto.items()}
