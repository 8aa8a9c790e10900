"""Counts and sums of each feeder's DER, made by the database; only what differs is written."""

from django.db import connection

# As in summaries.py: what readers may not see counts no more. (Not whether it is published: a first
# publication counts before it is.)
_COUNTING = "s.in_catalog AND s.redistribution <> 'forbidden'"
_LISTED = f"""
WITH listed AS (
    -- Nothing in a list that was read is none; without a list it is unknown.
    SELECT word.status, EXISTS (
        SELECT FROM utilities_source s
        WHERE s.utility_id = %(utility)s AND {_COUNTING} AND (
            (s.published_run_id IS NOT NULL AND s.config_json #>> '{{ders,status}}' = word.status)
            OR EXISTS (SELECT FROM hosting_der d WHERE d.utility_id = %(utility)s
                       AND d.status = word.status AND d.source_id = s.id)
        )
    ) AS is_there
    FROM (VALUES ('installed'), ('planned')) word (status)
)"""  # noqa: S608 - words of ours
_FORGET = f"""
{_LISTED}
DELETE FROM hosting_feederdertotals t USING hosting_feeder f
WHERE f.id = t.feeder_id AND f.utility_id = %(utility)s AND NOT EXISTS (SELECT FROM listed WHERE is_there)
"""  # noqa: S608 - words of ours
_WRITE = f"""
{_LISTED}, mine AS NOT MATERIALIZED (
    SELECT d.feeder_id, d.further_feeder_ids, d.status, d.nameplate_kw
    FROM hosting_der d JOIN utilities_source s ON s.id = d.source_id AND {_COUNTING}
    WHERE d.utility_id = %(utility)s
), counted AS (
    SELECT feeder_id,
        count(*) FILTER (WHERE status = 'installed') AS installed_count,
        sum(nameplate_kw) FILTER (WHERE status = 'installed') AS installed_kw,
        count(*) FILTER (WHERE status = 'planned') AS planned_count,
        sum(nameplate_kw) FILTER (WHERE status = 'planned') AS planned_kw
    FROM (
        SELECT feeder_id, status, nameplate_kw FROM mine WHERE feeder_id IS NOT NULL
        UNION ALL
        SELECT further, m.status, m.nameplate_kw
        FROM mine m CROSS JOIN unnest(m.further_feeder_ids) further
        WHERE m.further_feeder_ids <> '{{}}' AND further IS DISTINCT FROM m.feeder_id
    ) led GROUP BY feeder_id
)
MERGE INTO hosting_feederdertotals t
USING (
    SELECT f.id AS feeder_id,
        CASE WHEN installed.is_there THEN coalesce(c.installed_count, 0) END AS installed_count,
        CASE WHEN installed.is_there AND coalesce(c.installed_count, 0) = 0 THEN 0 ELSE c.installed_kw END
            AS installed_kw,
        CASE WHEN planned.is_there THEN coalesce(c.planned_count, 0) END AS planned_count,
        CASE WHEN planned.is_there AND coalesce(c.planned_count, 0) = 0 THEN 0 ELSE c.planned_kw END
            AS planned_kw
    FROM hosting_feeder f
    JOIN listed installed ON installed.status = 'installed'
    JOIN listed planned ON planned.status = 'planned'
    LEFT JOIN counted c ON c.feeder_id = f.id
    WHERE f.utility_id = %(utility)s AND (installed.is_there OR planned.is_there)
) n ON t.feeder_id = n.feeder_id
WHEN MATCHED AND (t.installed_count, t.installed_kw, t.planned_count, t.planned_kw) IS DISTINCT FROM
    (n.installed_count, n.installed_kw, n.planned_count, n.planned_kw)
THEN UPDATE SET installed_count = n.installed_count, installed_kw = n.installed_kw,
    planned_count = n.planned_count, planned_kw = n.planned_kw
WHEN NOT MATCHED THEN INSERT (feeder_id, installed_count, installed_kw, planned_count, planned_kw)
VALUES (n.feeder_id, n.installed_count, n.installed_kw, n.planned_count, n.planned_kw)
"""  # noqa: S608 - words of ours


def refresh_der_totals(utility_id: int) -> None:
    """Bring the DER totals of a utility's feeders to what its DER say now. Call inside a transaction.

    A feeder has a row where a list of the utility's DER was read, installed or planned. Doing it twice
    changes nothing; a utility without DER costs a look at an index.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, {"utility": utility_id})
        cursor.execute(_WRITE, {"utility": utility_id})
