"""Every source that is a file and was seen has an example, and becomes what was worked out for it by hand.

`tests/examples/<utility>/<source>/` holds `rows.csv` (the column names and quirks are the publisher's, the
values are made up) and `expected.yaml`, as in test_examples.py. DER refer to feeders of their utility.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
import yaml

from hosting.lake import ders, references, repeats, rollup, silver, tables
from hosting.sources.files.folder import Found
from hosting.sources.files.opened import open_file
from tests.hosting.lake.frames import SCHEMA, session
from tests.utilities.test_examples import COMPARED, ENTRIES, EXAMPLES, expected
from utilities.spec import SourceSpec, UtilitySpec

JSON = ("technologies", "costs", "as_published", "further_feeder_ids", "unresolved_references", "criteria")
OF_CAPACITY = (*COMPARED, "circuit_id", "shape_length")
OF_DERS = (*tables.DER_COLUMNS, "street_address")


def sources() -> Iterator[tuple[UtilitySpec, SourceSpec]]:
    for entry in ENTRIES.values():
        for spec in () if entry.synthetic else entry.sources:
            if spec.file is not None and (entry.status, spec.status) == ("seen", "seen"):
                yield entry, spec


def published_rows(entry: UtilitySpec, spec: SourceSpec) -> list[dict[str, Any]]:
    """The example's rows as bronze keeps them, read by the very reader of files."""
    assert spec.file is not None
    found = Found(EXAMPLES / entry.code / spec.code / "rows.csv", f"file:{spec.file.name}")
    if not found.path.exists():
        pytest.fail(f"{entry.code}/{spec.code} was seen and has no example: {found.path}")
    with open_file(found, spec.file) as file:
        missing = {*spec.published_fields()} - {field.name for field in file.layer.fields}
        assert not missing
        pages = list(file.pages(geometry=False))
    rows = [
        {"object_id": str(number), "attributes": attributes, "geometry": None}
        for page in pages
        for number, attributes in zip(page.object_ids, page.attributes, strict=True)
    ]
    return [row | {"row_no": n} for n, row in enumerate(rows)]


def published(entry: UtilitySpec, spec: SourceSpec) -> Any:
    """The same as a frame."""
    return session().createDataFrame(pa.Table.from_pylist(published_rows(entry, spec), schema=SCHEMA))


def staged(entry: UtilitySpec, spec: SourceSpec) -> Any:
    """Stage rows, as a run would make them."""
    of_run: dict[str, Any] = {"utility": entry.code, "timezone": entry.timezone, "run_id": 1}
    rows = published(entry, spec)
    if spec.ders is None:
        return repeats.marked(silver.stage(rows, spec, dict.fromkeys(spec.published_fields(), ""), **of_run))
    circuits = next(other for other in entry.sources if other.holds == "capacity")
    passed = staged(entry, circuits).where("reject_check IS NULL")
    records = rollup.feeders(passed, circuits) if circuits.rolls_up else passed
    names = references.names(passed, records)
    return repeats.marked(ders.stage(rows, spec, dict.fromkeys(spec.published_fields(), ""), names, **of_run))


def said(row: Mapping[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    """The columns of a row that hold something."""
    found: dict[str, Any] = {}
    if "capacity_type" in row:
        found["figure"] = f"{row['capacity_type']}/{row['variant']}"
    for name in columns:
        value = row.get(name)
        if name in JSON and value is not None:
            value = json.loads(value, parse_float=Decimal, parse_int=Decimal)
        if value is not None and not (name == "capacity_status" and value == "published"):
            found[name] = value
    return found


def of_row(row: Mapping[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {"row": Decimal(row["object_id"])}
    if row["reject_check"]:
        figure = {"figure": f"{row['capacity_type']}/{row['variant']}"} if "capacity_type" in row else {}
        return found | figure | {"refused": row["reject_check"]}
    unread = {"unread": row["unread"]} if row["unread"] else {}
    return found | {"key": row["key"]} | unread | said(row, columns)


@pytest.mark.parametrize("source", list(sources()), ids=lambda pair: f"{pair[0].code}/{pair[1].code}")
def test_an_example_becomes_what_was_worked_out_by_hand(source: tuple[UtilitySpec, SourceSpec]) -> None:
    entry, spec = source
    text = (EXAMPLES / entry.code / spec.code / "expected.yaml").read_text(encoding="utf-8")
    wanted = yaml.safe_load(text)
    stage = staged(entry, spec)
    columns = OF_DERS if spec.ders else OF_CAPACITY
    rows = sorted((of_row(row, columns) for row in stage.toArrow().to_pylist()), key=lambda row: row["row"])
    assert rows == [expected(row) for row in wanted["rows"]]
    if spec.rolls_up:
        passed = stage.where("reject_check IS NULL")
        feeders = [
            {name: Decimal(row[name]) for name in ("section_count", "missing_values")}
            | said(row, OF_CAPACITY)
            for row in rollup.feeders(passed, spec).toArrow().to_pylist()
        ]
        feeders.sort(key=lambda row: str(row["feeder_id"]))
        assert feeders == [expected(row) for row in wanted["feeders"]]


def test_the_files_of_both_utilities_are_among_them() -> None:
    assert {entry.code for entry, _spec in sources()} >= {"utility1", "utility2"}
