"""After an interruption: runs whose process died are ended, and the lake follows what readers see.

PostgreSQL is the truth. A run either committed its publication or did not; the lake's current tables are
brought to the published run by the same change set, which may be applied any number of times.
"""

from django.utils import timezone

from hcportal.errors import Interrupted, SourceBusy
from hosting.lake import bronze, changes, maintain, platinum
from hosting.lake.store import Lake
from hosting.lake_settings import open_lake
from hosting.locks import source_lock
from hosting.models import HCIngestionRun, RunStatus
from hosting.recording import end, told
from utilities.models import Source


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
        maintain.drop_stage(lake, utility, run.pk)
        bronze.discard_unfinished(lake, utility, source.code, run.pk)
    if source.lake_run_id != source.published_run_id:
        advance_lake(source, lake)
        done.append(f"{source}: the lake was brought to run {source.published_run_id}.")
    return done


def advance_lake(source: Source, lake: Lake) -> None:
    """Bring the lake's current tables to the published run. Doing it again changes nothing."""
    source.refresh_from_db()
    run = source.published_run
    if run is None:
        return
    utility = source.utility.utility_code
    for dataset in changes.DATASETS:
        if any(run.counts.get(dataset, {}).values()):
            changes.advance(lake, dataset, utility, run.pk)
    if any(run.counts.get("records", {}).values()):
        platinum.refresh_feeder_capacity(lake, utility)
    Source.objects.filter(pk=source.pk).update(lake_run=run)
    supersede_held(run)


def supersede_held(run: HCIngestionRun) -> None:
    """Close older runs that wait for a decision: their changes were computed against what is no more."""
    run.source.runs.filter(status=RunStatus.HELD, pk__lt=run.pk).update(
        status=RunStatus.CANCELLED, decided_at=timezone.now(), decision_note=f"Superseded by run {run.pk}."
    )


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
    return done
