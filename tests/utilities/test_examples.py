"""Every source that was seen has an example, and becomes what was worked out for it by hand.

`tests/examples/<utility>/<source>/` holds a layer's description and a page of rows in Esri's form (the field
names and quirks are the publisher's, the values are made up), and `expected.yaml`: what each row and each
feeder becomes. A column that is not named there must be empty; a status that is not named is `published`.
Rows of a source that holds no capacity become rows of the network, with `place` for the kind of their shape.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import shapely
import yaml

from hcportal.http import Client
from hosting import network
from hosting.fetching import open_mapped_layer
from hosting.lake import repeats, rollup, silver
from hosting.sources import arcgis
from tests.hosting.lake.frames import SCHEMA, session
from utilities.catalog_files import OWN_CATALOG, read_entry
from utilities.spec import SourceSpec, UtilitySpec

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
ENTRIES = {file.stem: read_entry(file) for file in sorted(OWN_CATALOG.glob("*.yaml"))}
COMPARED = (
    "feeder_id", "feeder_name", "substation_name", "county", "hosting_capacity_mw", "hosting_capacity_min_mw",
    "hosting_capacity_max_mw", "installed_dg_mw", "queued_dg_mw", "installed_since_study_mw",
    "remaining_capacity_mw", "capacity_status", "constraining_metric", "criteria", "voltage_kv",
    "phase_config", "is_overhead", "is_network", "record_date", "der_date",
)  # fmt: skip


def sources() -> Iterator[tuple[UtilitySpec, SourceSpec]]:
    """Every source of a real utility that was seen, or has an example anyway."""
    for entry in ENTRIES.values():
        for spec in () if entry.synthetic else entry.sources:
            if spec.file is not None:
                continue  # test_file_examples.py runs these entries
            seen = (entry.status, spec.status) == ("seen", "seen")
            if seen or (EXAMPLES / entry.code / spec.code).exists():
                yield entry, spec


def published(entry: UtilitySpec, spec: SourceSpec, root: Path) -> tuple[arcgis.Layer, list[arcgis.Page]]:
    """The example, read by the very client that reads servers."""
    name = f"{entry.code}.{spec.code}"
    (root / name).mkdir()
    (root / name / "0").symlink_to(EXAMPLES / entry.code / spec.code, target_is_directory=True)
    # A recorded layer knows no filters; the example holds rows that pass the source's own.
    here = {"service_url": f"recorded://{name}/FeatureServer", "layer": 0}
    with Client(recorded_root=root) as client:
        layer = open_mapped_layer(client, spec.model_copy(update=here))
        return layer, list(arcgis.fetch(client, layer, geometry=spec.geometry != "none"))


def staged(entry: UtilitySpec, spec: SourceSpec, root: Path) -> Any:
    """Stage rows, as a run would make them; of the network where the source holds no capacity."""
    layer, pages = published(entry, spec, root)
    types = {field.name: field.type for field in layer.fields}
    codes = {field.name: field.codes for field in layer.fields if field.codes}
    rows = [
        {"object_id": str(number), "attributes": attributes, "geometry": wkb}
        for page in pages
        for number, attributes, wkb in zip(page.object_ids, page.attributes, page.wkb, strict=True)
    ]
    table = pa.Table.from_pylist([row | {"row_no": n} for n, row in enumerate(rows)], schema=SCHEMA)
    frame = session().createDataFrame(table)
    if spec.network is not None:
        return network.read_rows(frame, spec, types, timezone=entry.timezone, codes=codes)
    return repeats.marked(
        silver.stage(frame, spec, types, utility=entry.code, timezone=entry.timezone, run_id=1, codes=codes)
    )


def said(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a row that hold something; a number without the zeros behind it."""
    found: dict[str, Any] = {"figure": f"{row['capacity_type']}/{row['variant']}"}
    for name in COMPARED:
        value = row[name]
        if name == "criteria" and value is not None:
            value = {criterion: Decimal(str(mw)) for criterion, mw in json.loads(value).items()}
        if value is not None and not (name == "capacity_status" and value == "published"):
            found[name] = value
    return found


def expected(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of expected.yaml, its numbers as decimals."""

    def exact(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: exact(inner) for key, inner in value.items()}
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return Decimal(str(value)) if is_number else value

    return {name: exact(value) for name, value in row.items()}


def of_row(row: Mapping[str, Any], spec: SourceSpec) -> dict[str, Any]:
    """What expected.yaml says of one stage row: what it became, or why it was refused."""
    found = {"row": Decimal(row["object_id"])}
    if row["reject_check"]:
        return found | {"figure": f"{row['capacity_type']}/{row['variant']}", "refused": row["reject_check"]}
    if isinstance(spec.key, tuple):
        found["key"] = row["key"]
    if row["unread"]:
        found["unread"] = row["unread"]
    return found | said(row)


def of_network(row: Mapping[str, Any]) -> dict[str, Any]:
    """What expected.yaml says of one row of the network: its columns, and the kind of place it has."""
    found: dict[str, Any] = {"row": Decimal(row["row_no"] + 1)}
    for name, value in row.items():
        if value and name not in {"row_no", "geometry"}:
            found[name] = Decimal(value) if name.endswith(("_kv", "_mw")) else value
    return found | ({"place": shapely.from_wkb(row["geometry"]).geom_type} if row["geometry"] else {})


@pytest.mark.parametrize("source", list(sources()), ids=lambda pair: f"{pair[0].code}/{pair[1].code}")
def test_an_example_becomes_what_was_worked_out_by_hand(
    source: tuple[UtilitySpec, SourceSpec], tmp_path: Path
) -> None:
    entry, spec = source
    folder = EXAMPLES / entry.code / spec.code
    if not folder.is_dir():
        pytest.fail(f"{entry.code}/{spec.code} was seen and has no example in {folder}")
    wanted = yaml.safe_load((folder / "expected.yaml").read_text(encoding="utf-8"))
    stage = staged(entry, spec, tmp_path)
    if spec.network is not None:
        of_rows = sorted(stage.toArrow().to_pylist(), key=lambda row: row["row_no"])
        assert [of_network(row) for row in of_rows] == [expected(row) for row in wanted["rows"]]
        return
    order = [f"{figure.capacity_type}/{figure.variant}" for figure in spec.figures]
    rows = [of_row(row, spec) for row in stage.toArrow().to_pylist()]
    rows.sort(key=lambda row: (row["row"], order.index(row["figure"]), row.get("feeder_id", "")))
    assert rows == [expected(row) for row in wanted["rows"]]
    assert any("refused" not in row for row in rows)
    if spec.rolls_up:
        passed = stage.where("reject_check IS NULL")
        feeders = [
            {"section_count": Decimal(row["section_count"])} | said(row)
            for row in rollup.feeders(passed, spec).toArrow().to_pylist()
        ]
        feeders.sort(key=lambda row: (row["feeder_id"], order.index(row["figure"])))
        assert feeders == [expected(row) for row in wanted["feeders"]]


def test_every_example_is_of_a_source_of_the_catalog() -> None:
    known = {f"{entry.code}/{spec.code}" for entry in ENTRIES.values() for spec in entry.sources}
    found = {str(file.parent.relative_to(EXAMPLES)) for file in EXAMPLES.glob("*/*/layer.json")}
    assert found <= known


def test_a_source_without_an_example_would_be_noticed() -> None:
    """The list that the examples are run by is not empty, and holds no synthetic utility."""
    listed = [f"{entry.code}/{spec.code}" for entry, spec in sources()]
    assert "ngrid_ny/feeders" in listed
    assert not [name for name in listed if name.startswith("demo_")]
