"""What is asked for: tiles that have something in them, and places near feeders. Drawn with a fixed seed."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

Place = tuple[float, float]  # longitude, latitude

# Layer and zoom to how many tiles are asked for: a person zooms in from the country to a street, and looks at
# several tiles where the lines are. 320 in all.
MIX: dict[tuple[str, int], int] = {
    **{("overview", zoom): count for zoom, count in ((3, 2), (4, 4), (5, 8), (6, 12), (7, 14))},
    **{("feeders", zoom): 25 for zoom in (8, 9, 10, 11, 12, 13, 14)},
    **{("sections", zoom): 25 for zoom in (12, 13, 14)},
    **{("substations", zoom): 6 for zoom in (6, 8, 10, 12, 14)},
}


@dataclass(frozen=True, order=True)
class Tile:
    """A tile's address."""

    layer: str
    z: int
    x: int
    y: int

    @property
    def path(self) -> str:
        return f"/tiles/{self.layer}/{self.z}/{self.x}/{self.y}.mvt?capacity_type=generation"


def tiles(substations: list[Place]) -> list[Tile]:
    """Distinct tiles by the mix, in an order in which zooms and layers take turns."""
    dice = random.Random(1)
    chosen: list[Tile] = []
    for (layer, zoom), wanted in MIX.items():
        places = dice.sample(substations, len(substations))
        found = dict.fromkeys(at(layer, zoom, place) for place in places)
        chosen += list(found)[:wanted]
    dice.shuffle(chosen)
    return chosen


def many_tiles(substations: list[Place]) -> Iterator[Tile]:
    """Distinct tiles of feeders and sections around substations, as many as there are, shuffled."""
    dice = random.Random(2)
    found = dict.fromkeys(
        at(layer, zoom, (lon + dice.uniform(-0.05, 0.05), lat + dice.uniform(-0.04, 0.04)))
        for lon, lat in substations
        for layer, zoom in (
            ("feeders", 12),
            ("feeders", 13),
            ("feeders", 14),
            ("sections", 13),
            ("sections", 14),
        )
    )
    listed = list(found)
    dice.shuffle(listed)
    yield from listed


def at(layer: str, zoom: int, place: Place) -> Tile:
    """The tile that a place is in."""
    lon, lat = place
    across = 2**zoom
    north = math.asinh(math.tan(math.radians(lat))) / math.pi
    return Tile(layer, zoom, int((lon + 180) / 360 * across), int((1 - north) / 2 * across))


def around(substations: list[Place], count: int, seed: int) -> list[Place]:
    """Places within a few kilometres of a substation."""
    dice = random.Random(seed)
    return [
        (round(lon + dice.gauss(0, 0.05), 5), round(lat + dice.gauss(0, 0.04), 5))
        for lon, lat in dice.choices(substations, k=count)
    ]
