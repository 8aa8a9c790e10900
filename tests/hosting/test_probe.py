"""A probe says how a source is, and fetches nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django_celery_beat.models import PeriodicTask
from pytest_django import Settings

from hosting import tasks
from hosting.models import HCIngestionRun
from hosting.timetable import TASK, sync_timetable
from tests.conftest import Portal
from tests.hosting.sources.faulty import Faulty, Reply, error, every, serving
from tests.hosting.test_fetching import EDITED, layer_of
from tests.layers import entry
from utilities.models import Source


@pytest.fixture(autouse=True)
def impatient(settings: Settings) -> None:
    settings.HCP_CLIENT = {"backoff": 0.01}


@pytest.fixture
def server() -> Iterator[Faulty]:
    with serving(layer_of(70)) as server:
        yield server


def add(portal: Portal, server: Faulty, code: str = "scratch", **source: Any) -> Source:
    """A source of the test's own; those of the catalog are switched off, for they are on the internet."""
    added = portal.add(entry(code, server.url.removesuffix("/0"), **source))
    Source.objects.exclude(service_url__contains="127.0.0.1").update(is_enabled=False)
    return added


def test_a_probe_keeps_count_last_edit_and_fields_and_asks_for_no_row(portal: Portal, server: Faulty) -> None:
    source = add(portal, server)
    call_command("probe", "--utility", "scratch")
    source.refresh_from_db()
    assert source.probe_reached is True
    assert source.probe_fits
    assert (source.probe_count, source.probe_url, source.probe_missing) == (70, server.url, [])
    assert source.probe_edited_at == datetime.fromtimestamp(EDITED / 1_000, UTC)
    assert source.probed_at is not None
    assert {asked.kind for asked in server.log} == {"service", "layer", "count"}
    assert HCIngestionRun.objects.count() == 0
    assert not (portal.folder / "lake").exists()


def test_a_source_that_lacks_a_mapped_field_is_told_by_name(portal: Portal, server: Faulty) -> None:
    server.fields[1]["name"] = "Section_ID"
    source = add(portal, server)
    with pytest.raises(CommandError, match=r"scratch/sections: 70 rows, .*, lacks section") as caught:
        call_command("probe")
    assert caught.value.returncode == 1
    source.refresh_from_db()
    assert (source.probe_reached, source.probe_missing, source.probe_fits) == (True, ["section"], False)


def test_a_source_that_does_not_answer_is_told_and_the_others_are_asked(
    portal: Portal, server: Faulty
) -> None:
    add(portal, server, "fine")
    with serving(layer_of(3)) as other:
        gone = add(portal, other, "gone")
        call_command("probe", "--utility", "gone")
        other.faults.append(every("layer", lambda *_: error(403, "Forbidden")))
        with pytest.raises(CommandError, match=r"^gone/sections: not reachable: .*firewall"):
            call_command("probe")
    gone.refresh_from_db()
    assert (gone.probe_reached, gone.probe_count) == (False, None), "yesterday's count is not today's"
    assert "firewall" in gone.probe_message
    assert portal.source("fine").probe_fits


@pytest.mark.parametrize("why", ["terms", "switched off"])
def test_what_must_not_be_fetched_is_not_asked_either(portal: Portal, server: Faulty, why: str) -> None:
    source = add(portal, server, redistribution="forbidden" if why == "terms" else "allowed")
    Source.objects.filter(pk=source.pk).update(is_enabled=why == "terms")
    with pytest.raises(CommandError, match="No source that may be asked"):
        call_command("probe")
    assert server.log == []


def test_an_unverified_source_is_scheduled_once_a_probe_finds_its_fields(
    portal: Portal, server: Faulty
) -> None:
    server.fields[1]["name"] = "Section_ID"
    source = add(portal, server, status="unverified")
    assert tasks.probe() == {"asked": 1, "reached": 1}
    assert PeriodicTask.objects.filter(task=TASK).count() == 0
    server.fields[1]["name"] = "section"
    tasks.probe()
    source.refresh_from_db()
    assert source.is_scheduled
    assert PeriodicTask.objects.get(task=TASK).name == "Ingest scratch/sections"


def test_the_probe_is_daily_and_an_administrators_edit_of_it_stays(portal: Portal) -> None:
    sync_timetable()
    task = PeriodicTask.objects.get(task="hosting.probe")
    assert (task.crontab.hour, task.crontab.day_of_month, task.crontab.day_of_week) == ("5", "*", "*")
    PeriodicTask.objects.filter(pk=task.pk).update(enabled=False, name="Ours")
    sync_timetable()
    assert [(one.name, one.enabled) for one in PeriodicTask.objects.filter(task="hosting.probe")] == [
        ("Ours", False)
    ]


def test_a_run_keeps_which_service_it_chose_and_which_it_did_not(portal: Portal, server: Faulty) -> None:
    directory = server.url.partition("/lines/")[0]
    listed = {"services": [{"name": n, "type": "FeatureServer"} for n in ("lines_JUN2026", "lines_SEP2026")]}

    def catalogue(asked: Any, _reply: Reply) -> Reply | None:
        if asked.path.endswith("/services"):
            return Reply(listed)
        return error(404, "not found") if "SEP2026" in asked.path else None

    server.faults.append(catalogue)
    rule = {"strategy": "services", "directory": directory, "like": "lines_*"}
    source = add(portal, server, discovery=rule)
    run = portal.ingest(source)
    assert run.status == "completed", run.error_message
    assert run.source_url == f"{directory}/lines_JUN2026/FeatureServer/0"
    assert run.discovery is not None
    assert run.discovery["chosen"]["name"] == "lines_JUN2026"
    assert [one["name"] for one in run.discovery["rejected"]] == ["lines_SEP2026"]
    assert run.discovery["at"][:4] >= "2026"
    server.faults[:] = [every("service", lambda asked, _: error(500) if "lines" not in asked.path else None)]
    again = portal.ingest(source, force=True)
    assert again.discovery is not None
    assert (again.source_url, again.discovery["chosen"]["because"]) == (run.source_url, "what was read last")
