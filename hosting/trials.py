"""What a person has the worker try with a source: ask for it, carry it out, stop it, settle what died.

Pages call `ask`, `cancel` and `settle`; the worker calls `carry_out`. The engine is imported by the worker
alone: the web server stays small.
"""

import logging
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from accounts.models import User
from hcportal.errors import Cancelled, HcportalError, QueueUnreachable, RefusedAddress, SourceBusy
from hosting.locks import advisory_lock, is_busy, is_held
from hosting.models import HCIngestionRun, RunStatus, Trial, TrialKind, TrialStatus
from hosting.models.trials import DECISIONS, OPEN
from hosting.uploads import folders
from utilities.models import Redistribution, Source, Utility

log = logging.getLogger(__name__)

KEPT = timedelta(days=30)
LONGEST_WAIT = timedelta(minutes=30)  # for a worker; one that comes later does not start it any more
MOST_ROWS = 20_000  # of a dry run: its result is a page
LONGEST_ERROR = 2_000
QUEUE_IS_AWAY = (BrokerError, RedisError, OSError)


def ask(kind: TrialKind, *, by: User, source: Source | None = None, url: str = "", **options: Any) -> Trial:
    """Hand a trial of `source`, or of a typed `url` to discover, to the worker.

    `options` are `limit` of a dry run (rows) and `force` of an ingest. Raises SourceBusy where the same is
    under way, RefusedAddress where the source must not be asked, QueueUnreachable where nothing could start.
    """
    settle()
    if source is not None:
        if why := refusal(source, kind):
            raise RefusedAddress(why)
        if kind == TrialKind.INGEST and is_busy(source):
            raise SourceBusy(f"Another run of {source} is under way. Nothing was started.")
        url = source.service_url
    return hand_over(kind, by=by, source=source, url=url, options=options)


def hand_over(
    kind: TrialKind,
    *,
    by: User,
    source: Source | None,
    options: dict[str, Any],
    url: str = "",
    run: HCIngestionRun | None = None,
    utility: Utility | None = None,
) -> Trial:
    """Keep what was asked for and send it to the worker. Raises SourceBusy, QueueUnreachable."""
    now = timezone.now()
    try:
        with transaction.atomic():
            trial = Trial.objects.create(
                kind=kind, source=source, url=url, options=options, started_by=by, asked_at=now,
                expires_at=now + KEPT, run=run, utility=utility,
            )  # fmt: skip
    except IntegrityError:  # the database lets one be open
        of = source or utility
        what = f"{TrialKind(kind).label} of {of}" if of else "Another discovery of yours"
        raise SourceBusy(f"{what} is under way already. Nothing was started.") from None
    _send(trial)
    return trial


def refusal(source: Source, kind: TrialKind) -> str:
    """Why this must not be done with the source, as a sentence; empty where it may."""
    if source.redistribution == Redistribution.FORBIDDEN:
        return f"Source {source} is never fetched: its terms forbid it."
    if not source.service_url:
        return f"The catalog knows no service of {source}."
    if kind == TrialKind.DISCOVER:
        return ""
    if not source.in_catalog:
        return f"Source {source} has left the catalog; bring its entry back first."
    if not source.is_enabled:
        return f"Source {source} is switched off. Tick 'Is enabled' and save first."
    return ""


def _send(trial: Trial) -> None:
    from hosting.tasks import run_trial

    try:
        run_trial.apply_async(args=(trial.pk,), retry=False, expires=LONGEST_WAIT.total_seconds())
    except QUEUE_IS_AWAY as trouble:
        log.warning("%s was not handed over: %s", trial, trouble)
        trial.delete()
        raise QueueUnreachable(
            "The queue (Redis) does not answer, so nothing was started. See that Redis and the worker run, "
            "then try again."
        ) from trouble


def carry_out(trial_id: int) -> str:
    """Do what was asked, in the worker; the trial's status then. A trial that is gone or taken is left."""
    with advisory_lock("trial", str(trial_id)):
        taken = Trial.objects.filter(pk=trial_id, status=TrialStatus.QUEUED)
        if not taken.update(status=TrialStatus.RUNNING, started_at=timezone.now()):
            return "left alone"
        trial = Trial.objects.select_related("source__utility", "utility", "started_by").get(pk=trial_id)
        try:
            _work(trial)
        except Cancelled as cancelled:
            end(trial, TrialStatus.CANCELLED, str(cancelled))
        except HcportalError as error:
            end(trial, TrialStatus.FAILED, str(error))
        except Exception as error:
            log.exception("%s (trial %s) failed with a bug", trial, trial.pk)
            end(trial, TrialStatus.FAILED, f"A fault in hcportal itself ({type(error).__name__}: {error}).")
            raise
    trial.refresh_from_db(fields=["status"])
    return str(trial.status)


def _work(trial: Trial) -> None:
    from hosting import decision_trials, trial_results, upload_trials

    if trial.kind == TrialKind.UPLOAD:
        upload_trials.carry_out(trial)
        return
    follow = Following(trial, trial.source if trial.kind == TrialKind.INGEST else None)
    if trial.kind == TrialKind.INGEST:
        _ingest(trial, follow)
    elif trial.kind in DECISIONS:
        decision_trials.carry_out(trial, follow)
    elif trial.kind == TrialKind.DRY_RUN:
        end(trial, TrialStatus.DONE, result=trial_results.dry_run_result(trial, follow))
    else:
        end(trial, TrialStatus.DONE, result=trial_results.discovery_result(trial, follow))


