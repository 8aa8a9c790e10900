"""The change set of many DER against as many: hosting/lake/changes.py on the embedded engine, and DuckDB."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROUNDS = 3


def measure(folder: Path, rows: int) -> tuple[float, float]:
    """Seconds of ours and of DuckDB's, medians; both read the same Parquet, and give the same change set."""
    import duckdb

    from hosting.lake import changes
    from hosting.lake.datasets import DATASETS
    from hosting.lake.session import engine

    dataset = DATASETS["ders"]
    folder.mkdir(parents=True, exist_ok=True)
    before, after = folder / "before.parquet", folder / "after.parquet"
    _write(before, rows, changed=False)
    _write(after, rows, changed=True)
    spark = engine()
    on = " AND ".join(f"s.{name} IS NOT DISTINCT FROM c.{name}" for name in dataset.key)
    differs = " OR ".join(f"s.{name} IS DISTINCT FROM c.{name}" for name in dataset.compared)
    carried = ", ".join(f"s.{name}" for name in dataset.carried if name in dataset.compared)
    query = f"""
        SELECT CASE WHEN c.key IS NULL THEN 'added' WHEN s.key IS NULL THEN 'removed' ELSE 'changed' END op,
            coalesce(s.source_code, c.source_code) source_code, coalesce(s.key, c.key) "key", {carried}
        FROM '{after}' s FULL OUTER JOIN '{before}' c ON {on}
        WHERE c.key IS NULL OR s.key IS NULL OR {differs}
    """

    def ours() -> int:
        staged, current = spark.read.parquet(str(after)), spark.read.parquet(str(before))
        rows: Any = changes.compare(staged, current, dataset, snapshot=True).toArrow()
        return int(rows.num_rows)

    def theirs() -> int:
        with duckdb.connect() as connection:
            arrow: Any = connection.execute(query).to_arrow_table()
            return int(arrow.num_rows)

    found = [_median(work) for work in (ours, theirs)]
    if found[0][1] != found[1][1]:
        raise SystemExit(f"not the same change set: {found[0][1]:,} and {found[1][1]:,} rows")
    return found[0][0], found[1][0]


def _median(work: Callable[[], int]) -> tuple[float, int]:
    count = work()  # what is loaded once is loaded
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken), count


def _write(path: Path, rows: int, *, changed: bool) -> None:
    """DER as the lake has them; afterwards a third of 1 % is new, a third gone, a third changed."""
    from hosting.lake import tables

    part = rows // 300
    numbers = np.arange(part, rows + part) if changed else np.arange(rows)
    texts = pa.array([f"D{number:08}" for number in numbers])
    feeders = pa.array([f"F{number % 20_000:05}" for number in numbers])
    other = (numbers % 300 == 17) if changed else np.zeros(len(numbers), bool)
    kilowatts = pa.array((numbers % 5_000 + other).astype(np.int32)).cast(tables.KW)
    given: dict[str, pa.Array] = {
        "status": pa.array(["installed"] * len(numbers)),
        "feeder_id": feeders,
        "feeder_reference": feeders,
        "der_type": pa.array(["Solar"] * len(numbers)),
        "technologies": pa.array([f'{{"SolarPV":{number % 5_000}}}' for number in numbers]),
        "nameplate_kw": kilowatts,
    }
    columns = {"source_code": pa.array(["installed_der"] * len(numbers)), "key": texts}
    for name, kind in tables.DER_COLUMNS.items():
        columns[name] = given.get(name, pa.nulls(len(numbers), kind))
    pq.write_table(pa.table(columns), path, compression="zstd", row_group_size=50_000)
