"""The SQL of the network's tables. What writes gives what it did: added, changed, kept, removed."""

COLUMNS = (
    "name",
    "external_id",
    "division",
    "voltage_kv",
    "installed_dg_mw",
    "queued_dg_mw",
    "month_hour",
    "low_mw",
    "high_mw",
)
STAGE = """
CREATE TEMPORARY TABLE network_row (
    row_no bigint, geometry geometry(Geometry, 4326), unread text,
    name text, external_id text, division text, voltage_kv numeric(8,3),
    installed_dg_mw numeric(12,5), queued_dg_mw numeric(12,5),
    month_hour text, low_mw numeric(12,5), high_mw numeric(12,5), month smallint, hour smallint
) ON COMMIT DROP
"""
REFUSE_NAMELESS = "DELETE FROM network_row WHERE coalesce(name, '') = '' RETURNING row_no, name"
REFUSE_UNREAD = "DELETE FROM network_row WHERE unread <> '' RETURNING row_no, name"
REFUSE_PLACELESS = (
    "DELETE FROM network_row WHERE geometry IS NULL OR ST_IsEmpty(geometry) RETURNING row_no, name"
)
REFUSE_REPEATED = """
DELETE FROM network_row r USING network_row earlier
WHERE left(earlier.name, 200) = left(r.name, 200) AND earlier.row_no < r.row_no RETURNING r.row_no, r.name
"""

# Two numbers with anything but digits between them, the month first.
READ_HOURS = r"""
UPDATE network_row SET month = found[1]::smallint, hour = found[2]::smallint - %(hour_first)s
FROM (SELECT row_no AS number, regexp_match(month_hour, '^\D*(\d{1,2})\D+(\d{1,2})\D*$') AS found
      FROM network_row) parts WHERE number = row_no
"""
REFUSE_HOURS = """
DELETE FROM network_row r WHERE NOT coalesce(month BETWEEN 1 AND 12 AND hour BETWEEN 0 AND 23, false)
OR EXISTS (SELECT 1 FROM network_row o
           WHERE o.name = r.name AND o.month = r.month AND o.hour = r.hour AND o.row_no < r.row_no)
RETURNING row_no, name, month_hour
"""
INCOMPLETE_PROFILES = """
SELECT name, count(*) FROM network_row GROUP BY name HAVING count(*) <> 288 ORDER BY name
"""

_SUBSTATIONS = """
WITH old AS (
    SELECT * FROM hosting_substation WHERE utility_id = %(utility)s
), new AS (
    SELECT left(name, 200) AS name, left(coalesce(external_id, ''), 120) AS external_id,
           left(coalesce(division, ''), 120) AS division, voltage_kv, installed_dg_mw, queued_dg_mw,
           ST_PointOnSurface(geometry)::geometry(Point, 4326) AS geometry
    FROM network_row
), done AS (
    INSERT INTO hosting_substation AS t (utility_id, source_id, name, external_id, division, voltage_kv,
        installed_dg_mw, queued_dg_mw, geometry, geometry_3857)
    SELECT %(utility)s, %(source)s, name, external_id, division, voltage_kv, installed_dg_mw, queued_dg_mw,
           geometry, CASE WHEN geometry @ ST_MakeEnvelope(-180, -85.06, 180, 85.06, 4326)
                          THEN ST_Transform(geometry, 3857) END
    FROM new
    ON CONFLICT (utility_id, name) DO UPDATE SET
        source_id = EXCLUDED.source_id,
        external_id = coalesce(nullif(EXCLUDED.external_id, ''), t.external_id),
        division = EXCLUDED.division, voltage_kv = EXCLUDED.voltage_kv,
        installed_dg_mw = EXCLUDED.installed_dg_mw, queued_dg_mw = EXCLUDED.queued_dg_mw,
        geometry = EXCLUDED.geometry, geometry_3857 = EXCLUDED.geometry_3857
    WHERE (t.source_id, t.external_id, t.division, t.voltage_kv, t.installed_dg_mw, t.queued_dg_mw,
           t.geometry)
          IS DISTINCT FROM (EXCLUDED.source_id, coalesce(nullif(EXCLUDED.external_id, ''), t.external_id),
                            EXCLUDED.division, EXCLUDED.voltage_kv, EXCLUDED.installed_dg_mw,
                            EXCLUDED.queued_dg_mw, EXCLUDED.geometry)
    RETURNING t.name
)
SELECT CASE WHEN done.name IS NULL THEN 'kept' WHEN old.name IS NULL THEN 'added' ELSE 'changed' END,
       count(*)
FROM new LEFT JOIN done USING (name) LEFT JOIN old USING (name) GROUP BY 1
"""
_SUBSTATIONS_GONE = """
WITH gone AS (
    UPDATE hosting_substation t SET source_id = NULL
    WHERE t.utility_id = %(utility)s AND t.source_id = %(source)s
    AND NOT EXISTS (SELECT 1 FROM network_row r WHERE left(r.name, 200) = t.name) RETURNING 1
) SELECT 'removed', count(*) FROM gone
"""

