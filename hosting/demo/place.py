"""Where the demonstration lies: two nearly empty basins of Harney County, Oregon.

The Catlow Valley and the dry lake of the Alvord Desert have a few ranches and no town: whoever sees a hundred
feeders there knows that they are made up. Distances are metres east and north of a basin's middle.
"""

import math
import random
from dataclasses import dataclass
from typing import NamedTuple

COUNTY = "Harney"
COUNTY_BOX = (-119.36, 42.00, -118.24, 43.00)
"""West, south, east, north in degrees: a part of the county that both territories lie within."""

METRES_PER_DEGREE = 111_132.0
"""Of latitude, near enough for a drawing; of longitude times the cosine of the latitude."""


class Spot(NamedTuple):
    """Metres east and north of the basin's middle."""

    x: float
    y: float


@dataclass(frozen=True)
class Basin:
    """The middle of a territory, in degrees."""

    lon: float
    lat: float

    def degrees(self, spot: Spot) -> tuple[float, float]:
        """Longitude and latitude, six decimals (a tenth of a metre), as services publish them."""
        east = spot.x / (METRES_PER_DEGREE * math.cos(math.radians(self.lat)))
        return round(self.lon + east, 6), round(self.lat + spot.y / METRES_PER_DEGREE, 6)


CATLOW_VALLEY = Basin(lon=-119.04, lat=42.52)
ALVORD_DESERT = Basin(lon=-118.45, lat=42.53)


def dice(*name: object) -> random.Random:
    """Random numbers of its own for what `name` says: a part drawn anew leaves the others as they were."""
    return random.Random(" ".join(str(part) for part in name))  # noqa: S311 - drawings, no secrets
