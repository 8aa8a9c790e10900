"""Where the record, the lake and the database could come to disagree, they do not, or the run says so."""

import shutil
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from hosting.models import (
    Finding,
    HCIngestionRun,
    HostingCapacityRecord,
    HostingCapacityRecordVersion,
    HostingCapacitySection,
    HostingCapacitySummary,
)
from hosting.pipeline import ingest
from hosting.recording import step_ended
from tests.conftest import ROOT, Portal
from tests.layers import entry, write_layer
from tests.peers.koop import Koop
from tests.reference import reference
from utilities.models import Source

CODE = "trust"
ROWS: list[dict[str, Any]] = [{"section": f"s{n}", "feeder": f"f{n % 3}", "mw": 1 + n / 2} for n in range(30)]


def serve(portal: Portal, rows: list[dict[str, Any]]) -> None:
    write_layer(portal.folder / "recorded", CODE, rows)


@pytest.fixture
def source(portal: Portal) -> Source:
    serve(portal, ROWS)
    return portal.add(entry(CODE))


def test_what_was_rolled_back_is_not_remembered_as_published(portal: Portal, source: Source) -> None:
    def fail(**sent: Any) -> None:
        if sent["step"] == "publish":
            raise BrokenPipeError("the terminal has gone")

    step_ended.connect(fail)
    try:
        with pytest.raises(BrokenPipeError):
            portal.ingest(source)
    finally:
        step_ended.disconnect(fail)
    source.refresh_from_db()
    assert HCIngestionRun.objects.get().status == "failed"
    assert source.published_run_id is None
    assert not HostingCapacitySection.objects.exists()
    assert portal.ingest(source).status == "completed"
    assert HostingCapacitySection.objects.count() == 30


def test_an_entry_that_changed_meanwhile_is_the_one_that_is_used(portal: Portal, source: Source) -> None:
    early = Source.objects.select_related("utility").get(pk=source.pk)
    in_kilowatts = entry(CODE)
    in_kilowatts["sources"][0]["figures"][0]["hosting_capacity_mw"] = {"kw": "mw"}
    in_kilowatts["sources"][0]["accepted"] = {"Q26": "The field is called mw."}
    portal.add(in_kilowatts)
    run = ingest(early)
    assert run.config_json["figures"][0]["hosting_capacity_mw"]["reader"] == "kw"
    assert HostingCapacitySection.objects.get(key="s0").hosting_capacity_mw * 1000 == 1  # type: ignore[operator]


def test_a_source_switched_off_meanwhile_is_not_fetched(portal: Portal, source: Source) -> None:
    early = Source.objects.select_related("utility").get(pk=source.pk)
    Source.objects.filter(pk=source.pk).update(is_enabled=False)
    with pytest.raises(Exception, match="switched off"):
        ingest(early)
    assert not HCIngestionRun.objects.exists()


def test_a_lake_that_was_lost_stops_the_run(portal: Portal, source: Source) -> None:
    portal.ingest(source)
    shutil.rmtree(portal.folder / "lake")
    serve(portal, ROWS[:3])
    run = portal.ingest(source)
    assert run.status == "failed"
    assert "do not belong together" in run.error_message
    assert HostingCapacitySection.objects.count() == 30


def test_a_database_that_is_older_than_the_lake_stops_the_run(portal: Portal, source: Source) -> None:
    first = portal.ingest(source)
    serve(portal, [row | {"mw": row["mw"] + 1} for row in ROWS])
    portal.ingest(source)
    HostingCapacitySection.objects.update(ingestion_run=first)  # as a restored backup would have it
    run = portal.ingest(source)
    assert run.status == "failed"
    assert "do not belong together" in run.error_message


def test_records_that_the_entry_no_longer_makes_go(portal: Portal, source: Source) -> None:
    portal.ingest(source)
    assert HostingCapacityRecord.objects.count() == 3
    without = entry(CODE, feeder_records=False)
    del without["sources"][0]["figures"][0]["rollup"]
    portal.add(without)
    assert portal.ingest(source).counts["records"]["removed"] == 3
    assert not HostingCapacityRecord.objects.exists()
    assert not HostingCapacitySummary.objects.exists()
    assert HostingCapacityRecordVersion.objects.count() == 3
    assert HostingCapacitySection.objects.count() == 30


def test_a_source_that_has_left_the_catalog_counts_no_more(
    portal: Portal, source: Source, client: Client
) -> None:
    portal.ingest(source)
    renamed = entry(CODE)
    renamed["sources"][0]["code"] = "renamed"
    portal.add(renamed)
    portal.ingest(Source.objects.get(code="renamed"))
    assert HostingCapacityRecord.objects.count() == 6
    summary = HostingCapacitySummary.objects.get()
    assert summary.total_feeders == 3
    answer = client.get(f"/api/v1/utilities/{CODE}/hosting-capacity").json()
    assert {row["source"] for row in answer["results"]} == {"renamed"}
    assert len(answer["results"]) == 3


