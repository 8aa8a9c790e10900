"""Whether the point that stands for a feeder or cell is on it (Q54): PostGIS, which makes it, is asked."""

from django.db import connection

from hosting.lake.checks.found import EXAMPLES, Noticed
from hosting.models import HCIngestionRun

NEAR = 1e-6  # degrees, a tenth of a metre: a point on a line is rarely exactly on it
_OFF = """
SELECT coalesce(nullif(feeder_id_external, ''), key), count(*) OVER ()
FROM hosting_hostingcapacityrecord
WHERE source_id = %(source)s AND ingestion_run_id = %(run)s AND centroid IS NOT NULL
  AND NOT ST_DWithin(centroid, geometry, %(near)s)
ORDER BY 1 LIMIT %(examples)s
"""


def markers_off(run: HCIngestionRun) -> Noticed | None:
    """Q54: records that this run wrote whose point is not on their shape; within the caller's transaction."""
    given = {"source": run.source_id, "run": run.pk, "near": NEAR, "examples": EXAMPLES}
    with connection.cursor() as cursor:
        cursor.execute(_OFF, given)
        off = cursor.fetchall()
    if not off:
        return None
    count = off[0][1]
    message = f"{count:,} records have a marker that is not on their shape."
    return Noticed("Q54", "W", message, count, [{"key": key} for key, _ in off])
