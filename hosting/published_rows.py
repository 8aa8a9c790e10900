"""What rows that were only read would change: compared with the lake's current rows, without writing any."""

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import DeltaTable
from pyspark.sql import functions as F

from hosting.lake import changes, references, tables
from hosting.lake.datasets import CAPACITY, DATASETS
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
    differing = changes.compare(staged, before, DATASETS[dataset], snapshot=snapshot)
    counted = dict(tuple(row) for row in differing.groupBy("operation").count().collect())
    rows = staged.count()
    added, changed = counted.get("added", 0), counted.get("changed", 0)
    return {
        "added": added,
        "changed": changed,
        "removed": counted.get("removed", 0) if snapshot else None,
        "unchanged": rows - added - changed,
        "movements": _movements(differing, before),
        "new": _examples(differing, "added"),
        "gone": _examples(differing, "removed"),
    }


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
