"""Substations around towns, and feeders as lines of 20 to 60 points: a trunk, and laterals that leave it.

Sections are the parts into which a line is cut: each begins where the substation is, or where another part of
its feeder ends. Coordinates are degrees of longitude and latitude, six decimals.
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hosting.load.plan import Box

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEEDERS_A_SUBSTATION = 10
SUBSTATIONS_A_TOWN = 8
FEWEST_POINTS, MOST_POINTS = 20, 60
METRES_A_DEGREE = 111_320.0
_LITTLE_ENDIAN, _LINE, _LINES, _WITH_SRID = 1, 2, 5, 0x20000000


@dataclass(frozen=True)
class Drawing:
    """A utility's network. Arrays over sections are in order of feeder and of the section in it."""

    substations: Floats  # (substations, 2)
    towns: Ints  # (substations,) number of the town that it is in or near
    sections: Ints  # (feeders,) how many each has
    reach: Floats  # (sections,) 0 at the substation, about 1 at the end of the trunk
    is_trunk: NDArray[np.bool_]  # (sections,)
    paths: list[Floats]  # a section's points, (points, 2)


def draw(feeders: int, sections: int, box: Box, rng: np.random.Generator) -> Drawing:
    """Lay out a network with as many feeders, and sections over all of them (at least one for each)."""
    substations, towns = _substations(-(-feeders // FEEDERS_A_SUBSTATION), box, rng)
    each = _spread(sections, feeders, rng)
    trunk_parts = np.minimum(np.minimum(1 + each // 3, each), 10)
    laterals = -(-(each - trunk_parts) // 2)
    lengths_m = np.clip(rng.lognormal(np.log(7_000), 0.5, feeders), 1_500, 18_000)
    starts = substations[np.arange(feeders) // FEEDERS_A_SUBSTATION]
    around = np.arange(feeders) % FEEDERS_A_SUBSTATION / FEEDERS_A_SUBSTATION
    headings = 2 * np.pi * around + rng.normal(0, 0.15, feeders)
    trunks, trunk_points, turned = _lines(starts, headings, lengths_m, rng)

    # Each lateral leaves the trunk where one of its parts ends, to one side or the other.
    feeder = np.repeat(np.arange(feeders), laterals)
    number = np.arange(len(feeder)) - np.repeat(np.cumsum(laterals) - laterals, laterals)
    part = number % trunk_parts[feeder]
    joint = _cut(part + 1, trunk_parts[feeder], trunk_points[feeder])
    side = np.where(rng.random(len(feeder)) < 0.5, 1, -1) * np.pi / 2
    away = turned[feeder, joint - 1] + side + rng.normal(0, 0.2, len(feeder))
    branches, branch_points, _ = _lines(
        trunks[feeder, joint], away, lengths_m[feeder] * rng.uniform(0.12, 0.4, len(feeder)), rng
    )
    leaves_at = joint / (trunk_points[feeder] - 1)

    paths: list[Floats] = []
    reach: list[float] = []
    is_trunk: list[bool] = []
    branch = 0
    for place in range(feeders):
        parts, points = int(trunk_parts[place]), int(trunk_points[place])
        for step in range(parts):
            first, last = step * (points - 1) // parts, (step + 1) * (points - 1) // parts
            paths.append(trunks[place, first : last + 1])
            reach.append(last / (points - 1))
            is_trunk.append(True)
        left = int(each[place]) - parts
        while left > 0:
            pieces, points = min(left, 2), int(branch_points[branch])
            for step in range(pieces):
                first, last = step * (points - 1) // pieces, (step + 1) * (points - 1) // pieces
                paths.append(branches[branch, first : last + 1])
                reach.append(leaves_at[branch] + 0.3 * last / (points - 1))
                is_trunk.append(False)
            left -= pieces
            branch += 1
    return Drawing(substations, towns, each, np.array(reach), np.array(is_trunk), paths)


def line_ewkb(path: Floats) -> bytes:
    """A LineString with its SRID, as PostGIS reads it."""
    return struct.pack("<BIII", _LITTLE_ENDIAN, _LINE | _WITH_SRID, 4326, len(path)) + path.tobytes()


def lines_ewkb(paths: list[Floats]) -> bytes:
    """A MultiLineString with its SRID."""
    parts = [struct.pack("<BII", _LITTLE_ENDIAN, _LINE, len(path)) + path.tobytes() for path in paths]
    return struct.pack("<BIII", _LITTLE_ENDIAN, _LINES | _WITH_SRID, 4326, len(paths)) + b"".join(parts)


def point_ewkb(longitude: float, latitude: float) -> bytes:
    """A Point with its SRID."""
    return struct.pack("<BIIdd", _LITTLE_ENDIAN, 1 | _WITH_SRID, 4326, longitude, latitude)


def _substations(count: int, box: Box, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """Places around towns, most of them near the middle, within the box."""
    west, south, east, north = box
    towns = max(1, count // SUBSTATIONS_A_TOWN)
    middles = np.column_stack([rng.uniform(west, east, towns), rng.uniform(south, north, towns)])
    town = np.sort(rng.integers(0, towns, count))
    places = middles[town] + rng.normal(0, 0.09, (count, 2))
    inside = np.clip(places, [west, south], [east, north])
    return np.round(inside, 6), town


def _spread(total: int, count: int, rng: np.random.Generator) -> Ints:
    """`total` over `count`, at least one each, some with four times as many as others."""
    upto = np.cumsum(rng.uniform(0.4, 1.6, count))
    bounds = np.floor((total - count) * upto / upto[-1]).astype(np.int64)
    bounds[-1] = total - count
    each: Ints = np.diff(bounds, prepend=0) + 1
    return each


def _cut(part: Ints, parts: Ints, points: Ints) -> Ints:
    """The point at which a line's part begins."""
    return part * (points - 1) // parts


def _lines(
    starts: Floats, headings: Floats, lengths_m: Floats, rng: np.random.Generator
) -> tuple[Floats, Ints, Floats]:
    """Winding lines: points (lines, MOST_POINTS, 2), how many of them count, headings (lines, ...)."""
    count = len(starts)
    points = rng.integers(FEWEST_POINTS, MOST_POINTS + 1, count)
    turned = headings[:, None] + np.cumsum(rng.normal(0, 0.09, (count, MOST_POINTS - 1)), axis=1)
    step_m = (lengths_m / (points - 1))[:, None] * rng.uniform(0.6, 1.4, (count, MOST_POINTS - 1))
    metres_east = METRES_A_DEGREE * np.cos(np.radians(starts[:, 1]))[:, None]
    east = np.cumsum(step_m * np.cos(turned) / metres_east, axis=1)
    north = np.cumsum(step_m * np.sin(turned) / METRES_A_DEGREE, axis=1)
    lines = np.repeat(starts[:, None, :], MOST_POINTS, axis=1)
    lines[:, 1:, 0] += east
    lines[:, 1:, 1] += north
    return np.round(lines, 6), points, turned
