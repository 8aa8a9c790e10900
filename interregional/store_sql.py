"""The statements that write flows. `flow_stage` holds what came, one row for each instant and interface."""

STAGE = """
CREATE TEMPORARY TABLE flow_stage (
    "timestamp" timestamptz NOT NULL, interface_id smallint NOT NULL,
    flow_mw numeric(10, 4) NOT NULL, positive_limit_mw numeric(10, 4), negative_limit_mw numeric(10, 4)
) ON COMMIT DROP
"""
COPY = (
    'COPY flow_stage ("timestamp", interface_id, flow_mw, positive_limit_mw, negative_limit_mw)'
    " FROM STDIN (FORMAT csv)"
)
# Only rows that are new or differ are left in the stage: the others are not even locked.
FORGET_KNOWN = """
DELETE FROM flow_stage s USING interregional_interfaceflow f
WHERE f."timestamp" = s."timestamp" AND f.interface_id = s.interface_id
  AND (f.flow_mw, f.positive_limit_mw, f.negative_limit_mw)
      IS NOT DISTINCT FROM (s.flow_mw, s.positive_limit_mw, s.negative_limit_mw)
"""
KEEP_REVISED = """
INSERT INTO interregional_flowrevision
    ("timestamp", interface_id, run_id, revised_at, flow_mw, positive_limit_mw, negative_limit_mw)
SELECT f."timestamp", f.interface_id, %(run)s, %(now)s, f.flow_mw, f.positive_limit_mw, f.negative_limit_mw
FROM flow_stage s JOIN interregional_interfaceflow f USING ("timestamp", interface_id)
ORDER BY f."timestamp", f.interface_id
"""
UPSERT = """
INSERT INTO interregional_interfaceflow
    ("timestamp", interface_id, run_id, flow_mw, positive_limit_mw, negative_limit_mw)
SELECT "timestamp", interface_id, %(run)s, flow_mw, positive_limit_mw, negative_limit_mw
FROM flow_stage ORDER BY "timestamp", interface_id
ON CONFLICT ("timestamp", interface_id) DO UPDATE SET
    run_id = excluded.run_id, flow_mw = excluded.flow_mw,
    positive_limit_mw = excluded.positive_limit_mw, negative_limit_mw = excluded.negative_limit_mw
"""
# A flow that an uncontrolled interface repeats for an hour: nobody measures that. One that is not classified
# may be controlled: whole numbers are no sign there.
FROZEN = """
WITH window_of AS (
    SELECT f."timestamp", f.interface_id, f.flow_mw, i.region,
        lag(f.flow_mw) OVER w AS before_mw, lag(f."timestamp") OVER w AS before_at
    FROM unnest(%(begins)s::timestamptz[], %(ends)s::timestamptz[]) AS stretch(begins, ends)
    JOIN interregional_interfaceflow f
        ON f."timestamp" BETWEEN stretch.begins - interval '65 minutes' AND stretch.ends
    JOIN interregional_interface i ON i.id = f.interface_id
    WHERE NOT i.follows_schedule
    WINDOW w AS (PARTITION BY f.interface_id ORDER BY f."timestamp")
), numbered AS (
    SELECT *, count(*) FILTER (
        WHERE before_mw IS DISTINCT FROM flow_mw OR "timestamp" - before_at > interval '10 minutes'
    ) OVER (PARTITION BY interface_id ORDER BY "timestamp") AS stretch
    FROM window_of
)
SELECT interface_id, min("timestamp"), max("timestamp"), count(*), min(flow_mw)
FROM numbered GROUP BY interface_id, stretch
HAVING max("timestamp") - min("timestamp") >= interval '60 minutes'
    AND (min(flow_mw) <> trunc(min(flow_mw)) OR min(region) <> 'unclassified')
ORDER BY interface_id, min("timestamp")
"""
MARKS = """
SELECT DISTINCT "timestamp" FROM interregional_interfaceflow
WHERE "timestamp" >= %s AND "timestamp" < %s ORDER BY "timestamp"
"""
# While there is a demonstration, the table holds nothing else and is small.
FORGET_DEMONSTRATION = """
DELETE FROM interregional_interfaceflow f USING interregional_flowrun r, interregional_flowsource s
WHERE r.id = f.run_id AND s.id = r.source_id AND s.is_synthetic
"""
