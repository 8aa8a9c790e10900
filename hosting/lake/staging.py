"""A run's stage: written once, then read by the checks and the comparison, and dropped when they are done."""

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from hosting.lake import repeats, tables
from hosting.lake.store import Lake

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TABLES = (tables.STAGE, tables.DER_STAGE, tables.REPEATS)


def keep(lake: Lake, rows: "DataFrame", table: str, utility: str, run_id: int) -> "DataFrame":
    """Write a run's rows, judged one by one, to `table`; they come back with repeats refused."""
    lake.append(table, rows)
    kept = lake.read_run(table, utility, run_id)
    missing = {
        name: F.lit(None).cast("string") for name in ("capacity_type", "variant") if name not in rows.columns
    }
    of_run = {"utility_code": F.lit(utility), "run_id": F.lit(run_id).cast("bigint")}
    lake.append(tables.REPEATS, repeats.among(kept).withColumns(of_run | missing))
    return repeats.marked(kept, lake.read_run(tables.REPEATS, utility, run_id))


def drop(lake: Lake, utility: str, run_id: int) -> None:
    """Delete a run's stage rows; the log and bronze keep what matters."""
    for table in TABLES:
        if lake.has_run(table, utility, run_id):
            lake.forget(table, f"utility_code = '{utility}' AND run_id = {run_id}")
