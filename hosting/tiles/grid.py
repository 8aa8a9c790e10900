"""The overview's cells: kept in step with what readers may see, in the transaction that changes it.

For all utilities together they are not derived from those of each utility, because medians do not merge:
they are made anew from the records, in those cells where a utility that changed has or had any.
"""

from typing import Final

from django.db import connection, transaction

from hosting.visible import VISIBLE_SQL

# ruff: noqa: S608  # what the SQL is put together from are constants of ours

ZOOMS: Final = range(8)
CELLS_A_SIDE: Final = 64  # of a tile of 512 pixels, so 8 pixels each
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('hosting.tiles.grid'))"

# The visible runs, in one text, wherever it is asked for: it is compared as text.
RUNS_SQL: Final = "string_agg(s.id || ':' || s.published_run_id, ',' ORDER BY s.id)"

# Each record that has a place on the map, with the column and row of its cell at the grid's deepest zoom:
# 64 x 2^7 = 8192 a side, Web Mercator.
_PLACED = f"""
SELECT r.utility_id, r.source_id, r.capacity_type, r.variant,
       r.remaining_capacity_mw::float8 AS remaining, r.hosting_capacity_mw::float8 AS hosting,
       greatest(0, least(8191, floor((ST_X(r.centroid) + 180) / 360 * 8192)))::int AS x,
       greatest(0, least(8191, floor(
           (1 - asinh(tan(radians(ST_Y(r.centroid)))) / pi()) / 2 * 8192)))::int AS y
FROM hosting_hostingcapacityrecord r JOIN utilities_source s ON s.id = r.source_id AND {VISIBLE_SQL}
WHERE r.geometry_3857 IS NOT NULL AND r.centroid IS NOT NULL
"""
# A cell in one number, which joins and sorts several times faster than its parts: three bits of zoom, then
# thirteen each for row and column of the whole world. First of a record, then of a row of the table.
_CODE = "(z.zoom << 26) | ((p.y >> (7 - z.zoom)) << 13) | (p.x >> (7 - z.zoom))"
_CODE_OF_ROW = "(zoom::int << 26) | ((tile_y * 64 + (cell >> 6)) << 13) | (tile_x * 64 + (cell & 63))"
# And back: zoom, tile_x, tile_y, cell.
_DECODED = (
    "code >> 26, (code & 8191) >> 6, ((code >> 13) & 8191) >> 6, (((code >> 13) & 63) << 6) | (code & 63)"
)
_FIGURES = (
    "count(*) AS records,"
    " count(remaining) AS remaining_known,"
    " percentile_cont(0.5) WITHIN GROUP (ORDER BY remaining) AS remaining_median_mw,"
    " max(remaining) AS remaining_max_mw,"
    " count(hosting) AS hosting_known,"
    " percentile_cont(0.5) WITHIN GROUP (ORDER BY hosting) AS hosting_median_mw,"
    " max(hosting) AS hosting_max_mw"
)
_COLUMNS = (
    "utility_id, capacity_type, variant, zoom, tile_x, tile_y, cell,"
    " records, remaining_known, remaining_median_mw, remaining_max_mw,"
    " hosting_known, hosting_median_mw, hosting_max_mw"
)

