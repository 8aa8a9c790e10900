"""What is kept of a run's quality with what it published: score, summaries, feeders' marks, example rows."""

import json
from typing import Any

from hosting.lake import tables
from hosting.lake_settings import open_lake
from hosting.markers import markers_off
from hosting.models import DataQualitySummary, FeederQuality, HostingCapacityRecord
from tests.conftest import Portal
from tests.layers import entry, write_layer

FIELDS = {"feeder_id": {"id": "feeder"}, "voltage_kv": {"kv": "kv"}, "record_date": {"date": "day"}}


def rows() -> list[dict[str, Any]]:
    """Twelve feeders of two sections; one section of F0 has no date, one of F1 no number and no place."""
    made: list[dict[str, Any]] = [
        {"section": f"{n}-{s}", "feeder": f"F{n}", "mw": str(1 + n), "kv": "13.2", "day": "2026-09-01"}
        for n in range(12)
        for s in range(2)
    ]
    made[0] |= {"day": None}
    made[2] |= {"mw": "lots"}
    return made


def test_a_published_run_leaves_its_quality_where_readers_and_engines_find_it(portal: Portal) -> None:
    source = portal.add(entry("ours", fields=FIELDS, redistribution="allowed"))
    write_layer(portal.folder / "recorded", "ours", rows())
    run = portal.ingest(source)
    assert run.status == "completed", run.error_message

    noticed = {(one.check_id, one.severity): one for one in run.findings.all()}
    assert noticed["Q27", "E"].examples == [
        {
            "key": "1-0",
            "feeder": "F1",
            "published": {"section": "1-0", "feeder": "F1", "mw": "lots", "kv": "13.2", "day": "2026-09-01"},
        }
    ]
    assert [one["key"] for one in noticed["Q40", "W"].examples] == ["0-0"]

    assert run.quality is not None
    parts = run.quality["parts"]
    assert parts["geometry"] == parts["change"] == 100
    assert parts["values"] < 100
    sections = DataQualitySummary.objects.get(run=run, dataset="sections")
    assert (sections.row_count, sections.quarantined_rows) == (23, 1)
    assert str(sections.refresh_date) == "2026-09-01"
    assert sections.null_shares["record_date"] == round(1 / 23, 4)
    assert sections.null_shares["voltage_kv"] == 0
    assert sections.null_shares["queued_dg_mw"] == 1
    assert float(sections.score or 0) == run.quality["score"]
    assert DataQualitySummary.objects.get(run=run, dataset="records").row_count == 12

    marks = {mark.feeder.external_id: mark for mark in FeederQuality.objects.select_related("feeder")}
    assert marks["F0"].checks == {"Q40": 1}
    assert marks["F1"].checks == {"Q27": 1}
    assert marks["F0"].score_parts["dates"] == 80
    assert marks["F1"].score_parts["values"] == 50
    assert marks.keys() == {"F0", "F1"}

    kept = open_lake().delta(tables.DATA_QUALITY_SUMMARY).to_pyarrow_table().to_pylist()
    assert {(row["dataset"], row["row_count"], row["score"]) for row in kept} == {
        ("sections", 23, sections.score),
        ("records", 12, sections.score),
    }
    assert json.loads(kept[0]["null_shares"])["voltage_kv"] == 0
    assert markers_off(run) is None


def test_marks_follow_the_newest_run_and_a_marker_off_its_feeder_is_found(portal: Portal) -> None:
    source = portal.add(entry("ours", fields=FIELDS))
    write_layer(portal.folder / "recorded", "ours", rows())
    portal.ingest(source)
    sound = [row | {"day": "2026-09-01"} for row in rows()]
    sound[2] |= {"mw": "2"}
    write_layer(portal.folder / "recorded", "ours", sound, mw="esriFieldTypeString")
    run = portal.ingest(source)
    assert run.status == "completed", run.error_message
    assert not FeederQuality.objects.exists()
    assert run.quality is not None
    assert run.quality["score"] > 90
    HostingCapacityRecord.objects.filter(key="F3").update(
        ingestion_run=run, centroid="SRID=4326;POINT(-71.9 41.9)"
    )
    noticed = markers_off(run)
    assert noticed is not None
    assert (noticed.check_id, noticed.examples) == ("Q54", [{"key": "F3"}])
