"""Decisions on runs: who may take one, what waits for one, and rejection. Approval: hosting/approval.py.

A held run waits until somebody decides on it or a later run of its source makes it old. Light: the web server
imports this; the engine is the worker's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from hcportal.errors import NotDecided, SourceBusy
from hosting.locks import source_lock
from hosting.models import HCIngestionRun, RunStatus
from utilities.models import Source, Utility

LONGEST_NOTE = 2_000  # characters


def is_steward_of(person: Any, utility_id: int) -> bool:
    """Is named for the utility, and still of the group."""
    return bool(
        person.has_perm("hosting.decide_run") and person.stewarded_utilities.filter(pk=utility_id).exists()
    )


def may_decide(person: Any, utility_id: int) -> bool:
    """A steward of the utility, or a superuser. To start runs or to steward another utility is not enough."""
    return bool(person.is_active and (person.is_superuser or is_steward_of(person, utility_id)))


def may_roll_back(person: Any, utility_id: int) -> bool:
    """Who may decide on the utility's runs, and admins."""
    return may_decide(person, utility_id) or bool(
        person.is_active and person.has_perm("hosting.roll_back_run")
    )


def waiting_for(person: Any) -> QuerySet[HCIngestionRun]:
    """The held runs that this person may decide on, the oldest first."""
    held = HCIngestionRun.objects.filter(status=RunStatus.HELD).order_by("pk")
    if not person.is_active:
        return held.none()
    if person.is_superuser:
        return held
    if not person.has_perm("hosting.decide_run"):
        return held.none()
    return held.filter(utility__in=person.stewarded_utilities.order_by().values("pk"))


def reject(run: HCIngestionRun, *, by: User, note: str) -> None:
    """Close a held run as rejected; readers keep what they have, and the next refresh is compared as before.

    Raises NotDecided, SourceBusy.
    """
    refuse_unless_may(by, run)
    note = with_note(note)
    with deciding(run.source):
        refuse_unless_waiting(run)
        run.status, run.decided_by, run.decided_at, run.decision_note = (
            RunStatus.REJECTED,
            by,
            timezone.now(),
            note,
        )
        run.save(update_fields=["status", "decided_by", "decided_at", "decision_note"])


def refuse_unless_may(person: User, run: HCIngestionRun) -> None:
    """Raise NotDecided where the person may not decide on the run."""
    if not may_decide(person, run.utility_id):
        raise NotDecided(
            f"{person.get_username()} may not decide on run {run.pk}: stewards of {run.utility} do. "
            "Nothing was decided."
        )


def with_note(note: str) -> str:
    """The note, which says why and is required. Raises NotDecided."""
    note = note.replace("\0", "").strip()
    if not note:
        raise NotDecided("A decision needs a note that says why. Nothing was decided.")
    if len(note) > LONGEST_NOTE:
        raise NotDecided(
            f"The note is longer than {LONGEST_NOTE:,} characters. Shorten it; nothing was decided."
        )
    return note


@contextmanager
def deciding(source: Source) -> Iterator[None]:
    """Hold the source for a decision; two at once, or one beside a run, would each stand on old figures."""
    try:
        with source_lock(source):
            yield
    except SourceBusy:
        raise SourceBusy(
            f"Another run of {source}, or another decision on one, is under way. Nothing was decided; "
            "look again when it has ended."
        ) from None


def refuse_unless_waiting(run: HCIngestionRun) -> None:
    """Raise NotDecided where the run waits for nobody. The caller holds its source.

    Where readers see something else than what it was compared with, it is closed as superseded.
    """
    run.refresh_from_db()
    run.source.refresh_from_db()
    if run.status == RunStatus.HELD:
        published = run.source.published_run_id
        if run.compared_with_id == published:
            return
        close_outdated(run.source, f"Superseded by run {published}.")
        was = f"run {run.compared_with_id}" if run.compared_with_id else "nothing"
        raise NotDecided(
            f"Run {run.pk} was compared with {was}, and readers see run {published} now: it is superseded. "
            "Nothing was changed; ingest the source again."
        )
    raise NotDecided(f"{_how_it_ended(run)} Nothing was decided.")


def _how_it_ended(run: HCIngestionRun) -> str:
    who = f" by {run.decided_by}" if run.decided_by else ""
    when = f", {run.decided_at:%Y-%m-%d %H:%M} UTC" if run.decided_at else ""
    if run.status == RunStatus.REJECTED:
        return f"Run {run.pk} was rejected already{who}{when}."
    if run.status == RunStatus.COMPLETED and run.decided_by:
        return f"Run {run.pk} was approved already{who}{when}."
    if run.status == RunStatus.CANCELLED and run.decision_note:
        return f"Run {run.pk} waits no more: {run.decision_note}"
    return f"Run {run.pk} is not held (it is {run.status})."


def close_outdated(source: Source, note: str, *, before: int | None = None) -> None:
    """Close held runs that were compared with other than what readers see, or came `before` a run."""
    outdated = ~Q(compared_with=source.published_run_id)
    if source.published_run_id is None:
        outdated = Q(compared_with__isnull=False)
    if before is not None:
        outdated |= Q(pk__lt=before)
    source.runs.filter(outdated, status=RunStatus.HELD).update(
        status=RunStatus.CANCELLED, decided_at=timezone.now(), decision_note=note
    )


def stewards_of(utility: Utility) -> list[str]:
    """Who may be asked for a decision, by name."""
    return [user.get_full_name() or user.get_username() for user in utility.stewards.filter(is_active=True)]