# Utilities whose visible runs are not those that their cells were made from.
_CHANGED = f"""
SELECT coalesce(now.utility_id, was.utility_id)
FROM (SELECT s.utility_id, {RUNS_SQL} AS sources FROM utilities_source s WHERE {VISIBLE_SQL}
      GROUP BY s.utility_id) now
FULL JOIN (SELECT utility_id, sources FROM hosting_overviewstate WHERE utility_id IS NOT NULL) was
USING (utility_id)
WHERE now.sources IS DISTINCT FROM was.sources
"""
_IN_CELLS = f"SELECT p.*, {_CODE} AS code FROM placed p, generate_series(0, 7) z(zoom)"
_TOUCHED = f"SELECT capacity_type, variant, {_CODE_OF_ROW} AS code FROM hosting_overviewcell"
_THEIRS = "utility_id = ANY(%(utilities)s)"
_STEPS = (
    "SET LOCAL work_mem = '64MB'",
    # Where a utility that changed had records, and where it has some now.
    f"CREATE TEMPORARY TABLE touched ON COMMIT DROP AS {_TOUCHED} WHERE {_THEIRS} GROUP BY 1, 2, 3",
    f"DELETE FROM hosting_overviewcell WHERE {_THEIRS}",
    f"CREATE TEMPORARY TABLE placed ON COMMIT DROP AS {_PLACED} AND r.{_THEIRS}",
    f"""
INSERT INTO hosting_overviewcell ({_COLUMNS})
SELECT utility_id, capacity_type, variant, {_DECODED}, {_FIGURES} FROM ({_IN_CELLS}) c
GROUP BY code, utility_id, capacity_type, variant
""",
    f"INSERT INTO touched ({_TOUCHED} WHERE {_THEIRS} GROUP BY 1, 2, 3) EXCEPT TABLE touched",
    "ANALYZE touched",
    f"""
DELETE FROM hosting_overviewcell o USING touched t
WHERE o.utility_id IS NULL AND t.code = ({_CODE_OF_ROW})
  AND t.capacity_type = o.capacity_type AND t.variant = o.variant
""",
    "DROP TABLE placed",
    f"""
CREATE TEMPORARY TABLE placed ON COMMIT DROP AS {_PLACED}
  AND (r.capacity_type, r.variant) IN (SELECT capacity_type, variant FROM touched GROUP BY 1, 2)
""",
    "ANALYZE placed",  # or the join below is planned for a few rows, and loops over all cells for each record
    f"""
INSERT INTO hosting_overviewcell ({_COLUMNS})
SELECT NULL, capacity_type, variant, {_DECODED}, {_FIGURES}
FROM ({_IN_CELLS}) c JOIN touched USING (code, capacity_type, variant)
GROUP BY code, capacity_type, variant
""",
    "DROP TABLE placed, touched",
    f"DELETE FROM hosting_overviewstate WHERE {_THEIRS} OR utility_id IS NULL",
    f"""
INSERT INTO hosting_overviewstate (utility_id, sources)
SELECT s.utility_id, {RUNS_SQL} FROM utilities_source s
WHERE {VISIBLE_SQL} AND s.{_THEIRS} GROUP BY s.utility_id
UNION ALL
SELECT NULL, coalesce({RUNS_SQL}, '') FROM utilities_source s WHERE {VISIBLE_SQL}
""",
)

# One tile's cells as the table has them, and as they would be if they were made now: the same words, for when
# what is visible has changed and nobody has refreshed the cells yet.
_OF_TILE = "zoom = %(z)s AND tile_x = %(x)s AND tile_y = %(y)s"
KEPT_OF_ALL: Final = f"""
SELECT * FROM hosting_overviewcell
WHERE utility_id IS NULL AND capacity_type = %(capacity_type)s AND variant = %(variant)s AND {_OF_TILE}
"""
KEPT_OF_UTILITY: Final = KEPT_OF_ALL.replace(
    "utility_id IS NULL",
    "utility_id = (SELECT id FROM utilities_utility WHERE utility_code = %(utility)s)",
)
MADE_NOW: Final = f"""
WITH placed AS MATERIALIZED ({_PLACED} AND r.source_id = ANY(%(sources)s)
    AND r.capacity_type = %(capacity_type)s AND r.variant = %(variant)s)
SELECT (((code >> 13) & 63) << 6) | (code & 63) AS cell, {_FIGURES}
FROM (SELECT p.*, {_CODE} AS code FROM placed p, (SELECT %(z)s AS zoom) z) c
WHERE (code & 8191) >> 6 = %(x)s AND ((code >> 13) & 8191) >> 6 = %(y)s GROUP BY code
"""


@transaction.atomic
def refresh() -> int:
    """Bring the cells to what readers see as of this transaction; how many utilities had changed.

    Call it last in the transaction that publishes or that changes what is visible. It waits for others that
    do the same, and they wait for its commit: the cells of all utilities belong to everybody. Because it is
    the last lock that a transaction takes, none can wait for each other.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
        cursor.execute(_CHANGED)
        utilities = [utility for (utility,) in cursor.fetchall()]
        if utilities:
            for step in _STEPS:
                cursor.execute(step, {"utilities": utilities})
    return len(utilities)
