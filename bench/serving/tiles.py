"""Tiles: made anew against their own SQL, from the cache, and beside tipg."""

import time
from typing import Any

import psycopg
from django.core.cache import cache

from bench.serving.client import PASSES, Client, median, p95
from bench.serving.places import Tile
from bench.serving.table import Figure
from hosting.tiles.layers import LAYERS, statement
from hosting.tiles.published import published

UNCACHED_MS, CACHED_MS = 5.0, 3.0  # above the SQL alone; altogether
# What tipg is asked for: the columns that our feeders carry, of the same rows.
_TIPG = (
    "/collections/public.hosting_hostingcapacityrecord/tiles/WebMercatorQuad/{z}/{x}/{y}"
    "?geom-column=geometry_3857&capacity_type=generation&variant=default&limit=10000"
    "&properties=feeder_id,feeder_name,remaining_capacity_mw,hosting_capacity_mw,capacity_status,"
    "constraining_metric,section_count,grain"
)


def measure(
    tiles: list[Tile], ours: Client, plain: "psycopg.Connection[Any]", theirs: Client
) -> list[Figure]:
    """Each tile once by SQL, once by us uncached, then by us from the cache; feeders also by tipg."""
    there = published(None)
    assert there.cells_are_kept
    for tile in tiles:
        _sql(plain, tile, there.sources)  # what PostgreSQL reads is in memory for both
    passes = [_uncached(tiles, ours, plain, there.sources) for _ in range(PASSES)]
    uncached, direct = min(passes, key=lambda taken: sum(taken[0]) + sum(taken[1]))
    cached = min(([ours.get(tile.path).ms for tile in tiles] for _ in range(PASSES)), key=sum)
    of_feeders = [place for place, tile in enumerate(tiles) if tile.layer == "feeders"]
    peer = [theirs.get(_TIPG.format(z=tiles[at].z, x=tiles[at].x, y=tiles[at].y)).ms for at in of_feeders]
    mine = [uncached[at] for at in of_feeders]
    more = [ms - sql for ms, sql in zip(uncached, direct, strict=True)]
    return [
        Figure(
            f"tiles, uncached, p95 of {len(tiles)}",
            p95(uncached),
            p95(direct),
            "the same SQL",
            limit=p95(direct) + UNCACHED_MS,
        ),
        Figure("tiles, uncached, median", median(uncached), median(direct), "the same SQL"),
        Figure("tiles, uncached less the same tile's SQL, p95", p95(more)),
        Figure("tiles, cached, p95", p95(cached), limit=CACHED_MS),
        Figure("tiles, cached, median", median(cached)),
        Figure(f"tiles of feeders, uncached, p95 of {len(mine)}", p95(mine), p95(peer), "tipg"),
        Figure("tiles of feeders, uncached, median", median(mine), median(peer), "tipg"),
    ]


def _uncached(
    tiles: list[Tile], ours: Client, plain: "psycopg.Connection[Any]", sources: list[int]
) -> tuple[list[float], list[float]]:
    """Milliseconds of each tile, made anew by us and by its SQL alone, which take turns to be the first."""
    cache.clear()
    uncached: list[float] = []
    direct: list[float] = []
    for turn, tile in enumerate(tiles):
        if turn % 2:
            direct.append(_sql(plain, tile, sources))
        uncached.append(ours.get(tile.path).ms)
        if not turn % 2:
            direct.append(_sql(plain, tile, sources))
    return uncached, direct


def _sql(plain: "psycopg.Connection[Any]", tile: Tile, sources: list[int]) -> float:
    """Milliseconds of a tile's own statement, until its bytes are here."""
    sql: Any = statement(LAYERS[tile.layer], tile.z, of_utility=False, cells_are_kept=True)
    given = {
        "z": tile.z,
        "x": tile.x,
        "y": tile.y,
        "sources": sources,
        "capacity_type": "generation",
        "variant": "default",
        "utility": None,
    }
    began = time.perf_counter()
    row = plain.execute(sql, given).fetchone()
    assert row is not None
    bytes(row[0])
    return (time.perf_counter() - began) * 1000
