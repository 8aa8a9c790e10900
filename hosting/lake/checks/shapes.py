"""Where rows lie and how they are drawn (Q49 to Q53, Q55): read from the shapes before rows become figures.

The engine carries shapes as bytes that it does not read, so this goes over bronze once, a batch at a time.
Which rows cannot be drawn is needed when rows are judged; the rest is told of.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from hosting.lake import tables
from hosting.lake.checks.found import EXAMPLES, Noticed
from hosting.lake.checks.states import Box
from hosting.lake.store import Lake
from utilities.spec import SourceSpec

ROWS_A_BATCH = 5_000
NEAR = 0.1  # degrees that a box is widened by: lines cross borders


@dataclass
class Shapes:
    """Row numbers of what was noticed; `length` is of all lines together, in degrees."""

    drawn: int = 0
    undrawable: list[int] = field(default_factory=list)
    crossing: list[int] = field(default_factory=list)
    projected: list[int] = field(default_factory=list)
    outside: list[int] = field(default_factory=list)
    swapped: list[int] = field(default_factory=list)
    vast: list[int] = field(default_factory=list)
    without_length: list[int] = field(default_factory=list)
    length: float = 0.0


def of_run(lake: Lake, utility: str, run_id: int, spec: SourceSpec, boxes: tuple[Box, ...]) -> Shapes:
    """Look at every shape of a run; `boxes` are those of its states, none where that is not asked."""
    if spec.geometry == "none":
        return Shapes()
    partition = [("utility_code", "=", utility), ("run_id", "=", str(run_id))]
    bronze = lake.delta(tables.BRONZE).to_pyarrow_dataset(file_pruning_predicate=partition)
    batches = bronze.to_batches(columns=["row_no", "geometry"], batch_size=ROWS_A_BATCH)
    return look(batches, spec, boxes)


def look(batches: Iterable[pa.RecordBatch], spec: SourceSpec, boxes: tuple[Box, ...]) -> Shapes:
    """The same for batches of `row_no` and `geometry` (WKB, null where there is none)."""
    shapes = Shapes()
    for batch in batches:
        there = batch.filter(pc.is_valid(batch["geometry"]))
        # Coordinates of no world overflow when a length is made of them; such rows are told of as projected.
        with np.errstate(over="ignore", invalid="ignore"):
            _look(shapes, there, spec.thresholds.max_extent_degrees, boxes)
    return shapes


def _look(shapes: Shapes, batch: pa.RecordBatch, most: float, boxes: tuple[Box, ...]) -> None:
    numbers = batch["row_no"].to_numpy()
    drawn = shapely.from_wkb(batch["geometry"].to_numpy(zero_copy_only=False), on_invalid="ignore")
    bounds = shapely.bounds(drawn)
    kind, lengths = shapely.get_dimensions(drawn), shapely.length(drawn)
    can_be = ~shapely.is_missing(drawn) & np.isfinite(bounds).all(axis=1)
    can_be &= (kind < 2) | (shapely.area(drawn) > 0)
    west, south, east, north = np.where(can_be[:, None], bounds, 0).T
    projected = can_be & ((west < -180) | (east > 180) | (south < -90) | (north > 90))
    placed = can_be & ~projected
    x, y = (west + east) / 2, (south + north) / 2
    outside = placed & ~_within(x, y, boxes) if boxes else np.zeros(len(numbers), bool)
    swapped = outside & _within(y, x, boxes) if boxes else outside
    surfaces = placed & (kind == 2)
    crossing = surfaces.copy()
    crossing[surfaces] = ~shapely.is_valid(drawn[surfaces])
    shapes.drawn += int(can_be.sum())
    shapes.length += float(lengths[placed & (kind == 1)].sum())
    for name, mask in (
        ("undrawable", ~can_be),
        ("crossing", crossing),
        ("projected", projected),
        ("outside", outside & ~swapped),
        ("swapped", swapped),
        ("vast", placed & (np.maximum(east - west, north - south) > most)),
        ("without_length", placed & (kind == 1) & (lengths == 0)),
    ):
        getattr(shapes, name).extend(numbers[mask].tolist())


def _within(x: Any, y: Any, boxes: tuple[Box, ...]) -> Any:
    found = np.zeros(len(x), bool)
    for west, south, east, north in boxes:
        found |= (x >= west - NEAR) & (x <= east + NEAR) & (y >= south - NEAR) & (y <= north + NEAR)
    return found


def check(shapes: Shapes, spec: SourceSpec, length_before: float | None = None) -> list[Noticed]:
    """What is told of the shapes. `length_before` is of the lines that are published, in degrees."""
    found = [noticed for function in CHECKS for noticed in function(shapes, spec)]
    return [*found, *_length_changed(shapes, spec, length_before)]


def crossing_outline(shapes: Shapes, _spec: SourceSpec) -> Iterator[Noticed]:
    """Q49, W: outlines that cross themselves are drawn as they are."""
    yield from _told("Q49", "W", shapes.crossing, "outlines cross themselves")


def outside_its_states(shapes: Shapes, spec: SourceSpec) -> Iterator[Noticed]:
    """Q50: the middle of the row lies outside the boxes of its states; B above a share of the rows."""
    count = len(shapes.outside)
    severity = "B" if count > shapes.drawn * spec.thresholds.max_outside else "W"
    yield from _told("Q50", severity, shapes.outside, "rows lie outside the utility's states")


def swapped_axes(shapes: Shapes, spec: SourceSpec) -> Iterator[Noticed]:
    """Q51: most rows lie in the state once longitude and latitude are exchanged."""
    if len(shapes.swapped) > shapes.drawn * spec.thresholds.max_misplaced:
        yield from _told("Q51", "B", shapes.swapped, "rows have latitude and longitude exchanged")
    else:
        yield from _told(
            "Q50", "W", shapes.swapped, "rows lie outside, and would not with exchanged coordinates"
        )


def other_reference_system(shapes: Shapes, spec: SourceSpec) -> Iterator[Noticed]:
    """Q52, B: most coordinates are no degrees. A few such rows are told of when they are published."""
    if len(shapes.projected) > shapes.drawn * spec.thresholds.max_misplaced:
        yield from _told("Q52", "B", shapes.projected, "rows have coordinates that are no degrees")


def one_row_spans_a_territory(shapes: Shapes, spec: SourceSpec) -> Iterator[Noticed]:
    """Q53: dissolved multipart shapes."""
    most = spec.thresholds.max_extent_degrees
    yield from _told("Q53", "W", shapes.vast, f"rows reach over more than {most:g} degrees")


def zero_length(shapes: Shapes, _spec: SourceSpec) -> Iterator[Noticed]:
    """Q55: lines that begin where they end."""
    yield from _told("Q55", "W", shapes.without_length, "lines have no length")


def _length_changed(shapes: Shapes, spec: SourceSpec, before: float | None) -> Iterator[Noticed]:
    """Q55: all lines together are longer or shorter than what is published."""
    limit = spec.thresholds.max_length_change
    if spec.feed == "snapshot" and before and shapes.length and abs(shapes.length / before - 1) > limit:
        change = shapes.length / before - 1
        message = f"The length of all lines changed by {change:+.0%}, more than {limit:.0%}."
        yield Noticed("Q55", "W", message, shapes.drawn)


def _told(check: str, severity: str, rows: list[int], what: str) -> Iterator[Noticed]:
    if rows:
        message = f"{len(rows):,} {what}."
        yield Noticed(check, severity, message, len(rows), rows=tuple(rows[:EXAMPLES]))


CHECKS = (
    crossing_outline,
    outside_its_states,
    swapped_axes,
    other_reference_system,
    one_row_spans_a_territory,
    zero_length,
)
