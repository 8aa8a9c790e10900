"""The record of a run: begun before anything is fetched, ended whatever happens, each step with its time."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from django.dispatch import Signal
from django.utils import timezone

from hcportal.connections import forget_what_was_asked
from hcportal.errors import Cancelled, HcportalError
from hosting.lake.checks.fetching import failed_check
from hosting.lake.checks.found import Noticed
from hosting.models import Finding, HCIngestionRun, RunStatus, Severity
from utilities.models import Source

log = logging.getLogger(__name__)
LONGEST_MESSAGE = 2_000  # characters; a server may answer with a book
SECONDS_BETWEEN_LOOKS = 1.0  # while rows come: has somebody cancelled the run?

# Sent as each step ends, with `run` and `step`; `publish` is the last moment before the commit, `published`
# the first after it. Whoever wants to watch a run, or to interrupt it at a known point, listens here.
step_ended = Signal()


class Reporter(Protocol):
    """Who follows a run: a terminal, a log, nobody."""

    def progress(self, done: int, planned: int) -> None: ...
    def step(self, name: str, seconds: float) -> None: ...


class Silent:
    """Follows nothing."""

    def progress(self, done: int, planned: int) -> None: ...
    def step(self, name: str, seconds: float) -> None: ...


class Held(HcportalError):
    """The run is whole and suspicious; it waits for a person."""


class Recorder:
    """Writes down how far a run is."""

    def __init__(self, run: HCIngestionRun, reporter: Reporter) -> None:
        self.run = run
        self.reporter = reporter
        self._began = self._looked = time.monotonic()

    def progress(self, done: int, planned: int) -> None:
        """Rows done and rows planned, told to whoever follows. Raises Cancelled where a person stopped it."""
        self.reporter.progress(done, planned)
        if time.monotonic() - self._looked >= SECONDS_BETWEEN_LOOKS:
            self._stop_if_cancelled()

    def done(self, step: str) -> None:
        """The step has ended: kept on the run, told to whoever follows.

        Raises Cancelled where a person stopped the run; once it publishes, it is too late for that.
        """
        seconds = time.monotonic() - self._began
        self._began = time.monotonic()
        self.run.step = step
        self.run.steps = [*self.run.steps, {"name": step, "seconds": round(seconds, 3)}]
        self.run.save(update_fields=["step", "steps"])
        self.reporter.step(step, seconds)
        step_ended.send(Recorder, run=self.run, step=step)
        self._stop_if_cancelled()

    def _stop_if_cancelled(self) -> None:
        """Whoever cancels a run puts their name on it while it is running (hosting/trials.py)."""
        self._looked = time.monotonic()
        asked = HCIngestionRun.objects.filter(
            pk=self.run.pk, status=RunStatus.RUNNING, decided_by__isnull=False
        ).values_list("decided_by__username", flat=True)
        for name in asked:
            raise Cancelled(f"Cancelled by {name}")

    def note(self, **values: Any) -> None:
        """Keep values on the run."""
        for name, value in values.items():
            setattr(self.run, name, value)
        self.run.save(update_fields=list(values))

    def keep_findings(self, noticed: list[Noticed]) -> None:
        """Findings as they stand when the run is judged."""
        keep_findings(self.run, noticed)


def keep_findings(run: HCIngestionRun, noticed: list[Noticed]) -> None:
    """Write what checks noticed in a run."""
    Finding.objects.bulk_create(
        Finding(
            run=run,
            utility_id=run.utility_id,
            check_id=found.check_id,
            severity=found.severity,
            message=found.message,
            count=found.count,
            examples=found.examples,
        )
        for found in noticed
    )


@contextmanager
def recording(source: Source, reporter: Reporter, **values: Any) -> Iterator[Recorder]:
    """A run of `source`. An error meant for a person ends it as failed (held, cancelled) and goes no further;

    a bug, or a person's interruption, is recorded and raised again.
    """
    run = HCIngestionRun.objects.create(
        utility_id=source.utility_id,
        source=source,
        started_at=timezone.now(),
        source_url=f"{source.service_url}/{source.layer}" if source.layer is not None else source.service_url,
        config_json=source.config_json,
        compared_with_id=source.published_run_id,
        **values,
    )
    recorder = Recorder(run, reporter)
    name = str(source)  # while the database still answers
    try:
        yield recorder
    except Held as held:
        end(run, RunStatus.HELD, told(held, run))
    except Cancelled as cancelled:
        end(run, RunStatus.CANCELLED, told(cancelled, run))
    except HcportalError as error:
        # What the checks of rows found fatal stands there already.
        failed = failed_check(error)
        if failed is not None and not run.findings.filter(severity=Severity.FAIL).exists():
            keep_findings(run, [failed])
        end(run, RunStatus.FAILED, told(error, run))
    except KeyboardInterrupt:
        forget_what_was_asked()
        end(run, RunStatus.CANCELLED, "Interrupted by a person.")
        raise
    except BaseException as error:
        log.exception("%s: run %s failed with a bug", name, run.pk)
        end(run, RunStatus.FAILED, f"A fault in hcportal itself ({type(error).__name__}: {error}).")
        raise


def told(error: HcportalError, run: HCIngestionRun) -> str:
    """What happened, and what readers have now."""
    if run.compared_with_id is None:
        kept = "Nothing is published yet."
    else:
        kept = f"Readers keep what run {run.compared_with_id} published."
    return f"{str(error).rstrip('.')}. {kept}"


def end(run: HCIngestionRun, status: RunStatus, message: str = "") -> None:
    """Close a run. One that is published already stays so: what went wrong came after."""
    if HCIngestionRun.objects.filter(pk=run.pk, status=RunStatus.COMPLETED).exists():
        message, status = f"Published, but then: {message}", RunStatus.COMPLETED
    run.status = status
    run.error_message = message.replace("\0", "")[:LONGEST_MESSAGE]
    run.completed_at = run.completed_at or timezone.now()
    run.save(update_fields=["status", "error_message", "completed_at"])
