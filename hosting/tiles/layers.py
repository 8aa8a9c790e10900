"""The layers: their zooms, what their features say, and the SQL that makes a tile.

Every statement gives one `bytea`, an MVT with one layer of the same name, and takes by name: z, x, y, sources
(ids), capacity_type, variant, utility (a code). Coordinates have the extent 4096 over 512 pixels: 8 a pixel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hosting.tiles import grid

# ruff: noqa: S608  # what the SQL is put together from are constants of ours

_TILE = "ST_TileEnvelope(%(z)s, %(x)s, %(y)s)"
_MARGIN = 64  # of 4096: 8 pixels, so that a line's width does not end at the tile's edge
_AROUND = f"ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => {_MARGIN / 4096})"
_PIXEL = "(40075016.6855785 / 512 / 2 ^ %(z)s)"  # in metres of Web Mercator
WHOLE_FROM: Final = 13  # from this zoom on shapes are sent as they are


def _drawn(shape: str, whole: str) -> str:
    """`shape` in tile coordinates; where it is too small for them, a point of `whole`.

    That is the point nearest the tile's middle; where it lies outside the tile, the one of what is inside.
    A shape whose box meets the tile while it does not itself is null.
    """
    middle = f"ST_Centroid({_TILE})"
    choices = (
        shape,
        f"ST_ClosestPoint({whole}, {middle})",
        f"ST_ClosestPoint(ST_ClipByBox2D({whole}, {_AROUND}), {middle})",
    )
    drawn = ", ".join(f"ST_AsMVTGeom({choice}, {_TILE}, 4096, {_MARGIN})" for choice in choices)
    return f"coalesce({drawn})"


def _tile(layer: str, rows: str, *, feature_id: str = "") -> str:
    """ST_AsMVT leaves out what has no geometry. (A WHERE that asked would have each made twice.)"""
    named = f", '{feature_id}'" if feature_id else ""
    return f"SELECT ST_AsMVT(t, '{layer}', 4096, 'geom'{named}) FROM ({rows}) t"


def _cells(cells: str) -> str:
    """Squares in the tile's own coordinates: no projection is needed to say where a cell is."""
    side = 4096 // grid.CELLS_A_SIDE
    west, north = f"mod(cell, {grid.CELLS_A_SIDE}) * {side}", f"(cell / {grid.CELLS_A_SIDE}) * {side}"
    return f"""
SELECT records AS n, remaining_known AS rn, remaining_median_mw AS r, remaining_max_mw AS rx,
       hosting_known AS hn, hosting_median_mw AS h, hosting_max_mw AS hx,
       -- MVT's y grows downwards, and so what is counter-clockwise here is an outer ring there.
       ST_ForcePolygonCCW(ST_MakeEnvelope({west}, {north}, {west} + {side}, {north} + {side})) AS geom
FROM ({cells}) c
"""


_MEGAWATTS = "t.remaining_capacity_mw::float8 AS r, t.hosting_capacity_mw::float8 AS h"
_MEANING = "nullif(t.capacity_status, 'published') AS st, t.constraining_metric AS k"
_THERE = f"t.geometry_3857 && {_AROUND} AND t.source_id = ANY(%(sources)s)"
_FIGURE = "t.capacity_type = %(capacity_type)s AND t.variant = %(variant)s"


def _feeders(shape: str) -> str:
    return _tile(
        "feeders",
        f"""
SELECT t.id, t.feeder_id AS f, u.utility_code AS u,
       coalesce(nullif(t.feeder_name, ''), nullif(t.feeder_id_external, '')) AS name,
       {_MEGAWATTS}, {_MEANING},
       CASE WHEN t.section_count > 0 THEN 1 END AS s, CASE WHEN t.grain = 'cell' THEN 'cell' END AS g,
       {_drawn(shape, "t.geometry_3857")} AS geom
FROM hosting_hostingcapacityrecord t JOIN utilities_utility u ON u.id = t.utility_id
WHERE {_THERE} AND {_FIGURE}
""",
        feature_id="id",
    )


def _sections(shape: str) -> str:
    return _tile(
        "sections",
        f"""
SELECT t.id, t.feeder_id AS f, u.utility_code AS u, {_MEGAWATTS}, {_MEANING},
       {_drawn(shape, "t.geometry_3857")} AS geom
FROM hosting_hostingcapacitysection t JOIN utilities_utility u ON u.id = t.utility_id
WHERE {_THERE} AND {_FIGURE}
""",
        feature_id="id",
    )


