"""The steps of a run between its record and its publication, each one thing with a name of its own."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.db import connection

from hcportal.errors import FetchError, RefusedAddress
from hosting.judging import checked
from hosting.lake import (
    changes,
    ders,
    feeder_findings,
    quarantine,
    references,
    rollup,
    silver,
    staging,
    tables,
)
from hosting.lake.checks import shapes
from hosting.lake.checks.shapes import Shapes
from hosting.lake.checks.states import boxes
from hosting.lake.datasets import DATASETS, Dataset, of_source
from hosting.lake.quality import Noticed
from hosting.lake.store import Lake
from hosting.models import HCIngestionRun
from hosting.recording import Held, Recorder
from utilities.models import Redistribution, Source
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


State = Callable[[Dataset], "DataFrame"]


@dataclass(frozen=True)
class Staged:
    """A run's rows in our words, and what passed of them by dataset; None where the source has none of it."""

    everything: "DataFrame"
    passed: "dict[str, DataFrame | None]"
    shapes: Shapes = field(default_factory=Shapes)


def spec_of(source: Source) -> SourceSpec:
    """The source's catalog entry as it was last synced."""
    return SourceSpec.model_validate(source.config_json)


def refuse_what_must_not_be_fetched(source: Source) -> None:
    """Raise RefusedAddress where terms forbid it, or nothing is known to fetch."""
    if source.redistribution == Redistribution.FORBIDDEN:
        raise RefusedAddress(f"{source} is never fetched: its terms forbid it.")
    if not source.is_enabled:
        raise RefusedAddress(f"{source} is switched off in the admin; nothing was fetched.")


def normalise(lake: Lake, spec: SourceSpec, run: HCIngestionRun) -> Staged:
    """Bronze to stage: our words, our units; written once, then read by checks and comparison."""
    utility = run.utility.utility_code
    table = tables.DER_STAGE if spec.ders else tables.STAGE
    seen = shapes.of_run(lake, utility, run.pk, spec, boxes(tuple(run.utility.states)))
    rows = lake.read_run(tables.BRONZE, utility, run.pk)
    frame = stage_frame(lake, spec, run, rows, seen.undrawable)
    return replace(staged_rows(staging.keep(lake, frame, table, utility, run.pk), spec), shapes=seen)


def stage_frame(
    lake: Lake,
    spec: SourceSpec,
    run: HCIngestionRun,
    rows: "DataFrame",
    undrawable: Collection[int] = (),
) -> "DataFrame":
    """A run's bronze rows as stage rows, judged one by one; `undrawable` are rows without a shape."""
    of_run: dict[str, Any] = {
        "utility": run.utility.utility_code,
        "timezone": run.utility.timezone,
        "run_id": run.pk,
        "codes": field_codes(run),
    }
    if spec.ders is None:
        return silver.stage(rows, spec, field_types(run), **of_run, undrawable=undrawable)
    names = references.names_of(lake, run.utility.utility_code)
    return ders.stage(rows, spec, field_types(run), names, **of_run)


def staged_rows(everything: "DataFrame", spec: SourceSpec) -> Staged:
    """What passed of stage rows, by dataset."""
    passed = everything.where("reject_check IS NULL")
    if spec.ders is not None:
        return Staged(everything, {"ders": passed, "addresses": ders.addresses(passed)})
    if spec.grain != "section":
        return Staged(everything, {"sections": None, "records": passed})
    records = rollup.feeders(passed, spec) if spec.rolls_up else None
    return Staged(everything, {"sections": passed, "records": records})


def field_types(run: HCIngestionRun) -> dict[str, str]:
    """Published field to the esriFieldType that the layer declared in this run."""
    layer = run.layer or {}
    return {field["name"]: field["type"] for field in layer.get("fields", [])}


def field_codes(run: HCIngestionRun) -> dict[str, dict[str, str]]:
    """Published field to what its codes mean, by the layer's coded domains in this run."""
    layer = run.layer or {}
    return {field["name"]: field["codes"] for field in layer.get("fields", []) if "codes" in field}


def published_now(lake: Lake, spec: SourceSpec, run: HCIngestionRun) -> State:
    """The rows that readers see of the run's source, by dataset."""
    return lambda dataset: changes.current(lake, dataset, run.utility.utility_code, spec.code)


