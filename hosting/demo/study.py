"""A make-believe hosting capacity study: what each section of a feeder could take, in kW.

Not engineering, but its shape: a conductor carries what its voltage and phases allow, the voltage rises
faster the longer and thinner the line, protection wants strong faults. Nothing can take more than what it
hangs on.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from hosting.demo.network import Feeder, Section

CRITERIA = ("thermal", "voltage", "protection")
PHASE_SHARE: Mapping[int, tuple[float, float]] = {3: (1.0, 1.0), 2: (0.2, 0.3), 1: (0.085, 0.15)}
"""By phases: the share of a three-phase line's thermal rating, and of its stiffness."""


@dataclass(frozen=True)
class Capacity:
    """What a section could take: generation by each criterion, and load; kW, rounded down to 10."""

    generation: Mapping[str, int]
    load: int

    @property
    def headline(self) -> int:
        """The least of the criteria."""
        return min(self.generation.values())

    @property
    def binding(self) -> str:
        """The criterion that binds first."""
        return min(CRITERIA, key=lambda name: self.generation[name])


def study(feeder: Feeder, rng: Random) -> dict[Section, Capacity]:
    """The capacity of each section, falling from the substation outwards."""
    # How much of its strength a feeder still has; one in nine is as good as full.
    left = rng.uniform(0.02, 0.16) if rng.random() < 0.11 else rng.uniform(0.4, 1.0)
    amperes = rng.choice((300, 380, 460))
    ohms_per_km = rng.uniform(0.14, 0.3)
    fault_kw = feeder.kv * rng.uniform(330, 950)
    spare_load = rng.uniform(0.02, 0.12) if rng.random() < 0.12 else rng.uniform(0.25, 0.85)
    found: dict[Section, Capacity] = {}
    for section in feeder.sections:
        km = (section.start_m + section.end_m) / 2000
        rating, stiffness = PHASE_SHARE[section.phases]
        carries = math.sqrt(3) * feeder.kv * amperes * rating * rng.uniform(0.93, 1.0)
        thinner = 1 / (1 + km / 14)
        raise_3_percent = 17 * feeder.kv**2 / (ohms_per_km * (km + 0.35)) * stiffness
        generation = {
            "thermal": left * carries * thinner,
            "voltage": left * raise_3_percent * rng.uniform(0.9, 1.0),
            "protection": (0.3 + 0.7 * left) * fault_kw * math.sqrt(rating) / (1 + km / 7),
        }
        load = spare_load * min(carries * thinner, 2.2 * raise_3_percent)
        hangs_on = found.get(section.parent) if section.parent else None
        if hangs_on:
            generation = {name: min(kw, hangs_on.generation[name]) for name, kw in generation.items()}
            load = min(load, hangs_on.load)
        found[section] = Capacity({name: _rounded(kw) for name, kw in generation.items()}, _rounded(load))
    return found


def _rounded(kw: float) -> int:
    return max(0, int(kw // 10) * 10)
