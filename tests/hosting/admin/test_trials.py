"""Trials: a real worker discovers, tries and ingests what a person asked for, and nothing is left running."""

import json
import os
import signal
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from hcportal.celery import app
from hcportal.errors import QueueUnreachable, RefusedAddress, SourceBusy
from hosting import trials
from hosting.locks import advisory_lock, is_busy, is_held, source_lock
from hosting.models import HCIngestionRun, HostingCapacitySection, Trial, TrialKind
from tests import factories as make
from tests.conftest import Portal
from tests.hosting.admin.working import ended, wait_until, worker
from tests.hosting.test_dry_run import everything
from tests.layers import entry, write_layer
from utilities.models import Source

CODE = "tried"


def rows(count: int = 30, factor: float = 1) -> list[dict[str, Any]]:
    return [{"section": f"s{n}", "feeder": f"f{n % 3}", "mw": n * factor / 2} for n in range(count)]


@pytest.fixture
def source(portal: Portal) -> Source:
    """A source of 30 sections on three feeders."""
    app.control.purge()  # what other tests sent and nobody took
    write_layer(portal.folder / "recorded", CODE, rows())
    return portal.add(entry(CODE))


@pytest.fixture
def person(portal: Portal) -> User:
    return make.make_user("operator", username="ada")


def outcome(trial: Trial) -> dict[str, Any]:
    assert trial.result is not None, trial.error
    result: dict[str, Any] = trial.result
    return result


def test_a_worker_discovers_tries_and_ingests(portal: Portal, source: Source, person: User) -> None:
    with worker(portal):
        found = ended(trials.ask(TrialKind.DISCOVER, by=person, source=source))
        tried = ended(trials.ask(TrialKind.DRY_RUN, by=person, source=source, limit=2_000))
        done = ended(trials.ask(TrialKind.INGEST, by=person, source=source))
    assert (found.status, found.error) == ("done", "")
    [layer] = outcome(found)["layers"]
    assert (layer["rows"], layer["is_ours"], layer["lacking"]) == (30, True, [])
    assert {field["name"]: field["candidate"] for field in layer["fields"]} == {
        "OBJECTID": "object id",
        "section": "section id",
        "feeder": "feeder id",
        "mw": "",
    }
    assert (tried.status, tried.error) == ("done", "")
    assert (tried.rows_fetched, tried.rows_expected) == (30, 30)
    assert outcome(tried)["changes"]["sections"]["added"] == 30
    assert done.status == "done"
    assert done.run is not None
    assert (done.run.status, done.run.started_by) == ("completed", person)
    assert HostingCapacitySection.objects.count() == 30


def test_a_discovery_of_a_typed_address_goes_through_the_guarded_client(
    portal: Portal, source: Source, person: User, settings: Settings
) -> None:
    settings.HCP_ALLOW_LOOPBACK = False
    for url, why in {
        "http://169.254.169.254/latest/meta-data/FeatureServer": "only https addresses",
        "https://127.0.0.1/FeatureServer": "127.0.0.1",
        "file:///etc/passwd": "names no host",
    }.items():
        trial = trials.ask(TrialKind.DISCOVER, by=person, url=url)
        assert trials.carry_out(trial.pk) == "failed"
        trial.refresh_from_db()
        assert why in trial.error
        assert trial.result is None


def test_a_dry_run_shows_both_sides_and_writes_nothing_but_its_result(
    portal: Portal, source: Source, person: User
) -> None:
    given = rows()
    given[5]["mw"], given[6]["feeder"] = "lots", ""
    write_layer(portal.folder / "recorded", CODE, [row | {"mw": str(row["mw"])} for row in given])
    trial = trials.ask(TrialKind.DRY_RUN, by=person, source=source)
    before = everything(portal.folder)
    assert trials.carry_out(trial.pk) == "done"
    after = everything(portal.folder)
    assert after[1] == before[1], "no file"
    assert {name for (name, now), (_, was) in zip(after[0], before[0], strict=True) if now != was} == {
        "hosting_trial"
    }
    trial.refresh_from_db()
    result = outcome(trial)
    first = result["sample"][1]
    assert {"name": "section", "value": "s1", "is_mapped": True} in first["published"]
    assert first["figures"] == [{"capacity_type": "generation", "variant": "default", "refused": ""}]
    assert {"name": "hosting_capacity_mw", "unit": "MW", "values": ["0.5"]} in first["columns"]
    assert [row["check_id"] for row in result["refused"]] == ["Q27", "Q10"]
    assert "lots" in result["refused"][0]["published"]
    [figure] = result["figures"]
    columns = {column["name"]: column for column in figure["columns"]}
    assert (figure["rows"], figure["refused"]) == (30, 2)
    assert columns["hosting_capacity_mw"]["null_share"] == pytest.approx(1 / 30, abs=1e-4)
    assert (columns["hosting_capacity_mw"]["min"], columns["hosting_capacity_mw"]["max"]) == ("0", "14.5")
    assert columns["feeder_id"]["distinct"] == 3
    assert ("Q10", "E", 1) in {(f["check_id"], f["severity"], f["count"]) for f in result["findings"]}


