"""Platinum: what is ready to serve, as tables that any engine can query. Follows the published state."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import write_deltalake
from pyspark.sql import functions as F

from hosting.lake import ders, tables
from hosting.lake.store import Lake

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

STATUSES = ("installed", "planned")


def feeder_capacity(records: "DataFrame", details: "DataFrame") -> "DataFrame":
    """One row for each current record of a feeder, with the DER that are on it; cells have no feeder.

    Where the utility publishes DER of a status, a feeder without any has none; where not, it is not known.
    """
    published = details.agg(
        *[F.max(F.when(F.col("status") == status, F.lit(0))).alias(f"no_{status}") for status in STATUSES]
    )
    return (
        records.where(F.col("feeder_id").isNotNull())
        .join(ders.totals(details), F.col("feeder_id") == F.col("of_feeder"), "left")
        .crossJoin(published)
        .withColumns(
            {
                "max_hosting_capacity_mw": F.coalesce("hosting_capacity_max_mw", "hosting_capacity_mw"),
                "min_hosting_capacity_mw": F.coalesce("hosting_capacity_min_mw", "hosting_capacity_mw"),
                **{
                    f"{status}_der_count": F.coalesce(
                        f"{status}_der_count", F.col(f"no_{status}").cast("bigint")
                    )
                    for status in STATUSES
                },
            }
        )
        .withColumns(
            {
                f"{status}_der_kw": F.when(
                    F.col(f"{status}_der_count") == 0, F.lit("0").cast("decimal(14,3)")
                ).otherwise(F.col(f"{status}_der_kw"))
                for status in STATUSES
            }
        )
        .select(*tables.SCHEMAS[tables.FEEDER_CAPACITY].names)
    )


def refresh_feeder_capacity(lake: Lake, utility: str) -> None:
    """Write `feeder_capacity` of one utility anew from its current rows. Doing it twice changes nothing."""
    mine = F.col("utility_code") == utility
    frame = feeder_capacity(lake.read(tables.RECORDS).where(mine), lake.read(tables.DER_DETAILS).where(mine))
    _replace(lake, tables.FEEDER_CAPACITY, frame, utility)


def refresh_der_details(lake: Lake, utility: str) -> None:
    """Write `der_details` of one utility anew from its current DER. Doing it twice changes nothing."""
    mine = F.col("utility_code") == utility
    _replace(lake, tables.DER_DETAILS, ders.details(lake.read(tables.DERS).where(mine)), utility)


def record_quality(lake: Lake, utility: str, run_id: int, summaries: Sequence[dict[str, Any]]) -> None:
    """Put the summaries of a run in the place of what the table has of it. Doing it twice changes nothing."""
    if not summaries:
        return
    table = tables.DATA_QUALITY_SUMMARY
    mine = {"utility_code": utility, "run_id": run_id}
    rows = pa.Table.from_pylist([mine | row for row in summaries], schema=tables.SCHEMAS[table])
    found = lake.delta(table)
    with lake.lock(table):
        predicate = f"utility_code = '{utility}' AND run_id = {run_id}"
        write_deltalake(found, rows, mode="overwrite", predicate=predicate)


def _replace(lake: Lake, table: str, frame: "DataFrame", utility: str) -> None:
    """Put a frame in the place of a utility's rows, in one commit."""
    lake.delta(table)
    with lake.lock(table):
        lake.replace(table, frame, f"utility_code = '{utility}'")
