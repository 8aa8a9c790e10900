"""What a run changes: computed against the lake's current tables, written to the log, read back to publish.

The log is append-only and keyed by run. Current tables follow by the same change set, which does nothing when
it is applied twice.
"""

from collections.abc import Iterable, Iterator
from functools import reduce
from math import ceil
from operator import and_
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql import functions as F

from hosting.lake import tables
from hosting.lake.datasets import Dataset
from hosting.lake.store import Lake

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

# A join holds one of its sides in memory, and fails where it does not fit: five million rows of DER did not
# fit 2 GB. What has more rows is joined part by part, by key.
ROWS_AT_ONCE = 1_000_000


def compare(staged: "DataFrame", current: "DataFrame", dataset: Dataset, *, snapshot: bool) -> "DataFrame":
    """Rows that differ, with `operation` added, changed or removed.

    Null equals null and nothing else. Absence is removal only in a snapshot.
    """
    # Compared as one value: column by column takes a third longer.
    all_of = F.struct(*dataset.compared).alias("all")
    have = set(staged.columns)
    beside = [name for name in dataset.carried if name in have and name not in dataset.compared]
    s = staged.select(*dataset.key, all_of, *beside).alias("s")
    c = current.select(*dataset.key, all_of).alias("c")
    same = [F.col(f"s.{name}").eqNullSafe(F.col(f"c.{name}")) for name in dataset.key]
    both = s.join(c, reduce(and_, same), "full_outer" if snapshot else "left_outer")
    operation = (
        F.when(F.col("c.key").isNull(), "added")
        .when(F.col("s.key").isNull(), "removed")
        .when(~F.col("s.all").eqNullSafe(F.col("c.all")), "changed")
    )

    def carried(name: str, kind: pa.DataType) -> "Column":
        if name in dataset.compared:
            return F.col("s.all").getField(name).alias(name)
        value = F.col(f"s.{name}") if name in have else F.lit(None).cast(tables.sql_type(kind))
        return value.alias(name)

    return both.select(
        operation.alias("operation"),
        *[F.coalesce(F.col(f"s.{name}"), F.col(f"c.{name}")).alias(name) for name in dataset.key],
        *[carried(name, kind) for name, kind in dataset.carried.items()],
    ).where(F.col("operation").isNotNull())


def parts(rows: int) -> "list[Column]":
    """Conditions on `key` that take so many rows apart, each row into one part of what a join may hold."""
    count = max(1, ceil(rows / ROWS_AT_ONCE))
    if count == 1:
        return [F.lit(True)]
    return [F.pmod(F.crc32("key"), F.lit(count)) == number for number in range(count)]


def current(lake: Lake, dataset: Dataset, utility: str, source: str) -> "DataFrame":
    """The current rows of one source."""
    mine = (F.col("utility_code") == utility) & (F.col("source_code") == source)
    return lake.read(dataset.current).where(mine)


def extent(lake: Lake, dataset: Dataset, utility: str, source: str) -> tuple[int, int | None]:
    """Number of current rows of a source, and the latest run that changed one."""
    rows, run = current(lake, dataset, utility, source).agg(F.count(F.lit(1)), F.max("run_id")).collect()[0]
    return rows, run


def log(lake: Lake, found: "DataFrame", dataset: Dataset, utility: str, run_id: int) -> None:
    """Append a change set to the log under its run."""
    lake.append(
        dataset.log,
        found.withColumns(
            {
                "utility_code": F.lit(utility),
                "run_id": F.lit(run_id).cast("bigint"),
                "dataset": F.lit(dataset.name),
            }
        ),
    )


def log_differences(
    lake: Lake,
    dataset: Dataset,
    staged: "DataFrame",
    current: "DataFrame",
    *,
    utility: str,
    run_id: int,
    snapshot: bool,
    rows: int,
) -> None:
    """Compare and log under the run, part by part where there are many; `rows` is how many `staged` has."""
    for part in parts(max(rows, current.count())):
        found = compare(staged.where(part), current.where(part), dataset, snapshot=snapshot)
        log(lake, found, dataset, utility, run_id)


def logged(lake: Lake, dataset: Dataset, utility: str, run_id: int) -> "DataFrame":
    """A run's change set as it was logged."""
    return lake.read_run(dataset.log, utility, run_id).where(F.col("dataset") == dataset.name)


def counts(lake: Lake, datasets: Iterable[Dataset], utility: str, run_id: int) -> dict[str, dict[str, int]]:
    """Rows added, changed and removed, by dataset."""
    found = {dataset.name: {"added": 0, "changed": 0, "removed": 0} for dataset in datasets}
    for table in sorted({dataset.log for dataset in datasets}):
        rows = lake.read_run(table, utility, run_id).groupBy("dataset", "operation").count().collect()
        for name, operation, count in rows:
            found[name][operation] = count
    return found


def batches(lake: Lake, frame: "DataFrame") -> Iterator[pa.Table]:
    """A frame's rows as they come from the engine, a batch at a time.

    `toArrow` would hold all of them at once; the client offers the stream one level down.
    """
    client: Any = lake.spark.client
    plan: Any = frame._plan.to_proto(client)
    for part in client.to_table_as_iterator(plan, {}):
        if isinstance(part, pa.Table):
            yield part


def advance(lake: Lake, dataset: Dataset, utility: str, source: str, run_id: int) -> None:
    """Bring the current rows of a source to the state after `run_id`. Doing it twice changes nothing.

    What the run did not touch, and what it added or changed, take the place of the source's rows in one
    commit. A MERGE would hold the whole table in memory; this holds the keys that were touched.
    """
    names = tables.SCHEMAS[dataset.current].names
    changed = logged(lake, dataset, utility, run_id)
    touched = changed.select(*[F.col(name).alias(f"touched_{name}") for name in dataset.key])
    lake.delta(dataset.current)
    with lake.lock(dataset.current):
        now = current(lake, dataset, utility, source)
        same = [now[name].eqNullSafe(touched[f"touched_{name}"]) for name in dataset.key]
        kept = now.join(touched, reduce(and_, same), "left_anti")
        new = changed.where(F.col("operation") != "removed")
        lake.replace(
            dataset.current,
            kept.select(*names).unionByName(new.select(*names)),
            f"utility_code = '{utility}' AND source_code = '{source}'",
        )
