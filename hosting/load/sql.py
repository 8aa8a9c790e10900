"""SQL of the load data: what publication does not do itself, all of it in sets."""

STATION_TABLE = """
CREATE TEMPORARY TABLE station (name text, external_id text, division text, geometry geometry(Point, 4326))
ON COMMIT DROP
"""
STATIONS = """
INSERT INTO hosting_substation (utility_id, source_id, name, external_id, division, geometry, geometry_3857)
SELECT %(utility)s, %(source)s, name, external_id, division, geometry, ST_Transform(geometry, 3857)
FROM station ORDER BY external_id
"""

# As publish._meet_feeders: their ids are slugs as they are.
MEET_FEEDERS = """
INSERT INTO hosting_feeder (utility_id, external_id, slug, name, substation_id, first_seen_id, last_seen_id)
SELECT %(utility)s, c.feeder_id, c.feeder_id, c.feeder_name, s.id, %(run)s, %(run)s
FROM (SELECT feeder_id, max(feeder_name) AS feeder_name, max(substation_name) AS substation_name
      FROM change GROUP BY feeder_id) c
JOIN hosting_substation s ON s.utility_id = %(utility)s AND s.name = c.substation_name
ORDER BY c.feeder_id
"""

# What hosting/lake/rollup.py makes of sections: generation by its highest, load by its lowest; the section
# that the headline comes from is described, by its key among equals.
ROLL_UP = """
CREATE TEMPORARY TABLE rolled ON COMMIT DROP AS
SELECT feeder_id, capacity_type, variant,
    CASE capacity_type WHEN 'load' THEN lowest ELSE highest END AS described,
    min(hosting_capacity_mw) AS hosting_capacity_min_mw, max(hosting_capacity_mw) AS hosting_capacity_max_mw,
    max(installed_dg_mw) AS installed_dg_mw, max(queued_dg_mw) AS queued_dg_mw,
    max(remaining_basis) AS remaining_basis, max(voltage_kv) AS voltage_kv, max(phase) AS phase,
    CASE WHEN bool_and(is_overhead) = bool_or(is_overhead) THEN bool_and(is_overhead) END AS is_overhead,
    CASE WHEN bool_and(is_network) = bool_or(is_network) THEN bool_and(is_network) END AS is_network,
    CASE WHEN min(capacity_status) = max(capacity_status) THEN min(capacity_status) ELSE 'unknown' END
        AS alike_status,
    max(record_date) AS record_date, max(der_date) AS der_date, min(feeder_name) AS feeder_name,
    min(substation_name) AS substation_name, min(county) AS county, count(*) AS section_count
FROM (
    SELECT *,
        first_value(key) OVER (PARTITION BY feeder_id, capacity_type, variant
            ORDER BY hosting_capacity_mw DESC NULLS LAST, key DESC) AS highest,
        first_value(key) OVER (PARTITION BY feeder_id, capacity_type, variant
            ORDER BY hosting_capacity_mw NULLS LAST, key) AS lowest,
        CASE phase_config WHEN '3-phase' THEN 3 WHEN '2-phase' THEN 2 WHEN 'single-phase' THEN 1 END AS phase
    FROM change
) c GROUP BY feeder_id, capacity_type, variant, lowest, highest
"""
DESCRIBE = """
CREATE TEMPORARY TABLE described ON COMMIT DROP AS
SELECT key, capacity_type, variant, hosting_capacity_mw, capacity_status, constraining_metric
FROM change
"""
CHANGE_OF_RECORDS = """
INSERT INTO change (operation, key, capacity_type, variant, feeder_id, hosting_capacity_mw, capacity_status,
    installed_dg_mw, queued_dg_mw, remaining_capacity_mw, remaining_basis, constraining_metric, voltage_kv,
    phase_config, is_overhead, is_network, record_date, der_date, feeder_name, substation_name, county, grain,
    hosting_capacity_min_mw, hosting_capacity_max_mw, section_count)
SELECT 'added', r.feeder_id, r.capacity_type, r.variant, r.feeder_id, d.hosting_capacity_mw,
    CASE WHEN d.hosting_capacity_mw IS NULL THEN r.alike_status ELSE d.capacity_status END,
    r.installed_dg_mw, r.queued_dg_mw,
    CASE r.remaining_basis
        WHEN 'hosting' THEN d.hosting_capacity_mw
        WHEN 'hosting_less_installed' THEN d.hosting_capacity_mw - r.installed_dg_mw
        WHEN 'hosting_less_queued' THEN d.hosting_capacity_mw - r.queued_dg_mw
        WHEN 'hosting_less_installed_and_queued'
            THEN d.hosting_capacity_mw - r.installed_dg_mw - r.queued_dg_mw
    END,
    r.remaining_basis, CASE WHEN d.hosting_capacity_mw IS NOT NULL THEN d.constraining_metric END,
    r.voltage_kv, (ARRAY['single-phase', '2-phase', '3-phase'])[r.phase], r.is_overhead, r.is_network,
    r.record_date, r.der_date, r.feeder_name, r.substation_name, r.county, 'section',
    r.hosting_capacity_min_mw, r.hosting_capacity_max_mw, r.section_count
FROM rolled r JOIN described d
    ON d.key = r.described AND d.capacity_type = r.capacity_type AND d.variant = r.variant
ORDER BY r.capacity_type, r.feeder_id
"""
# A number between 0 and 1 that depends on the row, the seed and what it is for, and on nothing else.
_CHANCE = "(hashint8extended(n, %(seed)s * 100 + {}) & 1048575) / 1048576.0"
DERS = f"""
INSERT INTO hosting_der (utility_id, source_id, ingestion_run_id, feeder_id, feeder_reference, external_id,
    status, der_type, technologies, nameplate_kw, is_hybrid, installed_on, planned_on, project_status,
    status_rationale, queue_request_id, queue_position, valid_from)
SELECT %(utility)s, %(source)s, %(run)s, f.id,
    coalesce(f.external_id, 'not-on-the-map-' || n %% 1000),
    'D' || %(number)s || '-' || lpad(n::text, 7, '0'),
    CASE WHEN planned THEN 'planned' ELSE 'installed' END,
    CASE WHEN hybrid THEN 'Solar + Storage' WHEN kind < 0.92 THEN 'Solar' WHEN kind < 0.97 THEN 'Storage'
        ELSE 'Wind' END,
    CASE WHEN hybrid THEN jsonb_build_object('solar', kw, 'storage', round(kw * 0.5, 3))
        WHEN kind < 0.92 THEN jsonb_build_object('solar', kw)
        WHEN kind < 0.97 THEN jsonb_build_object('storage', kw) ELSE jsonb_build_object('wind', kw) END,
    CASE WHEN hybrid THEN kw + round(kw * 0.5, 3) ELSE kw END, hybrid,
    CASE WHEN NOT planned THEN date '2012-01-01' + floor(day * 5300)::int END,
    CASE WHEN planned THEN date '2026-12-01' + floor(day * 900)::int END,
    CASE WHEN planned
        THEN (ARRAY['Application', 'Study', 'Agreement', 'Construction'])[1 + floor(day * 4)::int]
        ELSE '' END,
    '', CASE WHEN planned THEN 'Q' || %(number)s || '-' || n ELSE '' END,
    CASE WHEN planned THEN (1 + n %% 400)::text ELSE '' END, %(valid_from)s
FROM (
    SELECT n, planned, day, kind, kind < 0.1 AS hybrid, place,
        round((CASE WHEN size < 0.8 THEN 3 + within * 12 WHEN size < 0.97 THEN 20 + within * 480
            ELSE 500 + within * 4500 END)::numeric, 1) AS kw
    FROM (
        SELECT n, {_CHANCE.format(1)} < 0.15 AS planned, {_CHANCE.format(2)} AS day,
            {_CHANCE.format(3)} AS kind, {_CHANCE.format(4)} AS size,
            {_CHANCE.format(5)} AS within, {_CHANCE.format(6)} AS place
        FROM generate_series(1, %(ders)s) n
    ) chances
) drawn
-- One in a hundred names a feeder that is not there.
LEFT JOIN (SELECT id, external_id, row_number() OVER (ORDER BY external_id) AS number
           FROM hosting_feeder WHERE utility_id = %(utility)s) f
    ON f.number = 1 + floor(drawn.place / 0.99 * (SELECT count(*) FROM hosting_feeder
                                                  WHERE utility_id = %(utility)s))::bigint
ORDER BY n
"""  # noqa: S608 - numbers of ours
TABLES = (
    "hosting_substation",
    "hosting_feeder",
    "hosting_hostingcapacitysection",
    "hosting_hostingcapacityrecord",
    "hosting_der",
    "hosting_feederdertotals",
)
