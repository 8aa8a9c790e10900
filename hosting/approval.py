"""Approval of a held run: what it logged becomes what readers see, by the same steps as any other run's."""

from django.utils import timezone

from accounts.models import User
from hcportal.errors import LakeError, NotDecided
from hosting import network, reconcile
from hosting.decisions import deciding, refuse_unless_may, refuse_unless_waiting, with_note
from hosting.lake import changes, session
from hosting.lake.datasets import of_source
from hosting.lake.store import Lake
from hosting.lake_settings import open_lake
from hosting.models import HCIngestionRun
from hosting.publish import publish
from hosting.recording import Recorder, Reporter, Silent
from utilities.models import Redistribution
from utilities.spec import SourceSpec


def approve(run: HCIngestionRun, *, by: User, note: str, reporter: Reporter | None = None) -> HCIngestionRun:
    """Publish a held run; the decision is written in the transaction of the publication, or not at all.

    It is read by the entry that it was read with. Raises NotDecided, SourceBusy, LakeError; the run stays
    held then, and readers keep what they have.
    """
    refuse_unless_may(by, run)
    note = with_note(note)
    lake, source = open_lake(), run.source
    with deciding(source):
        session.warm(lake.remote)
        reconcile.settle(source, lake)
        refuse_unless_waiting(run)
        _refuse_without_terms(run)
        spec = SourceSpec.model_validate(run.config_json)
        reconcile.check_lake(source, lake)
        recorder = Recorder(run, reporter or Silent())

        def decided() -> None:
            HCIngestionRun.objects.filter(pk=run.pk).update(
                decided_by=by, decided_at=timezone.now(), decision_note=note, error_message=""
            )
            recorder.done("publish")

        if spec.network is not None:
            network.load(lake, spec, recorder, approved=decided)
        else:
            _refuse_unless_whole(lake, spec, run)
            publish(lake, run, spec, before_commit=decided)
            recorder.done("published")
        reconcile.advance_lake(source, lake)
        recorder.done("lake")
    run.refresh_from_db()
    return run


def _refuse_without_terms(run: HCIngestionRun) -> None:
    """Raise NotDecided where the source's terms, or its place in the catalog, have changed meanwhile."""
    source = run.source
    if source.redistribution == Redistribution.FORBIDDEN or not source.in_catalog:
        why = "its terms forbid it now" if source.in_catalog else "it has left the catalog"
        raise NotDecided(f"Run {run.pk} of {source} must not be published: {why}. Nothing was decided.")


def _refuse_unless_whole(lake: Lake, spec: SourceSpec, run: HCIngestionRun) -> None:
    """Raise LakeError where the change log does not hold what the run says that it logged."""
    logged = changes.counts(lake, of_source(spec.holds), run.utility.utility_code, run.pk)
    noted = {name: run.counts.get(name) for name in logged}
    if logged != noted:
        raise LakeError(
            f"The lake's change log does not hold what run {run.pk} logged, so that cannot be "
            "published. Reject it and ingest the source again."
        )
