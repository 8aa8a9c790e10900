"""The whole medallion on the embedded engine and on Apache Spark: the same bronze rows, equal tables.

Everything is compared that a run computes, in every column: stage, findings, change sets, the state after
each of two months. Apache Spark reads and writes Parquet here; its Delta is a jar that no package brings.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
from pyspark.sql import functions as F

from hosting.lake import changes, session
from tests.hosting.lake.medallion import Medallion, Months, differences
from tests.hosting.test_rhode_island import FILE, rhode_island
from tests.peers.spark import apache_spark
from tests.reference import reference
from tests.utilities.test_examples import published
from tests.utilities.test_examples import sources as layers
from tests.utilities.test_file_examples import published_rows
from tests.utilities.test_file_examples import sources as file_sources
from utilities.spec import SourceSpec

pytestmark = pytest.mark.slow

# What each is there for.
LAYERS = {
    "ri_energy/sections": "sections that roll up to feeders",
    "ngrid_ny/feeders": "one row a feeder",
    "ameren_il/generation-grid": "cells that list several feeders, several figures a row",
    "bge/pv-grid": "cells without a feeder, refused rows",
}
FILES = {
    "utility1": "sections with circuits, DER with technologies and addresses",
    "utility2": "feeders, DER that refer to lists of them",
}


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with apache_spark(tmp_path_factory.mktemp("spark")) as address:
        yield session.engine(address)
        session.stop()


def layer(name: str, folder: Path) -> list[Months]:
    """The example of a layer."""
    entry, spec = next(pair for pair in layers() if f"{pair[0].code}/{pair[1].code}" == name)
    declared, pages = published(entry, spec, folder)
    rows = [
        {"object_id": str(number), "attributes": attributes, "geometry": wkb}
        for page in pages
        for number, attributes, wkb in zip(page.object_ids, page.attributes, page.wkb, strict=True)
    ]
    source = Months(
        spec=spec,
        first=[row | {"row_no": number} for number, row in enumerate(rows)],
        types={field.name: field.type for field in declared.fields},
        timezone=entry.timezone,
        codes={field.name: field.codes for field in declared.fields if field.codes},
    )
    return [source]


def files(name: str) -> list[Months]:
    """The examples of a utility that publishes files: circuits first, then DER."""
    mine = [(entry, spec) for entry, spec in file_sources() if entry.code == name]
    mine.sort(key=lambda pair: pair[1].holds != "capacity")
    return [
        Months(spec, published_rows(entry, spec), dict.fromkeys(spec.published_fields(), ""), entry.timezone)
        for entry, spec in mine
    ]


def all_rhode_island() -> list[Months]:
    """59,535 sections of 449 feeders as published."""
    with gzip.open(reference(FILE)) as file:
        features = json.load(file)["features"]
    shapes = shapely.to_wkb(shapely.from_geojson([json.dumps(feature["geometry"]) for feature in features]))
    first = [
        {
            "row_no": number,
            "object_id": str(number + 1),
            "attributes": json.dumps(
                {name: None if v is None else str(v) for name, v in feature["properties"].items()}
            ),
            "geometry": wkb,
        }
        for number, (feature, wkb) in enumerate(zip(features, shapes, strict=True))
    ]
    [source] = rhode_island("https://gis.example.org/FeatureServer/0")["sources"]
    spec = SourceSpec.model_validate(source)
    types = dict.fromkeys(spec.published_fields(), "esriFieldTypeString")
    return [Months(spec, first, types)]


def on_both(sources: list[Months], spark: Any, folder: Path) -> dict[str, Any]:
    """What the embedded engine makes of it, once it is what Apache Spark makes of it."""
    embedded = Medallion(session.engine(), folder / "embedded").run(sources)
    other = Medallion(spark, folder / "spark").run(sources)
    assert list(embedded) == list(other)
    unlike = {name: differences(embedded[name], other[name]) for name in embedded}
    assert {name: found for name, found in unlike.items() if found} == {}
    return embedded


def operations(found: dict[str, Any], month: int) -> set[str]:
    """What a month did to records and DER."""
    changes = [name for name in found if name.startswith(f"{month} ") and name.endswith("changes")]
    return {word for name in changes for word in found[name].column("operation").to_pylist()}


@pytest.mark.parametrize("name", LAYERS)
def test_two_months_of_a_layer_are_equal_on_both_engines(name: str, spark: Any, tmp_path: Path) -> None:
    found = on_both(layer(name, tmp_path), spark, tmp_path)
    # Equal, and not for want of anything to compare.
    assert operations(found, 1) == {"added"}
    assert operations(found, 2) >= {"added", "changed"}
    assert (len(found["feeder capacity"]) > 0) == (name != "bge/pv-grid")


@pytest.mark.parametrize("name", FILES)
def test_two_months_of_circuits_and_der_are_equal_on_both_engines(
    name: str, spark: Any, tmp_path: Path
) -> None:
    found = on_both(files(name), spark, tmp_path)
    assert operations(found, 2) == {"added", "changed", "removed"}
    details = found["der details"].to_pylist()
    assert {row["status"] for row in details} == {"installed", "planned"}
    assert any(row["feeder_id"] for row in details)
    assert any(row["installed_der_count"] for row in found["feeder capacity"].to_pylist())


def test_all_of_rhode_island_is_equal_on_both_engines(spark: Any, tmp_path: Path) -> None:
    found = on_both(all_rhode_island(), spark, tmp_path)
    code = "sections"
    assert len(found[f"1 {code} sections"]) == 59_535
    assert len(found[f"1 {code} records"]) == len(found["feeder capacity"]) == 449
    assert sorted(found[f"2 {code} sections changes"].column("operation").to_pylist()) == [
        "added", "changed", "changed", "removed",
    ]  # fmt: skip


def test_rows_are_taken_apart_alike_on_both_engines(spark: Any) -> None:
    def apart(engine: Any) -> list[list[str]]:
        keys = engine.range(0, 3_000).select(F.col("id").cast("string").alias("key"))
        return [
            sorted(keys.where(part).toArrow().column("key").to_pylist()) for part in changes.parts(2_500_000)
        ]

    assert apart(session.engine()) == apart(spark)
