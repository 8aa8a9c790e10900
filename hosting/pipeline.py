"""From a publisher's layer to what people read: start reading here.

Each step is one call; what it does stands in the module it comes from. Nothing that readers see changes
before `publish`, and that is one transaction.
"""

from typing import Any

from hosting import network, reconcile
from hosting.fetching import fetch
from hosting.file_feeds import NOTHING, Given, fetch_file
from hosting.lake import session
from hosting.lake_settings import open_lake
from hosting.locks import source_lock
from hosting.models import HCIngestionRun, RunStatus
from hosting.publish import publish
from hosting.recording import Reporter, Silent, end, recording
from hosting.replay import is_behind, replay
from hosting.steps import compare, gate, judge, normalise, refuse_what_must_not_be_fetched, spec_of
from utilities.models import Source


def ingest(
    source: Source,
    *,
    force: bool = False,
    started_by: Any = None,
    reporter: Reporter | None = None,
    given: Given = NOTHING,
) -> HCIngestionRun:
    """Take one source from its server to what readers see, or leave everything as it was.

    `force` ignores that the source holds what is published; `given` says where a source that is a file is
    read, and which month. Raises SourceBusy where another run has it;
    every other trouble ends the run as failed or held, with the reason on it.
    """
    lake = open_lake()
    with source_lock(source):
        session.warm(lake.remote)
        reconcile.settle(source, lake)
        source.refresh_from_db()  # the entry as it is now, and no other, for all that follows
        refuse_what_must_not_be_fetched(source)
        spec = spec_of(source)
        with recording(source, reporter or Silent(), started_by=started_by, period=given.month) as recorder:
            run = recorder.run
            reconcile.check_lake(source, lake)
            if spec.file is None:
                is_new = fetch(lake, spec, recorder, force=force)
            else:
                is_new = fetch_file(lake, spec, recorder, given, force=force)
            if not is_new:
                return unchanged(run)
            if spec.network is not None:
                network.load(lake, spec, recorder)
                reconcile.advance_lake(source, lake)
                return run
            if is_behind(source, given.month):
                replay(lake, spec, recorder)
                reconcile.advance_lake(source, lake)
                recorder.done("lake")
                return run
            staged = normalise(lake, spec, run)
            found = judge(lake, spec, staged, recorder)
            changed = compare(lake, spec, staged, recorder)
            gate(found)
            recorder.done("check")
            if not changed:
                return unchanged(run)
            publish(lake, run, spec, before_commit=lambda: recorder.done("publish"))
            recorder.done("published")
            reconcile.advance_lake(source, lake)
            recorder.done("lake")
        if run.status == RunStatus.HELD:
            reconcile.supersede_held(run)  # the newest reading is the one to decide on
    return run


def unchanged(run: HCIngestionRun) -> HCIngestionRun:
    """The source holds what is published; a run that waited for a decision waits for nothing now."""
    end(run, RunStatus.UNCHANGED)
    reconcile.supersede_held(run)
    return run
