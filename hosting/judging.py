"""A run's staged rows under all checks: what was noticed, with example rows, and about which feeders."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db import connection

from hosting.drift import drift
from hosting.lake import der_quality, quality, tables
from hosting.lake.checks import examples, mapping, score, shapes
from hosting.lake.checks.feeders import Concerned, all_rows
from hosting.lake.checks.judged import Judged, heaviest_first
from hosting.lake.checks.score import Score
from hosting.lake.checks.shapes import Shapes
from hosting.lake.quality import Noticed
from hosting.lake.store import Lake
from hosting.models import HCIngestionRun, HostingCapacityRecord, HostingCapacitySection
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Verdict:
    """`judged` has the counts behind the findings, `concerned` the feeders of them, `rows_of` their rows."""

    judged: Judged
    found: list[Noticed]
    concerned: Concerned
    rows_of: dict[str, int]
    score: Score


def checked(
    lake: Lake, spec: SourceSpec, run: HCIngestionRun, rows: "DataFrame", before: "DataFrame", *, seen: Shapes
) -> Verdict:
    """Run all checks over a run's stage rows, beside the rows that they follow; `seen` are its shapes."""
    utility = run.utility.utility_code
    if spec.ders is not None:
        others = der_quality.beside(lake, utility, spec)
        ders = der_quality.measure(rows, before, spec, others, today=as_of(run))
        judged: Judged = ders
        of_rows, concerned = der_quality.check(ders), der_quality.concerned(ders)
    else:
        staged = quality.measure(rows, before, spec, today=as_of(run), name=name_of(run))
        judged = staged
        of_rows, concerned = quality.check(staged), quality.concerned(staged)
    of_rows += shapes.check(seen, spec, length_published(run, spec, seen))
    bronze = lake.read_run(tables.BRONZE, utility, run.pk)
    of_layer = [*drift(run, spec), *mapping.check(spec, run.layer or {})]
    found = heaviest_first([*of_layer, *examples.illustrate(of_rows, judged, bronze)])
    rows_of = all_rows(judged)
    return Verdict(judged, found, concerned, rows_of, score.of_run(found, judged.rows, spec))


def length_published(run: HCIngestionRun, spec: SourceSpec, seen: Shapes) -> float | None:
    """Of all lines that readers see of the source, in degrees; None where there are none to compare."""
    if run.compared_with_id is None or not seen.length:
        return None
    figure = spec.figures[0]
    with connection.cursor() as cursor:
        model = HostingCapacitySection if spec.grain == "section" else HostingCapacityRecord
        cursor.execute(
            f"SELECT sum(ST_Length(geometry)) FROM {model._meta.db_table} "  # noqa: S608 - a table of ours
            "WHERE source_id = %s AND capacity_type = %s AND variant = %s",
            [run.source_id, figure.capacity_type, figure.variant],
        )
        length: float | None = cursor.fetchone()[0]
    return length


def as_of(run: HCIngestionRun) -> date:
    """The day that a run's dates are compared with: its own, or the last of the month that it loads."""
    if run.period is None:
        return run.started_at.date()
    return (run.period + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def name_of(run: HCIngestionRun) -> str:
    """What the publisher calls the service and the layer."""
    return f"{run.source_url} {(run.layer or {}).get('name', '')}"
