"""Rows whose key stands in an earlier row of the same run: the first that passes is kept, the others are not.

Found by one aggregation over keys alone. A window over whole rows says the same; of 650,000 sections it sorts
all columns for five times as long.
"""

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

ENTRIES = 1 << 20  # of lists within one published row, at most


def among(rows: "DataFrame") -> "DataFrame":
    """Keys that stand in more than one row that passes, and the place of the first of these.

    `rows` are stage rows of capacity or of DER, judged one by one. Columns: those of the key, `first_place`.
    """
    return (
        rows.where(F.col("reject_check").isNull())
        .select(*_key(rows), _place().alias("place"))
        .groupBy(*_key(rows))
        .agg(F.min("place").alias("first_place"), F.count(F.lit(1)).alias("times"))
        .where(F.col("times") > 1)
        .drop("times")
    )


def marked(rows: "DataFrame", repeats: "DataFrame | None" = None) -> "DataFrame":
    """The same rows, those refused that stand again; `repeats` as `among` gives them, else found here."""
    key = _key(rows)
    check, what = ("Q08", "key") if "capacity_type" in key else ("Q60", "id")
    found = among(rows) if repeats is None else repeats
    found = found.select(*[F.col(name).alias(f"again_{name}") for name in key], "first_place")
    same = [F.col(name) == F.col(f"again_{name}") for name in key]
    again = F.col("reject_check").isNull() & (_place() > F.coalesce("first_place", _place()))
    changed = {
        "reject_check": F.when(again, check).otherwise(F.col("reject_check")),
        "reject_reason": F.when(again, f"its {what} stands in an earlier row").otherwise(
            F.col("reject_reason")
        ),
    }
    return rows.join(found, reduce(and_, same), "left").select(
        *[changed[name].alias(name) if name in changed else F.col(name) for name in rows.columns]
    )


def _key(rows: "DataFrame") -> list[str]:
    return [name for name in ("key", "capacity_type", "variant") if name in rows.columns]


def _place() -> "Column":
    """Where a row stands: by its published row, then by its entry within that row's lists."""
    return F.col("row_no") * F.lit(ENTRIES) + F.col("entry")
