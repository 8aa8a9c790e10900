"""Platinum: what is ready to serve, as tables that any engine can query. Follows the published state."""

from pyspark.sql import functions as F

from hosting.lake import tables
from hosting.lake.store import Lake


def refresh_feeder_capacity(lake: Lake, utility: str) -> None:
    """Write `feeder_capacity` of one utility anew from its current records; cells have no feeder, so no row.

    Doing it twice changes nothing.
    """
    records = lake.read(tables.RECORDS).where(
        (F.col("utility_code") == utility) & F.col("feeder_id").isNotNull()
    )
    frame = records.withColumns(
        {
            "max_hosting_capacity_mw": F.coalesce("hosting_capacity_max_mw", "hosting_capacity_mw"),
            "min_hosting_capacity_mw": F.coalesce("hosting_capacity_min_mw", "hosting_capacity_mw"),
        }
    ).select(*tables.SCHEMAS[tables.FEEDER_CAPACITY].names)
    lake.delta(tables.FEEDER_CAPACITY)
    with lake.lock(tables.FEEDER_CAPACITY):
        (
            frame.write.format("delta")
            .mode("overwrite")
            .option("replaceWhere", f"utility_code = '{utility}'")
            .save(lake.path(tables.FEEDER_CAPACITY))
        )