def _ingest(trial: Trial, follow: "Following") -> None:
    from hosting.pipeline import ingest

    assert trial.source is not None  # noqa: S101 - an ingest has a source
    run = ingest(
        trial.source, force=bool(trial.options.get("force")), started_by=trial.started_by, reporter=follow
    )
    run.refresh_from_db()
    Trial.objects.filter(pk=trial.pk).update(run=run)
    ended = {RunStatus.FAILED: TrialStatus.FAILED, RunStatus.CANCELLED: TrialStatus.CANCELLED}
    end(trial, ended.get(RunStatus(run.status), TrialStatus.DONE), run.error_message)


class Following:
    """Writes onto a trial how far it is, at most twice a second; raises Cancelled where it was stopped.

    `source` is what is ingested, if anything is; `lines` how many its file has, where it is one.
    """

    def __init__(self, trial: Trial, source: Source | None = None, *, lines: int = 0) -> None:
        self._trial, self._source, self._lines = trial, source, lines
        self._wrote = timezone.now() - timedelta(minutes=1)

    def progress(self, done: int, planned: int) -> None:
        now = timezone.now()
        planned = max(planned, self._lines)
        if done == planned or now - self._wrote >= timedelta(seconds=0.5):
            self._wrote = now
            self._write(step="fetch", rows_fetched=done, rows_expected=planned)

    def step(self, name: str, _seconds: float = 0) -> None:
        # Within the transaction of a publication a row written stays locked, and the page could not cancel.
        if not connection.in_atomic_block:
            self._write(step=name)

    def _write(self, **values: Any) -> None:
        trial = self._trial
        if self._source is not None:  # we hold it, so a run of it is ours
            run = self._source.runs.filter(status=RunStatus.RUNNING).first()
            if run is not None:
                self._source, values["run"] = None, run
        if not Trial.objects.filter(pk=trial.pk, status=TrialStatus.RUNNING).update(**values):
            raise Cancelled("Cancelled by a person")


def end(trial: Trial, status: TrialStatus, error: str = "", result: dict[str, Any] | None = None) -> None:
    """Close a trial, unless somebody did already."""
    values = {} if result is None else {"result": result}  # what an upload has told so far stays
    Trial.objects.filter(pk=trial.pk, status__in=OPEN).update(
        status=status,
        error=error.replace("\0", "")[:LONGEST_ERROR],
        completed_at=timezone.now(),
        **values,
    )


def cancel(trial: Trial, by: User) -> str:
    """Stop a trial; a sentence that says what happens now."""
    from hosting import upload_trials

    if trial.run is not None and trial.kind == TrialKind.INGEST:
        return cancel_run(trial.run, by)
    if trial.kind == TrialKind.UPLOAD and trial.status == TrialStatus.RUNNING:
        return upload_trials.cancel(trial, by)
    # A decision that has begun is carried out: it either publishes or changes nothing, in seconds.
    may_stop = (TrialStatus.QUEUED,) if trial.kind in (*DECISIONS, TrialKind.UPLOAD) else OPEN
    stopped = Trial.objects.filter(pk=trial.pk, status__in=may_stop).update(
        status=TrialStatus.CANCELLED,
        error=f"Cancelled by {by.get_username()}. Nothing was written.",
        completed_at=timezone.now(),
    )
    if stopped:
        return "Cancelled; nothing was written."
    if trial.kind in DECISIONS:
        return "It is being carried out, or had ended already; nothing was cancelled."
    return "It had ended already; nothing was cancelled."


def cancel_run(run: HCIngestionRun, by: User) -> str:
    """Ask a run to stop; it does so at its next page or step, unless it is publishing already."""
    mine = HCIngestionRun.objects.filter(pk=run.pk, status=RunStatus.RUNNING, decided_by=None)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")  # a publication holds the row until it commits
            asked = mine.update(
                decided_by=by, decided_at=timezone.now(), decision_note="Cancelled while it was under way."
            )
    except OperationalError:
        return f"Run {run.pk} is being published at this moment; it is too late to cancel it."
    if asked:
        return f"Run {run.pk} was asked to stop; it does so at its next page or step. Nothing is published."
    return f"Run {run.pk} had ended, or was asked to stop already."


def settle() -> None:
    """End trials whose process died or that no worker took, have runs settled whose process died, and

    forget what has expired. Cheap: every page that shows how far something is calls it.
    """
    end_dead()
    _settle_runs()


def end_dead() -> list[str]:
    """End and forget trials as `settle` does, and remove uploaded files that no open one waits for."""
    now = timezone.now()
    for trial in Trial.objects.filter(status=TrialStatus.RUNNING):
        if not is_held("trial", str(trial.pk)):
            after = f" after '{trial.step}'" if trial.step else ""
            end(trial, TrialStatus.FAILED, f"Its process ended{after}. Start it again; the log may say why.")
    Trial.objects.filter(status=TrialStatus.QUEUED, asked_at__lt=now - LONGEST_WAIT).update(
        status=TrialStatus.FAILED,
        error="No worker took it within half an hour. See that the worker runs, then start it again.",
        completed_at=now,
    )
    Trial.objects.filter(expires_at__lt=now).exclude(status__in=OPEN).delete()
    return folders.sweep()


def _settle_runs() -> None:
    """Send for `reconcile` where a run is marked as running and nobody holds its source; once a minute."""
    from hosting.tasks import reconcile

    running = Source.objects.filter(runs__status=RunStatus.RUNNING).distinct()
    if all(is_busy(source) for source in running.only("pk")):
        return
    try:
        if cache.add("reconcile-sent", 1, 60):
            reconcile.apply_async(retry=False, expires=60)
    except QUEUE_IS_AWAY as trouble:
        log.warning("a run waits to be settled, and the queue does not answer: %s", trouble)
