"""Columns that changed since the published run are findings; a mapped one of another kind holds the run."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from hosting.models import Finding
from tests.conftest import Portal
from tests.hosting.sources.faulty import Faulty, error, every, serving
from tests.hosting.test_fetching import EDITED, add, in_bronze, layer_of


@pytest.fixture(autouse=True)
def impatient(settings: Settings) -> None:
    settings.HCP_CLIENT = {"backoff": 0.01}


@pytest.fixture
def server() -> Iterator[Faulty]:
    with serving(layer_of(60)) as server:
        yield server


def told(run: Any) -> list[tuple[str, str]]:
    found = Finding.objects.filter(run=run, check_id="Q06").order_by("severity", "message")
    return [(finding.severity, finding.message) for finding in found]


def test_a_mapped_number_that_is_text_now_holds_the_run(portal: Portal, server: Faulty) -> None:
    source = add(portal, server)
    assert told(portal.ingest(source)) == []
    server.fields[3]["type"] = "esriFieldTypeString"
    server.edited = EDITED + 60_000
    run = portal.ingest(source)
    assert run.status == "held"
    assert told(run) == [
        ("B", "A mapped field is of another kind than at the published run: mw (Double was, String is).")
    ]


def test_other_differences_are_told_and_published_with(portal: Portal, server: Faulty) -> None:
    source = add(portal, server)
    portal.ingest(source)
    server.fields[3]["type"] = "esriFieldTypeSingle"
    server.fields.append({"name": "note", "alias": "note", "type": "esriFieldTypeString"})
    for row in server.rows:
        row["attributes"] |= {"note": None, "mw": 3.5}
    server.edited = EDITED + 60_000
    run = portal.ingest(source)
    assert run.status == "completed", run.error_message
    assert told(run) == [
        ("I", "Columns have another type than at the published run: mw (Double was, Single is)."),
        ("I", "The layer gained columns that are not read: note."),
    ]


def test_the_loss_of_a_row_is_accepted_in_the_entry_and_stays_on_the_run(
    portal: Portal, server: Faulty
) -> None:
    def broken(_asked: Any, reply: Any) -> Any:
        ids = [row["attributes"]["OBJECTID"] for row in (reply.content or {}).get("features", [])]
        return error(500) if 17 in ids else None

    server.faults.append(every("page", broken))
    source = add(portal, server)
    assert "OBJECTID 17:" in portal.ingest(source).error_message
    source = add(portal, server, unreadable=[17])
    run = portal.ingest(source)
    assert run.status == "completed", run.error_message
    assert in_bronze("scratch", run) == [number for number in range(1, 61) if number != 17]
    assert run.config_json["unreadable"] == [17]
    server.log.clear()
    assert portal.ingest(source).status == "unchanged"
    assert server.asked("page") == []
