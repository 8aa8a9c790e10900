"""Decisions in the admin: who sees the buttons, what each click does, and what is said where it does not."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from hcportal.celery import app
from hosting.models import HCIngestionRun, HostingCapacityRecord, Trial, TrialKind
from tests import factories as make
from tests.conftest import Portal
from tests.hosting.admin.working import ended, worker
from tests.hosting.test_gate import sections, serve
from tests.layers import FREE, entry

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = ("viewer", "steward", "foreign steward", "operator", "admin", "superuser")
MAY = ("steward", "superuser")


@pytest.fixture
def held() -> HCIngestionRun:
    app.control.purge()
    source = make.make_source(make.make_utility("ours"), "lines")
    published = make.make_published_run(source)
    run = make.make_run(
        source,
        "held",
        compared_with=published,
        error_message="Held for a person to look at: 8 of 10 are gone.",
        counts={"sections": {"added": 0, "changed": 0, "removed": 0}, "records": {"removed": 8}},
    )
    make.make_finding(run, message="8 of 10 are gone.")
    return run


@pytest.fixture
def sign_in(client: Client, held: HCIngestionRun) -> Callable[[str], User]:
    def sign_in(who: str) -> User:
        groups = [] if who == "superuser" else [who.removeprefix("foreign ")]
        person = make.make_user(*groups, superuser=not groups)
        if who == "steward":
            held.utility.stewards.add(person)
        elif who == "foreign steward":
            make.make_utility().stewards.add(person)
        client.force_login(person)
        return person

    return sign_in


def page(run: HCIngestionRun) -> str:
    return reverse("admin:hosting_hcingestionrun_change", args=[run.pk])


def decide(run: HCIngestionRun) -> str:
    return reverse("admin:hosting_hcingestionrun_decide", args=[run.pk])


@pytest.mark.parametrize("who", PEOPLE)
def test_the_buttons_are_there_for_those_who_may_and_work_for_nobody_else(
    client: Client, held: HCIngestionRun, sign_in: Callable[[str], User], who: str
) -> None:
    person = sign_in(who)
    shown = client.get(page(held)).content.decode()
    runs = reverse("admin:hosting_hcingestionrun_changelist")
    assert (decide(held) in shown) == (who in MAY)
    assert ("Waiting for your decision" in client.get("/admin/").content.decode()) == (who in MAY)
    has_filter = who not in ("viewer", "operator")
    assert ("?waiting=me" in client.get(runs).content.decode()) == has_filter
    if has_filter:
        waiting = client.get(runs, {"waiting": "me"})
        assert list(waiting.context["cl"].queryset) == ([held] if who in MAY else [])
    if who not in MAY:
        assert "nobody is named yet" in shown
        for decision in ("approve", "reject"):
            answer = client.post(decide(held), {"decision": decision, "note": "as announced"})
            assert answer.status_code == 403
            assert "Nothing was decided." in answer.content.decode()
        held.refresh_from_db()
        assert (held.status, Trial.objects.count()) == ("held", 0)
        return
    answer = client.post(decide(held), {"decision": "approve", "note": "as announced"})
    trial = Trial.objects.get()
    assert answer.headers["Location"] == reverse("admin:hosting_trial_change", args=[trial.pk])
    assert (trial.kind, trial.run, trial.started_by) == (TrialKind.APPROVE, held, person)
    assert trial.options == {"note": "as announced"}
    assert "has approved it; it is being published" in client.get(page(held)).content.decode()
    again = client.post(decide(held), {"decision": "approve", "note": "once more"}, follow=True)
    assert "Approval of ours/lines is under way already" in again.content.decode()


def test_a_steward_rejects_with_one_form(
    client: Client, held: HCIngestionRun, sign_in: Callable[[str], User]
) -> None:
    person = sign_in("steward")
    answer = client.post(decide(held), {"decision": "reject", "note": " "}, follow=True)
    assert "A decision needs a note that says why. Nothing was decided." in answer.content.decode()
    answer = client.post(decide(held), {"decision": "reject", "note": "their <mistake>"}, follow=True)
    said = answer.content.decode()
    assert f"Run {held.pk} is rejected; readers keep what they have." in said
    assert "their &lt;mistake&gt;" in said
    assert person.username in said
    held.refresh_from_db()
    assert (held.status, held.decided_by, held.decision_note) == ("rejected", person, "their <mistake>")
    again = client.post(decide(held), {"decision": "approve", "note": "after all"}, follow=True)
    assert f"Run {held.pk} was rejected already by {person.username}" in again.content.decode()
    assert not Trial.objects.exists()


def test_a_superseded_run_shows_no_buttons(
    client: Client, held: HCIngestionRun, sign_in: Callable[[str], User]
) -> None:
    sign_in("steward")
    later = make.make_published_run(held.source)
    shown = client.get(page(held)).content.decode()
    assert decide(held) not in shown
    assert f"Readers see run {later.pk} now" in shown
    answer = client.post(decide(held), {"decision": "approve", "note": "yes"}, follow=True)
    assert f"readers see run {later.pk} now: it is superseded" in answer.content.decode()


def test_nothing_is_decided_by_a_link_without_a_token_or_without_signing_in(held: HCIngestionRun) -> None:
    given = {"decision": "reject", "note": "x"}
    assert Client().post(decide(held), given).headers["Location"].startswith("/admin/login/")
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(make.make_user(superuser=True))
    assert careful.post(decide(held), given).status_code == 403
    assert careful.get(decide(held)).status_code == 405
    held.refresh_from_db()
    assert held.status == "held"


def test_a_worker_publishes_what_a_steward_approved(portal: Portal, client: Client) -> None:
    app.control.purge()
    source = portal.add(entry("ours"))
    serve(portal, sections())
    portal.ingest(source)
    serve(portal, sections(30))
    held = portal.ingest(source)
    assert held.status == "held"
    steward = make.make_user("steward")
    source.utility.stewards.add(steward)
    client.force_login(steward)
    with worker(portal):
        client.post(decide(held), {"decision": "approve", "note": "as announced"})
        trial = ended(Trial.objects.get())
    assert (trial.status, trial.error) == ("done", "")
    held.refresh_from_db()
    assert (held.status, held.decided_by, held.decision_note) == ("completed", steward, "as announced")
    assert HostingCapacityRecord.objects.count() == 30
    assert "as announced" in client.get(page(held)).content.decode()
    shown = client.get(reverse("admin:hosting_trial_change", args=[trial.pk])).content.decode()
    assert page(held) in shown


def test_an_approval_that_waits_can_be_cancelled_and_one_under_way_cannot(
    client: Client, held: HCIngestionRun, sign_in: Callable[[str], User]
) -> None:
    from hosting import trials

    person = sign_in("steward")
    client.post(decide(held), {"decision": "approve", "note": "yes"})
    trial = Trial.objects.get()
    Trial.objects.update(status="running")
    trial.refresh_from_db()
    assert "nothing was cancelled" in trials.cancel(trial, person)
    Trial.objects.update(status="queued")
    assert trials.cancel(trial, person) == "Cancelled; nothing was written."
    held.refresh_from_db()
    assert held.status == "held"


# --- Rollback ---


def back_to(run: HCIngestionRun) -> str:
    return reverse("admin:hosting_hcingestionrun_rollback", args=[run.pk])


@pytest.mark.parametrize("who", PEOPLE)
def test_an_earlier_run_is_returned_to_by_its_stewards_and_admins(
    client: Client, held: HCIngestionRun, sign_in: Callable[[str], User], who: str
) -> None:
    earlier = held.source.published_run
    assert earlier is not None
    make.make_published_run(held.source)
    person = sign_in(who)
    may = who in ("steward", "admin", "superuser")
    assert (back_to(earlier) in client.get(page(earlier)).content.decode()) == may
    answer = client.post(back_to(earlier), {"do": "yes", "note": "x"})
    if may:
        trial = Trial.objects.get()
        assert answer.headers["Location"] == reverse("admin:hosting_trial_change", args=[trial.pk])
        assert (trial.kind, trial.started_by) == (TrialKind.ROLLBACK, person)
        assert trial.options == {"to": earlier.pk, "note": "x", "dry": False}
    else:
        assert answer.status_code == 403
        assert "Nothing was changed." in answer.content.decode()
        assert not Trial.objects.exists()


def test_a_worker_says_what_returning_would_change_and_does_it(portal: Portal, client: Client) -> None:
    app.control.purge()
    source = portal.add(entry("ours", thresholds=FREE))
    serve(portal, sections())
    first = portal.ingest(source)
    serve(portal, [{**row, "mw": row["mw"] + 1} for row in sections()])
    second = portal.ingest(source)
    assert second.status == "completed"
    assert back_to(second) not in client.get(page(second)).content.decode()
    client.force_login(make.make_user("admin"))
    with worker(portal):
        client.post(back_to(first))
        asked = ended(Trial.objects.get())
        shown = client.get(reverse("admin:hosting_trial_change", args=[asked.pk])).content.decode()
        assert f"From run {second.pk} back to run {first.pk}" in shown
        assert asked.result is not None
        assert asked.result["changes"]["records"]["changed"] == 40
        assert HCIngestionRun.objects.count() == 2
        answer = client.post(back_to(first), {"do": "yes", "note": " "}, follow=True)
        assert "needs a note" in answer.content.decode()
        client.post(back_to(first), {"do": "yes", "note": "withdrawn"})
        done = ended(Trial.objects.exclude(pk=asked.pk).get())
    assert (done.status, done.error) == ("done", "")
    assert done.run is not None
    assert (done.run.status, done.run.rollback_of, done.run.decision_note) == (
        "completed",
        first,
        "withdrawn",
    )
