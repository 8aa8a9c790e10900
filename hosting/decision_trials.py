"""Decisions that a person takes in the admin and the worker carries out: approval and rollback of runs.

Rejection writes one row and is done at once (hosting/decisions.py).
"""

from accounts.models import User
from hcportal.errors import NotDecided
from hosting import decisions, trials
from hosting.models import HCIngestionRun, RunStatus, Trial, TrialKind, TrialStatus
from hosting.recording import Reporter


def ask_approval(run: HCIngestionRun, *, by: User, note: str) -> Trial:
    """Have the worker publish a held run. Raises NotDecided, SourceBusy, QueueUnreachable: nothing began."""
    trials.settle()
    decisions.refuse_unless_may(by, run)
    note = decisions.with_note(note)
    with decisions.deciding(run.source):
        decisions.refuse_unless_waiting(run)
    return trials.hand_over(TrialKind.APPROVE, by=by, source=run.source, options={"note": note}, run=run)


def ask_rollback(to: HCIngestionRun, *, by: User, note: str = "", dry: bool) -> Trial:
    """Have the worker return a source to what a run showed, or where `dry` only say what that would change.

    Raises NotDecided, SourceBusy, QueueUnreachable: nothing began.
    """
    trials.settle()
    if not decisions.may_roll_back(by, to.utility_id):
        raise NotDecided(f"{by.get_username()} may not roll back {to.source}. Nothing was changed.")
    if not dry:
        note = decisions.with_note(note)
    options = {"to": to.pk, "note": note, "dry": dry}
    return trials.hand_over(TrialKind.ROLLBACK, by=by, source=to.source, options=options)


def carry_out(trial: Trial, follow: Reporter) -> None:
    """Do what was decided, in the worker, and close the trial. Raises HcportalError."""
    if trial.started_by is None:
        raise NotDecided("Whoever asked for it has left. Nothing was decided.")
    if trial.kind == TrialKind.ROLLBACK:
        _roll_back(trial, trial.started_by, follow)
        return
    from hosting.approval import approve

    if trial.run is None:
        raise NotDecided("The run is no more. Nothing was decided.")
    approve(trial.run, by=trial.started_by, note=str(trial.options.get("note", "")), reporter=follow)
    trials.end(trial, TrialStatus.DONE)


def _roll_back(trial: Trial, by: User, follow: Reporter) -> None:
    from hosting.rollback import roll_back, what_would_change

    to = HCIngestionRun.objects.select_related("source__utility", "utility").get(pk=trial.options["to"])
    if trial.options.get("dry"):
        result = {
            "to": to.pk,
            "from": to.source.published_run_id,
            "changes": what_would_change(to.source, to),
        }
        trials.end(trial, TrialStatus.DONE, result=result)
        return
    run = roll_back(to.source, to, note=str(trial.options.get("note", "")), by=by, reporter=follow)
    Trial.objects.filter(pk=trial.pk).update(run=run)
    failed = run.status == RunStatus.FAILED
    trials.end(trial, TrialStatus.FAILED if failed else TrialStatus.DONE, run.error_message)
