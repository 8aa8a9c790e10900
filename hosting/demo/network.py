"""Radial feeders: grown outwards from substations along the streets, then cut into sections.

Feeders take crossings in turns, so that they meet but never cross over. Only what leads to a customer is
kept, as a tree. Phases drop where little hangs on a branch, and never come back.
"""

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from hosting.demo.place import Spot
from hosting.demo.streets import Node, Streets

GETAWAY = (280.0, 1300.0)
"""Metres of cable between a substation and where its feeder's first customers are."""
APART = 330.0
"""Metres between the first customers of two feeders of a substation."""
ROAD_COST = (1.0, 0.9, 0.75, 0.62)
"""By rank: lines prefer to follow the larger road."""


@dataclass(frozen=True)
class Substation:
    """A substation; `kv` has the voltage of each feeder that leaves it, `reach` how far they go in metres."""

    code: str
    name: str
    spot: Spot
    kv: tuple[float, ...]
    reach: float


@dataclass(eq=False)
class Section:
    """A piece of a feeder between two places where something changes. `parent` is the piece it hangs on."""

    path: list[Spot]
    parent: "Section | None"
    phases: int
    overhead: bool
    start_m: float
    customers: int
    density: float

    @property
    def end_m(self) -> float:
        """Metres of line from the substation to its far end."""
        return self.start_m + sum(math.dist(*pair) for pair in pairwise(self.path))


@dataclass(eq=False)
class Feeder:
    """A feeder with its sections, each after the one it hangs on."""

    substation: Substation
    number: int
    kv: float
    sections: list[Section] = field(default_factory=list)


@dataclass(eq=False)
class _Tree:
    """A feeder while it grows: crossing to the one it is reached from, and its way out of the substation."""

    feeder: Feeder
    getaway: list[Spot]
    root: Node
    reached_from: dict[Node, Node] = field(default_factory=dict)


def grow(streets: Streets, substations: tuple[Substation, ...], rng: Random) -> list[Feeder]:
    """All feeders of these substations, those of one substation after another."""
    trees = [tree for substation in substations for tree in _leave(streets, substation, rng)]
    _spread(streets, trees, rng)
    for tree in trees:
        _cut(streets, tree, rng)
    return [tree.feeder for tree in trees]


def _leave(streets: Streets, substation: Substation, rng: Random) -> list[_Tree]:
    """The ways out of a substation, as many as it has feeders, in all directions."""
    home = streets.nearest(substation.spot)
    middle = streets.spots[home]
    metres, back = _shortest(streets, home, GETAWAY[1])
    free = [node for node in metres if metres[node] >= GETAWAY[0] and len(streets.joined[node]) > 2]
    trees: list[_Tree] = []
    first = rng.uniform(0, math.tau)
    for number, kv in enumerate(substation.kv):
        wanted = first + math.tau * (number + rng.uniform(-0.25, 0.25)) / len(substation.kv)

        def aside(node: Node, wanted: float = wanted) -> tuple[float, Node]:
            spot = streets.spots[node]
            angle = math.atan2(spot.y - middle.y, spot.x - middle.x) - wanted
            return abs(math.remainder(angle, math.tau)) + metres[node] / 4000, node

        root = min(free, key=aside)
        free = [node for node in free if streets.distance(node, root) > APART] or free
        way = [root]
        while way[-1] != home:
            way.append(back[way[-1]])
        path = [streets.spots[node] for node in reversed(way)]
        # Cables that share a street lie side by side.
        trees.append(
            _Tree(
                Feeder(substation, number + 1, kv),
                _beside(path, 6.0 * (number - (len(substation.kv) - 1) / 2)),
                root,
            )
        )
    return trees


def _shortest(streets: Streets, home: Node, within: float) -> tuple[dict[Node, float], dict[Node, Node]]:
    """Metres along streets from `home` to all crossings near it, and the crossing before each."""
    metres: dict[Node, float] = {}
    back: dict[Node, Node] = {}
    queue = [(0.0, home, home)]
    while queue:
        so_far, node, before = heapq.heappop(queue)
        if node in metres or so_far > within:
            continue
        metres[node], back[node] = so_far, before
        for other, _ in streets.joined[node]:
            heapq.heappush(queue, (so_far + streets.distance(node, other), other, node))
    return metres, back


def _beside(path: list[Spot], aside: float) -> list[Spot]:
    """The path with all but its ends moved to one side by some metres."""
    moved = [path[0]]
    for before, spot, after in zip(path, path[1:], path[2:], strict=False):
        dx, dy = after.x - before.x, after.y - before.y
        length = math.hypot(dx, dy) or 1.0
        moved.append(Spot(spot.x - dy / length * aside, spot.y + dx / length * aside))
    return [*moved, path[-1]]


