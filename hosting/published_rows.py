"""What rows that were only read would change: compared with the lake's current rows, without writing any."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import DeltaTable
from pyspark.sql import functions as F

from hosting.lake import changes, references, tables
from hosting.lake.datasets import CAPACITY, DATASETS, Dataset
from hosting.lake_settings import open_lake
from utilities.models import Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MOVEMENTS = 10  # shown, the largest first
EXAMPLES = 10  # of each other operation


def published(source: Source, dataset: str, spark: "SparkSession") -> "DataFrame":
    """The source's rows that readers see; none where there is no lake yet (and none is made)."""
    lake, table = open_lake(), DATASETS[dataset].current
    if not DeltaTable.is_deltatable(lake.path(table)):
        # The engine takes no schema from a table without rows.
        return spark.createDataFrame(pa.Table.from_pylist([{}], schema=tables.SCHEMAS[table])).limit(0)
    return changes.current(lake, DATASETS[dataset], source.utility.utility_code, source.code)


def known_names(utility: str, spark: "SparkSession") -> "DataFrame":
    """The names by which the utility's feeders are known; none where there is no lake yet."""
    lake = open_lake()
    if not all(DeltaTable.is_deltatable(lake.path(one.current)) for one in CAPACITY):
        return spark.sql("SELECT '' AS name, '' AS leads_to").limit(0)
    return references.names_of(lake, utility)


def compare(staged: "DataFrame", before: "DataFrame", dataset: str, *, snapshot: bool) -> dict[str, Any]:
    """Counts by operation, and the rows that move most: `then` and `now` are MW of hosting capacity.

    `removed` is None where absence means nothing.
    """
    rows, movements, new, gone = staged.count(), [], [], []
    counted: Counter[str] = Counter()
    for differing, then in _in_parts(staged, before, DATASETS[dataset], snapshot=snapshot):
        counted.update(_counted(differing))
        movements += _movements(differing, then)
        new += _examples(differing, "added")
        gone += _examples(differing, "removed")
    return {
        "added": counted["added"],
        "changed": counted["changed"],
        "removed": counted["removed"] if snapshot else None,
        "unchanged": rows - counted["added"] - counted["changed"],
        "movements": sorted(movements, key=_largest_first)[:MOVEMENTS],
        "new": sorted(new)[:EXAMPLES],
        "gone": sorted(gone)[:EXAMPLES],
    }


def count(then: "DataFrame", now: "DataFrame", dataset: Dataset) -> dict[str, int]:
    """Rows by what would happen to them if `then` were published in the place of `now`."""
    counted: Counter[str] = Counter({"added": 0, "changed": 0, "removed": 0})
    for differing, _now in _in_parts(then, now, dataset, snapshot=True):
        counted.update(_counted(differing))
    return dict(counted)


def _in_parts(
    staged: "DataFrame", before: "DataFrame", dataset: Dataset, *, snapshot: bool
) -> "Iterator[tuple[DataFrame, DataFrame]]":
    """What differs, and the rows that it is compared with, as many at a time as a join may hold."""
    for part in changes.parts(max(staged.count(), before.count())):
        then = before.where(part)
        yield changes.compare(staged.where(part), then, dataset, snapshot=snapshot), then


def _counted(differing: "DataFrame") -> dict[str, int]:
    return {row[0]: row[1] for row in differing.groupBy("operation").count().collect()}


def _largest_first(movement: dict[str, Any]) -> tuple[Any, ...]:
    """The order of `_movements`: what was or became unknown comes last."""
    is_known = movement["then"] is not None and movement["now"] is not None
    moved = abs(Decimal(movement["now"]) - Decimal(movement["then"])) if is_known else Decimal(-1)
    return -moved, movement["key"], movement["capacity_type"], movement["variant"]


def _movements(differing: "DataFrame", before: "DataFrame") -> list[dict[str, Any]]:
    then = before.select(*tables.KEY, F.col("hosting_capacity_mw").alias("then"))
    now = differing.where(F.col("operation") == "changed").select(
        *tables.KEY, "feeder_id", F.col("hosting_capacity_mw").alias("now")
    )
    moved = F.abs(F.col("now").cast("double") - F.col("then").cast("double"))
    rows = (
        now.join(then, list(tables.KEY))
        .orderBy(F.desc_nulls_last(moved), "key", "capacity_type", "variant")
        .limit(MOVEMENTS)
        .select("key", "feeder_id", "capacity_type", "variant", "then", "now")
        .collect()
    )
    return [
        {
            "key": key,
            "feeder_id": feeder,
            "capacity_type": capacity_type,
            "variant": variant,
            "then": None if was is None else f"{was.normalize():f}",
            "now": None if is_now is None else f"{is_now.normalize():f}",
        }
        for key, feeder, capacity_type, variant, was, is_now in rows
    ]


def _examples(differing: "DataFrame", operation: str) -> list[str]:
    keys = differing.where(F.col("operation") == operation).select("key").distinct()
    return [str(key) for (key,) in keys.orderBy("key").limit(EXAMPLES).collect()]
