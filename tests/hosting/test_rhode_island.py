"""The main job on real input: 59,535 sections from a server nobody here wrote, into PostGIS."""

import gzip
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.gis.geos import GEOSGeometry
from django.core.management import call_command
from django.db import connection

from hosting.models import (
    Feeder,
    HCIngestionRun,
    HostingCapacityRecord,
    HostingCapacityRecordVersion,
    HostingCapacitySection,
    HostingCapacitySectionVersion,
    HostingCapacitySummary,
)
from tests.conftest import Portal
from tests.layers import entry
from tests.peers.koop import Koop
from tests.reference import reference

pytestmark = [pytest.mark.koop, pytest.mark.slow]

FILE = "hosting/rhode_island_sections.geojson.gz"
CODE = "ri_koop"


def features(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path) as file:
        found: list[dict[str, Any]] = json.load(file)["features"]
    return found


def rhode_island(url: str) -> dict[str, Any]:
    """The catalog entry of the served file."""
    return entry(
        CODE,
        url.removesuffix("/0"),
        key=["Section_ID"],
        fields={"feeder_id": {"id": "Network_ID"}},
        figures=[
            {
                "capacity_type": "generation",
                "hosting_capacity_mw": {"mw": "hosting_capacity_mw"},
                "remaining": "hosting",
                "rollup": "max",
            }
        ],
    ) | {"synthetic": False}


def ingest(*options: str) -> HCIngestionRun:
    call_command("ingest_hosting_capacity", "--utility", CODE, *options)
    return HCIngestionRun.objects.latest("id")


def megawatts(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(Decimal("0.00001"))


def rolled_up(published: list[dict[str, Any]]) -> dict[str, tuple[float, float, int]]:
    """Feeder to lowest, highest and number of its sections."""
    values: dict[str, list[float]] = defaultdict(list)
    for feature in published:
        values[feature["properties"]["Network_ID"]].append(feature["properties"]["hosting_capacity_mw"])
    return {feeder: (min(found), max(found), len(found)) for feeder, found in values.items()}


def test_every_section_and_feeder_arrives_as_the_file_has_them(portal: Portal, koop: Koop) -> None:
    file = reference(FILE)
    portal.add(rhode_island(koop(file).url))
    run = ingest()
    published = features(file)

    assert (run.status, run.records_fetched) == ("completed", 59_535)
    assert HostingCapacitySection.objects.count() == 59_535
    assert Feeder.objects.count() == HostingCapacityRecord.objects.count() == 449

    expected: dict[str, list[Decimal]] = defaultdict(list)
    for feature in published:
        properties = feature["properties"]
        expected[properties["Network_ID"]].append(megawatts(properties["hosting_capacity_mw"]))
    for record in HostingCapacityRecord.objects.all():
        values = expected[record.feeder_id_external]
        assert record.hosting_capacity_min_mw == min(values)
        assert record.hosting_capacity_max_mw == record.hosting_capacity_mw == max(values)
        assert record.section_count == len(values)

    geometries = {feature["properties"]["Section_ID"]: feature["geometry"] for feature in published}
    for key, wkb, mw in HostingCapacitySection.objects.values_list("key", "geometry", "hosting_capacity_mw"):
        geometry = geometries.pop(key)
        assert wkb is not None
        assert json.loads(wkb.json) == geometry
        assert wkb.srid == 4326
        assert mw is not None
    assert not geometries
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), max(ST_Distance(centroid, geometry)) FROM hosting_hostingcapacityrecord"
        )
        assert cursor.fetchone() == (449, 0.0)
    assert not HostingCapacityRecord.objects.exclude(geometry_type="MultiLineString").exists()

    summary = HostingCapacitySummary.objects.get()
    assert summary.total_feeders == 449
    assert summary.total_hosting_capacity_mw == sum(max(values) for values in expected.values())
    assert summary.constrained_feeders_count == sum(max(values) < 1 for values in expected.values())


def test_a_feeder_is_all_of_its_sections(portal: Portal, koop: Koop) -> None:
    file = reference(FILE)
    portal.add(rhode_island(koop(file).url))
    ingest()
    longest: dict[str, int] = defaultdict(int)
    for feature in features(file):
        kind, parts = feature["geometry"]["type"], feature["geometry"]["coordinates"]
        longest[feature["properties"]["Network_ID"]] += len(parts) if kind == "MultiLineString" else 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT feeder_id_external, ST_NumGeometries(geometry) FROM hosting_hostingcapacityrecord"
        )
        assert dict(cursor.fetchall()) == dict(longest)


def test_a_second_run_changes_no_version_and_an_edit_exactly_what_was_edited(
    portal: Portal, koop: Koop, tmp_path: Path
) -> None:
    file = reference(FILE)
    portal.add(rhode_island(koop(file).url))
    first = ingest()
    versions = dict(HostingCapacitySection.objects.values_list("key", "ingestion_run_id"))
    ids = dict(HostingCapacitySection.objects.values_list("key", "id"))

    assert ingest().status == "unchanged"
    assert ingest("--force").status == "unchanged"
    assert dict(HostingCapacitySection.objects.values_list("key", "ingestion_run_id")) == versions
    assert not HostingCapacitySectionVersion.objects.exists()

    edited = features(file)
    changed, removed = edited[100:103], edited.pop(40_000)
    old = {f["properties"]["Section_ID"]: megawatts(f["properties"]["hosting_capacity_mw"]) for f in changed}
    for feature in changed:
        feature["properties"]["hosting_capacity_mw"] += 0.5
    added = [json.loads(json.dumps(edited[0])), json.loads(json.dumps(edited[1]))]
    for number, feature in enumerate(added):
        feature["properties"]["Section_ID"] = f"new-{number}"
    second_file = tmp_path / "edited.geojson"
    second_file.write_text(json.dumps({"type": "FeatureCollection", "features": edited + added}))
    portal.add(rhode_island(koop(second_file).url))
    second = ingest()

    assert second.counts["sections"] == {"added": 2, "changed": 3, "removed": 1}
    touched = HostingCapacitySection.objects.filter(ingestion_run=second)
    assert set(touched.values_list("key", flat=True)) == {*old, "new-0", "new-1"}
    assert HostingCapacitySection.objects.filter(ingestion_run=first).count() == 59_535 - 4
    assert HostingCapacitySection.objects.count() == 59_536
    gone = removed["properties"]["Section_ID"]
    past = {version.key: version for version in HostingCapacitySectionVersion.objects.all()}
    assert set(past) == {*old, gone}
    for key, value in old.items():
        assert past[key].hosting_capacity_mw == value
        assert past[key].section_id == ids[key] == HostingCapacitySection.objects.get(key=key).pk
        assert HostingCapacitySection.objects.get(key=key).hosting_capacity_mw == value + Decimal("0.5")
    was_there = past[gone].geometry
    assert was_there is not None
    assert was_there.equals_exact(GEOSGeometry(json.dumps(removed["geometry"])))
    assert {version.ended_by_run_id for version in past.values()} == {second.pk}
    was, now = rolled_up(features(file)), rolled_up(edited + added)
    moved = {feeder for feeder in was | now if was.get(feeder) != now.get(feeder)}
    records = HostingCapacityRecord.objects.filter(ingestion_run=second)
    assert set(records.values_list("feeder_id_external", flat=True)) == moved
    assert set(HostingCapacityRecordVersion.objects.values_list("key", flat=True)) == moved
