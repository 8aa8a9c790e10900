"""What a run asks of a server: the rest of what broke off, nothing of what holds, never too much at once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from hosting.lake import tables
from hosting.lake_settings import open_lake
from hosting.models import HCIngestionRun
from tests.conftest import ROOT, Portal
from tests.hosting.sources.faulty import Asked, Faulty, Reply, error, every, serving
from tests.layers import entry
from utilities.models import Source

EDITED = 1_760_000_000_000


def section(number: int, **values: Any) -> dict[str, Any]:
    """A row of `tests.layers.entry`, numbered from 1."""
    x, y = -71.9 + number / 1e5, 41.4 + number % 7 / 1e2
    named = {"OBJECTID": number, "section": f"s{number}", "feeder": f"f{number // 50}", "mw": 2.5}
    return {"attributes": named | values, "geometry": {"paths": [[[x, y], [x + 1e-3, y + 1e-3]]]}}


def layer_of(count: int, *, edited: int | None = EDITED, max_record_count: int = 1_000) -> Faulty:
    server = Faulty(0, max_record_count=max_record_count)
    server.rows = [section(number) for number in range(1, count + 1)]
    server.edited = edited
    types = {"OBJECTID": "OID", "section": "String", "feeder": "String", "mw": "Double"}
    server.fields = [{"name": name, "alias": name, "type": f"esriFieldType{t}"} for name, t in types.items()]
    return server


@pytest.fixture(autouse=True)
def impatient(settings: Settings, tmp_path: Path) -> None:
    settings.HCP_CLIENT = {"backoff": 0.01}
    settings.HCP_PACE = tmp_path / "pace"


@pytest.fixture
def server() -> Iterator[Faulty]:
    with serving(layer_of(2_500)) as server:
        yield server


def add(portal: Portal, server: Faulty, code: str = "scratch", **source: Any) -> Source:
    return portal.add(entry(code, server.url.removesuffix("/0"), **source))


def asked_ids(pages: list[Asked]) -> list[int]:
    """The object ids that these requests asked for, by their ranges."""
    ids: list[int] = []
    for asked in pages:
        first, last = (part.rpartition("=")[2] for part in asked.params["where"].split(" AND "))
        ids += range(int(first), int(last) + 1)
    return sorted(ids)


def in_bronze(utility: str, run: HCIngestionRun) -> list[int]:
    rows = open_lake().read_run(tables.BRONZE, utility, run.pk).select("row_no", "object_id").collect()
    return [int(row.object_id) for row in sorted(rows, key=lambda row: row.row_no)]


# --- Broken off, and taken up -------------------------------------------------------------------------------


def slower(server: Faulty) -> None:
    """From now on each answer takes long enough to be interrupted."""
    server.work = 0.2


@pytest.mark.slow
def test_what_was_fetched_when_a_run_was_killed_is_not_asked_for_again(portal: Portal) -> None:
    with serving(layer_of(60_000)) as server:
        source = add(portal, server)
        server.faults.append(
            every("page", lambda *_: slower(server) if len(server.asked("page")) > 35 else None)
        )
        words = "manage.py", "ingest_hosting_capacity", "--utility", "scratch"
        killed = subprocess.Popen([sys.executable, *words], env=portal.environment(), cwd=ROOT)
        while len(server.asked("page")) < 38:
            assert killed.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        killed.kill()
        killed.wait()
        time.sleep(0.5)  # what it had sent already is heard
        kept = sorted(Path(open_lake().path("bronze/unfinished/scratch/sections")).glob("*.page"))
        there = sum(int(file.stem.split("_")[2]) for file in kept)
        assert there >= 0.55 * 60_000
        server.log.clear()
        server.faults.clear()
        server.work = 0.0

        run = portal.ingest(source)
        assert run.status == "completed", run.error_message
        assert in_bronze("scratch", run) == list(range(1, 60_001))
        assert len(asked_ids(server.asked("page"))) == 60_000 - there
        assert server.asked("ids") == [], "the plan was kept too"
        assert not Path(open_lake().path("bronze/unfinished/scratch/sections")).exists()


def fail_from(server: Faulty, page: int) -> None:
    """Pages from this one on are refused for good."""
    server.faults.append(every("page", lambda *_: error(400) if len(server.asked("page")) >= page else None))


@pytest.mark.parametrize("edited", [EDITED, None], ids=["with edit dates", "without"])
def test_a_failed_run_is_taken_up_where_it_broke_off(portal: Portal, edited: int | None) -> None:
    with serving(layer_of(2_500, edited=edited, max_record_count=250)) as server:
        source = add(portal, server)
        fail_from(server, 6)
        assert portal.ingest(source).status == "failed"
        server.faults.clear()
        server.log.clear()
        run = portal.ingest(source)
        assert in_bronze("scratch", run) == list(range(1, 2_501))
        asked = asked_ids(server.asked("page"))
        assert 1 not in asked
        assert len(asked) == len(set(asked)) <= 2_500 - 5 * 250 + 250


def test_what_was_kept_of_a_layer_that_was_edited_since_is_not_taken_up(portal: Portal) -> None:
    with serving(layer_of(2_500, max_record_count=250)) as server:
        source = add(portal, server)
        fail_from(server, 6)
        assert portal.ingest(source).status == "failed"
        server.faults.clear()
        server.log.clear()
        server.edited = EDITED + 1
        portal.ingest(source)
        assert asked_ids(server.asked("page")) == list(range(1, 2_501))


def test_another_filter_takes_up_nothing(portal: Portal) -> None:
    with serving(layer_of(2_500, max_record_count=250)) as server:
        source = add(portal, server)
        fail_from(server, 6)
        assert portal.ingest(source).status == "failed"
        server.faults.clear()
        server.log.clear()
        add(portal, server, where="OBJECTID<=1000")
        portal.ingest(source)
        assert in_bronze("scratch", HCIngestionRun.objects.latest("pk")) == list(range(1, 1_001))
        assert len(server.asked("page")) == 4


def test_a_page_that_was_not_written_whole_is_asked_for_again(portal: Portal) -> None:
    with serving(layer_of(2_500, max_record_count=250)) as server:
        source = add(portal, server)
        fail_from(server, 6)
        portal.ingest(source)
        kept = next(Path(open_lake().path("bronze/unfinished/scratch/sections")).glob("1_*.page"))
        kept.write_bytes(kept.read_bytes()[:-9])
        server.faults.clear()
        server.log.clear()
        run = portal.ingest(source)
        assert in_bronze("scratch", run) == list(range(1, 2_501))
        assert asked_ids(server.asked("page"))[:250] == list(range(1, 251))


def test_a_plan_that_was_not_written_whole_is_made_again(portal: Portal) -> None:
    with serving(layer_of(2_500, max_record_count=250)) as server:
        source = add(portal, server)
        fail_from(server, 6)
        portal.ingest(source)
        ids = Path(open_lake().path("bronze/unfinished/scratch/sections")) / "ids.zst"
        ids.write_bytes(b"")
        server.faults.clear()
        server.log.clear()
        run = portal.ingest(source)
        assert in_bronze("scratch", run) == list(range(1, 2_501))
        assert len(server.asked("ids")) == 1
        assert 1 not in asked_ids(server.asked("page")), "the pages are as they were"


# --- Unchanged ----------------------------------------------------------------------------------------------


def test_a_layer_that_was_not_edited_since_is_not_read(portal: Portal, server: Faulty) -> None:
    source = add(portal, server)
    first = portal.ingest(source)
    assert first.status == "completed", first.error_message
    server.log.clear()
    again = portal.ingest(source)
    assert (again.status, again.records_fetched) == ("unchanged", 2_500)
    assert again.content_sha256 == first.content_sha256
    assert {asked.kind for asked in server.log} == {"service", "layer", "count"}
    source.refresh_from_db()
    assert source.published_run_id == first.pk
    assert source.last_checked_at is not None
    assert datetime.now(UTC) - source.last_checked_at < timedelta(minutes=1)


@pytest.mark.parametrize("change", ["edit date", "count", "entry", "force", "no edit dates"])
def test_whatever_may_have_changed_is_read(portal: Portal, server: Faulty, change: str) -> None:
    if change == "no edit dates":
        server.edited = None
    source = add(portal, server)
    portal.ingest(source)
    server.log.clear()
    if change == "edit date":
        server.edited = EDITED + 60_000
    elif change == "count":
        server.rows.append(section(2_501))
    elif change == "entry":
        add(portal, server, page_size=900)
    run = portal.ingest(source, force=change == "force")
    assert run.records_fetched == len(server.rows)
    assert len(server.asked("page")) == 3
    assert run.status == ("completed" if change == "count" else "unchanged")


def test_a_filtered_source_compares_the_count_of_its_own_rows(portal: Portal, server: Faulty) -> None:
    source = add(portal, server, where="OBJECTID<=1000")
    portal.ingest(source)
    server.log.clear()
    assert portal.ingest(source).status == "unchanged"
    assert server.asked("page") == []


# --- How much at a time -------------------------------------------------------------------------------------


def heavy(rows: int) -> Any:
    """Answers above so many rows fail."""

    def fault(_asked: Asked, reply: Reply) -> Reply | None:
        return error(500) if len((reply.content or {}).get("features", [])) > rows else None

    return every("page", fault)


def sizes(server: Faulty) -> list[int]:
    return [len(asked_ids([asked])) for asked in server.asked("page")]


def test_the_page_size_that_worked_is_remembered_and_grows_back_slowly(
    portal: Portal, server: Faulty
) -> None:
    source = add(portal, server)
    server.faults.append(heavy(200))
    portal.ingest(source)
    source.refresh_from_db()
    assert source.page_rows == 125  # 1,000 was halved until it passed

    server.log.clear()
    portal.ingest(source, force=True)
    source.refresh_from_db()
    assert sizes(server)[0] == 157
    assert source.page_rows == 157

    server.log.clear()
    portal.ingest(source, force=True)  # 197 pass too
    portal.ingest(source, force=True)  # 247 do not: back to what worked, not to half of it
    source.refresh_from_db()
    assert source.page_rows == 197

    server.faults.clear()
    for _ in range(8):
        portal.ingest(source, force=True)
    source.refresh_from_db()
    assert source.page_rows is None, "as much as the layer offers"


def test_a_catalog_entry_bounds_the_page(portal: Portal, server: Faulty) -> None:
    source = add(portal, server, page_size=400)
    portal.ingest(source)
    assert max(sizes(server)) == 400


# --- How many at a time -------------------------------------------------------------------------------------


def fetching(portal: Portal, server: Faulty, number: int) -> subprocess.Popen[bytes]:
    """A process that fetches the layer into a file."""
    words = "manage.py", "fetch_layer", server.url, "-o", str(portal.folder / f"{number}.geojsonl")
    return subprocess.Popen([sys.executable, *words], env=portal.environment(), cwd=ROOT)


@pytest.mark.slow
def test_three_sources_of_one_host_at_once_stay_within_its_limit(portal: Portal) -> None:
    with serving(layer_of(3_000, max_record_count=50)) as server:
        server.work = 0.03
        processes = [fetching(portal, server, number) for number in range(3)]
        assert [process.wait(120) for process in processes] == [0, 0, 0]
        pages = server.asked("page")
        assert len(pages) == 3 * 60
        assert max(asked.at_once for asked in server.log) == 4
        files = [portal.folder / f"{number}.geojsonl" for number in range(3)]
        for file in files:
            rows = [json.loads(line)["properties"]["OBJECTID"] for line in file.read_text().splitlines()]
            assert rows == list(range(1, 3_001))