def test_feeders_of_sections_without_identity_keep_their_history(portal: Portal) -> None:
    serve(portal, ROWS)
    source = portal.add(entry(CODE, key="none"))
    portal.ingest(source)
    serve(portal, [row | {"mw": row["mw"] + 1} for row in ROWS])
    portal.ingest(source)
    assert HostingCapacityRecordVersion.objects.count() == 3


def test_a_corrected_time_zone_is_reason_to_read_again(portal: Portal) -> None:
    rows = [row | {"studied": 1_700_000_000_001} for row in ROWS]  # an instant on the 14th in UTC
    write_layer(portal.folder / "recorded", CODE, rows, studied="esriFieldTypeDate")
    dated = entry(CODE, fields={"feeder_id": {"id": "feeder"}, "record_date": {"date": "studied"}})
    source = portal.add(dated | {"timezone": "Pacific/Kiritimati"})
    portal.ingest(source)
    assert str(HostingCapacitySection.objects.first().record_date) == "2023-11-15"  # type: ignore[union-attr]
    portal.add(dated | {"timezone": "America/New_York"})
    assert portal.ingest(source).status == "completed"
    assert str(HostingCapacitySection.objects.first().record_date) == "2023-11-14"  # type: ignore[union-attr]


@pytest.mark.parametrize("latitude", [91.0, 5_100_000.0, 1e300])
def test_a_place_outside_the_world_does_not_stop_the_others(
    portal: Portal, source: Source, latitude: float
) -> None:
    serve(portal, [ROWS[0] | {"paths": [[[-71.5, latitude], [-71.4, 41.5]]]}, *ROWS[1:]])
    run = portal.ingest(source)
    assert run.status == "completed"
    assert list(HostingCapacitySection.objects.filter(geometry_3857=None).values_list("key", flat=True)) == [
        "s0"
    ]
    finding = Finding.objects.filter(run=run, check_id="Q52").order_by("id").first()
    assert finding is not None
    assert finding.examples == [{"key": "s0"}]


def test_a_message_with_what_postgresql_cannot_hold_still_ends_the_run(
    portal: Portal, source: Source
) -> None:
    from hosting.recording import end

    run = HCIngestionRun.objects.create(
        utility=source.utility, source=source, started_at=source.utility.last_ingested_at or "2026-01-01T00Z",
        config_json={},
    )  # fmt: skip
    end(run, "failed", "bad\0news" * 10_000)  # type: ignore[arg-type]
    run.refresh_from_db()
    assert run.error_message.startswith("badnews")
    assert len(run.error_message) == 2_000


def test_a_run_may_begin_while_another_of_the_utility_publishes(portal: Portal, source: Source) -> None:
    from django.db import transaction

    script = (
        "import django; django.setup(); from hosting.models import *; from django.utils import timezone; "
        f"s = Source.objects.get(pk={source.pk}); HCIngestionRun.objects.create(utility_id=s.utility_id, "
        "source=s, started_at=timezone.now(), config_json={}); print('begun')"
    ).replace(
        "from hosting.models import *", "from hosting.models import *; from utilities.models import Source"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM utilities_utility WHERE id = %s FOR NO KEY UPDATE", [source.utility_id])
        done = portal.python("-c", script)
    assert done.stdout.strip() == "begun", done.stderr


@pytest.mark.koop
def test_a_person_who_interrupts_a_fetch_is_obeyed_at_once_and_nothing_is_left(
    portal: Portal, koop: Koop
) -> None:
    served = koop(reference("hosting/rhode_island_sections.geojson.gz"), 50)  # 1,191 pages: many seconds
    slow = entry(
        CODE, served.url.removesuffix("/0"), key=["Section_ID"], page_size=50,
        fields={"feeder_id": {"id": "Network_ID"}},
        figures=[{"capacity_type": "generation", "hosting_capacity_mw": {"mw": "hosting_capacity_mw"},
                  "remaining": "unknown", "rollup": "max"}],
    )  # fmt: skip
    portal.add(slow | {"synthetic": False})
    command = [sys.executable, "manage.py", "ingest_hosting_capacity", "--utility", CODE]
    process = subprocess.Popen(
        command, env=portal.environment(), cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    raw = portal.folder / "lake/dev/bronze/raw" / CODE / "sections"
    for _ in range(300):
        if list(raw.glob("*.part")):
            break
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _out, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert HCIngestionRun.objects.get().status == "cancelled"
    assert not list(raw.glob("*"))
    assert not list((portal.folder / "lake/dev/bronze/features").glob(f"utility_code={CODE}/*/*.parquet"))
