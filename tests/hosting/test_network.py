"""PG&E's network layers: substations, their load by month and hour, divisions, and what links to them.

The catalog's own entries are run on recorded layers with the published field names; the values are made up.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.gis.geos import Point

from hcportal.errors import NotDecided
from hosting.approval import approve
from hosting.lake import tables
from hosting.lake_settings import open_lake
from hosting.models import (
    DivisionBoundary,
    Feeder,
    Finding,
    HCIngestionRun,
    HostingCapacityRecord,
    Substation,
    SubstationLoadProfile,
)
from tests import factories as make
from tests.conftest import Portal
from tests.layers import entry
from utilities.catalog_files import OWN_CATALOG
from utilities.models import Source

pytestmark = pytest.mark.django_db(transaction=True)
Rows = list[dict[str, Any]]


def point(x: float, y: float) -> dict[str, Any]:
    return {"x": x, "y": y}


def square(x: float, y: float) -> dict[str, Any]:
    return {"rings": [[[x, y], [x, y + 1], [x + 1, y + 1], [x + 1, y], [x, y]]]}


def station(number: int, name: str, place: Any, **values: Any) -> dict[str, Any]:
    named = {
        "OBJECTID": number, "Substation": name, "Voltage_kV": 12.47, "Existing_DG": 1500.0, "Queued_DG": 0.0,
        "Division": "North",
    } | values  # fmt: skip
    return {"attributes": named, **({"geometry": place} if place else {})}


STATIONS = [
    station(1, "ALDER", point(-122.0, 38.0)),
    station(2, "BIRCH", point(-122.5, 38.0), Voltage_kV=21.0),
]
STATION_TYPES = {
    "Substation": "String", "Voltage_kV": "Double", "Existing_DG": "Double", "Queued_DG": "Double",
    "Division": "String",
}  # fmt: skip


def record(folder: Path, rows: Rows, types: dict[str, str]) -> None:
    """Write a recorded layer: its description, and the rows as its server would answer."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = {"x": "Point", "paths": "Polyline", "rings": "Polygon"}
    shape = next((kinds[next(iter(row["geometry"]))] for row in rows if "geometry" in row), None)
    fields = [{"name": name, "alias": name, "type": f"esriFieldType{kind}"} for name, kind in types.items()]
    layer = {
        "id": 0,
        "name": "layer",
        "type": "Feature Layer" if shape else "Table",
        "objectIdField": "OBJECTID",
        "fields": [{"name": "OBJECTID", "alias": "OBJECTID", "type": "esriFieldTypeOID"}, *fields],
        "maxRecordCount": 2_000,
        "capabilities": "Query",
        **({"geometryType": f"esriGeometry{shape}"} if shape else {}),
    }
    (folder / "layer.json").write_text(json.dumps(layer))
    answer = {"objectIdFieldName": "OBJECTID", "fields": layer["fields"], "features": rows}
    (folder / "features.json").write_text(json.dumps(answer))


