"""After an interruption: runs whose process died are ended, and the lake follows what readers see.

PostgreSQL is the truth. A run either committed its publication or did not; the lake's current tables are
brought to the published run by the same change set, which may be applied any number of times.
"""

from django.db.models import Count, Max, Model

from hcportal.errors import Interrupted, LakeError, SourceBusy
from hosting import trials
from hosting.decisions import close_outdated
from hosting.lake import bronze, changes, platinum, staging
from hosting.lake.datasets import DATASETS, of_source
from hosting.lake.store import Lake
from hosting.lake_settings import open_lake
from hosting.locks import source_lock
from hosting.models import (
    DER,
    DERAddress,
    HCIngestionRun,
    HostingCapacityRecord,
    HostingCapacitySection,
    RunStatus,
)
from hosting.quality_records import summaries
from hosting.recording import end, told
from hosting.steps import spec_of
from utilities.models import Source

MODELS: dict[str, type[Model]] = {
    "sections": HostingCapacitySection,
    "records": HostingCapacityRecord,
    "ders": DER,
    "addresses": DERAddress,
}
FOREIGN_LAKE = (
    "The lake and the database do not belong together (docs/operations.md, Backups, says what to do)."
)


def settle(source: Source, lake: Lake) -> list[str]:
    """End what an earlier process left running, and let the lake catch up. The caller holds the source.

    Gives a sentence for each thing that was done.
    """
    source.refresh_from_db()
    utility = source.utility.utility_code
    done = []
    for run in source.runs.filter(status=RunStatus.RUNNING):
        after = f"after the step '{run.step}'" if run.step else "before its first step ended"
        end(run, RunStatus.FAILED, told(Interrupted(f"Its process ended {after}"), run))
        done.append(f"Run {run.pk} of {source}: {run.error_message}")
        staging.drop(lake, utility, run.pk)
        bronze.discard_unfinished(lake, utility, source.code, run.pk)
    if source.lake_run_id != source.published_run_id:
        advance_lake(source, lake)
        done.append(f"{source}: the lake was brought to run {source.published_run_id}.")
    return done


def check_lake(source: Source, lake: Lake) -> None:
    """Raise LakeError where the lake's current rows of a source are not those that readers see.

    Compared are their number and the latest run that changed one. They differ where the lake was moved, lost
    or taken from another installation, or the database restored without it: then every comparison would lie.
    """
    utility = source.utility.utility_code
    for dataset in of_source(spec_of(source).holds):
        model = MODELS[dataset.name]
        published = (
            model._default_manager.using(source._state.db)
            .filter(source=source)
            .aggregate(rows=Count("id"), run=Max("ingestion_run_id"))
        )
        rows, run = changes.extent(lake, dataset, utility, source.code)
        if (rows, run) != (published["rows"], published["run"]):
            raise LakeError(
                f"{FOREIGN_LAKE} Of {source} it holds {rows:,} {dataset.name} up to run {run or 'none'}; "
                f"readers see {published['rows']:,} up to run {published['run'] or 'none'}."
            )


def advance_lake(source: Source, lake: Lake) -> None:
    """Bring the lake's current tables to the published run. Doing it again changes nothing."""
    source.refresh_from_db()
    run = source.published_run
    if run is None:
        return
    utility = source.utility.utility_code
    changed: set[str] = set()
    for behind in source.runs.filter(
        status=RunStatus.COMPLETED, pk__gt=source.lake_run_id or 0, pk__lte=run.pk
    ).order_by("pk"):
        mine = [name for name in DATASETS if any(behind.counts.get(name, {}).values())]
        for name in mine:
            changes.advance(lake, DATASETS[name], utility, source.code, behind.pk)
        changed.update(mine)
        platinum.record_quality(lake, utility, behind.pk, summaries(behind))
    if "ders" in changed:
        platinum.refresh_der_details(lake, utility)
    if changed & {"records", "ders"}:
        platinum.refresh_feeder_capacity(lake, utility)
    Source.objects.filter(pk=source.pk).update(lake_run=run)
    supersede_held(run)


def supersede_held(run: HCIngestionRun) -> None:
    """Close runs that wait for a decision: older ones, and those compared with what is no more."""
    source = Source.objects.get(pk=run.source_id)
    close_outdated(source, f"Superseded by run {run.pk}.", before=run.pk)


def reconcile_all() -> list[str]:
    """Settle every source that no process holds; called at every start. A sentence for each thing done."""
    done: list[str] = []
    lake = open_lake()
    for source in Source.objects.select_related("utility"):
        unsettled = (
            source.lake_run_id != source.published_run_id
            or source.runs.filter(status=RunStatus.RUNNING).exists()
        )
        if unsettled:
            try:
                with source_lock(source):
                    done += settle(source, lake)
            except SourceBusy:
                continue  # it is at work, not dead
    return done + trials.end_dead()
