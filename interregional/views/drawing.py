"""New York and its ties as a drawing: where each line arrives, which way it flows, as wide as it is strong.

Places are on a map of 700 by 500 (equirectangular around 42.7 north); lines that land close together in and
around New York City are pulled apart.
"""

import math
from dataclasses import dataclass
from typing import Final

from interregional.roster import Region
from interregional.views.figures import Figure, Now

# Point ID: from the neighbour's side into New York, and places between.
PLACES: Final[dict[int, tuple[tuple[float, float], ...]]] = {
    23317: ((58, 190), (140, 222)),
    23316: ((236, 398), (236, 322)),
    325658: ((372, 452), (424, 424)),
    325905: ((376, 396), (428, 412)),
    325305: ((424, 486), (470, 424)),
    23318: ((566, 246), (480, 250)),
    325277: ((492, 336), (478, 398)),
    325154: ((536, 336), (516, 398)),
    23324: ((424, 22), (424, 92)),
    325274: ((364, 30), (382, 98)),
    625211: ((480, 22), (466, 130), (458, 300), (440, 404)),
}
LABELS: Final = {
    Region.ONTARIO: (14, 158, "start"),
    Region.PJM: (222, 424, "middle"),
    Region.NEW_ENGLAND: (566, 222, "start"),
    Region.QUEBEC: (512, 26, "start"),
}
WIDEST, THINNEST, MOST_MW = 14.0, 2.0, 2000.0


@dataclass(frozen=True)
class Arrow:
    """A line with its head: SVG paths, and how wide the stroke is."""

    figure: Figure
    shaft: str
    head: str
    width: float

    @property
    def halo(self) -> float:
        """A little wider, so that crossing lines stay apart."""
        return self.width + 4


@dataclass(frozen=True)
class Label:
    """A neighbour's name and total."""

    figure: Figure
    x: float
    y: float
    anchor: str


@dataclass(frozen=True)
class Drawing:
    """All of it."""

    arrows: list[Arrow]
    labels: list[Label]


def drawing_of(now: Now) -> Drawing:
    """Lines that are placed; others are in the tables alone."""
    arrows = [_arrow(line) for line in now.lines if line.row.point_id in PLACES]
    labels = [Label(region, *LABELS[Region(region.region)]) for region in now.regions]
    return Drawing(sorted(arrows, key=lambda arrow: -arrow.width), labels)


def _arrow(line: Figure) -> Arrow:
    points = list(PLACES[line.row.point_id or 0])
    flow = line.row.flow_mw or 0.0
    width = THINNEST + (WIDEST - THINNEST) * min(abs(flow) / MOST_MW, 1.0)
    if flow < 0:
        points.reverse()
    if flow == 0:
        return Arrow(line, _path(points), "", 1.5)
    (x, y), (from_x, from_y) = points[-1], points[-2]
    length = math.hypot(x - from_x, y - from_y)
    ahead_x, ahead_y = (x - from_x) / length, (y - from_y) / length
    size = 6 + width * 0.8
    neck = (x - ahead_x * size * 1.2, y - ahead_y * size * 1.2)
    corners = [
        (x, y),
        (neck[0] - ahead_y * size * 0.75, neck[1] + ahead_x * size * 0.75),
        (neck[0] + ahead_y * size * 0.75, neck[1] - ahead_x * size * 0.75),
    ]
    return Arrow(line, _path([*points[:-1], neck]), _path(corners) + "Z", round(width, 1))


def _path(points: list[tuple[float, float]]) -> str:
    """A polyline; with four points a smooth curve."""
    told = [f"{x:.1f},{y:.1f}" for x, y in points]
    return f"M{told[0]}C{' '.join(told[1:])}" if len(told) == 4 else "M" + "L".join(told)
