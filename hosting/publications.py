"""The publications of late: how much each changed, and how many records closed or opened with it.

A record closes where what it offers falls to or below a threshold, and opens where it rises above it: what
remains where that is known both times, else what it hosts.
"""

from typing import Any

from django.db import connection

from hosting.models import HCIngestionRun, RunStatus
from hosting.visible import visible_sources

CLOSED_AT_MW = 0.5  # the lowest class of the map

# Each version that a run ended beside what the run wrote in its place; gone ones have nothing there.
_CLOSED_AND_OPENED = """
WITH pairs AS (
    SELECT v.ended_by_run_id AS run,
           CASE WHEN v.remaining_capacity_mw IS NOT NULL AND n.remaining_capacity_mw IS NOT NULL
                THEN v.remaining_capacity_mw ELSE v.hosting_capacity_mw END AS earlier,
           CASE WHEN v.remaining_capacity_mw IS NOT NULL AND n.remaining_capacity_mw IS NOT NULL
                THEN n.remaining_capacity_mw ELSE n.hosting_capacity_mw END AS later
    FROM hosting_hostingcapacityrecordversion v
    JOIN hosting_recordstate n ON n.id = v.record_id AND n.ingestion_run_id = v.ended_by_run_id
    WHERE v.ended_by_run_id = ANY(%(runs)s)
)
SELECT run, count(*) FILTER (WHERE earlier > %(at)s AND later <= %(at)s),
       count(*) FILTER (WHERE earlier <= %(at)s AND later > %(at)s)
FROM pairs GROUP BY run
"""


def latest(limit: int, *, utility: int | None = None) -> list[dict[str, Any]]:
    """Publications that readers may see and that changed something, the latest first."""
    found = (
        HCIngestionRun.objects.filter(
            status=RunStatus.COMPLETED,
            replaced_by=None,
            records_written__gt=0,
            source__in=visible_sources().order_by(),
        )
        .select_related("utility", "source", "rollback_of")
        .defer("layer", "discovery", "config_json", "utility__config_json", "source__config_json")
        .defer("rollback_of__layer", "rollback_of__discovery", "rollback_of__config_json")
        .order_by("-completed_at", "-pk")
    )
    if utility is not None:
        found = found.filter(utility=utility)
    runs = list(found[:limit])
    moved = closed_and_opened([run.pk for run in runs])
    return [
        {
            "run": run,
            "counts": next(
                (run.counts[name] for name in ("records", "ders") if any(run.counts.get(name, {}).values())),
                run.counts.get("sections", {}),
            ),
            "holds_ders": "ders" in run.counts,
            "is_first": run.compared_with_id is None,
            "closed": moved.get(run.pk, (0, 0))[0],
            "opened": moved.get(run.pk, (0, 0))[1],
        }
        for run in runs
    ]


def closed_and_opened(runs: list[int], at: float = CLOSED_AT_MW) -> dict[int, tuple[int, int]]:
    """Of each run, how many records closed and opened with it."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSED_AND_OPENED, {"runs": runs, "at": at})
        return {run: (closed, opened) for run, closed, opened in cursor.fetchall()}
