"""What DER rows write for their feeder: an id, a circuit, a list of either, something that leads nowhere."""

from dataclasses import dataclass

import numpy as np

from hosting.iedr_months.answer import Feeders, Source
from hosting.iedr_months.chance import Chance, Ints
from hosting.iedr_months.circuits import RENAMED, circuit_1
from hosting.iedr_months.population import Mask

NONE, LOST, ONE, TWO, ONE_AND_LOST = range(5)


@dataclass(frozen=True)
class References:
    """Of one chunk of rows: which kind each is, and which feeders it means."""

    kind: Ints
    first: Ints
    second: Ints
    lost: Ints  # makes a name that no feeder has

    @classmethod
    def drawn(
        cls, chance: Chance, purpose: str, rows: Ints, again: Ints, *, feeders: int, share_lost: float
    ) -> "References":
        """One in ten rows names none; of the others `share_lost` lead nowhere, 3 in 100 are lists."""
        drawn = chance.of(f"{purpose} reference", rows, again)
        named = (drawn - 0.1) / 0.9
        lists = np.where(named > 0.985, TWO, ONE_AND_LOST)
        kind = np.where(named > 0.97, lists, np.where(named < share_lost * 0.97, LOST, ONE))
        first = chance.whole(f"{purpose} feeder", rows, feeders, again)
        return cls(np.where(drawn < 0.1, NONE, kind), first, (first + 1) % feeders, rows % 90_000)

    def texts(self, feeders: Feeders, chances: list[float], nothings: list[str]) -> list[str]:
        """As they are written."""
        second_utility = feeders.code == "utility2"

        def name(number: int, chance: float) -> str:
            if second_utility:
                return feeders.ids[number]
            text = circuit_1(number) if number % RENAMED == 1 and chance < 0.5 else feeders.ids[number]
            return f"{text}.0" if chance > 0.9 else text

        def nowhere(number: int) -> str:
            return f"36_99_{number:05d}" if second_utility else str(9_900_000 + number)

        columns = (self.kind.tolist(), self.first.tolist(), self.second.tolist(), self.lost.tolist())
        found = []
        for kind, first, second, lost, chance, none in zip(*columns, chances, nothings, strict=True):
            if kind == NONE:
                found.append(none)
            elif kind == LOST:
                found.append(nowhere(lost))
            elif kind == ONE:
                found.append(name(first, chance))
            elif kind == TWO:
                found.append(f"{name(first, chance)}, {name(second, chance)}")
            else:
                found.append(f"{nowhere(lost)},{name(first, chance)}")
        return found

    def tally(self, feeders: Feeders, source: Source, status: str, sound: Mask, tenths_of_kw: Ints) -> None:
        """Take the sound rows into the answer: on which feeders they are, and which parts lead nowhere."""
        names_first = np.isin(self.kind, (ONE, TWO, ONE_AND_LOST))
        on_first = sound & names_first & feeders.there[self.first]
        on_second = sound & (self.kind == TWO) & feeders.there[self.second]
        for on, which in ((on_first, self.first), (on_second, self.second)):
            feeders.connect(status, which[on], tenths_of_kw[on])
        lost = np.isin(self.kind, (LOST, ONE_AND_LOST)) | (names_first & ~feeders.there[self.first])
        lost |= (self.kind == TWO) & ~feeders.there[self.second]
        source.unresolved += int((sound & lost).sum())
        source.without_feeder += int((sound & ~on_first & ~on_second).sum())
