"""Decisions that a person takes in the admin and the worker carries out: approval and rollback of runs.

Rejection writes one row and is done at once (hosting/decisions.py).
"""

from typing import Any

from accounts.models import User
from hcportal.errors import NotDecided
from hosting import decisions, trials
from hosting.models import HCIngestionRun, Trial, TrialKind
from hosting.recording import Reporter


def ask_approval(run: HCIngestionRun, *, by: User, note: str) -> Trial:
    """Have the worker publish a held run. Raises NotDecided, SourceBusy, QueueUnreachable: nothing began."""
    trials.settle()
    decisions.refuse_unless_may(by, run)
    note = decisions.with_note(note)
    with decisions.deciding(run.source):
        decisions.refuse_unless_waiting(run)
    return trials.hand_over(TrialKind.APPROVE, by=by, source=run.source, options={"note": note}, run=run)


def carry_out(trial: Trial, follow: Reporter) -> dict[str, Any] | None:
    """Do what was decided, in the worker; what there is to show beside the run. Raises HcportalError."""
    from hosting.approval import approve

    person, run = trial.started_by, trial.run
    if person is None or run is None:
        raise NotDecided("Whoever asked for it, or the run, is no more. Nothing was decided.")
    approve(run, by=person, note=str(trial.options.get("note", "")), reporter=follow)
    return None
