"""The synthetic utilities: the same for everybody, plausible, and with every kind of figure that occurs."""

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import LineString

from hosting.demo.generate import CODES, SEED, generate, remove
from hosting.demo.place import COUNTY_BOX
from utilities.catalog_files import OWN_CATALOG, read_entry

ROOT = Path(__file__).resolve().parents[2]
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("recorded")
    generate(root)
    return root


@pytest.fixture(scope="module")
def valley(recorded: Path) -> Rows:
    return features(recorded, "demo_valley")


@pytest.fixture(scope="module")
def harbor(recorded: Path) -> Rows:
    return features(recorded, "demo_harbor")


def features(root: Path, code: str) -> Rows:
    found: Rows = json.loads((root / code / "0" / "features.json").read_bytes())["features"]
    return found


def contents(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in sorted(root.rglob("*.json"))}


def column(rows: Rows, name: str) -> list[Any]:
    return [row["attributes"][name] for row in rows]


def number(text: str | None) -> Decimal | None:
    """The number in a text column; None for words, blanks and nothing."""
    said = (text or "").strip()
    return Decimal(said) if said and said not in {"NA", "REDACTED"} else None


def kilowatts(row: dict[str, Any]) -> Decimal | None:
    return number(row["attributes"]["GEN_HC_KW"])


# --- The same for everybody ---


def test_another_process_writes_the_same_bytes(recorded: Path, tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from hosting.demo.generate import generate; generate(pathlib.Path(sys.argv[1]))"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        check=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "12345", "TZ": "Asia/Tokyo", "PYTHONPATH": str(ROOT)},
    )
    assert contents(tmp_path) == contents(recorded)


def test_another_seed_draws_something_else(recorded: Path, tmp_path: Path) -> None:
    generate(tmp_path, SEED + 1)
    assert features(tmp_path, "demo_valley") != features(recorded, "demo_valley")
    assert features(tmp_path, "demo_harbor") != features(recorded, "demo_harbor")


def test_files_that_are_right_are_left_untouched_and_others_written_anew(tmp_path: Path) -> None:
    assert all(written.changed for written in generate(tmp_path))
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.json")}
    again = generate(tmp_path)
    assert [written.changed for written in again] == [False, False]
    assert {file: file.stat().st_mtime_ns for file in before} == before
    spoilt = tmp_path / "demo_harbor" / "0" / "features.json"
    whole = spoilt.read_bytes()
    spoilt.write_bytes(whole[:-100])
    assert [written.changed for written in generate(tmp_path)] == [False, True]
    assert spoilt.read_bytes() == whole


def test_removing_takes_these_folders_and_no_other(tmp_path: Path) -> None:
    generate(tmp_path)
    (tmp_path / "somebody_elses").mkdir()
    assert [folder.name for folder in remove(tmp_path)] == list(CODES)
    assert [folder.name for folder in tmp_path.iterdir()] == ["somebody_elses"]
    assert remove(tmp_path) == []


# --- The catalog says what the layers hold ---


@pytest.mark.parametrize("code", CODES)
def test_the_catalog_entry_is_valid_and_says_that_it_is_synthetic(recorded: Path, code: str) -> None:
    entry = read_entry(OWN_CATALOG / f"{code}.yaml")
    [source] = entry.sources
    assert entry.synthetic
    assert "(synthetic)" in entry.name
    assert entry.iso is None
    assert source.url == f"recorded://{code}/FeatureServer/0"
    layer = json.loads((recorded / code / "0" / "layer.json").read_bytes())
    assert set(source.published_fields()) <= {field["name"] for field in layer["fields"]}


@pytest.mark.parametrize("code", CODES)
def test_keys_and_object_ids_are_unique_and_the_ids_have_gaps(recorded: Path, code: str) -> None:
    rows = features(recorded, code)
    [source] = read_entry(OWN_CATALOG / f"{code}.yaml").sources
    for name in (*source.key, "OBJECTID"):
        values = column(rows, name)
        assert len(set(values)) == len(values)
    assert max(column(rows, "OBJECTID")) > len(rows)


