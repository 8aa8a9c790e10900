"""Shapes that are none, lie elsewhere, or are drawn over half a state."""

import json
from typing import Any

import pyarrow as pa
import pytest
import shapely

from hosting.lake.checks import shapes
from hosting.lake.checks.states import BOXES, boxes
from tests.hosting.lake.checks.cases import counts
from tests.hosting.lake.checks.test_registry import ROOT
from tests.hosting.lake.frames import source

RI = boxes(("RI",))
LINE = "LINESTRING(-71.5 41.5, -71.4 41.6)"


def look(*wkt: str | None, **given: Any) -> shapes.Shapes:
    wkb = [None if text is None else shapely.to_wkb(shapely.from_wkt(text)) for text in wkt]
    batch = pa.record_batch(
        {"row_no": pa.array(range(len(wkb)), pa.int64()), "geometry": pa.array(wkb, pa.binary())}
    )
    return shapes.look([batch], source(**given), RI)


def told(*wkt: str | None, before: float | None = None, **given: Any) -> Any:
    return shapes.check(look(*wkt, **given), source(**given), before)


def test_sound_lines_points_and_surfaces_are_told_nothing_of() -> None:
    sound = (LINE, "POINT(-71.5 41.5)", "POLYGON((-71.5 41.5, -71.4 41.5, -71.4 41.6, -71.5 41.5))", None)
    assert look(*sound).undrawable == []
    assert told(*sound) == []


def test_q49_finds_what_cannot_be_drawn() -> None:
    flat = "POLYGON((-71.5 41.5, -71.4 41.5, -71.5 41.5, -71.5 41.5))"
    seen = look(LINE, flat, "POINT(nan nan)")
    assert seen.undrawable == [1, 2]
    torn = pa.record_batch(
        {"row_no": pa.array([7], pa.int64()), "geometry": pa.array([b"\x01\x02"], pa.binary())}
    )
    assert shapes.look([torn], source(), RI).undrawable == [7]


def test_q49_flags_outlines_that_cross_themselves() -> None:
    bow = "POLYGON((-71.5 41.5, -71.4 41.6, -71.4 41.5, -71.5 41.65, -71.5 41.5))"
    assert counts("Q49", told(LINE, bow)) == [("W", 1)]


def test_q50_flags_rows_outside_the_states_and_holds_above_a_share() -> None:
    away = "LINESTRING(-80 41.5, -80 41.6)"
    assert counts("Q50", told(*[LINE] * 19, away)) == [("W", 1)]
    assert counts("Q50", told(*[LINE] * 18, away, away)) == [("B", 2)]
    assert counts("Q50", told(LINE)) == []


def test_q51_holds_exchanged_coordinates() -> None:
    swapped = "LINESTRING(41.5 -71.5, 41.6 -71.4)"
    assert counts("Q51", told(swapped, swapped, LINE)) == [("B", 2)]
    assert counts("Q51", told(swapped, LINE)) == []
    assert counts("Q50", told(swapped, LINE)) == [("W", 1)]


def test_q52_holds_coordinates_that_are_no_degrees() -> None:
    metres = "LINESTRING(-7959000 5093000, -7958000 5094000)"
    assert counts("Q52", told(metres, metres, LINE)) == [("B", 2)]
    assert counts("Q52", told(metres, LINE)) == []
    assert counts("Q52", told("LINESTRING(-71.5 1e300, -71.4 41.5)")) == [("B", 1)]


def test_q53_flags_a_row_that_spans_a_territory() -> None:
    vast = "MULTILINESTRING((-71.8 41.2, -71.7 41.2), (-70.7 41.9, -70.6 41.9))"
    assert counts("Q53", told(LINE, vast)) == [("W", 1)]
    assert counts("Q53", told(LINE, vast, thresholds={"max_extent_degrees": 2})) == []


def test_q55_flags_lines_without_length_and_a_changed_total() -> None:
    dot = "LINESTRING(-71.5 41.5, -71.5 41.5)"
    assert counts("Q55", told(LINE, dot)) == [("W", 1)]
    length = look(LINE).length
    assert counts("Q55", told(LINE, before=length / 1.2)) == [("W", 1)]
    assert counts("Q55", told(LINE, before=length / 1.05)) == []


def test_states_reach_as_far_as_their_vendored_outlines() -> None:
    atlas = json.loads((ROOT / "static/vendor/us-atlas/states-10m.json").read_text())
    (sx, sy), (tx, ty) = atlas["transform"]["scale"], atlas["transform"]["translate"]
    arcs = []
    for arc in atlas["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * sx + tx, y * sy + ty))
        arcs.append(points)
    names = {"RI": "Rhode Island", "NY": "New York", "CA": "California", "HI": "Hawaii", "PR": "Puerto Rico"}
    for state, name in names.items():
        [shape] = [
            one for one in atlas["objects"]["states"]["geometries"] if one["properties"]["name"] == name
        ]
        rings = (
            shape["arcs"] if shape["type"] == "Polygon" else [ring for part in shape["arcs"] for ring in part]
        )
        xs, ys = zip(
            *[point for ring in rings for n in ring for point in arcs[n if n >= 0 else ~n]], strict=True
        )
        assert BOXES[state] == pytest.approx((min(xs), min(ys), max(xs), max(ys)), abs=0.1)
        west, south, east, north = BOXES[state]
        assert west <= min(xs)
        assert south <= min(ys)
        assert east >= max(xs)
        assert north >= max(ys)


def test_states_that_are_not_known_are_not_judged_by() -> None:
    assert boxes(("RI", "AB")) == ()
