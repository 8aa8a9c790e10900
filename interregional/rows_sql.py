"""The one statement that reads flows: interfaces, primary interfaces or regions, by stamp, hour or day.

What a flow means is said here, for pages and programs alike. Utilisation is the flow over the limit of its
direction; it is null, with a reason, where that limit was not posted or is 0, and is never cut at 100. A
region is the sum of its lines at one instant; it has no value where a line is missing that had rows before
and has some later, or had some within the day before, be it the only one; and no limit where one of its lines
has none.
"""

from typing import Final

_INTERFACES: Final = """
    SELECT f."timestamp" AS at, i.id::int AS place, 'interface' AS kind, i.point_id, i.name, i.label,
        i.region, i.is_external, f.flow_mw, f.positive_limit_mw, f.negative_limit_mw
    FROM interregional_interfaceflow f JOIN interregional_interface i ON i.id = f.interface_id
    WHERE f."timestamp" >= %(since)s AND f."timestamp" < %(until)s
      AND (%(interfaces)s::int[] IS NULL OR f.interface_id = ANY(%(interfaces)s::int[]))
"""
# Lines are summed first and then set beside every stamp: a region whose lines are all missing has a row too.
_REGIONS: Final = """
    SELECT stamps.at, 100000 + array_position(%(regions)s::text[], asked.region) AS place, 'region' AS kind,
        NULL::int AS point_id, ''::text AS name, ''::text AS label, asked.region, true AS is_external,
        CASE WHEN lines = expected THEN flow_mw END AS flow_mw,
        CASE WHEN lines = expected AND lines = limited_in THEN positive_limit_mw END AS positive_limit_mw,
        CASE WHEN lines = expected AND lines = limited_out THEN negative_limit_mw END AS negative_limit_mw
    FROM (
        SELECT DISTINCT "timestamp" AS at FROM interregional_interfaceflow
        WHERE "timestamp" >= %(since)s AND "timestamp" < %(until)s
    ) stamps
    CROSS JOIN unnest(%(regions)s::text[]) AS asked(region)
    LEFT JOIN (
        SELECT f."timestamp" AS at, i.region, count(*) AS lines, sum(f.flow_mw) AS flow_mw,
            sum(f.positive_limit_mw) AS positive_limit_mw, count(f.positive_limit_mw) AS limited_in,
            sum(f.negative_limit_mw) AS negative_limit_mw, count(f.negative_limit_mw) AS limited_out
        FROM interregional_interfaceflow f JOIN interregional_interface i
            ON i.id = f.interface_id AND i.is_summed AND i.region = ANY(%(regions)s::text[])
        WHERE f."timestamp" >= %(since)s AND f."timestamp" < %(until)s
        GROUP BY f."timestamp", i.region
    ) total ON total.at = stamps.at AND total.region = asked.region
    CROSS JOIN LATERAL (
        SELECT count(*) AS expected FROM interregional_interface e
        WHERE e.region = asked.region AND e.is_summed
          AND e.first_seen <= stamps.at AND e.last_seen >= stamps.at - interval '24 hours'
    ) known
    WHERE expected > 0
"""
_BUCKETS: Final = {
    "hour": "date_trunc('hour', at)",
    "day": "date_trunc('day', at, 'America/New_York')",
}
_BY_BUCKET: Final = """
    SELECT {bucket} AS at, place, kind, point_id, name, label, region, is_external,
        avg(flow_mw) AS flow_mw,
        CASE WHEN count(positive_limit_mw) = count(flow_mw) THEN avg(positive_limit_mw) END
            AS positive_limit_mw,
        CASE WHEN count(negative_limit_mw) = count(flow_mw) THEN avg(negative_limit_mw) END
            AS negative_limit_mw,
        min(flow_mw) AS min_mw, max(flow_mw) AS max_mw, count(flow_mw) AS number
    FROM stamp GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""
_BY_STAMP: Final = "SELECT *, flow_mw AS min_mw, flow_mw AS max_mw, 1 AS number FROM stamp"
_MEANING: Final = """
SELECT at, place, kind, point_id, name, label, region,
    round(flow_mw, 4)::float8, round(positive_limit_mw, 4)::float8, round(negative_limit_mw, 4)::float8,
    CASE WHEN is_external THEN
        CASE sign(flow_mw) WHEN 1 THEN 'import' WHEN -1 THEN 'export' WHEN 0 THEN 'none' END
    END,
    CASE WHEN usable > 0 THEN round(100 * abs(flow_mw) / usable, 2)::float8 END,
    CASE
        WHEN flow_mw IS NULL THEN 'line_missing'
        WHEN usable > 0 THEN NULL
        WHEN usable <= 0 THEN 'closed_this_way'  -- below 0: the limit itself forces the other way
        WHEN kind = 'region' THEN 'a_line_has_no_limit'
        ELSE 'no_limit_posted'
    END,
    min_mw::float8, max_mw::float8, number
FROM (
    SELECT *, CASE sign(flow_mw)
        WHEN 1 THEN positive_limit_mw
        WHEN -1 THEN abs(negative_limit_mw)
        WHEN 0 THEN CASE WHEN positive_limit_mw <> 0 OR negative_limit_mw <> 0 THEN 1
            ELSE positive_limit_mw + negative_limit_mw END
    END AS usable
    FROM period
) known
"""


def statement(*, interfaces: bool, regions: bool, resolution: str) -> str:
    """Rows in order of time and place, up to `limit` of them after (`after_at`, `after_place`)."""
    parts = [sql for wanted, sql in ((interfaces, _INTERFACES), (regions, _REGIONS)) if wanted]
    period = _BY_BUCKET.format(bucket=_BUCKETS[resolution]) if resolution in _BUCKETS else _BY_STAMP
    return (
        f"WITH stamp AS ({' UNION ALL '.join(parts)}), period AS ({period}) {_MEANING}"
        "WHERE (at, place) > (%(after_at)s, %(after_place)s) ORDER BY at, place LIMIT %(limit)s"
    )


NEXT_STAMP: Final = 'SELECT min("timestamp") FROM interregional_interfaceflow WHERE "timestamp" >= %s'
# What there is: a version that changes with everything an answer is made of, the newest instant, whether it
# is made up.
STATE: Final = """
SELECT
    (SELECT md5(string_agg(concat_ws('-', id, inserted, updated), ' ')) FROM (
        SELECT id, inserted, updated FROM interregional_flowrun WHERE inserted + updated > 0
        ORDER BY id DESC LIMIT 100  -- not only the last: a run that began before it may end after it
    ) latest),
    (SELECT md5(string_agg(i::text, '' ORDER BY i.id)) FROM interregional_interface i),
    (SELECT max("timestamp") FROM interregional_interfaceflow),
    EXISTS (SELECT FROM interregional_flowsource WHERE is_synthetic)
"""
