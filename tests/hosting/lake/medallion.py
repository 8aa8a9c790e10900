"""Two months of a utility through the lake's transforms on any engine, its tables kept as Parquet.

The functions are those of a run (hosting/steps.py), in its order; what a run writes to Delta is written to
Parquet here, because Apache Spark alone knows no Delta.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pyspark.sql import functions as F
from shapely import affinity

from hosting.lake import (
    changes,
    der_quality,
    ders,
    platinum,
    quality,
    references,
    repeats,
    rollup,
    silver,
    states,
    tables,
)
from hosting.lake.datasets import DATASETS, Dataset
from hosting.steps import staged_rows
from tests.hosting.lake.frames import SCHEMA
from utilities.spec import SourceSpec

TODAY = date(2026, 11, 1)  # dates are compared with it
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Months:
    """Bronze rows of two months of one source, and what its layer declares."""

    spec: SourceSpec
    first: Rows
    types: Mapping[str, str]
    timezone: str = "America/New_York"
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def both(self) -> tuple[Rows, Rows]:
        return self.first, month_after(self.spec, self.first)


def month_after(spec: SourceSpec, rows: Rows) -> Rows:
    """The next month of a source: its last row gone, one moved, one with another value, one new."""
    moved, grown, *rest = [dict(row) for row in rows[:-1]]
    new = dict(moved)
    if moved["geometry"]:
        moved["geometry"], new["geometry"] = (_shifted(moved["geometry"], by) for by in (0.001, 0.002))
    readings = spec.ders.readings() if spec.ders else spec.figures[0].readings()
    reading = readings.get("nameplate_kw") or next(iter(readings.values()))
    grown["attributes"] = _with(grown["attributes"], {reading.field: "0.75"})
    if isinstance(spec.key, tuple):
        new["attributes"] = _with(new["attributes"], {spec.key[-1]: "NEW-1"})
    return [row | {"row_no": number} for number, row in enumerate([new, *rest, grown, moved])]


def _shifted(wkb: bytes, degrees: float) -> bytes:
    shifted: bytes = affinity.translate(shapely.from_wkb(wkb), degrees, 0.0).wkb
    return shifted


def _with(attributes: str, values: Mapping[str, str]) -> str:
    return json.dumps(json.loads(attributes) | dict(values))


class Medallion:
    """The tables of one utility on one engine; `found` has each in one order, and what was noticed."""

    def __init__(self, engine: Any, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._engine, self._folder = engine, folder
        self.found: dict[str, Any] = {}
        self._logs: dict[str, Any] = {}
        self._current = {dataset.name: self._empty(dataset) for dataset in DATASETS.values()}

    def run(self, sources: Sequence[Months]) -> dict[str, Any]:
        """Both months of all sources, then what is served of them."""
        for month in (0, 1):
            for source in sources:
                self._load(source, source.both[month], month + 1)
        details = self._kept("der details", ders.details(self._current["ders"]))
        self._kept("feeder capacity", platinum.feeder_capacity(self._current["records"], details))
        return self.found

    def _load(self, source: Months, rows: Rows, number: int) -> None:
        spec, name = source.spec, f"{number} {source.spec.code}"
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), self._folder / f"{name} bronze")
        alone = self._kept(f"{name} rows", self._stage(source, self._read(f"{name} bronze"), number))
        staged = self._kept(f"{name} stage", repeats.marked(alone))
        passed = {
            name: frame for name, frame in staged_rows(staged, spec).passed.items() if frame is not None
        }
        self.found[f"{name} noticed"] = self._noticed(spec, staged, DATASETS[next(iter(passed))])
        for dataset, frame in passed.items():
            self._publish(name, spec, DATASETS[dataset], frame, number)

    def _stage(self, source: Months, rows: Any, number: int) -> Any:
        of_run: dict[str, Any] = {
            "utility": "test",
            "timezone": source.timezone,
            "run_id": number,
            "codes": source.codes,
        }
        if source.spec.ders is None:
            return silver.stage(rows, source.spec, source.types, **of_run)
        names = references.names(self._current["sections"], self._current["records"])
        return ders.stage(rows, source.spec, source.types, names, **of_run)

    def _noticed(self, spec: SourceSpec, staged: Any, dataset: Dataset) -> list[tuple[Any, ...]]:
        before = self._before(dataset, spec)
        if spec.ders is None:
            if spec.rolls_up:
                before = rollup.with_own_figures(before, self._before(DATASETS["records"], spec), spec)
            found = quality.check(quality.measure(staged, before, spec, today=TODAY))
        else:
            others = self._current["ders"].where(F.col("status") != spec.ders.status)
            beside = der_quality.Beside(self._current["records"], others)
            found = der_quality.check(der_quality.measure(staged, before, spec, beside, today=TODAY))
        return [(one.check_id, one.severity, one.message, one.count) for one in found]

    def _before(self, dataset: Dataset, spec: SourceSpec) -> Any:
        return self._current[dataset.name].where(F.col("source_code") == spec.code)

    def _publish(self, name: str, spec: SourceSpec, dataset: Dataset, rows: Any, number: int) -> None:
        changed = changes.compare(rows, self._before(dataset, spec), dataset, snapshot=True)
        own = {"utility_code": F.lit("test"), "run_id": F.lit(number).cast("bigint")}
        logged = self._kept(f"{name} {dataset.name} changes", changed.withColumns(own))
        log = self._logs.get(dataset.name)
        self._logs[dataset.name] = log = logged if log is None else log.unionByName(logged)
        self._current[dataset.name] = self._kept(f"{name} {dataset.name}", states.latest(log, dataset))

    def _kept(self, name: str, frame: Any) -> Any:
        path, schema = str(self._folder / name), frame.schema
        frame.write.parquet(path)
        written = self._engine.read.schema(schema).parquet(path)  # a folder without rows has none by itself
        self.found[name] = in_order(written)
        return written

    def _read(self, name: str) -> Any:
        return self._engine.read.parquet(str(self._folder / name))

    def _empty(self, dataset: Dataset) -> Any:
        pq.write_table(tables.SCHEMAS[dataset.current].empty_table(), self._folder / f"no {dataset.name}")
        return self._read(f"no {dataset.name}")


def in_order(frame: Any) -> pa.Table:
    """A frame's rows in one order, its columns by name, without what an engine says of nulls."""
    table: pa.Table = frame.toArrow()
    names = sorted(table.column_names)
    order = [name for name in ("row_no", *tables.KEY, "feeder_id", "operation") if name in names]
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