@pytest.mark.parametrize("code", CODES)
def test_the_client_reads_every_row_through_the_recorded_address(recorded: Path, code: str) -> None:
    from hcportal.http import Client
    from hosting.sources import arcgis

    with Client(recorded_root=recorded) as client:
        layer = arcgis.open_layer(client, f"recorded://{code}/FeatureServer/0")
        pages = list(arcgis.fetch(client, layer))
    rows = features(recorded, code)
    assert [identity for page in pages for identity in page.object_ids] == column(rows, "OBJECTID")
    assert all(shape for page in pages for shape in page.wkb)


# --- Plausible ---


def test_there_are_as_many_feeders_and_sections_as_promised(valley: Rows, harbor: Rows) -> None:
    assert 3500 <= len(valley) <= 4500
    assert len(set(column(valley, "FEEDER_ID"))) == 47
    assert len(set(column(valley, "SUBSTATION"))) == 8
    assert len(harbor) == 60
    assert len(set(column(harbor, "STATION"))) == 8


def test_every_line_is_valid_and_inside_the_county(valley: Rows, harbor: Rows) -> None:
    west, south, east, north = COUNTY_BOX
    for row in valley + harbor:
        for path in row["geometry"]["paths"]:
            line = LineString(path)
            assert line.is_valid
            assert line.length > 0
            assert west < line.bounds[0] <= line.bounds[2] < east
            assert south < line.bounds[1] <= line.bounds[3] < north


def test_every_section_hangs_on_another_of_its_feeder_or_on_the_substation(valley: Rows) -> None:
    by_substation: dict[str, set[tuple[float, ...]]] = defaultdict(set)
    by_feeder: dict[str, Rows] = defaultdict(list)
    for row in valley:
        by_feeder[row["attributes"]["FEEDER_ID"]].append(row)
    for rows in by_feeder.values():
        first, *others = rows
        # A feeder's first section leaves the substation; it is where all feeders of a substation meet.
        by_substation[first["attributes"]["SUBSTATION"]].add(tuple(first["geometry"]["paths"][0][0]))
        assert_hangs_together([path for row in rows for path in row["geometry"]["paths"]])
        assert first["attributes"]["PHASES"] == "ABC"
        assert others
    assert all(len(places) == 1 for places in by_substation.values())


def test_every_circuit_hangs_together_and_leaves_its_station(harbor: Rows) -> None:
    by_station: dict[str, set[tuple[float, ...]]] = defaultdict(set)
    for row in harbor:
        paths = row["geometry"]["paths"]
        by_station[row["attributes"]["STATION"]].add(tuple(paths[0][0]))
        assert_hangs_together(paths)
    assert all(len(places) == 1 for places in by_station.values())


def assert_hangs_together(paths: list[list[list[float]]]) -> None:
    """Each path begins where the substation is, or where an earlier one ends."""
    reached = {tuple(paths[0][0])}
    for path in paths:
        assert tuple(path[0]) in reached
        reached.add(tuple(path[-1]))


def test_no_feeder_is_a_loop(valley: Rows) -> None:
    ends: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for row in valley:
        ends[row["attributes"]["FEEDER_ID"]].append(tuple(row["geometry"]["paths"][0][-1]))
    for places in ends.values():
        assert len(set(places)) == len(places)


def test_capacity_and_phases_never_grow_outwards(valley: Rows) -> None:
    upstream: dict[tuple[str, tuple[float, ...]], dict[str, Any]] = {}
    compared = 0
    for row in valley:
        feeder, path = row["attributes"]["FEEDER_ID"], row["geometry"]["paths"][0]
        parent = upstream.get((feeder, tuple(path[0])))
        upstream[feeder, tuple(path[-1])] = row
        if parent is None:
            continue
        assert len(row["attributes"]["PHASES"]) <= len(parent["attributes"]["PHASES"])
        here, there = kilowatts(row), kilowatts(parent)
        if here is not None and there is not None:
            assert here <= there
            compared += 1
    assert compared > 2500