# A substation that only its load is known of is one too, without a place. Ids come before names.
_MEET_SUBSTATIONS = """
INSERT INTO hosting_substation (utility_id, name, external_id, division)
SELECT %(utility)s, left(r.name, 200), left(max(coalesce(r.external_id, '')), 120), ''
FROM network_row r
WHERE NOT EXISTS (SELECT 1 FROM hosting_substation s WHERE s.utility_id = %(utility)s
                  AND s.name = left(r.name, 200))
GROUP BY left(r.name, 200)
"""
_PROFILES = """
WITH new AS (
    SELECT s.id AS substation_id, r.month, r.hour, r.low_mw * 1000 AS low_kw, r.high_mw * 1000 AS high_kw
    FROM network_row r JOIN hosting_substation s ON s.utility_id = %(utility)s AND s.name = left(r.name, 200)
), old AS (
    SELECT p.substation_id, p.month, p.hour FROM hosting_substationloadprofile p
    JOIN hosting_substation s ON s.id = p.substation_id WHERE s.utility_id = %(utility)s
), done AS (
    INSERT INTO hosting_substationloadprofile AS t (substation_id, month, hour, low_kw, high_kw)
    SELECT substation_id, month, hour, low_kw, high_kw FROM new
    ON CONFLICT (substation_id, month, hour) DO UPDATE SET low_kw = EXCLUDED.low_kw,
        high_kw = EXCLUDED.high_kw
    WHERE (t.low_kw, t.high_kw) IS DISTINCT FROM (EXCLUDED.low_kw, EXCLUDED.high_kw)
    RETURNING t.substation_id, t.month, t.hour
)
SELECT CASE WHEN done.month IS NULL THEN 'kept' WHEN old.month IS NULL THEN 'added' ELSE 'changed' END,
       count(*)
FROM new LEFT JOIN done USING (substation_id, month, hour) LEFT JOIN old USING (substation_id, month, hour)
GROUP BY 1
"""
_PROFILES_GONE = """
WITH gone AS (
    DELETE FROM hosting_substationloadprofile p USING hosting_substation s
    WHERE s.id = p.substation_id AND s.utility_id = %(utility)s AND NOT EXISTS (
        SELECT 1 FROM network_row r
        WHERE left(r.name, 200) = s.name AND r.month = p.month AND r.hour = p.hour) RETURNING 1
) SELECT 'removed', count(*) FROM gone
"""

# A division can come in several rows, one for each of its parts.
_BOUNDARIES = """
WITH old AS (
    SELECT name FROM hosting_divisionboundary WHERE utility_id = %(utility)s
), new AS (
    SELECT left(name, 120) AS name,
           ST_Multi(ST_CollectionExtract(ST_Union(ST_MakeValid(geometry)), 3)) AS geometry
    FROM network_row GROUP BY 1
), done AS (
    INSERT INTO hosting_divisionboundary AS t (utility_id, name, geometry)
    SELECT %(utility)s, name, geometry FROM new
    ON CONFLICT (utility_id, name) DO UPDATE SET geometry = EXCLUDED.geometry
    WHERE NOT ST_OrderingEquals(t.geometry, EXCLUDED.geometry)
    RETURNING t.name
)
SELECT CASE WHEN done.name IS NULL THEN 'kept' WHEN old.name IS NULL THEN 'added' ELSE 'changed' END,
       count(*)
FROM new LEFT JOIN done USING (name) LEFT JOIN old USING (name) GROUP BY 1
"""
_BOUNDARIES_GONE = """
WITH gone AS (
    DELETE FROM hosting_divisionboundary t WHERE t.utility_id = %(utility)s
    AND NOT EXISTS (SELECT 1 FROM network_row r WHERE left(r.name, 120) = t.name) RETURNING 1
) SELECT 'removed', count(*) FROM gone
"""
WRITE = {
    "substations": (_SUBSTATIONS, _SUBSTATIONS_GONE),
    "load_profiles": (_MEET_SUBSTATIONS, _PROFILES, _PROFILES_GONE),
    "boundaries": (_BOUNDARIES, _BOUNDARIES_GONE),
}