class Pge:
    """PG&E's own entry, its layers recorded below a folder of the test."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.written = yaml.safe_load((OWN_CATALOG / "pge.yaml").read_text(encoding="utf-8"))
        self.written |= {"code": "grip", "synthetic": True, "other_layers": []}
        self.written["sources"] = [one for one in self.written["sources"] if one["grain"] == "none"]
        for one in self.written["sources"]:
            one |= {"service_url": f"recorded://{one['code']}/FeatureServer", "layer": 0, "status": "seen"}

    def ingest(self, code: str, rows: Rows, **types: str) -> HCIngestionRun:
        record(self.portal.folder / "recorded" / code / "0", rows, types)
        self.portal.add(self.written)
        return self.portal.ingest(Source.objects.get(utility__utility_code="grip", code=code))

    def substations(self, rows: Rows = STATIONS) -> HCIngestionRun:
        return self.ingest("substations", rows, **STATION_TYPES)

    def load(self, rows: Rows) -> HCIngestionRun:
        return self.ingest(
            "substation-load", rows, subname="String", subid="String", monthhour="String", low="Double",
            high="Double",
        )  # fmt: skip

    def divisions(self, rows: Rows) -> HCIngestionRun:
        return self.ingest("divisions", rows, division="String")


@pytest.fixture
def pge(portal: Portal) -> Pge:
    return Pge(portal)


def hours(name: str, first: int = 1, months: int = 12, low: float = 100.0) -> Rows:
    return [
        {
            "attributes": {
                "OBJECTID": first + 24 * month + hour,
                "subname": name,
                "subid": f"0{first}",
                "monthhour": f"{month + 1}_{hour}",
                "low": low + hour,
                "high": 2 * low + hour,
            }
        }
        for month in range(months)
        for hour in range(24)
    ]


def test_substations_come_with_their_units_and_bronze_keeps_the_rows(pge: Pge) -> None:
    run = pge.substations()
    assert (run.status, run.counts["substations"]) == (
        "completed",
        {"added": 2, "changed": 0, "removed": 0, "kept": 0},
    )
    alder = Substation.objects.get(name="ALDER")
    assert (alder.voltage_kv, alder.installed_dg_mw, alder.queued_dg_mw) == (
        Decimal("12.470"),
        Decimal("1.50000"),
        Decimal("0.00000"),
    )
    assert (alder.division, alder.geometry and alder.geometry.coords, alder.source) == (
        "North",
        (-122.0, 38.0),
        run.source,
    )
    assert alder.geometry_3857 is not None
    assert open_lake().has_run(tables.BRONZE, "grip", run.pk)
    assert run.source.published_run_id == run.source.lake_run_id == run.pk


def test_the_same_substations_again_are_unchanged_and_what_differs_is_changed(pge: Pge) -> None:
    pge.substations()
    alder = Substation.objects.get(name="ALDER")
    assert pge.substations().status == "unchanged"
    moved = [station(1, "ALDER", point(-122.0, 38.0), Existing_DG=None), STATIONS[1]]
    run = pge.substations([*moved, station(3, "CEDAR", point(-121.0, 38.0))])
    assert run.counts["substations"] == {"added": 1, "changed": 1, "removed": 0, "kept": 1}
    assert Substation.objects.get(name="ALDER").pk == alder.pk
    assert Substation.objects.get(name="ALDER").installed_dg_mw is None


def test_a_substation_that_is_no_longer_published_stays_without_a_source(pge: Pge) -> None:
    many = [station(n, f"S{n}", point(-122 - n / 100, 38)) for n in range(1, 11)]
    pge.substations(many)
    run = pge.substations(many[:9])
    assert run.counts["substations"]["removed"] == 1
    assert Substation.objects.get(name="S10").source is None
    held = pge.substations(many[:4])
    assert held.status == "held"
    assert "5 of 9 substations are gone" in held.error_message
    assert held.counts == {"substations": {"added": 0, "changed": 0, "removed": 5, "kept": 4}}
    assert held.findings.get(check_id="Q56").severity == "B"
    assert Substation.objects.filter(source__isnull=False).count() == 9


def test_a_held_network_is_loaded_from_bronze_when_a_person_approves(pge: Pge) -> None:
    many = [station(n, f"S{n}", point(-122 - n / 100, 38)) for n in range(1, 11)]
    pge.substations(many)
    held = pge.substations(many[:4])
    assert held.status == "held"
    steward = make.make_user("steward")
    with pytest.raises(NotDecided):
        approve(held, by=steward, note="taken over by another utility")
    held.utility.stewards.add(steward)
    approve(held, by=steward, note="taken over by another utility")
    held.refresh_from_db()
    assert (held.status, held.decided_by, held.error_message) == ("completed", steward, "")
    assert held.counts == {"substations": {"added": 0, "changed": 0, "removed": 6, "kept": 4}}
    assert Substation.objects.filter(source__isnull=False).count() == 4
    source = Source.objects.get(pk=held.source_id)
    assert source.published_run == source.lake_run == held
    assert pge.substations(many[:4]).status == "unchanged"


def test_rows_that_cannot_be_used_are_left_out_with_a_finding(pge: Pge) -> None:
    run = pge.substations(
        [
            *STATIONS,
            station(3, "", point(0, 0)),
            station(4, "ALDER", point(1, 1)),
            station(5, "CEDAR", None),
            station(6, "DOGWOOD", point(1, 1), Queued_DG="many"),
        ]
    )
    found = {one.check_id: one.count for one in Finding.objects.filter(run=run)}
    assert found == {"Q08": 1, "Q10": 1, "Q27": 1, "Q49": 1}
    assert set(Substation.objects.values_list("name", flat=True)) == {"ALDER", "BIRCH"}
    assert Substation.objects.filter(name="ALDER", geometry__equals=Point(-122, 38, srid=4326)).exists()


def test_load_has_288_hours_a_substation_in_kw(pge: Pge) -> None:
    pge.substations()
    run = pge.load([*hours("ALDER"), *hours("NEW ONE", first=1_000)])
    assert run.status == "completed"
    assert run.counts["load_profiles"]["added"] == 576
    profile = SubstationLoadProfile.objects.get(substation__name="ALDER", month=7, hour=18)
    assert (profile.low_kw, profile.high_kw) == (Decimal("118.000"), Decimal("218.000"))
    # Of one of them only the load is known: it has no source and no place.
    assert Substation.objects.get(name="NEW ONE").source is None
    assert Substation.objects.get(name="NEW ONE").external_id == "01000"
    assert not Finding.objects.filter(run=run)
    again = pge.load([*hours("ALDER", low=101.0), *hours("NEW ONE", first=1_000)])
    assert again.counts["load_profiles"] == {"added": 0, "changed": 288, "removed": 0, "kept": 288}


def test_hours_that_are_missing_or_cannot_be_read_are_named(pge: Pge) -> None:
    rows = [*hours("ALDER", months=11), *hours("BIRCH", first=1_000)]
    rows[-1]["attributes"]["monthhour"] = "noon"
    rows[-2]["attributes"]["monthhour"] = "13_1"
    run = pge.load(rows)
    found = {one.check_id: (one.count, one.examples) for one in Finding.objects.filter(run=run)}
    assert found["Q47"][0] == 2
    assert found["Q68"][1] == [{"name": "ALDER", "hours": 264}, {"name": "BIRCH", "hours": 286}]


def test_parts_of_a_division_are_one_outline(pge: Pge) -> None:
    rows = [
        {"attributes": {"OBJECTID": n, "division": name}, "geometry": square(x, 38)}
        for n, (name, x) in enumerate([("North", -122), ("North", -120), ("South", -118)], start=1)
    ]
    run = pge.divisions(rows)
    assert run.counts["boundaries"]["added"] == 2
    north = DivisionBoundary.objects.get(name="North")
    assert len(north.geometry) == 2
    assert north.geometry.area == pytest.approx(2)
    assert pge.divisions(rows).status == "unchanged"
    rows[2]["geometry"] = square(-117, 38)
    assert pge.divisions(rows).counts["boundaries"] == {"added": 0, "changed": 1, "removed": 0, "kept": 1}


def feeders(pge: Pge, rows: Rows) -> HCIngestionRun:
    """A layer of feeders of the same utility, published by the pipeline."""
    described = entry("x", grain="feeder", key=["feeder"])["sources"][0] | {"code": "feeders"}
    described["service_url"] = "recorded://feeders/FeatureServer"
    described["fields"]["substation_name"] = {"text": "station"}
    del described["figures"][0]["rollup"]
    pge.written["sources"] = [one for one in pge.written["sources"] if one["code"] != "feeders"] + [described]
    return pge.ingest("feeders", rows, feeder="String", mw="Double", station="String")


def feeder(number: int, station: str | None, x: float, y: float = 38.0) -> dict[str, Any]:
    attributes = {"OBJECTID": number, "feeder": f"F{number}", "mw": 1.0, "station": station}
    return {"attributes": attributes, "geometry": {"paths": [[[x, y], [x, y + 0.1]]]}}


FEEDERS = [
    feeder(1, "Alder Substation", -121.0),  # named, though far away
    feeder(2, None, -122.505),  # 438 m from BIRCH
    feeder(3, "Nowhere", -122.0, 38.001),  # a name that nothing has, 111 m from ALDER
    feeder(4, None, -120.0),  # too far from all
]


def links() -> dict[str, tuple[str | None, str, int | None]]:
    found = HostingCapacityRecord.objects.select_related("substation")
    return {
        record.feeder_id_external: (
            record.substation.name if record.substation else None,
            record.substation_method,
            round(record.substation_distance_m) if record.substation_distance_m is not None else None,
        )
        for record in found
    }


LINKED = {
    "F1": ("ALDER", "name", pytest.approx(87_800, rel=0.01)),
    "F2": ("BIRCH", "distance", pytest.approx(439, rel=0.01)),
    "F3": ("ALDER", "distance", pytest.approx(111, rel=0.01)),
    "F4": (None, "", None),
}


def test_records_link_by_name_then_by_distance_and_the_rest_is_listed(pge: Pge) -> None:
    pge.substations()
    run = feeders(pge, FEEDERS)
    assert run.status == "completed"
    assert links() == LINKED
    assert Feeder.objects.get(external_id="F2").substation == Substation.objects.get(name="BIRCH")
    finding = Finding.objects.get(run=run, check_id="Q67")
    assert finding.message.startswith("1 of 4 records link to no substation")
    assert finding.examples == [{"key": "F4", "substation_name": ""}]


def test_substations_that_come_later_are_linked_to_what_is_published(pge: Pge) -> None:
    feeders(pge, FEEDERS)
    assert set(links().values()) == {(None, "", None)}
    run = pge.substations()
    assert links() == LINKED
    assert Finding.objects.filter(run=run, check_id="Q67").count() == 1


def test_two_substations_that_differ_in_spelling_only_are_no_match_by_name(pge: Pge) -> None:
    pge.substations([*STATIONS, station(3, "Alder Sub", point(-110.0, 38.0))])
    feeders(pge, FEEDERS)
    assert links()["F1"] == (None, "", None)


def test_a_link_survives_a_refresh_of_the_record(pge: Pge) -> None:
    pge.substations()
    feeders(pge, FEEDERS)
    changed = [dict(row, attributes=row["attributes"] | {"mw": 2.0}) for row in FEEDERS]
    feeders(pge, changed)
    assert HostingCapacityRecord.objects.filter(hosting_capacity_mw=2).count() == 4
    assert links() == LINKED


def test_a_utility_without_published_substations_has_no_links_and_no_finding(pge: Pge) -> None:
    run = feeders(pge, FEEDERS)
    assert not Finding.objects.filter(run=run, check_id="Q67")
