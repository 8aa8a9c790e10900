"""What is kept of a run's quality where readers are: its score, a summary of each dataset, feeders' marks.

Written in the transaction of the publication, from the lake's table of feeders and from the rows that are
published then: a rollback or an approved run is summed up the same way.
"""

import json
from typing import Any

from django.db import connection
from django.utils import timezone

from hosting.lake import feeder_findings
from hosting.lake.checks import score
from hosting.lake.store import Lake
from hosting.models import (
    DER,
    DataQualitySummary,
    FeederQuality,
    HCIngestionRun,
    HostingCapacityRecord,
    HostingCapacitySection,
)
from utilities.spec import SourceSpec

# Columns whose shares of nulls say something, of each table.
_CAPACITY = (
    "feeder_id", "hosting_capacity_mw", "installed_dg_mw", "queued_dg_mw", "installed_since_study_mw",
    "remaining_capacity_mw", "constraining_metric", "voltage_kv", "phase_config", "is_overhead", "is_network",
    "geometry", "record_date", "der_date",
)  # fmt: skip
_DER = (
    "feeder_id", "nameplate_kw", "is_hybrid", "installed_on", "planned_on", "completed_on", "costs",
    "as_published",
)  # fmt: skip
_RECORD = (*_CAPACITY, "hosting_capacity_min_mw", "hosting_capacity_max_mw", "substation_id")


def record_quality(lake: Lake, run: HCIngestionRun, spec: SourceSpec) -> None:
    """Write the summaries and the feeders' marks of a run that is being published."""
    _summarise(run, spec)
    _mark_feeders(lake, run, spec)


def summaries(run: HCIngestionRun) -> list[dict[str, Any]]:
    """A run's summaries as the lake has them."""
    return [
        {
            "source_code": run.source.code,
            "dataset": one.dataset,
            "refresh_date": one.refresh_date,
            "row_count": one.row_count,
            "null_shares": json.dumps(one.null_shares, sort_keys=True),
            "unresolved_references": one.unresolved_references,
            "quarantined_rows": one.quarantined_rows,
            "score": one.score,
            "score_parts": json.dumps(one.score_parts, sort_keys=True),
            "computed_at": one.computed_at,
        }
        for one in DataQualitySummary.objects.filter(run=run).order_by("dataset")
    ]


def _summarise(run: HCIngestionRun, spec: SourceSpec) -> None:
    judged = run.quality or (run.rollback_of.quality if run.rollback_of else None) or {}
    for dataset, table, columns in _datasets(spec):
        counted = _count(table, columns, run.source_id, is_der=spec.ders is not None)
        if not counted["rows"]:
            continue
        DataQualitySummary.objects.update_or_create(
            run=run,
            dataset=dataset,
            defaults={
                "utility_id": run.utility_id,
                "source_id": run.source_id,
                "refresh_date": counted["newest"] or run.period,
                "row_count": counted["rows"],
                "null_shares": {
                    name: round(1 - counted[f"known_{name}"] / counted["rows"], 4) for name in columns
                },
                "unresolved_references": counted["unresolved"],
                "quarantined_rows": run.counts.get("quarantined", 0),
                "score": judged.get("score"),
                "score_parts": judged.get("parts", {}),
                "computed_at": timezone.now(),
            },
        )


def _datasets(spec: SourceSpec) -> list[tuple[str, str, tuple[str, ...]]]:
    if spec.ders is not None:
        return [(f"{spec.ders.status}_der", DER._meta.db_table, _DER)]
    return [
        ("sections", HostingCapacitySection._meta.db_table, _CAPACITY),
        ("records", HostingCapacityRecord._meta.db_table, _RECORD),
    ]


def _count(table: str, columns: tuple[str, ...], source: int, *, is_der: bool) -> dict[str, Any]:
    """Rows, known values of each column, the newest date and lost references, in one pass."""
    newest = "NULL::date" if is_der else "greatest(max(record_date), max(der_date))"
    lost = "count(*) FILTER (WHERE unresolved_references <> '')" if is_der else "0"
    known = ", ".join(f"count({name}) AS known_{name}" for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) AS rows, {newest} AS newest, {lost} AS unresolved, {known} "  # noqa: S608 - ours
            f"FROM {table} WHERE source_id = %s",
            [source],
        )
        names = [column.name for column in cursor.description or ()]
        return dict(zip(names, cursor.fetchone(), strict=True))


def _mark_feeders(lake: Lake, run: HCIngestionRun, spec: SourceSpec) -> None:
    """Replace the marks of the source's feeders; those that no finding concerns have none."""
    judged = run if run.quality else run.rollback_of or run
    concerned, rows_of = feeder_findings.of_run(lake, run.utility.utility_code, judged.pk)
    scores = score.of_feeders(concerned, rows_of, spec)
    checks: dict[str, dict[str, int]] = {}
    for (feeder, check, _severity), rows in concerned.items():
        checks.setdefault(feeder, {})[check] = max(rows, checks.get(feeder, {}).get(check, 0))
    FeederQuality.objects.filter(source_id=run.source_id).delete()
    if not scores:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE mark (feeder text, score numeric(5,2), score_parts jsonb, checks jsonb) "
            "ON COMMIT DROP"
        )
        with cursor.copy("COPY mark FROM STDIN") as copy:
            for feeder, one in scores.items():
                copy.write_row((feeder, one.value, json.dumps(one.parts), json.dumps(checks[feeder])))
        cursor.execute(
            "INSERT INTO hosting_feederquality (feeder_id, source_id, run_id, score, score_parts, checks) "
            "SELECT f.id, %(source)s, %(run)s, m.score, m.score_parts, m.checks "
            "FROM mark m JOIN hosting_feeder f ON f.utility_id = %(utility)s AND f.external_id = m.feeder",
            {"source": run.source_id, "run": run.pk, "utility": run.utility_id},
        )
        cursor.execute("DROP TABLE mark")
