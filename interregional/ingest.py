"""From a publisher, or a file, to what people read: start here.

A run is written down before anything is asked and ended whatever happens. What is stored comes in one
transaction, so that a run that fails, at whatever point, changes nothing that readers see.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Q
from django.dispatch import Signal
from django.utils import timezone

from hcportal.connections import forget_what_was_asked
from hcportal.errors import HcportalError, UnknownName
from interregional.archive import LARGEST_WHOLE, csv_files
from interregional.clock import new_york_date
from interregional.defaults import CURRENT, DAILY
from interregional.findings import notice_staleness
from interregional.locks import source_lock
from interregional.models import FlowRun, FlowSource, Interface, RunStatus
from interregional.nyiso import NotAFlowFile, Reading, read
from interregional.publishers import Asking, asking
from interregional.store import store

log = logging.getLogger(__name__)
LONGEST_ERROR: Final = 2_000  # characters
KEEP_RUNS: Final = timedelta(days=30)  # those that brought nothing

# Sent with `run` inside the transaction, when all rows are written and nothing is committed yet.
about_to_commit = Signal()


def pull_current(**options: Any) -> FlowRun:
    """The latest interval, from the first publisher that has it fresh."""
    return _pull(source_of(CURRENT), None, **options)


def read_day(day: date, **options: Any) -> FlowRun:
    """The file of a New York day."""
    return _pull(source_of(DAILY), day, **options)


def load_file(path: Path) -> FlowRun:
    """A file that somebody has: a CSV of any days, or a zip of such."""
    source = source_of(DAILY)
    with source_lock(source, wait=True), recording(source, source_url=path.name, publisher="file") as run:
        now = timezone.now()
        try:
            with path.open("rb") as opened:
                body = opened.read(LARGEST_WHOLE + 1)
        except OSError as problem:
            raise NotAFlowFile(f"{path} cannot be read: {problem.strerror}. Nothing was stored.") from problem
        if len(body) > LARGEST_WHOLE:
            raise NotAFlowFile(
                f"{path.name} has more than {LARGEST_WHOLE:,} bytes, as no month has. Nothing was stored."
            )
        readings = []
        for name, content in csv_files(body):
            try:
                readings.append(read(content, asked_at=now))
            except NotAFlowFile as problem:
                raise NotAFlowFile(f"{name}: {problem}" if name else str(problem)) from problem
        _keep(run, readings, now)
    return run


def source_of(code: str) -> FlowSource:
    """The source, if it may be asked. Raises UnknownName."""
    source = FlowSource.objects.filter(code=code).first()
    if source is None:
        raise UnknownName(f"There is no source {code}; bin/manage migrate makes it.")
    if not source.is_enabled:
        raise UnknownName(
            f"The source {code} is switched off; /admin/interregional/flowsource/ switches it on."
        )
    return source


def _pull(
    source: FlowSource,
    day: date | None,
    *,
    session: Asking | None = None,
    started_by: Any = None,
    wait: bool = False,
) -> FlowRun:
    """Raises SourceBusy where another run of the source is under way, unless told to wait."""
    with source_lock(source, wait=wait), recording(source, target_date=day, started_by=started_by) as run:
        if session is not None:
            _take(run, session)
        else:
            with asking() as own:
                _take(run, own)
    if day is None:
        newest = (
            Interface.objects.order_by("-last_seen")
            .exclude(last_seen=None)
            .values_list("last_seen", flat=True)
        )
        notice_staleness(run, newest.first(), timezone.now())
    return run


def _take(run: FlowRun, session: Asking) -> None:
    try:
        taken = session.take(run.source, run.target_date)
    finally:
        run.attempts = [asked.as_json() for asked in session.asked]
        run.save(update_fields=["attempts"])
    run.publisher, run.source_url = taken.publisher, taken.url
    _keep(run, [taken.reading], taken.asked_at)
    if taken.complaint:
        run.error = f"Every publisher's file is wanting; the best one was taken. It is {taken.complaint}."


def _keep(run: FlowRun, readings: Sequence[Reading], asked_at: datetime) -> None:
    """Store the readings and count what became of them."""
    stored = store(
        run, readings, asked_at=asked_at, is_snapshot=run.source.is_static, before_commit=about_to_commit
    )
    instants = [i for reading in readings for i in (reading.oldest, reading.newest) if i is not None]
    run.rows_read = sum(reading.rows_read for reading in readings)
    run.inserted, run.updated = stored.inserted, stored.updated
    run.unchanged, run.quarantined = stored.unchanged, stored.quarantined
    run.oldest, run.newest = min(instants, default=None), max(instants, default=None)
    run.status = RunStatus.COMPLETED if stored.inserted or stored.updated else RunStatus.UNCHANGED


@contextmanager
def recording(source: FlowSource, **given: Any) -> Iterator[FlowRun]:
    """A run of a source that nobody else holds. Errors meant for a person end it as failed and go no
    further."""
    end_dead_runs(source)
    run = FlowRun.objects.create(source=source, started_at=timezone.now(), **given)
    try:
        yield run
        _end(run, RunStatus(run.status), run.error)
    except HcportalError as error:
        _end(run, RunStatus.FAILED, str(error))
    except KeyboardInterrupt:
        forget_what_was_asked()
        _end(run, RunStatus.CANCELLED, "Interrupted by a person.")
        raise
    except (DatabaseError, InterfaceError) as error:
        connection.close()  # it may be lost; the next statement opens another
        try:
            _end(run, RunStatus.FAILED, f"The database failed: {error}")
        except (DatabaseError, InterfaceError):
            log.warning("Run %s could not be ended; the next run of %s does it.", run.pk, source)
        raise
    except BaseException as error:
        log.exception("Run %s of %s failed with a bug", run.pk, source)
        _end(run, RunStatus.FAILED, f"A fault in hcportal itself ({type(error).__name__}: {error}).")
        raise


def _end(run: FlowRun, status: RunStatus, error: str = "") -> None:
    if status is RunStatus.FAILED:
        error = f"{error.rstrip('. ').replace(chr(0), '')}. What was stored before stays."
    run.status, run.error, run.completed_at = status, error[:LONGEST_ERROR], timezone.now()
    run.save()


def end_dead_runs(source: FlowSource) -> int:
    """Whoever holds the source knows that no other run of it is alive."""
    dead = FlowRun.objects.filter(source=source, status=RunStatus.RUNNING)
    # Counts are written with the rows: a run that has some had committed them.
    stored = dead.filter(Q(inserted__gt=0) | Q(updated__gt=0)).update(
        status=RunStatus.COMPLETED,
        completed_at=timezone.now(),
        error="Its process ended when its rows were stored, before the rest was written down.",
    )
    return stored + dead.update(
        status=RunStatus.FAILED,
        completed_at=timezone.now(),
        error="Its process ended before the run did. What was stored before stays.",
    )


def forget_old_runs(now: datetime | None = None) -> int:
    """Take away runs that are old and brought nothing: there are 288 a day."""
    old = FlowRun.objects.filter(
        completed_at__lt=(now or timezone.now()) - KEEP_RUNS,
        status__in=[RunStatus.UNCHANGED, RunStatus.FAILED, RunStatus.CANCELLED],
        findings=None,
        quarantined_lines=None,
        target_date=None,
    )
    return old.delete()[0]


def today() -> date:
    """The day in New York."""
    return new_york_date(timezone.now())
