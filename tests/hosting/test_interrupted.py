"""A run killed at any step leaves readers with the old state or the new, and the next start mends it."""

import signal
import time
from typing import Any

import pytest
from django.db import connection

from hosting.lake import tables
from hosting.lake_settings import open_lake
from hosting.models import (
    HCIngestionRun,
    HostingCapacityRecord,
    HostingCapacitySection,
    HostingCapacitySectionVersion,
    HostingCapacitySummary,
)
from hosting.reconcile import reconcile_all
from tests.conftest import Portal
from tests.layers import entry, write_layer
from utilities.models import Source

CODE = "killed"
BEFORE_COMMIT = ("probe", "fetch", "bronze", "silver", "check", "publish")
AFTER_COMMIT = ("published", "lake")

Rows = list[dict[str, Any]]


def first_state() -> Rows:
    return [
        {
            "section": f"s{n:03}",
            "feeder": f"f{n % 12:02}",
            "mw": n / 10,
            "paths": [[[-71.5, 41 + n / 1e3], [-71, 41]]],
        }
        for n in range(240)
    ]


def second_state() -> Rows:
    rows = first_state()
    for row in rows[10:20]:
        row["mw"] += 1.5
    rows[30]["paths"] = [[[-71.6, 41.6], [-71.5, 41.7]]]
    new: Rows = [{"section": "new", "feeder": "f99", "mw": 3.25, "paths": [[[-71.3, 41.3], [-71.2, 41.2]]]}]
    return rows[:-4] + new


def what_readers_see() -> dict[str, Any]:
    """Everything that is published, without the ids of runs."""
    return {
        "sections": sorted(
            (s.key, s.hosting_capacity_mw, str(s.geometry), str(s.geometry_3857))
            for s in HostingCapacitySection.objects.all()
        ),
        "records": sorted(
            (r.key, r.hosting_capacity_min_mw, r.hosting_capacity_max_mw, r.section_count, str(r.geometry))
            for r in HostingCapacityRecord.objects.all()
        ),
        "sums": sorted(
            HostingCapacitySummary.objects.values_list("total_feeders", "total_hosting_capacity_mw")
        ),
        "past": sorted(HostingCapacitySectionVersion.objects.values_list("key", "hosting_capacity_mw")),
    }


def what_the_lake_holds() -> dict[str, Any]:
    """The lake's current tables, read by an engine that did not write them."""
    lake = open_lake()
    sections = lake.delta(tables.SECTIONS).to_pyarrow_table(columns=["key", "hosting_capacity_mw"])
    capacity = lake.delta(tables.FEEDER_CAPACITY).to_pyarrow_table(
        columns=["feeder_id", "min_hosting_capacity_mw", "max_hosting_capacity_mw"]
    )
    return {
        "sections": sorted(tuple(row.values()) for row in sections.to_pylist()),
        "feeders": sorted(tuple(row.values()) for row in capacity.to_pylist()),
    }


def as_the_lake_holds_it(seen: dict[str, Any]) -> dict[str, Any]:
    return {
        "sections": [row[:2] for row in seen["sections"]],
        "feeders": [row[:3] for row in seen["records"]],
    }


def killed_at(step: str, portal: Portal) -> None:
    done = portal.python("-m", "tests.hosting.interrupted", step, CODE)
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


@pytest.mark.parametrize("step", [*BEFORE_COMMIT, *AFTER_COMMIT])
def test_a_run_killed_at_a_step_leaves_a_whole_state_and_the_next_one_succeeds(
    portal: Portal, step: str
) -> None:
    recorded = portal.folder / "recorded"
    write_layer(recorded, CODE, first_state())
    source = portal.add(entry(CODE))
    first = portal.ingest(source)
    old = what_readers_see()
    assert first.status == "completed"
    assert what_the_lake_holds() == as_the_lake_holds_it(old)

    write_layer(recorded, CODE, second_state())
    killed_at(step, portal)
    if step == "fetch":
        assert list(portal.folder.glob("lake/dev/bronze/raw/**/*.part"))
    killed = HCIngestionRun.objects.latest("id")
    seen = what_readers_see()
    source.refresh_from_db()
    if step in BEFORE_COMMIT:
        assert seen == old
        assert (killed.status, source.published_run_id) == ("running", first.pk)
    else:
        assert seen != old
        assert (killed.status, source.published_run_id) == ("completed", killed.pk)

    reconcile_all()
    killed.refresh_from_db()
    assert what_readers_see() == seen
    assert what_the_lake_holds() == as_the_lake_holds_it(seen)
    assert killed.status == ("failed" if step in BEFORE_COMMIT else "completed")
    if step in BEFORE_COMMIT:
        assert f"what run {first.pk} published" in killed.error_message
    assert not list(portal.folder.glob("lake/dev/bronze/raw/**/*.part"))
    source = Source.objects.get(pk=source.pk)
    assert source.lake_run_id == source.published_run_id

    following = portal.ingest(source)
    assert following.status == ("completed" if step in BEFORE_COMMIT else "unchanged")
    final = what_readers_see()
    assert [row[0] for row in final["sections"]] == sorted(row["section"] for row in second_state())
    assert len(final["past"]) == 10 + 1 + 4
    assert what_the_lake_holds() == as_the_lake_holds_it(final)
    if step in AFTER_COMMIT:
        assert final == seen


def test_the_first_run_of_a_source_may_die_too(portal: Portal) -> None:
    write_layer(portal.folder / "recorded", CODE, first_state())
    source = portal.add(entry(CODE))
    killed_at("publish", portal)
    assert not HostingCapacitySection.objects.exists()
    reconcile_all()
    assert "Nothing is published yet" in HCIngestionRun.objects.get().error_message
    assert portal.ingest(source).status == "completed"
    assert what_the_lake_holds() == as_the_lake_holds_it(what_readers_see())


def test_an_interruption_while_the_database_answers_cancels_the_run_and_frees_its_source(
    portal: Portal,
) -> None:
    from hosting.locks import is_busy, source_lock
    from hosting.recording import Silent, recording

    source = portal.add(entry(CODE))

    def interrupted() -> None:
        with source_lock(source), recording(source, Silent()):
            assert connection.connection is not None
            connection.connection.pgconn.send_query(b"SELECT pg_sleep(1)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    run = HCIngestionRun.objects.get()
    assert (run.status, run.error_message) == ("cancelled", "Interrupted by a person.")
    until = time.monotonic() + 20
    while is_busy(source) and time.monotonic() < until:  # until the server has noticed
        time.sleep(0.1)
    assert not is_busy(source)


def test_a_run_that_is_at_work_is_not_taken_for_dead(portal: Portal) -> None:
    from hosting.locks import source_lock
    from hosting.recording import Silent, recording

    source = portal.add(entry(CODE))
    script = (
        "import django; django.setup(); from hosting.reconcile import reconcile_all; print(reconcile_all())"
    )
    with source_lock(source), recording(source, Silent()) as recorder:
        done = portal.python("-c", script)
        assert done.stdout.strip() == "[]", done.stderr
        recorder.run.refresh_from_db()
        assert recorder.run.status == "running"