def test_a_dry_run_of_all_rows_says_what_would_change_and_what_would_hold_it(
    portal: Portal, source: Source, person: User
) -> None:
    assert portal.ingest(source).status == "completed"
    same = trials.ask(TrialKind.DRY_RUN, by=person, source=source)
    trials.carry_out(same.pk)
    same.refresh_from_db()
    for dataset, count in (("sections", 30), ("records", 3)):
        changed = outcome(same)["changes"][dataset]
        assert [changed[name] for name in ("added", "changed", "removed", "unchanged")] == [0, 0, 0, count]

    fewer = rows(15)
    fewer[3]["mw"] = 14.0
    fewer.append({"section": "new", "feeder": "f1", "mw": 1.0})
    write_layer(portal.folder / "recorded", CODE, fewer)
    trial = trials.ask(TrialKind.DRY_RUN, by=person, source=source)
    trials.carry_out(trial.pk)
    trial.refresh_from_db()
    changed = outcome(trial)["changes"]["sections"]
    assert [changed[name] for name in ("added", "removed", "unchanged")] == [1, 15, 14]
    assert changed["movements"] == [
        {
            "key": "s3",
            "feeder_id": "f0",
            "capacity_type": "generation",
            "variant": "default",
            "then": "1.5",
            "now": "14",
        }
    ]
    assert changed["new"] == ["new"]
    assert ("Q56", "B") in {(f["check_id"], f["severity"]) for f in outcome(trial)["findings"]}


def test_a_dry_run_of_some_rows_takes_absence_for_nothing(
    portal: Portal, source: Source, person: User
) -> None:
    assert portal.ingest(source).status == "completed"
    trial = trials.ask(TrialKind.DRY_RUN, by=person, source=source, limit=4)
    trials.carry_out(trial.pk)
    trial.refresh_from_db()
    changed = outcome(trial)["changes"]["sections"]
    assert (outcome(trial)["fetched"], outcome(trial)["is_whole"]) == (4, False)
    assert [changed[name] for name in ("added", "changed", "removed", "unchanged")] == [0, 0, None, 4]
    assert list(outcome(trial)["changes"]) == ["sections"]
    assert not [finding for finding in outcome(trial)["findings"] if finding["severity"] in "FB"]


def test_a_result_is_bounded_and_says_that_it_was_shortened(
    portal: Portal, source: Source, person: User
) -> None:
    wide = [row | {f"note{n}": "x\0" * 500 for n in range(200)} for row in rows(40)]
    for row in wide:
        row["mw"] = "no number"
    write_layer(portal.folder / "recorded", CODE, wide)
    trial = trials.ask(TrialKind.DRY_RUN, by=person, source=source)
    assert trials.carry_out(trial.pk) == "done"
    trial.refresh_from_db()
    assert 10_000 < len(json.dumps(trial.result)) < 600_000
    assert len(outcome(trial)["sample"][0]["published"]) == 80
    assert "is_shortened" not in outcome(trial)

    for number in range(1, 40):
        write_layer(portal.folder / "recorded", "wide", [{f"field{n}": 1.0 for n in range(200)}])
        layer = portal.folder / "recorded" / "wide" / "0"
        layer.rename(layer.with_name(str(number)))
    trial = trials.ask(TrialKind.DISCOVER, by=person, url="recorded://wide/FeatureServer")
    assert trials.carry_out(trial.pk) == "done"
    trial.refresh_from_db()
    assert outcome(trial)["is_shortened"]
    assert 100_000 < len(json.dumps(trial.result)) < 600_000


# --- Second clicks, refusals ---


def test_a_second_click_while_one_is_under_way_says_so(source: Source, person: User) -> None:
    trials.ask(TrialKind.DRY_RUN, by=person, source=source)
    with pytest.raises(SourceBusy, match="Dry run of tried/sections is under way already"):
        trials.ask(TrialKind.DRY_RUN, by=make.make_user("operator"), source=source)
    trials.ask(TrialKind.DISCOVER, by=person, source=source)
    trials.ask(TrialKind.DISCOVER, by=person, url="https://gis.example.org/FeatureServer")
    with pytest.raises(SourceBusy, match="Another discovery of yours"):
        trials.ask(TrialKind.DISCOVER, by=person, url="https://gis.example.org/other/FeatureServer")
    assert Trial.objects.count() == 3


def test_an_ingest_is_not_asked_for_while_a_run_holds_the_source(source: Source, person: User) -> None:
    with source_lock(source), pytest.raises(SourceBusy, match="Another run of tried/sections"):
        trials.ask(TrialKind.INGEST, by=person, source=source)
    assert not Trial.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("redistribution", "forbidden", "its terms forbid it"),
        ("is_enabled", False, "switched off"),
        ("in_catalog", False, "left the catalog"),
        ("service_url", "", "knows no service"),
    ],
)
def test_a_source_that_must_not_be_asked_is_refused_with_the_reason(
    source: Source, person: User, field: str, value: Any, why: str
) -> None:
    setattr(source, field, value)
    source.save()
    for kind in (TrialKind.INGEST, TrialKind.DRY_RUN):
        with pytest.raises(RefusedAddress, match=why):
            trials.ask(kind, by=person, source=source)
    assert not Trial.objects.exists()