def _spread(streets: Streets, trees: list[_Tree], rng: Random) -> None:
    """Give each crossing to one feeder: in turns, the smaller first, each takes what is nearest to it."""
    homes = {streets.nearest(tree.feeder.substation.spot) for tree in trees}
    taken = homes | {tree.root for tree in trees}
    whims: dict[tuple[Node, Node], float] = {}
    queues: list[list[tuple[float, Node, Node]]] = [[] for _ in trees]

    def look_on(cost: float, number: int, node: Node) -> None:
        for other, rank in streets.joined[node]:
            if other in taken:
                continue
            street = (min(node, other), max(node, other))
            whim = whims.setdefault(street, rng.uniform(0.7, 1.4))
            step = streets.distance(node, other) * ROAD_COST[rank] * whim
            if cost + step <= trees[number].feeder.substation.reach:
                heapq.heappush(queues[number], (cost + step, other, node))

    for number, tree in enumerate(trees):
        look_on(0.0, number, tree.root)
    appetite = [rng.uniform(6, 20) for _ in trees]
    turns = [(0.0, number) for number in range(len(trees))]
    while turns:
        _, number = heapq.heappop(turns)
        queue = queues[number]
        while queue and queue[0][1] in taken:
            heapq.heappop(queue)
        if not queue:
            continue
        cost, node, before = heapq.heappop(queue)
        taken.add(node)
        reached = trees[number].reached_from
        reached[node] = before
        look_on(cost, number, node)
        heapq.heappush(turns, (cost + appetite[number] * len(reached), number))


def _cut(streets: Streets, tree: _Tree, rng: Random) -> None:
    """Prune the tree to what customers need and cut it into sections, each after the one it hangs on."""
    customers = {tree.root: 3}
    for node in tree.reached_from:
        if rng.random() < 0.3 + 0.66 * streets.density[node]:
            customers[node] = 1 + int(5 * streets.density[node] * rng.random())
    below = _below(tree, customers)
    children: dict[Node, list[Node]] = {}
    for node, before in tree.reached_from.items():
        if node in below:
            children.setdefault(before, []).append(node)
    total = below[tree.root]
    under_ground = rng.random() < 0.45

    def phases(node: Node) -> int:
        hangs_on = below[node]
        return 3 if hangs_on >= max(8, 0.06 * total) else 2 if hangs_on >= max(5, 0.04 * total) else 1

    def overhead(node: Node) -> bool:
        return not (under_ground and streets.density[node] > 0.55)

    sections = tree.feeder.sections
    sections.append(Section(tree.getaway, None, 3, False, 0.0, total, streets.density[tree.root]))
    waiting = [(tree.root, child, sections[0]) for child in reversed(children.get(tree.root, []))]
    while waiting:
        before, node, parent = waiting.pop()
        kind = (phases(node), overhead(node))
        longest = rng.uniform(180, 420) if streets.density[node] > 0.3 else rng.uniform(450, 1000)
        way = [before, node]
        length = streets.distance(before, node)
        while len(children.get(node, [])) == 1 and length < longest:
            [following] = children[node]
            if (phases(following), overhead(following)) != kind:
                break
            length += streets.distance(node, following)
            node = following
            way.append(node)
        path = [streets.spots[step] for step in way]
        section = Section(path, parent, *kind, parent.end_m, below[way[1]], streets.density[way[1]])
        sections.append(section)
        waiting += [(node, child, section) for child in reversed(children.get(node, []))]
        sections += _taps(section, rng)


def _below(tree: _Tree, customers: dict[Node, int]) -> dict[Node, int]:
    """Customers at and behind each crossing that has any; a crossing is reached after the one before it."""
    below = dict(customers)
    for node, before in reversed(tree.reached_from.items()):
        if node in below:
            below[before] = below.get(before, 0) + below[node]
    return below


def _taps(section: Section, rng: Random) -> Iterator[Section]:
    """Single-phase lines from a country road to a ranch or a pump, on the road's end."""
    if section.density > 0.12 or rng.random() > 0.4:
        return
    end, before = section.path[-1], section.path[-2]
    heading = math.atan2(end.y - before.y, end.x - before.x) + rng.choice((-1, 1)) * rng.uniform(0.9, 1.9)
    path = [end]
    for _ in range(rng.randint(2, 5)):
        step = rng.uniform(70, 170)
        heading += rng.gauss(0, 0.22)
        path.append(Spot(path[-1].x + step * math.cos(heading), path[-1].y + step * math.sin(heading)))
    yield Section(path, section, 1, True, section.end_m, 1, 0.0)
