"""Two months of one source through the lake's transforms on any engine, its tables kept as Parquet.

The functions are those of a run (hosting/steps.py), in its order; what a run writes to Delta is written to
Parquet here, because Apache Spark alone knows no Delta.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pyspark.sql import functions as F
from shapely import affinity

from hosting.lake import changes, quality, rollup, silver, state, tables
from tests.hosting.lake.frames import SCHEMA
from utilities.spec import SourceSpec

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Months:
    """Bronze rows of two months of one source, and what its layer declares."""

    spec: SourceSpec
    first: Rows
    second: Rows
    types: Mapping[str, str]
    timezone: str
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def month_after(spec: SourceSpec, rows: Rows) -> Rows:
    """The next month of a source: its last row gone, one moved, one with another value, one new."""
    moved, grown, *rest, new = [dict(row) for row in rows] if len(rows) > 2 else [dict(rows[0])] * 3
    if moved["geometry"]:
        moved["geometry"] = affinity.translate(shapely.from_wkb(moved["geometry"]), 0.001, 0.0).wkb
    reading = next(iter(spec.figures[0].readings().values()))
    grown["attributes"] = _with(grown["attributes"], {reading.field: "0.75"})
    if isinstance(spec.key, tuple):
        new["attributes"] = _with(new["attributes"], {spec.key[-1]: "NEW-1"})
    return [row | {"row_no": number} for number, row in enumerate([new, *rest, grown, moved])]


def _with(attributes: str, values: Mapping[str, str]) -> str:
    return json.dumps(json.loads(attributes) | dict(values))


def run(engine: Any, months: Months, folder: Path) -> dict[str, Any]:
    """Every table of both months in one order, and what the checks noticed, by name."""
    folder.mkdir(parents=True)
    spec, found = months.spec, dict[str, Any]()
    datasets = ("sections", "records") if spec.rolls_up else (_own(spec),)

    def kept(name: str, frame: Any) -> Any:
        frame.write.parquet(str(folder / name))
        written = engine.read.parquet(str(folder / name))
        found[name] = in_order(written)
        return written

    current = {name: empty(engine, changes.DATASETS[name], folder) for name in datasets}
    for number, rows in enumerate((months.first, months.second), start=1):
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), folder / f"{number} bronze")
        staged = kept(
            f"{number} stage",
            silver.stage(
                engine.read.parquet(str(folder / f"{number} bronze")),
                spec,
                months.types,
                utility="test",
                timezone=months.timezone,
                run_id=number,
                codes=months.codes,
            ),
        )
        noticed = quality.check(quality.measure(staged, current[_own(spec)], spec))
        found[f"{number} noticed"] = sorted((n.check_id, n.severity, n.message, n.count) for n in noticed)
        passed = staged.where("reject_check IS NULL")
        for name in datasets:
            after = rollup.feeders(passed, spec) if name == "records" and spec.rolls_up else passed
            changed = kept(f"{number} {name} changes", _logged(after, current[name], name, number))
            current[name] = kept(f"{number} {name}", state.after(current[name], changed, name))
    return found


def _own(spec: SourceSpec) -> str:
    return "sections" if spec.grain == "section" else "records"


def _logged(after: Any, before: Any, dataset: str, run_id: int) -> Any:
    found = changes.compare(after, before, dataset, snapshot=True)
    return found.withColumns({"utility_code": F.lit("test"), "run_id": F.lit(run_id).cast("bigint")})


def empty(engine: Any, table: str, folder: Path) -> Any:
    """A table without rows."""
    path = folder / f"no {table.replace('/', ' ')}"
    pq.write_table(tables.SCHEMAS[table].empty_table(), path)
    return engine.read.parquet(str(path))


def in_order(frame: Any) -> pa.Table:
    """A frame's rows in one order, its columns by name, without what an engine says of nulls."""
    table: pa.Table = frame.toArrow()
    names = sorted(table.column_names)
    order = [name for name in ("row_no", *tables.KEY, "operation") if name in names]
    plain = pa.schema([pa.field(name, table.schema.field(name).type) for name in names])
    return table.select(names).cast(plain).sort_by([(name, "ascending") for name in order]).combine_chunks()


def differences(one: Any, other: Any, most: int = 3) -> list[str]:
    """Where two results differ: types, number of rows, or the first rows column by column."""
    if one == other:
        return []
    if not isinstance(one, pa.Table):
        return [f"{one!r} and {other!r}"]
    if one.schema != other.schema:
        return [f"{one.schema} and {other.schema}"]
    if len(one) != len(other):
        return [f"{len(one)} rows and {len(other)}"]
    pairs = zip(one.to_pylist(), other.to_pylist(), strict=True)
    unlike = [
        "; ".join(f"{name}: {a[name]!r} and {b[name]!r}" for name in a if a[name] != b[name])
        for a, b in pairs
        if a != b
    ]
    return unlike[:most]
