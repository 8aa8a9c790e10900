"""Sums over a utility's feeders, made by the database and replaced as a whole."""

from django.db import connection

_REMOVE = "DELETE FROM hosting_hostingcapacitysummary WHERE utility_id = %(utility)s"
_COMPUTE = """
WITH mine AS (
    -- A source that has left the catalog, or whose terms have become forbidden, keeps its rows for its
    -- history, and counts no more. (Not whether it is published: a first publication sums before it is.)
    SELECT r.* FROM hosting_hostingcapacityrecord r
    JOIN utilities_source s ON s.id = r.source_id AND s.in_catalog AND s.redistribution <> 'forbidden'
    WHERE r.utility_id = %(utility)s
), words AS (
    SELECT capacity_type, variant, jsonb_object_agg(constraining_metric, feeders) AS breakdown
    FROM (SELECT capacity_type, variant, constraining_metric, count(*) AS feeders FROM mine
          WHERE constraining_metric IS NOT NULL
          GROUP BY capacity_type, variant, constraining_metric) counted
    GROUP BY capacity_type, variant
)
INSERT INTO hosting_hostingcapacitysummary (
    utility_id, capacity_type, variant, total_feeders, total_hosting_capacity_mw, total_installed_dg_mw,
    total_remaining_capacity_mw, avg_utilization_pct, constrained_feeders_count, constraint_breakdown,
    computed_at)
SELECT %(utility)s, m.capacity_type, m.variant, count(*), sum(m.hosting_capacity_mw), sum(m.installed_dg_mw),
    sum(m.remaining_capacity_mw),
    -- Next to no capacity makes any share; it must not overflow the column.
    avg(least(m.installed_dg_mw / m.hosting_capacity_mw * 100, 999999.999))
        FILTER (WHERE m.hosting_capacity_mw > 0 AND m.installed_dg_mw IS NOT NULL),
    count(*) FILTER (WHERE m.remaining_capacity_mw < 1),
    coalesce((SELECT w.breakdown FROM words w
              WHERE w.capacity_type = m.capacity_type AND w.variant = m.variant), '{}'),
    now()
FROM mine m GROUP BY m.capacity_type, m.variant
"""


def summarise(utility_id: int) -> None:
    """Replace the summaries of a utility; one for each capacity type and variant it has records of.

    An unknown figure adds nothing to a sum, and a sum of unknowns alone is null. Call inside a transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE, {"utility": utility_id})
        cursor.execute(_COMPUTE, {"utility": utility_id})
