"""Streets: a grid that is dense in towns and wide between them, bent gently, with gaps.

The grid's lines have ranks, as the marks of a ruler do: every line is a street in a town, every second and
fourth one on its outskirts, every eighth is a country road. A smooth displacement bends them all and turns
each town by a few degrees, so that streets stay streets and nothing is exactly straight.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from random import Random

from hosting.demo.place import Spot, dice

BLOCK = 150.0
"""Metres between two streets of a town; country roads are eight blocks apart."""
COUNTRY_RANK = 3

Node = tuple[int, int]


@dataclass(frozen=True)
class Town:
    """A built-up place: `radius` of its streets in metres, `turn` of its grid in radians."""

    middle: Spot
    radius: float
    turn: float


@dataclass(frozen=True)
class Streets:
    """Crossings with their places, and to which others each is joined, with the street's rank."""

    spots: dict[Node, Spot]
    joined: dict[Node, list[tuple[Node, int]]]
    density: dict[Node, float]
    """How built-up it is around a crossing: 1 in the middle of a town, 0 in the country."""

    def distance(self, one: Node, other: Node) -> float:
        """Metres as the crow flies."""
        return math.dist(self.spots[one], self.spots[other])

    def nearest(self, spot: Spot) -> Node:
        """The crossing nearest to a spot."""
        return min(self.spots, key=lambda node: (math.dist(self.spots[node], spot), node))


def lay_out(
    towns: tuple[Town, ...], reach: tuple[int, int], is_land: Callable[[Spot], bool], rng: Random
) -> Streets:
    """Streets for these towns; the grid goes `reach` blocks east and west, and north and south."""
    place = cache(_Bend(towns, rng).place)
    built_up = cache(partial(_built_up, towns))
    gap_seed = rng.getrandbits(32)
    streets = Streets(spots={}, joined={}, density={})
    for one, other, rank in _edges(built_up, reach):
        country = built_up(_flat(one)) < 0.05
        # A country road is missing between two others, a street for one block.
        line = (one[0] // 8, one[1] // 8, one[0] == other[0]) if country else (*one, one[0] == other[0])
        if dice(gap_seed, line).random() < (0.22 if country else 0.07):
            continue
        spots = (place(one), place(other))
        if not all(is_land(spot) for spot in spots):
            continue
        for node, spot in zip((one, other), spots, strict=True):
            streets.spots[node] = spot
            streets.density[node] = built_up(_flat(node))
            streets.joined.setdefault(node, [])
        streets.joined[one].append((other, rank))
        streets.joined[other].append((one, rank))
    return streets


def _edges(built_up: Callable[[Spot], float], reach: tuple[int, int]) -> Iterator[tuple[Node, Node, int]]:
    """Each block of each line that is a street there, with the line's rank."""
    for i in range(-reach[0], reach[0]):
        for j in range(-reach[1], reach[1]):
            for other, line in (((i + 1, j), j), ((i, j + 1), i)):
                if _rank(line) >= _rank_needed(min(built_up(_flat((i, j))), built_up(_flat(other)))):
                    yield (i, j), other, _rank(line)


def _rank(line: int) -> int:
    """0 for odd lines, 1 for every second, 2 for every fourth, 3 for every eighth."""
    for rank in range(COUNTRY_RANK):
        if line % 2 ** (rank + 1):
            return rank
    return COUNTRY_RANK


def _rank_needed(built_up: float) -> int:
    return sum(built_up < least for least in (0.42, 0.22, 0.06))


def _built_up(towns: tuple[Town, ...], spot: Spot) -> float:
    """1 in the middle of a town, falling to 0 well outside; towns have uneven edges."""
    most = 0.0
    for number, town in enumerate(towns):
        east, north = spot.x - town.middle.x, spot.y - town.middle.y
        angle = math.atan2(north, east)
        uneven = 1 + 0.22 * math.sin(2 * angle + 1.7 * number) + 0.13 * math.sin(5 * angle + 2.9 * number)
        most = max(most, math.exp(-((math.hypot(east, north) / (town.radius * uneven)) ** 2)))
    return most


def _flat(node: Node) -> Spot:
    return Spot(node[0] * BLOCK, node[1] * BLOCK)


class _Bend:
    """From the flat grid to where a crossing really lies."""

    def __init__(self, towns: tuple[Town, ...], rng: Random) -> None:
        self._towns = towns
        # Amplitude in metres, wavelength in metres, direction, phase: broad bends first, small ones on them.
        self._waves = [
            (size, length, rng.uniform(0, math.pi), rng.uniform(0, math.tau))
            for size, length in ((330, 13_000), (170, 8_500), (60, 3_900), (22, 1_700), (8, 720))
            for _ in range(2)
        ]
        self._jitter_seed = rng.getrandbits(32)

    def place(self, node: Node) -> Spot:
        east, north = _flat(node)
        x, y = east, north
        for town in self._towns:
            dx, dy = east - town.middle.x, north - town.middle.y
            turn = town.turn * math.exp(-((math.hypot(dx, dy) / (1.8 * town.radius)) ** 2))
            x += dx * (math.cos(turn) - 1) - dy * math.sin(turn)
            y += dx * math.sin(turn) + dy * (math.cos(turn) - 1)
        for number, (size, length, direction, phase) in enumerate(self._waves):
            along = (east * math.cos(direction) + north * math.sin(direction)) / length * math.tau + phase
            x, y = (x + size * math.sin(along), y) if number % 2 else (x, y + size * math.sin(along))
        jitter = dice(self._jitter_seed, node)
        return Spot(x + jitter.uniform(-9, 9), y + jitter.uniform(-9, 9))