def test_without_the_queue_nothing_is_half_started(
    source: Source, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.connection_for_write("redis://127.0.0.1:1/0") as broken, monkeypatch.context() as patched:
        patched.setattr(app.conf, "broker_write_url", "redis://127.0.0.1:1/0")
        patched.setattr(app, "_pool", None)
        patched.setattr(app.amqp, "_producer_pool", None)
        with pytest.raises(QueueUnreachable, match="does not answer, so nothing was started"):
            trials.ask(TrialKind.INGEST, by=person, source=source)
        assert broken
    assert not Trial.objects.exists()
    assert not HCIngestionRun.objects.exists()


# --- Cancelling ---


@pytest.fixture
def slow(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Source:
    """A source that is read slowly enough to be stopped: many pages, each a while."""
    app.control.purge()
    write_layer(portal.folder / "recorded", CODE, rows(600))
    return portal.add(entry(CODE, page_size=1))


def test_a_run_that_is_cancelled_ends_so_and_changes_nothing(
    portal: Portal, slow: Source, person: User
) -> None:
    with worker(portal):
        trial = trials.ask(TrialKind.INGEST, by=person, source=slow)

        def is_fetching() -> bool:
            trial.refresh_from_db()
            return bool(trial.run_id and trial.rows_fetched)

        wait_until(is_fetching)
        assert "was asked to stop" in trials.cancel(trial, person)
        ended(trial)
    assert trial.status == "cancelled"
    assert trial.run is not None
    assert trial.run.status == "cancelled"
    assert trial.run.error_message == "Cancelled by ada. Nothing is published yet."
    assert trial.run.decided_by == person
    assert not HostingCapacitySection.objects.exists()
    assert not is_busy(slow)
    assert not list((portal.folder / "lake").rglob("*.part"))


def test_what_waits_for_a_worker_is_cancelled_at_once_and_never_begins(source: Source, person: User) -> None:
    trial = trials.ask(TrialKind.INGEST, by=person, source=source)
    assert trials.cancel(trial, person) == "Cancelled; nothing was written."
    assert trials.carry_out(trial.pk) == "left alone"
    trial.refresh_from_db()
    assert (trial.status, trial.error) == ("cancelled", "Cancelled by ada. Nothing was written.")
    assert trials.cancel(trial, person) == "It had ended already; nothing was cancelled."
    assert not HCIngestionRun.objects.exists()


def test_a_dry_run_under_way_can_be_cancelled(portal: Portal, slow: Source, person: User) -> None:
    with worker(portal):
        trial = trials.ask(TrialKind.DRY_RUN, by=person, source=slow)

        def is_fetching() -> bool:
            trial.refresh_from_db()
            return bool(trial.rows_fetched)

        wait_until(is_fetching)
        trials.cancel(trial, person)
        wait_until(lambda: not is_held("trial", str(trial.pk)))
    trial.refresh_from_db()
    assert (trial.status, trial.result) == ("cancelled", None)


# --- Nothing runs for ever ---


def test_a_worker_that_is_killed_leaves_nothing_running(portal: Portal, slow: Source, person: User) -> None:
    with worker(portal) as process:
        trial = trials.ask(TrialKind.INGEST, by=person, source=slow)

        def is_fetching() -> bool:
            trial.refresh_from_db()
            return bool(trial.run_id and trial.rows_fetched)

        wait_until(is_fetching)
        os.killpg(process.pid, signal.SIGKILL)
        wait_until(lambda: not is_busy(slow))
    trials.settle()
    trial.refresh_from_db()
    assert trial.status == "failed"
    assert trial.error == "Its process ended after 'fetch'. Start it again; the log may say why."
    with worker(portal):  # takes the reconcile that was sent for
        wait_until(lambda: not HCIngestionRun.objects.filter(status="running").exists())
    assert trial.run is not None
    trial.run.refresh_from_db()
    assert trial.run.status == "failed"
    assert "Its process ended" in trial.run.error_message


def test_what_no_worker_takes_fails_after_half_an_hour(source: Source, person: User) -> None:
    trial = trials.ask(TrialKind.DRY_RUN, by=person, source=source)
    trials.settle()
    trial.refresh_from_db()
    assert trial.status == "queued"
    Trial.objects.update(asked_at=timezone.now() - timedelta(minutes=31))
    trials.settle()
    trial.refresh_from_db()
    assert (trial.status, "No worker took it" in trial.error) == ("failed", True)
    assert trials.carry_out(trial.pk) == "left alone"


def test_what_is_under_way_is_left_alone_and_what_expired_is_forgotten(source: Source, person: User) -> None:
    trial = trials.ask(TrialKind.DRY_RUN, by=person, source=source)
    Trial.objects.update(status="running", expires_at=timezone.now() - timedelta(days=1))
    with advisory_lock("trial", str(trial.pk)):
        trials.settle()
        assert Trial.objects.get().status == "running"
    trials.settle()
    assert not Trial.objects.exists()
