"""What a service holds, and a draft of a catalog entry that the schema takes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hcportal.errors import FetchError, RefusedAddress
from hcportal.http import Client
from hosting.sources.discovery import discover
from hosting.sources.proposal import proposal
from tests.layers import write_layer
from utilities.catalog_files import read_entry
from utilities.spec import UtilitySpec

Row = dict[str, Any]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with Client(recorded_root=tmp_path / "recorded", allow_loopback=False, contact="") as found:
        yield found


def serve(folder: Path, number: int, row: Row | list[Row], name: str = "Lines", **changed: Any) -> None:
    """Layer `number` of `recorded://utility/FeatureServer`, with the columns of one row, or of several."""
    write_layer(folder / "recorded", "scratch", row if isinstance(row, list) else [row])
    made = folder / "recorded" / "scratch" / "0"
    target = folder / "recorded" / "utility" / str(number)
    target.parent.mkdir(exist_ok=True)
    made.rename(target)
    layer = json.loads((target / "layer.json").read_text())
    (target / "layer.json").write_text(json.dumps({**layer, "id": number, "name": name, **changed}))


def drafted(client: Client, folder: Path, url: str = "recorded://utility/FeatureServer") -> UtilitySpec:
    """The proposed entry as a person would save it, once it names the public address."""
    draft = proposal(client, discover(client, url))
    code = next(line.split(": ")[1] for line in draft.splitlines() if line.startswith("code: "))
    file = folder / f"{code}.yaml"
    file.write_text(draft.replace("recorded://utility", "https://gis.example.org/rest"))
    return read_entry(file)


SECTION = {"Section_ID": "a", "Network_ID": "n", "HC_kW": 5.0}


def test_a_layer_of_sections_is_drafted_with_its_key_feeder_and_unit(client: Client, tmp_path: Path) -> None:
    serve(tmp_path, 3, {"Section_ID": "a", "Network_ID": "n", "GenCapacity_kW": 5.0, "Shape__Length": 1.0})
    entry = drafted(client, tmp_path)
    [source] = entry.sources
    assert (entry.status, source.status) == ("unverified", "unverified")
    assert source.url == "https://gis.example.org/rest/FeatureServer/3"
    assert (source.grain, source.key, source.geometry) == ("section", ("Section_ID",), "polyline")
    assert source.fields.readings()["feeder_id"].field == "Network_ID"
    [figure] = source.figures
    reading = figure.readings()["hosting_capacity_mw"]
    assert (figure.capacity_type, figure.remaining, figure.rollup) == ("generation", "unknown", "max")
    assert (reading.reader, reading.field) == ("kw", "GenCapacity_kW")


def test_a_layer_of_feeders_and_a_table_and_cells_are_drafted_as_what_they_are(
    client: Client, tmp_path: Path
) -> None:
    serve(tmp_path, 0, {"FeederID": "f", "load_capacity_headroom": 5.0})
    serve(tmp_path, 1, {"FeederID": "f", "Max_HC": "5"}, "A table", type="Table", geometryType=None)
    serve(tmp_path, 2, {"hosting": 5.0}, "Cells", geometryType="esriGeometryPolygon")
    serve(tmp_path, 4, {"hosting": 5.0}, "A table of cells", type="Table", geometryType=None)
    serve(tmp_path, 5, {"hosting": 5.0}, "", geometryType="esriGeometryPoint")
    serve(tmp_path, 7, {"street": "x"}, "Roads")
    sources = {source.layer: source for source in drafted(client, tmp_path).sources}
    assert {number: (s.grain, s.key, s.geometry) for number, s in sources.items()} == {
        0: ("feeder", ("FeederID",), "polyline"),
        1: ("feeder", ("FeederID",), "none"),
        2: ("cell", "geometry", "polygon"),
        4: ("cell", "none", "none"),
        5: ("cell", "geometry", "point"),
    }
    assert [source.figures[0].capacity_type for source in sources.values()] == ["load", *["generation"] * 4]


def test_the_capacity_itself_is_not_taken_for_the_feeder(client: Client, tmp_path: Path) -> None:
    serve(tmp_path, 0, {"feeder_max_hc": 5.0})
    [source] = drafted(client, tmp_path).sources
    assert (source.grain, source.key) == ("cell", "geometry")


def test_one_layer_can_be_asked_for(client: Client, tmp_path: Path) -> None:
    serve(tmp_path, 3, SECTION)
    serve(tmp_path, 4, SECTION)
    entry = drafted(client, tmp_path, "recorded://utility/FeatureServer/3/")
    assert [source.layer for source in entry.sources] == [3]


def test_a_service_without_a_capacity_proposes_nothing(client: Client, tmp_path: Path) -> None:
    serve(tmp_path, 0, {"street": "x"})
    found = discover(client, "recorded://utility/FeatureServer")
    assert proposal(client, found).startswith("# No field looks like a capacity")


def test_the_listing_names_layers_with_counts_fields_and_types(client: Client, tmp_path: Path) -> None:
    serve(tmp_path, 3, SECTION, "Line detail")
    lines = discover(client, "recorded://utility/FeatureServer").listing()
    assert lines[:2] == [
        "recorded://utility/FeatureServer",
        "  3  Line detail  (polyline, 1 rows, object id OBJECTID)",
    ]
    assert "       HC_kW  Double" in lines


def test_a_layer_that_cannot_be_read_is_told_and_the_others_are_drafted(
    client: Client, tmp_path: Path
) -> None:
    serve(tmp_path, 0, SECTION)
    serve(tmp_path, 1, SECTION)
    (tmp_path / "recorded" / "utility" / "1" / "layer.json").write_text('{"id": 1, "name": "Broken"}')
    found = discover(client, "recorded://utility/FeatureServer")
    assert len(found.layers) == 1
    assert found.troubles[0].startswith("1  Broken: ")
    assert found.troubles[0] in found.listing()[-1]


def test_a_service_that_is_not_there_is_an_error(client: Client) -> None:
    with pytest.raises(FetchError):
        discover(client, "recorded://nowhere/FeatureServer")


# --- By the values ------------------------------------------------------------------------------------------


def rows(count: int = 60) -> list[Row]:
    """Sections as some utility might publish them, under names that say little."""
    return [
        {
            "GLOBAL_KEY": f"g{i}",
            "CIRCUIT": f"c{i // 6}",
            "NOMINAL": [4.16, 12.47, 13.2][i % 3],
            "SPARE_A": 250.0 + 37.5 * (i % 40),
            "PH": ["ABC", "A", "BC"][i % 3],
            "AS_OF": f"202610{i % 28 + 1:02}",
            "SHAPE_LEN": 12.25 * i,
            "QUEUED_GEN": 0.5 * (i % 9),
            "ROW_COUNT": i,
        }
        for i in range(count)
    ]


def test_columns_whose_names_say_little_are_guessed_by_the_range_of_their_values(
    client: Client, tmp_path: Path
) -> None:
    serve(tmp_path, 0, rows())
    [source] = drafted(client, tmp_path).sources
    assert (source.grain, source.key) == ("section", ("GLOBAL_KEY",))
    columns = {name: (reading.reader, reading.field) for name, reading in source.fields.readings().items()}
    assert columns == {
        "feeder_id": ("id", "CIRCUIT"),
        "voltage_kv": ("kv", "NOMINAL"),
        "phase_config": ("phases", "PH"),
        "record_date": ("date", "AS_OF"),
    }
    assert source.fields.record_date is not None
    assert source.fields.record_date.formats == ("yyyyMMdd",)
    [figure] = source.figures
    assert figure.hosting_capacity_mw is not None
    assert (figure.hosting_capacity_mw.reader, figure.hosting_capacity_mw.field) == ("kw", "SPARE_A")
    assert figure.queued_dg_mw is not None
    assert figure.queued_dg_mw.field == "QUEUED_GEN"
    assert "unit kw (for its highest value is 1,712.5)" in source.notes


def test_every_candidate_is_told_with_its_reason(client: Client, tmp_path: Path) -> None:
    serve(tmp_path, 0, rows())
    draft = proposal(client, discover(client, "recorded://utility/FeatureServer"))
    told = [line for line in draft.splitlines() if line.startswith("#   ")]
    assert "#   hosting_capacity_mw: SPARE_A (by values; 250 to 1,712.5; read as kw)" in told
    assert "#   voltage_kv: NOMINAL (by values; 4.16 to 13.2; read as kv)" in told
    assert any(line.startswith("#   feeder_id: CIRCUIT (by name; 10 different in 60 rows") for line in told)
    assert not any("SHAPE_LEN" in line for line in told)
    assert not any("hosting_capacity_mw: ROW_COUNT" in line for line in told), "it only counts rows"


def test_words_among_numbers_are_told_and_do_not_hide_a_capacity(client: Client, tmp_path: Path) -> None:
    rows = [
        {"CKT_NO": f"0{i // 5}", "SEG_GUID": f"g{i}", "AVAIL": "N/A" if i % 4 == 0 else str(i * 90.5), "N": 7}
        for i in range(40)
    ]
    serve(tmp_path, 0, rows)
    draft = proposal(client, discover(client, "recorded://utility/FeatureServer"))
    assert (
        "#   hosting_capacity_mw: AVAIL (by name and values; 90.5 to 3,529.5 and 'N/A'; read as kw)" in draft
    )
    [source] = drafted(client, tmp_path).sources
    assert source.fields.feeder_id is not None
    assert (source.grain, source.key, source.fields.feeder_id.field) == ("section", ("SEG_GUID",), "CKT_NO")


def test_numbers_of_feeders_and_amounts_of_feeders_are_not_mixed_up(client: Client, tmp_path: Path) -> None:
    rows = [{"FEEDER_PEAK_KW": 9.5 * i, "FEEDER": 100 + i // 3, "FEEDER_LEFT_KW": 7.5 * i} for i in range(30)]
    serve(tmp_path, 0, rows)
    [source] = drafted(client, tmp_path).sources
    reading = source.figures[0].hosting_capacity_mw
    assert source.fields.feeder_id is not None
    assert (source.fields.feeder_id.field, reading and reading.field) == ("FEEDER", "FEEDER_LEFT_KW")


def test_a_feeder_that_comes_once_is_a_row_of_its_own(client: Client, tmp_path: Path) -> None:
    serve(tmp_path, 0, [{"FEEDER": f"f{i}", "HOSTING_MVA": 1.5 * i} for i in range(20)])
    [source] = drafted(client, tmp_path).sources
    assert (source.grain, source.key) == ("feeder", ("FEEDER",))
    reading = source.figures[0].hosting_capacity_mw
    assert reading is not None
    assert (reading.reader, reading.power_factor) == ("mva", 1)


def test_large_values_without_a_unit_in_the_name_are_guessed_as_kilowatts(
    client: Client, tmp_path: Path
) -> None:
    serve(tmp_path, 0, [{"FEEDER": f"f{i}", "HOSTING": 100.5 * i} for i in range(20)])
    serve(tmp_path, 1, [{"FEEDER": f"f{i}", "HOSTING": 0.5 * i} for i in range(20)])
    drawn = [source.figures[0].hosting_capacity_mw for source in drafted_apart(client, tmp_path)]
    assert [reading.reader for reading in drawn if reading] == ["kw", "mw"]


def drafted_apart(client: Client, folder: Path) -> list[Any]:
    """Each layer's draft by itself: two of one utility with the same figure would contradict each other."""
    return [
        drafted(client, folder, f"recorded://utility/FeatureServer/{number}").sources[0] for number in (0, 1)
    ]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://example.com/arcgis/rest/services/x/GPServer",
        "https://example.com/arcgis/rest/services/../admin",
        "https://example.com/arcgis/rest/services/x/FeatureServer/0/applyEdits",
        "ftp://example.com/arcgis/rest/services/x/FeatureServer",
        "https://user@example.com/arcgis/rest/services/x/FeatureServer",
        "https://example.com:22/arcgis/rest/services/x/FeatureServer",
    ],
)
def test_an_address_that_is_no_map_service_is_refused_before_anything_is_asked(
    client: Client, url: str
) -> None:
    with pytest.raises(RefusedAddress):
        discover(client, url)
