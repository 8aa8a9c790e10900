"""The fault matrix: on each, `fetch_layer` and the ingest bring exactly the layer's object ids, or say why.

The server is Koop, which nobody here wrote, behind a thin proxy with one fault for each path.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from hosting.lake import tables
from hosting.lake_settings import open_lake
from hosting.models import HCIngestionRun
from tests.conftest import Portal
from tests.hosting.sources.faulty import Asked
from tests.layers import entry
from tests.peers.faulty_koop import CURVED, UNREADABLE, WRONG, FaultyKoop, faulty_koop
from tests.peers.koop import Koop

pytestmark = [pytest.mark.koop, pytest.mark.slow]

ROWS = 4_500
EVERY_ID = list(range(1, ROWS + 1))
OK = ""
# A fault, what both must end with (nothing: all rows), and what only the ingest makes of it.
MATRIX = [
    ("well", OK),
    ("advertised-500", OK),
    ("says-2000-gives-500", OK),
    ("no-order", OK),
    ("short-pages", OK),
    ("one-500-in-200", OK),
    ("one-web-page", OK),
    ("reset", OK),
    ("three-429", OK),
    ("over-300-is-500", OK),
    ("no-pagination", OK),
    ("drops-37", OK),
    ("unreadable-row", f"OBJECTID {UNREADABLE}:"),
    ("token-expires", OK),
    ("token-refused", "the token is invalid or has expired"),
    ("redirect", OK),
    ("redirect-inside", "10.0.0.1"),
    ("one-slow-body", OK),
    ("slow-bodies", "took longer than 1.5 s"),
    ("bomb", "more than 4,194,304 bytes"),
    ("bomb-of-metadata", "more than 4,194,304 bytes"),
    ("curves", f"OBJECTID {CURVED}: it has true curves"),
    ("one-alias", OK),
    ("fid", OK),
    ("float-ids", OK),
    ("empty-page", OK),
    ("max-ids", OK),
    ("edited-once", OK),
    ("edited-always", "while it was read; nothing was kept"),
    ("edit-date", OK),
    ("wrong-type", f"OBJECTID {WRONG}: mw is declared Double and holds 'plenty'"),
]


def sections() -> dict[str, Any]:
    """Short lines of one feeder for each fifty."""
    features = []
    for i in range(ROWS):
        x, y = -71.9 + i / 1e4, 41.4 + i % 7 / 1e2
        line = {"type": "LineString", "coordinates": [[x, y], [x + 5e-4, y + 1e-3]]}
        values = {"section": f"s{i}", "feeder": f"f{i // 50}", "mw": i % 90 / 8 + 0.125, "other": i}
        features.append({"type": "Feature", "properties": values, "geometry": line})
    return {"type": "FeatureCollection", "features": features}


@pytest.fixture(scope="module")
def peer(koop: Koop, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("koop") / "lines.geojson"
    file.write_text(json.dumps(sections()))
    return koop(file).url


@pytest.fixture
def proxy(peer: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyKoop]:
    settings.HCP_CLIENT = {"backoff": 0.01, "deadline": 1.5, "max_bytes": 4 << 20}
    monkeypatch.setenv("MATRIX_TOKEN", "s3cret")
    with faulty_koop(peer) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[list[tuple[str, ...]]]:
    """What each row of the matrix came to; printed when all are done."""
    rows: list[tuple[str, ...]] = []
    yield rows
    manager = request.config.pluginmanager.getplugin("capturemanager")
    with manager.global_and_fixture_disabled():
        sys.stdout.write(f"\n{'fault':<20} {'fetch_layer':<12} {'ingest':<12} as it must be\n")
        for fault, *outcomes in rows:
            sys.stdout.write(f"{fault:<20} {outcomes[0]:<12} {outcomes[1]:<12} {outcomes[2]}\n")


def fetched(proxy: FaultyKoop, fault: str, folder: Path) -> tuple[list[int] | None, str]:
    """The object ids that `fetch_layer` wrote, or what it said; never both."""
    file = folder / "rows.geojsonl"
    options = ["--token-env", "MATRIX_TOKEN"] if fault.startswith("token") else []
    try:
        call_command("fetch_layer", proxy.url(fault), "-o", str(file), *options)
    except CommandError as error:
        assert list(folder.glob("*rows*")) == [], "a file was left"
        return None, str(error)
    name = "FID" if fault == "fid" else "OBJECTID"
    rows = [orjson.loads(line)["properties"] for line in file.read_bytes().splitlines()]
    assert [row["section"] for row in rows] == [f"s{row[name] - 1}" for row in rows]
    return [row[name] for row in rows], ""


def ingested(proxy: FaultyKoop, fault: str, portal: Portal) -> tuple[list[int] | None, str, HCIngestionRun]:
    """The object ids in bronze after an ingest, or what the run says."""
    access = {"access": {"token_env": "MATRIX_TOKEN"}} if fault.startswith("token") else {}
    source = portal.add(entry("matrix", proxy.url(fault).removesuffix("/0"), **access))
    run = portal.ingest(source)
    lake = open_lake()
    if not lake.has_run(tables.BRONZE, "matrix", run.pk):
        return None, run.error_message, run
    ids = lake.read_run(tables.BRONZE, "matrix", run.pk).select("object_id", "row_no").collect()
    return [int(row.object_id) for row in sorted(ids, key=lambda row: row.row_no)], run.error_message, run


@pytest.mark.parametrize(("fault", "reason"), MATRIX, ids=[fault for fault, _ in MATRIX])
def test_each_fault_ends_in_all_rows_or_in_its_cause(
    proxy: FaultyKoop,
    portal: Portal,
    table: list[tuple[str, ...]],
    fault: str,
    reason: str,
    tmp_path: Path,
) -> None:
    ids, said = fetched(proxy, fault, tmp_path)
    assert (ids == EVERY_ID) if not reason else (ids is None and reason in said), said
    proxy.forget()
    ids_in_bronze, told, run = ingested(proxy, fault, portal)
    if fault == "wrong-type":  # bronze keeps what they wrote; the row is set aside with its reason
        assert ids_in_bronze == EVERY_ID
        assert (run.status, run.counts["quarantined"]) == ("completed", 1), told
    elif reason:
        assert ids_in_bronze is None
        assert run.status == "failed"
        assert reason in told
    else:
        assert ids_in_bronze == EVERY_ID, told
        assert run.status == "completed", told
    table.append(
        (
            fault,
            "all rows" if ids else "error",
            "all rows" if ids_in_bronze else "error",
            reason or "all rows",
        )
    )


def test_a_token_is_sent_in_forms_to_its_own_host_and_kept_nowhere(
    proxy: FaultyKoop, portal: Portal, tmp_path: Path
) -> None:
    _ids, _said, run = ingested(proxy, "token-expires", portal)
    asked = proxy.log["token-expires"]
    assert {one.method for one in asked} == {"POST"}
    assert "s3cret" not in json.dumps([run.layer, run.config_json, run.source_url, run.error_message])
    assert not any("s3cret" in str(one.headers) + one.path for one in asked)


def test_a_redirect_leads_to_the_rows_and_takes_no_token_along(
    proxy: FaultyKoop, portal: Portal, tmp_path: Path
) -> None:
    file = tmp_path / "rows.geojsonl"
    call_command("fetch_layer", proxy.url("redirect"), "-o", str(file), "--token-env", "MATRIX_TOKEN")
    beyond: list[Asked] = proxy.log["well"]
    assert beyond
    assert not any("token" in one.params for one in beyond)
    assert len(file.read_bytes().splitlines()) == ROWS
