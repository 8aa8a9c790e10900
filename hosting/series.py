"""Several sources in one go, month by month: what the command does with a folder, and an upload with its own.

Of each month, capacity comes before DER, since these refer to its feeders. Months behind one that failed are
left: they would stand on what is not there.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any

from hcportal.errors import HcportalError
from hosting.file_feeds import Given, months_to_load
from hosting.models import HCIngestionRun, RunStatus
from hosting.pipeline import ingest
from hosting.recording import Reporter
from hosting.steps import spec_of
from utilities.models import Source

BAD = (RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.HELD)


@dataclass(frozen=True)
class Outcome:
    """What came of one source and month: a run, or the reason why there is none."""

    source: Source
    run: HCIngestionRun | None
    message: str


def planned(sources: list[Source], given: Given) -> tuple[list[tuple[Source, Given]], list[Outcome]]:
    """The runs to make, in their order; beside them the sources of which no run can be made."""
    todo: list[tuple[Source, Given]] = []
    outcomes: list[Outcome] = []
    for source in sources:
        try:
            todo += [(source, each) for each in months_to_load(source, spec_of(source), given)]
        except HcportalError as error:
            outcomes.append(Outcome(source, None, str(error)))
    todo.sort(key=lambda one: (one[1].month or date.min, "ders" in one[0].config_json))
    return todo, outcomes


def ingest_all(
    sources: list[Source],
    given: Given,
    *,
    force: bool,
    follow: Callable[[Source], AbstractContextManager[Reporter]],
    started_by: Any = None,
) -> Iterator[Outcome]:
    """Ingest them one after the other; each outcome as it comes. `follow` makes who follows a source's run.

    Raises nothing: a bug is kept on its run and in the log, and the other sources go on.
    """
    todo, impossible = planned(sources, given)
    yield from impossible
    broken: set[int] = set()
    for source, each in todo:
        if source.pk in broken:
            continue
        outcome = _one(source, each, force, follow, started_by)
        if outcome.run is None or outcome.run.status in BAD:
            broken.add(source.pk)
        yield outcome


def _one(
    source: Source,
    given: Given,
    force: bool,
    follow: Callable[[Source], AbstractContextManager[Reporter]],
    started_by: Any,
) -> Outcome:
    with follow(source) as reporter:
        try:
            run = ingest(source, force=force, started_by=started_by, reporter=reporter, given=given)
        except HcportalError as error:
            return Outcome(source, None, str(error))
        except Exception as error:
            logging.getLogger(__name__).exception("%s failed with a bug", source)
            return Outcome(source, None, f"a fault in hcportal itself, see the log: {error}")
    return Outcome(source, run, run.error_message)


def told(run: HCIngestionRun) -> str:
    """A run's outcome in a sentence."""
    name = f"run {run.pk}" if run.period is None else f"{run.period:%Y-%m}, run {run.pk}"
    if run.status == RunStatus.UNCHANGED and not any(step["name"] == "fetch" for step in run.steps):
        return f"unchanged since its last edit; no row was asked for ({name})."
    if run.status == RunStatus.UNCHANGED:
        return f"unchanged; {run.records_fetched or 0:,} rows read, nothing written ({name})."
    counts = run.counts
    parts = []
    for dataset, by in counts.items():
        done = [f"{number:,} {what}" for what, number in by.items() if number] if isinstance(by, dict) else []
        if done:
            parts.append(f"{dataset.replace('_', ' ')}: {', '.join(done)}")
    if counts.get("quarantined"):
        parts.append(f"{counts['quarantined']:,} quarantined")
    return f"published {run.records_fetched or 0:,} rows; {'; '.join(parts)} ({name})."