def test_higher_voltage_and_more_phases_carry_more(valley: Rows) -> None:
    strongest: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for row in valley:
        kv = row["attributes"]["NOMINAL_KV"].replace("kV", "").strip()
        kind = (kv, len(row["attributes"]["PHASES"]))
        strongest[kind] = max(strongest[kind], kilowatts(row) or Decimal())
    assert strongest["24.9", 3] > strongest["12.47", 3] > strongest["4.16", 3]
    assert strongest["12.47", 3] > strongest["12.47", 2] > strongest["12.47", 1]


def test_the_headline_is_the_least_of_the_criteria_and_names_it(valley: Rows) -> None:
    words = {"thermal limit": "THERMAL", "voltage rise": "VOLTAGE", "fault current": "PROTECT"}
    seen: Counter[str] = Counter()
    for row in valley:
        criteria = {name: row["attributes"][f"GEN_{name}_KW"] for name in words.values()}
        kw = kilowatts(row)
        if kw is None:
            assert set(criteria.values()) == {None}
            assert row["attributes"]["GEN_LIMIT"] is None
            continue
        assert kw == min(criteria.values())
        named = words[row["attributes"]["GEN_LIMIT"].lower()]
        assert criteria[named] == kw
        seen[named] += 1
    assert min(seen.values()) > 50


# --- Every kind of figure ---


def test_the_sections_have_zero_unknown_withheld_and_not_studied(valley: Rows) -> None:
    said = [(text or "").strip() for text in column(valley, "GEN_HC_KW")]
    assert said.count("NA") > 50
    assert said.count("REDACTED") > 20
    assert said.count("") > 10
    assert sum(number(text) == 0 for text in said) > 20
    assert any(text is None for text in column(valley, "GEN_HC_KW"))
    assert any(text != text.strip() for text in column(valley, "GEN_HC_KW") if text)
    load = column(valley, "LOAD_HC_KW")
    assert sum(number(text) == 5000 for text in load) > 20, "the load study stops at 5 MW"
    assert max(kw for kw in map(number, load) if kw is not None) == 5000


def test_whole_feeders_are_zero_withheld_or_not_studied(valley: Rows) -> None:
    said: dict[str, set[str]] = defaultdict(set)
    for row in valley:
        text = (row["attributes"]["GEN_HC_KW"] or "").strip()
        said[row["attributes"]["FEEDER_ID"]].add("0" if number(text) == 0 else text)
    assert said["0304"] == {"REDACTED"}
    assert said["0108"] == {"NA"}
    assert said["0205"] <= {"0", "NA", ""}


def test_the_circuits_have_zero_unknown_withheld_not_studied_and_the_ceiling(harbor: Rows) -> None:
    hosting = Counter(column(harbor, "HC_MW"))
    assert hosting[-9999] == 4
    assert hosting[-8888] == 2
    assert hosting[None] == 2
    assert hosting[0] == 3
    assert hosting[10] >= 3
    assert max(value for value in hosting if value is not None) == 10
    assert column(harbor, "CIRCUIT_TYPE").count("Network") == 2
    assert None in column(harbor, "DG_CONNECTED_KW")
    assert 0 in column(harbor, "DG_CONNECTED_KW")
    assert "Pier Rule 7" in column(harbor, "LIMITING_FACTOR")
    assert all(circuit.startswith("0") for circuit in column(harbor, "CIRCUIT"))


def test_the_weakest_place_is_never_above_the_strongest(harbor: Rows) -> None:
    for row in harbor:
        low, middle, high = (row["attributes"][name] for name in ("HC_MIN_MW", "HC_MW", "HC_MAX_MW"))
        assert (low is None) == (middle is None) == (high is None)
        assert low is None or low <= middle <= high


