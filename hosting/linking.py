"""Records and feeders to the substations of their utility: by the published name, else by distance.

Only where the utility publishes substations. How a link was found and how far apart the two are is kept with
the record; whatever is linked to none has the method empty, is listed in the admin and counted in a finding.
"""

from django.db import connection

from hosting.lake.quality import Noticed

FARTHEST_M = 1_000  # a feeder starts at its substation; drawings are off by some hundred metres at most

# 'San Rafael Substation', 'SAN-RAFAEL SUB' and 'San Rafael' are one name.
_NAME = r"regexp_replace(regexp_replace(lower({}), '\s+(substation|sub|ss)\.?$', ''), '[^a-z0-9]+', '', 'g')"
_ANY = "SELECT 1 FROM hosting_substation WHERE utility_id = %(utility)s AND source_id IS NOT NULL LIMIT 1"
_FOUND = f"""
CREATE TEMPORARY TABLE link ON COMMIT DROP AS
WITH station AS (
    SELECT id, {_NAME.format("name")} AS word, geometry,
           count(*) OVER (PARTITION BY {_NAME.format("name")}) AS namesakes
    FROM hosting_substation WHERE utility_id = %(utility)s AND source_id IS NOT NULL
)
SELECT r.id, coalesce(named.id, near.id) AS substation_id,
       CASE WHEN named.id IS NOT NULL THEN 'name' WHEN near.id IS NOT NULL THEN 'distance'
            ELSE '' END AS method,
       CASE WHEN named.id IS NOT NULL THEN ST_Distance(r.geometry::geography, named.geometry::geography)
            ELSE near.metres END AS metres
FROM hosting_hostingcapacityrecord r
LEFT JOIN station named ON named.word = {_NAME.format("nullif(r.substation_name, '')")} AND named.word <> ''
    AND named.namesakes = 1
LEFT JOIN LATERAL (
    SELECT id, metres FROM (
        SELECT s.id, ST_Distance(r.geometry::geography, s.geometry::geography) AS metres
        FROM hosting_substation s
        WHERE s.utility_id = %(utility)s AND s.source_id IS NOT NULL AND named.id IS NULL
        ORDER BY r.geometry <-> s.geometry LIMIT 4
    ) four WHERE metres <= %(farthest)s ORDER BY metres LIMIT 1
) near ON true
WHERE r.utility_id = %(utility)s
"""  # noqa: S608 - constants only
_WRITE = """
UPDATE hosting_hostingcapacityrecord r
SET substation_id = l.substation_id, substation_method = l.method, substation_distance_m = l.metres
FROM link l WHERE l.id = r.id AND (r.substation_id, r.substation_method, r.substation_distance_m)
    IS DISTINCT FROM (l.substation_id, l.method, l.metres)
"""
# A feeder has the link of its records; a name counts more than a distance, a short one more than a long one.
_FEEDERS = """
UPDATE hosting_feeder f SET substation_id = best.substation_id
FROM (SELECT DISTINCT ON (feeder_id) feeder_id, substation_id FROM hosting_hostingcapacityrecord
      WHERE utility_id = %(utility)s AND feeder_id IS NOT NULL
      ORDER BY feeder_id, (substation_id IS NULL), (substation_method <> 'name'), substation_distance_m,
               id) best
WHERE best.feeder_id = f.id AND f.substation_id IS DISTINCT FROM best.substation_id
"""
_LEFT = """
SELECT coalesce(nullif(feeder_id_external, ''), key), substation_name, count(*) OVER () AS unlinked,
       (SELECT count(*) FROM link) AS records
FROM hosting_hostingcapacityrecord WHERE utility_id = %(utility)s AND substation_id IS NULL
ORDER BY 1, 2, id LIMIT 100
"""


def link(utility: int) -> Noticed | None:
    """Link all records of a utility anew, within the caller's transaction; a finding where some are not.

    Does nothing, and gives None, where the utility publishes no substations.
    """
    given = {"utility": utility, "farthest": FARTHEST_M}
    with connection.cursor() as cursor:
        cursor.execute(_ANY, given)
        if cursor.fetchone() is None:
            return None
        cursor.execute(_FOUND, given)
        cursor.execute(_WRITE)
        cursor.execute(_FEEDERS, given)
        cursor.execute(_LEFT, given)
        left = cursor.fetchall()
        cursor.execute("DROP TABLE link")
    if not left:
        return None
    unlinked, records = left[0][2:]
    return Noticed(
        "Q67",
        "W",
        f"{unlinked:,} of {records:,} records link to no substation: none has their name, and none is within "
        f"{FARTHEST_M:,} m.",
        unlinked,
        [{"key": key, "substation_name": name} for key, name, *_ in left],
    )
