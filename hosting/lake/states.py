"""What readers saw after an earlier run: of each row the last that was logged, over the published runs.

The log keeps every change set whole, so any published state can be made again from it. Pure but for reading.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.window import Window

from hosting.lake import tables
from hosting.lake.datasets import Dataset
from hosting.lake.store import Lake

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def after(lake: Lake, dataset: Dataset, utility: str, source: str, runs: Sequence[int]) -> "DataFrame":
    """The rows of a source after `runs`, the published ones in their order; columns of the current table.

    A later run has a higher number: `run_id` of a row is that of the run that last changed it.
    """
    mine = (F.col("utility_code") == utility) & (F.col("source_code") == source)
    logged = lake.read(dataset.log).where(mine & (F.col("dataset") == dataset.name))
    return latest(logged.where(F.col("run_id").isin(list(runs))), dataset)


def latest(logged: "DataFrame", dataset: Dataset) -> "DataFrame":
    """Of each key the last logged row, unless that removed it."""
    last = Window.partitionBy(*dataset.key).orderBy(F.desc("run_id"))
    return (
        logged.withColumn("nth", F.row_number().over(last))
        .where((F.col("nth") == 1) & (F.col("operation") != "removed"))
        .select(*tables.SCHEMAS[dataset.current].names)
    )
