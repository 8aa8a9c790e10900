"""Background work. Each task is a few lines around the same function that commands call."""

import logging

from hcportal.celery import app
from hcportal.errors import SourceBusy
from utilities.models import Source

log = logging.getLogger(__name__)


@app.task(name="hosting.ingest_source")
def ingest_source(source: str) -> str:
    """Ingest `utility_code/source_code`; the run is its record. A source at work is left alone."""
    from hosting.lake import session
    from hosting.pipeline import ingest

    utility_code, code = source.split("/")
    found = Source.objects.select_related("utility").get(utility__utility_code=utility_code, code=code)
    if not found.is_scheduled:
        log.warning("%s is not to be fetched on a schedule; left alone", source)
        return "skipped"
    try:
        return str(ingest(found).status)
    except SourceBusy as busy:
        log.info("%s", busy)
        return "busy"
    finally:
        session.stop()


@app.task(name="hosting.run_trial")
def run_trial(trial: int) -> str:
    """Carry out what a person asked for in the admin; the trial is its record."""
    from hosting.lake import session
    from hosting.trials import carry_out

    try:
        return carry_out(trial)
    finally:
        session.stop()


@app.task(name="hosting.reconcile")
def reconcile() -> list[str]:
    """End runs whose process died and let the lake catch up, as `bin/manage reconcile` does."""
    from hosting.lake import session
    from hosting.reconcile import reconcile_all

    try:
        return reconcile_all()
    finally:
        session.stop()


@app.task(name="hosting.maintain_lake")
def maintain_lake() -> dict[str, int]:
    """Compact the lake and drop what nobody needs, as `bin/manage maintain_lake` does."""
    from hosting.lake_settings import open_lake
    from hosting.upkeep import keep_up

    done = keep_up(open_lake())
    return {"tables": len(done.tables), "runs": done.runs, "leftovers": len(done.leftovers)}


@app.task(name="hosting.probe")
def probe() -> dict[str, int]:
    """Ask every source that may be asked how it is; never an ingest. What fits then may be scheduled."""
    from hosting.probe import may_be_probed
    from hosting.probe import probe as ask
    from hosting.timetable import sync_timetable

    sources = Source.objects.filter(in_catalog=True).select_related("utility", "published_run")
    found = ask([source for source in sources if may_be_probed(source)])
    sync_timetable()
    return {"asked": len(found), "reached": sum(one.reached for one in found)}
