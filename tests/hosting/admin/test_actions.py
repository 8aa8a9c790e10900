"""What each group may have the worker do, asked again on every POST, and what the others are told."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from hcportal.celery import app
from hosting import trials
from hosting.models import HCIngestionRun, RunStatus, Trial, TrialKind
from tests import factories as make
from tests.conftest import Portal
from tests.hosting.admin.working import ended, wait_until, worker
from tests.layers import entry, write_layer
from utilities.models import Source

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = ("viewer", "steward", "foreign steward", "operator", "admin", "superuser")
MAY = {
    "discover": {"steward", "operator", "admin", "superuser"},
    "dry_run": {"steward", "operator", "admin", "superuser"},
    "ingest": {"operator", "admin", "superuser"},
    "typed": {"operator", "admin", "superuser"},
    "cancel": {"operator", "admin", "superuser"},
}


@pytest.fixture
def source() -> Source:
    app.control.purge()
    return make.make_source(make.make_utility("ours"), "lines")


@pytest.fixture
def sign_in(client: Client, source: Source) -> Callable[[str], User]:
    def sign_in(who: str) -> User:
        groups = [] if who == "superuser" else [who.removeprefix("foreign ")]
        person = make.make_user(*groups, superuser=not groups)
        if who == "steward":
            source.utility.stewards.add(person)
        elif who == "foreign steward":
            make.make_utility().stewards.add(person)
        client.force_login(person)
        return person

    return sign_in


def begin(source: Source, kind: str) -> str:
    return reverse("admin:utilities_source_start", args=[source.pk, kind])


def page(source: Source) -> str:
    return reverse("admin:utilities_source_change", args=[source.pk])


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("kind", ["discover", "dry_run", "ingest"])
def test_each_group_starts_what_it_may_and_nothing_else(
    client: Client, source: Source, sign_in: Callable[[str], User], who: str, kind: str
) -> None:
    person = sign_in(who)
    shown = client.get(page(source)).content.decode()
    answer = client.post(begin(source, kind))
    if who in MAY[kind]:
        assert begin(source, kind) in shown
        trial = Trial.objects.get()
        assert answer.headers["Location"] == reverse("admin:hosting_trial_change", args=[trial.pk])
        assert (trial.kind, trial.source, trial.started_by, trial.status) == (kind, source, person, "queued")
    else:
        assert begin(source, kind) not in shown
        assert answer.status_code == 403
        assert "Nothing was started." in answer.content.decode()
        assert not Trial.objects.exists()


@pytest.mark.parametrize("who", PEOPLE)
def test_an_address_typed_by_hand_is_for_those_who_start_runs(
    client: Client, sign_in: Callable[[str], User], who: str
) -> None:
    sign_in(who)
    where = reverse("admin:hosting_trial_discover")
    listed = client.get(reverse("admin:hosting_trial_changelist")).content.decode()
    assert (where in listed) == (who in MAY["typed"])
    for answer in (client.get(where), client.post(where, {"url": "https://gis.example.org/FeatureServer"})):
        if who in MAY["typed"]:
            assert answer.status_code in (200, 302)
        else:
            assert answer.status_code == 403
            assert "Nothing was asked." in answer.content.decode()
    assert Trial.objects.count() == (who in MAY["typed"])


@pytest.mark.parametrize("who", PEOPLE)
def test_a_run_is_cancelled_by_those_who_start_runs(
    client: Client, source: Source, sign_in: Callable[[str], User], who: str
) -> None:
    run = make.make_run(source, RunStatus.RUNNING)
    sign_in(who)
    where = reverse("admin:hosting_hcingestionrun_cancel", args=[run.pk])
    shown = client.get(reverse("admin:hosting_hcingestionrun_change", args=[run.pk])).content.decode()
    assert (where in shown) == (who in MAY["cancel"])
    answer = client.post(where)
    run.refresh_from_db()
    if who in MAY["cancel"]:
        assert answer.status_code == 302
        assert run.decided_by is not None
    else:
        assert answer.status_code == 403
        assert "This one goes on." in answer.content.decode()
        assert run.decided_by is None


@pytest.mark.parametrize("who", PEOPLE)
def test_a_trial_is_cancelled_by_who_asked_and_by_those_who_start_runs(
    client: Client, source: Source, sign_in: Callable[[str], User], who: str
) -> None:
    theirs = trials.ask(TrialKind.DRY_RUN, by=make.make_user("operator"), source=source)
    person = sign_in(who)
    where = reverse("admin:hosting_trial_cancel", args=[theirs.pk])
    assert client.post(where).status_code == (302 if who in MAY["cancel"] else 403)
    theirs.refresh_from_db()
    assert theirs.is_open == (who not in MAY["cancel"])
    if who in MAY["discover"]:
        own = trials.ask(TrialKind.DISCOVER, by=person, source=source)
        assert client.post(reverse("admin:hosting_trial_cancel", args=[own.pk])).status_code == 302
        own.refresh_from_db()
        assert own.status == "cancelled"


def test_a_steward_who_left_the_group_or_the_utility_may_do_nothing(
    client: Client, source: Source, sign_in: Callable[[str], User]
) -> None:
    person = sign_in("steward")
    person.groups.set([])
    assert client.post(begin(source, "dry_run")).status_code == 403
    person = sign_in("steward")
    source.utility.stewards.clear()
    assert client.post(begin(source, "dry_run")).status_code == 403
    assert not Trial.objects.exists()


def test_nothing_starts_by_a_link_without_a_token_or_without_signing_in(source: Source) -> None:
    careful = Client(enforce_csrf_checks=True)
    assert careful.post(begin(source, "ingest")).status_code == 403  # the token is asked for first
    assert Client().post(begin(source, "ingest")).headers["Location"].startswith("/admin/login/")
    careful.force_login(make.make_user("operator"))
    assert careful.post(begin(source, "ingest")).status_code == 403
    assert careful.get(begin(source, "ingest")).status_code == 405
    assert not Trial.objects.exists()


def test_a_second_click_leads_to_the_one_under_way_and_says_so(
    client: Client, source: Source, sign_in: Callable[[str], User]
) -> None:
    sign_in("operator")
    first = client.post(begin(source, "ingest"))
    again = client.post(begin(source, "ingest"), follow=True)
    assert again.redirect_chain[-1][0] == first.headers["Location"]
    assert "Ingest of ours/lines is under way already. Nothing was started." in again.content.decode()
    assert Trial.objects.count() == 1
    assert "under way; see how far it is" in client.get(page(source)).content.decode()


def test_a_click_without_the_queue_says_so_on_the_sources_page(
    client: Client, source: Source, sign_in: Callable[[str], User], monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in("operator")
    monkeypatch.setattr(app.conf, "broker_write_url", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(app, "_pool", None)
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    answer = client.post(begin(source, "ingest"), follow=True)
    assert answer.redirect_chain == [(page(source), 302)]
    assert "The queue (Redis) does not answer, so nothing was started." in answer.content.decode()
    assert not Trial.objects.exists()


def test_a_dry_run_of_too_many_rows_is_refused(
    client: Client, source: Source, sign_in: Callable[[str], User]
) -> None:
    sign_in("operator")
    for limit in ("0", "20001", "many"):
        answer = client.post(begin(source, "dry_run"), {"limit": limit}, follow=True)
        assert "A dry run takes 1 to 20,000 rows. Nothing was started." in answer.content.decode()
    assert not Trial.objects.exists()
    client.post(begin(source, "dry_run"), {"limit": "20000"})
    assert Trial.objects.get().options == {"limit": 20_000}


# --- Several at once ---


def selected(client: Client, action: str, *sources: Source) -> str:
    answer = client.post(
        reverse("admin:utilities_source_changelist"),
        {"action": action, "_selected_action": [source.pk for source in sources]},
        follow=True,
    )
    return str(answer.content.decode())


def test_several_sources_are_started_from_the_list(
    client: Client, source: Source, sign_in: Callable[[str], User]
) -> None:
    sign_in("operator")
    off = make.make_source(is_enabled=False)
    said = selected(client, "ingest_selected", source, make.make_source(), off)
    assert "2 were started." in said
    assert f"Source {off} is switched off." in said
    assert Trial.objects.filter(kind="ingest").count() == 2


def test_a_steward_tries_only_their_own_from_the_list_and_ingests_none(
    client: Client, source: Source, sign_in: Callable[[str], User]
) -> None:
    sign_in("steward")
    foreign = make.make_source()
    said = selected(client, "dry_run_selected", source, foreign)
    assert "1 was started." in said
    assert "is asked by operators, admins and its own stewards" in said
    assert [trial.source for trial in Trial.objects.all()] == [source]
    assert "ingest_selected" not in said
    selected(client, "ingest_selected", source)
    assert not Trial.objects.filter(kind="ingest").exists()


def test_a_viewer_has_no_actions_in_the_list(
    client: Client, source: Source, sign_in: Callable[[str], User]
) -> None:
    sign_in("viewer")
    shown = client.get(reverse("admin:utilities_source_changelist")).content.decode()
    assert 'name="action"' not in shown
    selected(client, "ingest_selected", source)
    assert not Trial.objects.exists()


# --- What people see ---


def test_a_steward_sees_which_utilities_are_theirs(
    client: Client, source: Source, sign_in: Callable[[str], User]
) -> None:
    make.make_source(make.make_utility("other"), "cells")
    sign_in("steward")
    first = client.get(reverse("admin:index")).content.decode()
    assert "Your utilities" in first
    assert first.count(page(source)) == 1
    assert "You are a steward of this utility." in client.get(page(source)).content.decode()
    for listed, count in (("utilities_source", 1), ("utilities_utility", 1)):
        shown = client.get(reverse(f"admin:{listed}_changelist") + "?mine=1")
        assert shown.context["cl"].result_count == count
    sign_in("viewer")
    assert "Your utilities" not in client.get(reverse("admin:index")).content.decode()


def test_a_viewer_reads_what_others_tried(
    client: Client, source: Source, sign_in: Callable[[str], User]
) -> None:
    trial = trials.ask(TrialKind.DISCOVER, by=make.make_user("operator", username="ada"), source=source)
    sign_in("viewer")
    shown = client.get(reverse("admin:hosting_trial_change", args=[trial.pk])).content.decode()
    assert "asked for by ada" in shown
    assert "Waiting for a worker" in shown
    assert reverse("admin:hosting_trial_cancel", args=[trial.pk]) not in shown
    assert "admin-progress.js" in shown
    assert '<noscript><meta http-equiv="refresh"' in shown
    part = client.get(reverse("admin:hosting_trial_progress", args=[trial.pk])).content.decode()
    assert "data-open" in part
    assert "<html" not in part


def test_a_trial_that_is_not_there_is_a_404(client: Client, sign_in: Callable[[str], User]) -> None:
    sign_in("operator")
    for name in ("change", "progress"):
        assert client.get(reverse(f"admin:hosting_trial_{name}", args=[1])).status_code == 404
    assert client.post(reverse("admin:hosting_trial_cancel", args=[1])).status_code == 404
    assert client.post(reverse("admin:utilities_source_start", args=[1, "ingest"])).status_code == 404


# --- From click to result, with a real worker ---


@pytest.fixture
def real(portal: Portal) -> Source:
    app.control.purge()
    rows: list[dict[str, Any]] = [
        {"section": f"s{n}", "feeder": f"f{n % 3}", "mw": n / 2, "note": "<b>bold</b>"} for n in range(30)
    ]
    write_layer(portal.folder / "recorded", "real", rows)
    return portal.add(entry("real"))


def test_from_click_to_result(portal: Portal, real: Source, client: Client) -> None:
    person = make.make_user("operator", username="ada")
    client.force_login(person)
    shown = {}
    with worker(portal):
        for kind in ("discover", "dry_run", "ingest"):
            where = client.post(begin(real, kind)).headers["Location"]
            ended(Trial.objects.get(kind=kind))
            shown[kind] = client.get(where).content.decode()
    assert "Every field that the catalog maps is there." in shown["discover"]
    assert "# A draft. Save it as" in shown["discover"]
    assert "hosting_capacity_mw" in shown["discover"]  # drafted from the field named mw
    for words in ("As published", "Canonical", "&lt;b&gt;bold&lt;/b&gt;", "Column by column", "Least"):
        assert words in shown["dry_run"]
    assert "<b>bold</b>" not in shown["dry_run"]
    run = HCIngestionRun.objects.get()
    assert (run.status, run.started_by) == ("completed", person)
    assert reverse("admin:hosting_hcingestionrun_change", args=[run.pk]) in shown["ingest"]
    of_run = client.get(reverse("admin:hosting_hcingestionrun_change", args=[run.pk])).content.decode()
    assert "ada" in of_run


def test_a_failure_ends_with_the_errors_sentence(portal: Portal, real: Source, client: Client) -> None:
    client.force_login(make.make_user("operator"))
    write_layer(portal.folder / "recorded", "real", [{"section": "s", "Feeder_": "f", "mw": 1.0}])
    where = client.post(begin(real, "dry_run")).headers["Location"]
    with worker(portal):
        ended(Trial.objects.get())
    shown = client.get(where).content.decode()
    assert "lacks the mapped field &#x27;feeder&#x27; (is it &#x27;Feeder_&#x27; now?)" in shown


def test_a_held_run_opens_on_why_and_on_what_it_would_change(
    portal: Portal, real: Source, client: Client
) -> None:
    assert portal.ingest(real).status == "completed"
    rows = [{"section": f"s{n}", "feeder": f"f{n % 3}", "mw": n * 500.0, "note": ""} for n in range(30)]
    write_layer(portal.folder / "recorded", "real", rows)
    held = portal.ingest(real)
    assert held.status == "held"
    client.force_login(make.make_user("viewer"))
    shown = client.get(reverse("admin:hosting_hcingestionrun_change", args=[held.pk])).content.decode()
    assert shown.index("has the unit changed?") < shown.index("Everything about this run")
    movements = shown[shown.index("Largest movements") : shown.index("<h2>Decision</h2>")]
    for figure in ("f2", "14.5", "14500", "14485.5"):
        assert figure in movements
    assert "Stewards of real for a test decide on it: nobody is named yet" in shown
    assert begin(real, "dry_run") not in shown
    client.force_login(make.make_user("operator"))
    shown = client.get(reverse("admin:hosting_hcingestionrun_change", args=[held.pk])).content.decode()
    assert begin(real, "dry_run") in shown


def test_a_running_run_whose_process_is_gone_says_so_and_is_settled(
    portal: Portal, real: Source, client: Client
) -> None:
    run = make.make_run(real, RunStatus.RUNNING)
    client.force_login(make.make_user("viewer"))
    shown = client.get(reverse("admin:hosting_hcingestionrun_change", args=[run.pk])).content.decode()
    assert "Its process has ended." in shown
    with worker(portal):
        cache.delete("reconcile-sent")
        client.get(reverse("admin:index"))
        wait_until(lambda: HCIngestionRun.objects.get().status == "failed")


def test_a_typed_address_inside_the_network_is_refused_by_the_guarded_client(
    portal: Portal, real: Source, client: Client, settings: Settings
) -> None:
    client.force_login(make.make_user("operator"))
    settings.HCP_ALLOW_LOOPBACK = False
    where = client.post(
        reverse("admin:hosting_trial_discover"), {"url": "https://127.0.0.1/arcgis/rest/FeatureServer"}
    ).headers["Location"]
    assert trials.carry_out(Trial.objects.get().pk) == "failed"
    assert "127.0.0.1" in client.get(where).content.decode()
