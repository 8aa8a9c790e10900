"""Sums over a utility's feeders, made by the database and replaced as a whole."""

from datetime import datetime

from django.db import connection

from hosting.models import HostingCapacitySummary
from utilities.models import Utility

_REMOVE = "DELETE FROM hosting_hostingcapacitysummary WHERE utility_id = %(utility)s"
_COLUMNS = (
    "utility_id, capacity_type, variant, total_feeders, total_hosting_capacity_mw, total_installed_dg_mw, "
    "total_remaining_capacity_mw, avg_utilization_pct, constrained_feeders_count, constraint_breakdown, "
    "computed_at"
)


def _sums(table: str, when: str = "true") -> str:
    """One row for each capacity type and variant of the rows of `table` (as r) for which `when` is true."""
    return f"""
WITH mine AS (
    -- A source that has left the catalog, or whose terms have become forbidden, keeps its rows for its
    -- history, and counts no more. (Not whether it is published: a first publication sums before it is.)
    SELECT r.capacity_type, r.variant, r.hosting_capacity_mw, r.installed_dg_mw, r.remaining_capacity_mw,
           r.constraining_metric
    FROM {table} r
    JOIN utilities_source s ON s.id = r.source_id AND s.in_catalog AND s.redistribution <> 'forbidden'
    WHERE r.utility_id = %(utility)s AND {when}
), words AS (
    SELECT capacity_type, variant, jsonb_object_agg(constraining_metric, feeders) AS breakdown
    FROM (SELECT capacity_type, variant, constraining_metric, count(*) AS feeders FROM mine
          WHERE constraining_metric IS NOT NULL
          GROUP BY capacity_type, variant, constraining_metric) counted
    GROUP BY capacity_type, variant
)
SELECT %(utility)s AS utility_id, m.capacity_type, m.variant, count(*) AS total_feeders,
    sum(m.hosting_capacity_mw) AS total_hosting_capacity_mw,
    sum(m.installed_dg_mw) AS total_installed_dg_mw,
    sum(m.remaining_capacity_mw) AS total_remaining_capacity_mw,
    -- Next to no capacity makes any share; it must not overflow the column.
    (avg(least(m.installed_dg_mw / m.hosting_capacity_mw * 100, 999999.999))
        FILTER (WHERE m.hosting_capacity_mw > 0 AND m.installed_dg_mw IS NOT NULL))::numeric(9, 3)
        AS avg_utilization_pct,
    count(*) FILTER (WHERE m.remaining_capacity_mw < 1) AS constrained_feeders_count,
    coalesce((SELECT w.breakdown FROM words w
              WHERE w.capacity_type = m.capacity_type AND w.variant = m.variant), '{{}}')
        AS constraint_breakdown,
    now() AS computed_at
FROM mine m GROUP BY m.capacity_type, m.variant
"""  # noqa: S608 what is put in is ours


_COMPUTE = f"INSERT INTO hosting_hostingcapacitysummary ({_COLUMNS}) {_sums('hosting_hostingcapacityrecord')}"
_AT = _sums(
    "hosting_recordstate",
    "r.valid_from <= %(instant)s AND (r.valid_to IS NULL OR r.valid_to > %(instant)s)",
)


def summarise(utility_id: int) -> None:
    """Replace the summaries of a utility; one for each capacity type and variant it has records of.

    An unknown figure adds nothing to a sum, and a sum of unknowns alone is null. Call inside a transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE, {"utility": utility_id})
        cursor.execute(_COMPUTE, {"utility": utility_id})


def sums_at(utility: Utility, instant: datetime) -> list[HostingCapacitySummary]:
    """The same sums over the records that held at an instant, computed now and not kept."""
    found = HostingCapacitySummary.objects.raw(
        f"SELECT 0 AS id, sums.* FROM ({_AT}) sums ORDER BY capacity_type, variant",  # noqa: S608 ours
        {"utility": utility.pk, "instant": instant},
    )
    rows = list(found)
    for row in rows:
        row.utility = utility
    return rows