def test_what_is_left_of_the_circuits_falls_into_every_class_of_the_map(harbor: Rows) -> None:
    classes: Counter[str] = Counter()
    for row in harbor:
        mw, connected, pending = (
            row["attributes"][name] for name in ("HC_MW", "DG_CONNECTED_KW", "DG_PENDING_KW")
        )
        if mw is None or mw < 0 or connected is None or pending is None:
            classes["unknown"] += 1
            continue
        left = mw - (connected + pending) / 1000
        classes["5" if left > 5 else "2" if left > 2 else "0.5" if left > 0.5 else "below"] += 1
        classes["oversubscribed"] += left < 0
    assert min(classes[name] for name in ("unknown", "5", "2", "0.5", "below")) >= 4
    assert classes["oversubscribed"] >= 2


def test_dates_are_fixed_days_that_have_passed(valley: Rows, harbor: Rows) -> None:
    assert set(column(valley, "STUDY_DATE")) == {1_781_481_600_000, 1_784_505_600_000}
    assert set(column(harbor, "HC_DATE")) == {1_785_781_800_000}


# --- The commands ---


@pytest.fixture
def var(settings: Any, tmp_path: Path) -> Path:
    settings.HCP_RECORDED = tmp_path / "recorded"
    settings.HCP_LAKE = str(tmp_path / "lake")
    return tmp_path


def run(*command: str) -> str:
    from io import StringIO

    from django.core.management import call_command

    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_load_demo_publishes_both_utilities_and_then_has_nothing_to_do(var: Path) -> None:
    from django_celery_beat.models import PeriodicTask

    from hosting.models import Feeder, HCIngestionRun, HostingCapacityRecord, HostingCapacitySection
    from utilities.models import Utility

    said = run("load_demo")
    assert "Demo Valley Electric (synthetic): 3,8" in said
    assert "Demo Harbor Power (synthetic): 60 rows published." in said
    assert list(Utility.objects.filter(is_synthetic=True).values_list("utility_code", flat=True)) == [
        "demo_harbor",
        "demo_valley",
    ]
    sections = len(features(var / "recorded", "demo_valley"))
    assert HostingCapacitySection.objects.filter(capacity_type="generation").count() == sections
    assert HostingCapacitySection.objects.filter(capacity_type="load").count() == sections
    assert HostingCapacityRecord.objects.count() == 47 * 2 + 60
    assert Feeder.objects.count() == 47 + 60
    harbor = HostingCapacityRecord.objects.filter(utility__utility_code="demo_harbor")
    assert Counter(harbor.values_list("capacity_status", flat=True)) == {
        "published": 60 - 4 - 2 - 2 - harbor.filter(capacity_status="at_least").count(),
        "at_least": harbor.filter(hosting_capacity_mw=10).count(),
        "not_studied": 4,
        "withheld": 2,
        "unknown": 2,
    }
    assert harbor.get(feeder_id_external="01202").hosting_capacity_mw == 0
    assert PeriodicTask.objects.filter(name__contains="demo_").count() == 2
    runs = HCIngestionRun.objects.count()
    assert run("load_demo").count("nothing to do") == 2
    assert HCIngestionRun.objects.count() == runs


@pytest.mark.django_db(transaction=True)
def test_remove_demo_leaves_nothing_and_a_sync_does_not_bring_it_back(var: Path) -> None:
    from django_celery_beat.models import PeriodicTask

    from hosting.models import Feeder, HCIngestionRun, HostingCapacityRecord, HostingCapacitySection
    from utilities.models import Utility

    run("load_demo")
    others = set(Utility.objects.filter(is_synthetic=False).values_list("utility_code", flat=True))
    said = run("remove_demo")
    assert "Demo Harbor Power (synthetic): removed" in said
    assert "107 feeders" in said
    for model in (Feeder, HCIngestionRun, HostingCapacityRecord, HostingCapacitySection):
        assert not model.objects.exists()
    assert not PeriodicTask.objects.filter(name__contains="demo_").exists()
    assert not list((var / "recorded").iterdir())
    run("sync_catalog")
    assert set(Utility.objects.values_list("utility_code", flat=True)) == others
    assert "no demonstration" in run("remove_demo")
    assert "60 rows published" in run("load_demo")
