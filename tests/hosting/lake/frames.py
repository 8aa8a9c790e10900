"""Published rows as frames of the real engine, and what the transforms make of them.

`HCP_TEST_SPARK=sc://127.0.0.1:15002` runs the same tests on another engine, such as Apache Spark's own
server: what the embedded engine reads, that must read alike.
"""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from hosting.lake import repeats, silver
from hosting.lake.session import engine
from utilities.spec import SourceSpec

SHAPE = bytes.fromhex("010200000002000000") + bytes(32)
SCHEMA = pa.schema(
    [
        pa.field("row_no", pa.int64()),
        pa.field("object_id", pa.string()),
        pa.field("attributes", pa.string()),
        pa.field("geometry", pa.binary()),
    ]
)


def session() -> Any:
    """The engine under test: the embedded one, or that of HCP_TEST_SPARK."""
    return engine(os.environ.get("HCP_TEST_SPARK", ""))


def figure(**given: Any) -> dict[str, Any]:
    """A figure of generation whose capacity is in the field `hc`, in MW."""
    plain = {"capacity_type": "generation", "hosting_capacity_mw": {"mw": "hc"}, "remaining": "unknown"}
    return plain | given


def source(*figures: dict[str, Any], **given: Any) -> SourceSpec:
    """A source of feeders with key and feeder id in `id`, without rules that the test does not ask for."""
    plain = {
        "code": "feeders",
        "title": "Feeders",
        "service_url": "https://gis.example.org/FeatureServer",
        "layer": 0,
        "grain": "feeder",
        "key": ["id"],
        "fields": {"feeder_id": {"id": "id"}} | given.pop("fields", {}),
        "figures": list(figures) or [figure()],
    }
    return SourceSpec.model_validate(plain | given)


def bronze(rows: Sequence[dict[str, Any]]) -> Any:
    """Bronze rows: values are JSON strings or null as the reader keeps them.

    `geometry` of a row is its WKB; `id` is the row's number unless the row has one.
    """
    table = pa.Table.from_pylist(
        [
            {
                "row_no": number,
                "object_id": str(number + 1),
                "attributes": json.dumps(
                    {"id": str(number)} | {name: row[name] for name in row if name != "geometry"}
                ),
                "geometry": row.get("geometry", SHAPE),
            }
            for number, row in enumerate(rows)
        ],
        schema=SCHEMA,
    )
    return session().createDataFrame(table)


def stage(
    spec: SourceSpec,
    rows: Sequence[dict[str, Any]],
    *,
    timezone: str = "America/New_York",
    codes: Mapping[str, Mapping[str, str]] | None = None,
    **types: str,
) -> Any:
    """Stage rows as a frame; fields are text unless `types` says otherwise."""
    known = dict.fromkeys(spec.published_fields(), "esriFieldTypeString") | types
    alone = silver.stage(
        bronze(rows), spec, known, utility="test", timezone=timezone, run_id=1, codes=codes or {}
    )
    return repeats.marked(alone)


def staged(spec: SourceSpec, rows: Sequence[dict[str, Any]], **given: Any) -> list[dict[str, Any]]:
    """Stage rows in the order they were published, then of the figures, then of their keys."""
    found: list[dict[str, Any]] = stage(spec, rows, **given).toArrow().to_pylist()
    order = [(figure.capacity_type, figure.variant) for figure in spec.figures]

    def place(row: dict[str, Any]) -> tuple[int, int, str]:
        return row["row_no"], order.index((row["capacity_type"], row["variant"])), row["key"] or ""

    return sorted(found, key=place)


def column(spec: SourceSpec, name: str, rows: Sequence[dict[str, Any]], **given: Any) -> list[Any]:
    """One column of the stage rows."""
    return [row[name] for row in staged(spec, rows, **given)]
