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

from hosting.lake import session
from tests.hosting.lake.medallion import Months, differences, month_after, run
from tests.hosting.test_rhode_island import FILE, rhode_island
from tests.peers.spark import apache_spark
from tests.reference import reference
from tests.utilities.test_examples import published, sources
from utilities.spec import SourceSpec

pytestmark = pytest.mark.slow

# What each is there for.
EXAMPLES = {
    "ri_energy/sections": "sections that roll up to feeders",
    "ngrid_ny/feeders": "one row a feeder",
    "ameren_il/generation-grid": "cells that list several feeders, several figures a row",
    "bge/pv-grid": "cells without a feeder, refused rows",
    "xcel_co/segments": "a range, a domain, dates",
}


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with apache_spark(tmp_path_factory.mktemp("spark")) as address:
        yield session.engine(address)
        session.stop()


def example(name: str, folder: Path) -> Months:
    """The example's rows, and the month after them."""
    entry, spec = next(pair for pair in sources() if f"{pair[0].code}/{pair[1].code}" == name)
    layer, pages = published(entry, spec, folder)
    rows = [
        {"object_id": str(number), "attributes": attributes, "geometry": wkb}
        for page in pages
        for number, attributes, wkb in zip(page.object_ids, page.attributes, page.wkb, strict=True)
    ]
    first = [row | {"row_no": number} for number, row in enumerate(rows)]
    return Months(
        spec=spec,
        first=first,
        second=month_after(spec, first),
        types={field.name: field.type for field in layer.fields},
        timezone=entry.timezone,
        codes={field.name: field.codes for field in layer.fields if field.codes},
    )


def all_rhode_island() -> Months:
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
    return Months(spec, first, month_after(spec, first), types, "America/New_York")


def assert_equal(embedded: dict[str, Any], spark: dict[str, Any]) -> None:
    assert list(embedded) == list(spark)
    unlike = {name: differences(embedded[name], spark[name]) for name in embedded}
    assert {name: found for name, found in unlike.items() if found} == {}


@pytest.mark.parametrize("name", EXAMPLES)
def test_two_months_of_an_example_are_equal_on_both_engines(name: str, spark: Any, tmp_path: Path) -> None:
    months = example(name, tmp_path)
    embedded = run(session.engine(), months, tmp_path / "embedded")
    assert_equal(embedded, run(spark, months, tmp_path / "spark"))
    # Equal, and not for want of anything to compare.
    records = [name for name in embedded if name.endswith("records changes")]
    assert {row["operation"] for name in records for row in embedded[name].to_pylist()} >= {
        "added",
        "changed",
    }


def test_all_of_rhode_island_is_equal_on_both_engines(spark: Any, tmp_path: Path) -> None:
    months = all_rhode_island()
    embedded = run(session.engine(), months, tmp_path / "embedded")
    assert_equal(embedded, run(spark, months, tmp_path / "spark"))
    assert (len(embedded["1 sections"]), len(embedded["1 records"])) == (59_535, 449)
    assert sorted(embedded["2 sections changes"].column("operation").to_pylist()) == [
        "added", "changed", "changed", "removed",
    ]  # fmt: skip