def judge(
    lake: Lake, spec: SourceSpec, staged: Staged, recorder: Recorder, before: State | None = None
) -> list[Noticed]:
    """Run the checks; keep what they noticed and the rows they refused. Raises FetchError on severity F.

    `before` is what the rows are compared with: what readers see, unless another state is given.
    """
    run = recorder.run
    utility = run.utility.utility_code
    dataset = next(name for name, rows in staged.passed.items() if rows is not None)
    before = before or published_now(lake, spec, run)
    followed = before(DATASETS[dataset])
    if spec.rolls_up:
        followed = rollup.with_own_figures(followed, before(DATASETS["records"]), spec)
    verdict = checked(lake, spec, run, staged.everything, followed, seen=staged.shapes)
    measured, found = verdict.judged, verdict.found
    recorder.keep_findings(found)
    recorder.note(quality={"score": verdict.score.value, "parts": verdict.score.parts})
    feeder_findings.keep(
        lake,
        utility,
        run.pk,
        source=spec.code,
        concerned=verdict.concerned,
        rows_of=verdict.rows_of,
    )
    if measured.rejected:
        published = lake.read_run(tables.BRONZE, utility, run.pk)
        quarantine.keep(lake, staged.everything, published, spec.personal_fields)
        list_quarantined(lake, run)
    recorder.note(
        counts={**run.counts, "staged": measured.passed, "quarantined": sum(measured.rejected.values())}
    )
    if fatal := [noticed.message for noticed in found if noticed.severity == "F"]:
        staging.drop(lake, utility, run.pk)
        raise FetchError(" ".join(fatal))
    return found


def list_quarantined(lake: Lake, run: HCIngestionRun) -> None:
    """Copy a run's quarantine to where stewards read it."""
    columns = ("run_id", "source_id", "check_id", "reason", "object_id", "key", "attributes")
    kept = lake.read_run(tables.QUARANTINE, run.utility.utility_code, run.pk)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY hosting_quarantinedrow ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        for batch in changes.batches(lake, kept):
            for row in batch.to_pylist():
                copy.write_row(
                    (
                        run.pk,
                        run.source_id,
                        row["check_id"],
                        row["reason"][:300],
                        row["object_id"],
                        (row["key"] or "")[:200],
                        row["attributes"],
                    )
                )


def compare(
    lake: Lake, spec: SourceSpec, staged: Staged, recorder: Recorder, before: State | None = None
) -> int:
    """Log what is new, changed and gone since the published run; the number of rows that differ."""
    run = recorder.run
    before = before or published_now(lake, spec, run)
    utility = run.utility.utility_code
    for dataset in of_source(spec.holds):
        now, then = staged.passed[dataset.name], before(dataset)
        # Feeders that are rolled up are few, and rolled up again for each part.
        rows = 0 if dataset.name == "records" and spec.rolls_up else run.counts["staged"]
        is_snapshot = spec.feed == "snapshot"
        if now is None:  # what an earlier entry of this source made and this one does not, goes
            now, is_snapshot, rows = staged.everything.limit(0), True, 0
        elif dataset.name == "addresses" and not is_snapshot:
            then, is_snapshot = _of_named(then, staged), True
        changes.log_differences(
            lake, dataset, now, then, utility=utility, run_id=run.pk, snapshot=is_snapshot, rows=rows
        )
    return _counted(lake, spec, recorder)


def compare_states(
    lake: Lake, spec: SourceSpec, recorder: Recorder, states: "Mapping[Dataset, DataFrame]"
) -> int:
    """Log what makes the current rows those of `states`; the number of rows that differ."""
    run, utility = recorder.run, recorder.run.utility.utility_code
    for dataset, then in states.items():
        now = changes.current(lake, dataset, utility, spec.code)
        changes.log_differences(
            lake, dataset, then, now, utility=utility, run_id=run.pk, snapshot=True, rows=then.count()
        )
    return _counted(lake, spec, recorder)


def _counted(lake: Lake, spec: SourceSpec, recorder: Recorder) -> int:
    """Note what was logged; the number of rows that differ."""
    run, utility = recorder.run, recorder.run.utility.utility_code
    counted = changes.counts(lake, of_source(spec.holds), utility, run.pk)
    written = sum(sum(operations.values()) for operations in counted.values())
    recorder.note(counts={**run.counts, **counted}, records_written=written)
    staging.drop(lake, utility, run.pk)
    recorder.done("silver")
    return written


def _of_named(addresses: "DataFrame", staged: Staged) -> "DataFrame":
    """Current addresses of DER that an incremental run names: one that comes without has none any more."""
    named = staged.everything.where("reject_check IS NULL").select(*tables.DER_KEY).distinct()
    return addresses.join(named, list(tables.DER_KEY), "left_semi")


def gate(found: list[Noticed]) -> None:
    """Raise Held where a finding asks for a person."""
    if reasons := [noticed.message for noticed in found if noticed.severity == "B"]:
        raise Held(f"Held for a person to look at: {' '.join(reasons)}")