# A substation is shown where the layer that publishes it is; of no layer, where anything of its utility is.
_SEEN_SUBSTATION = (
    "(t.source_id = ANY(%(sources)s) OR t.source_id IS NULL AND t.utility_id IN"
    " (SELECT utility_id FROM utilities_source WHERE id = ANY(%(sources)s)))"
)
_SUBSTATIONS = _tile(
    "substations",
    f"""
SELECT t.id, u.utility_code AS u, t.name,
       ST_AsMVTGeom(
           coalesce(t.geometry_3857, ST_Transform(t.geometry, 3857)), {_TILE}, 4096, {_MARGIN}) AS geom
FROM hosting_substation t JOIN utilities_utility u ON u.id = t.utility_id
WHERE t.geometry && ST_Transform({_AROUND}, 4326) AND {_SEEN_SUBSTATION}
""",
    feature_id="id",
)
SUBSTATION_PLACES: Final = f"""
SELECT ST_Extent(t.geometry) FROM hosting_substation t WHERE {_SEEN_SUBSTATION}
"""


def _shape(zoom: int) -> str:
    """What is drawn of a shape: all of it near by, what a pixel can show from afar.

    A feeder is hundreds of short parts. Ends that meet fall on the same point of the grid, so that parts can
    shrink to nothing without leaving gaps, which simplification alone does not do: it keeps both ends. Half a
    pixel is not seen; at the two farthest zooms, where lines are thin and many, a whole one is not either.
    """
    if zoom >= WHOLE_FROM:
        return "t.geometry_3857"
    step = f"{_PIXEL} * {1 if zoom < 10 else 0.5}"
    return f"ST_Simplify(ST_SnapToGrid(t.geometry_3857, {step}), {step}, true)"


@dataclass(frozen=True)
class Layer:
    """One layer; `fields` are what its features carry, as TileJSON describes them."""

    name: str
    minzoom: int
    maxzoom: int
    description: str
    fields: Mapping[str, str]

    @property
    def zooms(self) -> range:
        return range(self.minzoom, self.maxzoom + 1)


_CAPACITY = {
    "r": "Remaining capacity in MW; absent: not known",
    "h": "Hosting capacity in MW; absent: not known",
    "st": "Status of the hosting capacity: at_least, withheld, not_studied or unknown; absent: published",
    "k": "The criterion that binds first; absent: not known",
}
LAYERS: Final = {
    layer.name: layer
    for layer in (
        Layer(
            "overview",
            grid.ZOOMS[0],
            grid.ZOOMS[-1],
            "Records counted in square cells of 8 pixels",
            {
                "n": "Number of records",
                "rn": "Number of records whose remaining capacity is known",
                "r": "Median of their remaining capacities in MW; absent: not known",
                "rx": "Highest of their remaining capacities in MW; absent: not known",
                "hn": "Number of records whose hosting capacity is known",
                "h": "Median of their hosting capacities in MW; absent: not known",
                "hx": "Highest of their hosting capacities in MW; absent: not known",
            },
        ),
        Layer(
            "feeders",
            8,
            14,
            "Feeders, and cells where a publisher names no feeder",
            {
                "f": "Feeder; absent for a cell",
                "u": "Code of the utility",
                "name": "Name of the feeder, or its id where none was published",
                **_CAPACITY,
                "s": "1 where the feeder's own sections are in the layer sections",
                "g": "cell where the figure is of a grid cell",
            },
        ),
        Layer(
            "sections",
            12,
            14,
            "Sections of feeders, each with its own figures",
            {"f": "Feeder", "u": "Code of the utility", **_CAPACITY},
        ),
        Layer(
            "substations",
            4,
            14,
            "Substations",
            {"u": "Code of the utility", "name": "Name of the substation"},
        ),
    )
}


def statement(layer: Layer, zoom: int, *, of_utility: bool, cells_are_kept: bool) -> str:
    """The SQL of one tile. `cells_are_kept` is for the overview: whether the table's cells are up to date."""
    if layer.name == "substations":
        return _SUBSTATIONS
    if layer.name == "overview":
        kept = grid.KEPT_OF_UTILITY if of_utility else grid.KEPT_OF_ALL
        return _tile("overview", _cells(kept if cells_are_kept else grid.MADE_NOW))
    return _feeders(_shape(zoom)) if layer.name == "feeders" else _sections(_shape(zoom))
