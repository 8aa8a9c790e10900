"""Rollback: a source shows again what an earlier published run showed. It is a run of its own.

The earlier state is made from the log of changes, compared with what readers see, logged, published and
brought along in the lake as any other run. A person decided it, so no check holds it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from accounts.models import User
from hcportal.errors import NotDecided, NothingToReturnTo
from hosting import lineage, network, published_rows, reconcile
from hosting.decisions import may_roll_back, with_note
from hosting.lake import changes, session, states
from hosting.lake.datasets import CAPACITY, Dataset, of_source
from hosting.lake.store import Lake
from hosting.lake_settings import open_lake
from hosting.locks import source_lock
from hosting.models import HCIngestionRun, RunStatus
from hosting.pipeline import unchanged
from hosting.publish import publish
from hosting.recording import Recorder, Reporter, Silent, recording
from hosting.steps import compare_states, refuse_what_must_not_be_fetched
from utilities.models import Source
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def runs_to_return_to(to: HCIngestionRun, source: Source | None = None) -> dict[Source, HCIngestionRun]:
    """Each source of the run's utility (or `source` alone) with what it showed when `to` was published.

    A source that had published nothing by then is left out. Raises NothingToReturnTo.
    """
    if to.status != RunStatus.COMPLETED or to.completed_at is None:
        raise NothingToReturnTo(f"Run {to.pk} is {to.status}: readers never saw what it read.")
    found: dict[Source, HCIngestionRun] = {}
    for each in [source] if source else to.utility.sources.filter(in_catalog=True).order_by("code"):
        earlier = each.runs.filter(status=RunStatus.COMPLETED, completed_at__lte=to.completed_at)
        shown = to if each.pk == to.source_id else earlier.order_by("-pk").first()
        if shown is not None:
            found[each] = shown
    return found


def what_would_change(source: Source, to: HCIngestionRun) -> dict[str, Any]:
    """Counts by dataset and the records that would move most. Writes nothing. Raises NothingToReturnTo."""
    _refuse(source, to)
    lake = open_lake()
    spec = SourceSpec.model_validate(to.config_json)
    if spec.network is not None:  # its earlier rows are read again from bronze, and counted then
        return {}
    found: dict[str, Any] = {}
    for dataset, then, now in _states(lake, spec, source, to):
        if dataset in CAPACITY:
            found[dataset.name] = published_rows.compare(then, now, dataset.name, snapshot=True)
        else:
            found[dataset.name] = published_rows.count(then, now, dataset)
    return found


def roll_back(
    source: Source,
    to: HCIngestionRun,
    *,
    note: str,
    by: User | None = None,
    reporter: Reporter | None = None,
) -> HCIngestionRun:
    """Return a source to what `to` showed; the run that does it, published, unchanged or failed.

    `by` is who decided, None for whoever has the command line. Raises NotDecided, NothingToReturnTo,
    SourceBusy before a run begins.
    """
    if by is not None and not may_roll_back(by, source.utility_id):
        raise NotDecided(f"{by.get_username()} may not roll back {source}. Nothing was changed.")
    note = with_note(note)
    lake = open_lake()
    with source_lock(source):
        session.warm(lake.remote)
        reconcile.settle(source, lake)
        source.refresh_from_db()
        refuse_what_must_not_be_fetched(source)
        _refuse(source, to)
        with recording(source, reporter or Silent(), started_by=by, rollback_of=to) as recorder:
            run = recorder.run
            reconcile.check_lake(source, lake)
            # As it was read then. Without a hash of its content the next refresh is compared row by row:
            # an unchanged server then brings back what it says.
            recorder.note(config_json=to.config_json, layer=to.layer, source_url=to.source_url)
            spec = SourceSpec.model_validate(to.config_json)

            def decided() -> None:
                HCIngestionRun.objects.filter(pk=run.pk).update(
                    decided_by=by, decided_at=timezone.now(), decision_note=note
                )
                recorder.done("publish")

            if spec.network is not None:
                network.load(lake, spec, recorder, rows_of=lineage.origin(to), approved=decided)
            else:
                if not _compare(lake, spec, recorder, to):
                    return unchanged(run)
                publish(lake, run, spec, before_commit=decided)
                recorder.done("published")
            reconcile.advance_lake(source, lake)
            recorder.done("lake")
    run.refresh_from_db()
    return run


def _refuse(source: Source, to: HCIngestionRun) -> None:
    """Raise NothingToReturnTo where the run is none of the source's that readers saw, or is what they see."""
    if to.source_id != source.pk or to.status != RunStatus.COMPLETED:
        raise NothingToReturnTo(f"Run {to.pk} is none that {source} published. Nothing was changed.")
    if to.pk == source.published_run_id:
        raise NothingToReturnTo(f"Readers of {source} see run {to.pk} already. Nothing was changed.")
    if to.config_json.get("holds", "capacity") != source.config_json.get("holds", "capacity"):
        raise NothingToReturnTo(
            f"{source} held something else when run {to.pk} read it, so it cannot return there."
        )


def _states(
    lake: Lake, spec: SourceSpec, source: Source, to: HCIngestionRun
) -> "Iterator[tuple[Dataset, DataFrame, DataFrame]]":
    """Each dataset's rows as they were after `to`, and as they are."""
    utility, runs = source.utility.utility_code, lineage.published_up_to(to)
    for dataset in of_source(spec.holds):
        then = states.after(lake, dataset, utility, source.code, runs)
        yield dataset, then, changes.current(lake, dataset, utility, source.code)


def _compare(lake: Lake, spec: SourceSpec, recorder: Recorder, to: HCIngestionRun) -> int:
    """Log what returning changes; the number of rows that differ."""
    source = recorder.run.source
    return compare_states(
        lake, spec, recorder, {dataset: then for dataset, then, _now in _states(lake, spec, source, to)}
    )
