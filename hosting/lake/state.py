"""A dataset's rows as a frame: what a change set makes of those before it, on any engine and table format.

`changes.advance` does the same to the Delta table by MERGE. Knows nothing of where tables are.
"""

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from hosting.lake import tables
from hosting.lake.datasets import Dataset

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def after(before: "DataFrame", changed: "DataFrame", dataset: Dataset) -> "DataFrame":
    """The rows after a run: those `before` that it did not touch, and what it added or changed.

    `changed` are logged rows of one utility and run, `before` current rows of the same utility.
    """
    names = tables.SCHEMAS[dataset.current].names
    b, c = before.alias("b"), changed.alias("c")
    same_key = reduce(and_, [F.col(f"b.{name}").eqNullSafe(F.col(f"c.{name}")) for name in dataset.key])
    untouched = b.join(c, same_key, "left_anti").select(*names)
    return untouched.unionByName(changed.where(F.col("operation") != "removed").select(*names))
