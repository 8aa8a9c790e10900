"""Esri JSON geometry to WKB: two-dimensional, little-endian, in the coordinates as received.

Knows Esri's geometry objects and nothing of servers or layers. Lines and points take a path without any
geometry library (20,000 lines in well under a tenth of a second); GDAL is the oracle of the tests. What has
no place (null, `{"paths": []}`, `"NaN"`, a line of one point) becomes None. Z and M are dropped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, pairwise
from struct import Struct, pack
from typing import Any

Vertices = Sequence[tuple[float, float]]

_POINT = Struct("<BIdd")
_HEAD = Struct("<BII")
_COUNT = Struct("<I")
_PAIR = frozenset({2})
MANY_RINGS = 1_000  # from so many on, those that may hold a ring are looked up in a tree
POINT, LINE, POLYGON, MULTIPOINT, MULTILINE, MULTIPOLYGON = range(1, 7)


class UnreadableGeometry(ValueError):
    """A geometry that cannot be turned into WKB without changing it; the message says why."""


def to_wkb(geometry: Any) -> bytes | None:
    """WKB of one Esri geometry object; None where there is no place. Raises UnreadableGeometry."""
    if not geometry:
        return None
    if not isinstance(geometry, dict):
        raise UnreadableGeometry(f"geometry is a JSON {type(geometry).__name__}, no object")
    for key, write in _WRITERS:
        if key in geometry:
            try:
                return write(geometry if key == "x" else geometry[key])
            except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as problem:
                if isinstance(problem, UnreadableGeometry):
                    raise
                raise UnreadableGeometry(f"geometry is not as Esri defines it: {problem}") from problem
    raise UnreadableGeometry(f"geometry of unknown kind, with {', '.join(sorted(geometry))}")


def _point(geometry: dict[str, Any]) -> bytes | None:
    place = _place((geometry.get("x"), geometry.get("y")))
    return _POINT.pack(1, POINT, *place) if place else None


def _multipoint(points: list[Sequence[Any]]) -> bytes | None:
    places = [place for place in map(_place, points) if place]
    if not places:
        return None
    return _HEAD.pack(1, MULTIPOINT, len(places)) + b"".join(_POINT.pack(1, POINT, *p) for p in places)


def _polyline(paths: list[list[Sequence[Any]]]) -> bytes | None:
    if len(paths) == 1:  # as nearly all are
        return _line(paths[0])
    lines = [line for line in map(_line, paths) if line]
    if not lines:
        return None
    if len(lines) == 1:
        return lines[0]
    return _HEAD.pack(1, MULTILINE, len(lines)) + b"".join(lines)


@lru_cache(maxsize=1024)
def _pairs(count: int) -> Callable[..., bytes]:
    """What packs a line of so many vertices."""
    return Struct(f"<BII{2 * count}d").pack


def _line(path: list[Sequence[Any]]) -> bytes | None:
    count = len(path)
    # The fast path: all vertices are pairs of numbers. Each is looked at: [[1], [2, 3, 4]] has four as well.
    if count > 1 and _PAIR.issuperset(map(len, path)):
        try:
            return _pairs(count)(1, LINE, count, *chain.from_iterable(path))
        except Exception:  # noqa: S110 - "NaN" or null among them: vertex by vertex
            pass
    places = _places(path)
    if len(places) < 2:
        return None
    return _HEAD.pack(1, LINE, len(places)) + _pack(places)


def _polygon(rings: list[list[Sequence[Any]]]) -> bytes | None:
    closed = [ring for ring in map(_ring, rings) if ring]
    if not closed:
        return None
    polygons = [[closed[0]]] if len(closed) == 1 else nest(closed)
    written = [
        _HEAD.pack(1, POLYGON, len(polygon))
        + b"".join(_COUNT.pack(len(ring)) + _pack(ring) for ring in polygon)
        for polygon in polygons
    ]
    if len(written) == 1:
        return written[0]
    return _HEAD.pack(1, MULTIPOLYGON, len(written)) + b"".join(written)


def _curve(_: Any) -> bytes | None:
    raise UnreadableGeometry("it has true curves, although straight lines were asked for")


_WRITERS: tuple[tuple[str, Callable[[Any], bytes | None]], ...] = (
    ("paths", _polyline),
    ("x", _point),
    ("rings", _polygon),
    ("points", _multipoint),
    ("curvePaths", _curve),
    ("curveRings", _curve),
)


def _pack(places: Vertices) -> bytes:
    return pack(f"<{2 * len(places)}d", *chain.from_iterable(places))


def _place(vertex: Sequence[Any]) -> tuple[float, float] | None:
    """x and y of a vertex, without what follows them; None for null and "NaN". 0 is a place."""
    if not isinstance(vertex, list | tuple):
        if isinstance(vertex, dict):  # {"c": ...}, {"a": ...}, {"b": ...}: an arc among the vertices
            _curve(vertex)
        raise TypeError(f"a {type(vertex).__name__} is no vertex")  # "12" is not (1, 2)
    x, y = vertex[0], vertex[1]
    if x is None or y is None:
        return None
    x, y = float(x), float(y)
    return (x, y) if math.isfinite(x) and math.isfinite(y) else None


def _places(vertices: Sequence[Sequence[Any]]) -> list[tuple[float, float]]:
    return [place for place in map(_place, vertices) if place]


def _ring(vertices: list[Sequence[Any]]) -> list[tuple[float, float]] | None:
    """A closed ring of at least four vertices, or None."""
    ring = _places(vertices)
    if ring and ring[0] != ring[-1]:
        ring.append(ring[0])
    return ring if len(ring) >= 4 else None


def nest(rings: list[list[tuple[float, float]]]) -> list[list[list[tuple[float, float]]]]:
    """Polygons, each a shell and its holes, from closed rings in any order and winding.

    A ring inside an even number of others is a shell, inside an odd number a hole of the smallest of them.
    Winding is not looked at: servers reverse it. A ring that is repeated counts once.
    """
    known: list[_Nested] = []
    seen: set[frozenset[tuple[float, float]]] = set()
    for index in sorted(range(len(rings)), key=lambda i: -abs(_area(rings[i]))):
        vertices = frozenset(rings[index])
        if vertices not in seen:
            seen.add(vertices)
            known.append(_Nested(rings[index], index))
    larger = _larger if len(known) < MANY_RINGS else _larger_by_tree
    polygons: list[list[list[tuple[float, float]]]] = []
    order: list[int] = []
    for nested, others in zip(known, larger(known), strict=True):
        around = [other for other in others if other.holds(nested)]
        nested.depth = len(around)
        if nested.depth % 2 == 0:
            nested.polygon = len(polygons)
            polygons.append([nested.ring])
            order.append(nested.index)
        else:
            # The known rings are ordered from large to small, so that the last one around is the nearest.
            nested.polygon = max(around, key=lambda other: other.depth).polygon
            polygons[nested.polygon].append(nested.ring)
    return [polygon for _, polygon in sorted(zip(order, polygons, strict=True), key=lambda pair: pair[0])]


def _larger(known: list[_Nested]) -> Iterator[Sequence[_Nested]]:
    """For each ring those before it, any of which may hold it."""
    return (known[:position] for position in range(len(known)))


def _larger_by_tree(known: list[_Nested]) -> Iterator[Sequence[_Nested]]:
    """The same without those whose box does not reach the ring: of thousands side by side, next to none."""
    import shapely

    tree = shapely.STRtree(shapely.box(*zip(*(nested.box for nested in known), strict=True)))
    corners = shapely.points([nested.box[:2] for nested in known])
    for position, corner in enumerate(corners):
        yield [known[i] for i in sorted(tree.query(corner).tolist()) if i < position]


class _Nested:
    """A ring with what is needed to say what lies within it."""

    def __init__(self, ring: list[tuple[float, float]], index: int) -> None:
        xs = [x for x, _ in ring]
        ys = [y for _, y in ring]
        self.ring, self.index = ring, index
        self.box = (min(xs), min(ys), max(xs), max(ys))
        self.inner = _interior_point(ring, sorted(set(ys)))
        self.depth = 0
        self.polygon = 0

    def holds(self, other: _Nested) -> bool:
        """Whether `other`, which is no larger, lies within this ring."""
        west, south, east, north = self.box
        w, s, e, n = other.box
        if w < west or s < south or e > east or n > north:
            return False
        x, y = other.inner
        return sum(crossing > x for crossing in _crossings(self.ring, y)) % 2 == 1


def _crossings(ring: list[tuple[float, float]], y: float) -> list[float]:
    """Where the ring's edges cross the horizontal at y, unsorted."""
    found = []
    x1, y1 = ring[0]
    for x2, y2 in ring[1:]:
        if (y1 > y) != (y2 > y):
            found.append(x1 + (y - y1) * (x2 - x1) / (y2 - y1))
        x1, y1 = x2, y2
    return found


def _interior_point(ring: list[tuple[float, float]], levels: list[float]) -> tuple[float, float]:
    """A point well inside: in the middle of the widest stretch, between the two levels furthest apart.

    A vertex would not do: holes may touch their shell.
    """
    if len(levels) < 2:
        return ring[0]
    low, high = max(pairwise(levels), key=lambda pair: pair[1] - pair[0])
    y = (low + high) / 2
    crossings = sorted(_crossings(ring, y))
    if len(crossings) < 2:
        return ring[0]
    left, right = max(zip(crossings[::2], crossings[1::2], strict=False), key=lambda pair: pair[1] - pair[0])
    return ((left + right) / 2, y)


def _area(ring: list[tuple[float, float]]) -> float:
    """Twice the signed area, about the first vertex (small rings far from the origin keep their digits)."""
    x0, y0 = ring[0]
    return sum((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0) for (x1, y1), (x2, y2) in pairwise(ring))
