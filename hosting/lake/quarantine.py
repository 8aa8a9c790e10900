"""Rows that were refused, kept as published with the reason."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from hosting.lake import tables
from hosting.lake.masking import masked
from hosting.lake.silver import without_nul
from hosting.lake.store import Lake

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def keep(lake: Lake, staged: "DataFrame", bronze: "DataFrame", personal: Iterable[str] = ()) -> None:
    """Write a run's refused rows with their published attributes; one row a published row and reason.

    `personal` names published fields that are masked.
    """
    refused = (
        staged.where(F.col("reject_check").isNotNull())
        .groupBy("utility_code", "run_id", "source_code", "row_no", "object_id", "key", "reject_check")
        .agg(F.min("reject_reason").alias("reason"))
        .withColumnRenamed("reject_check", "check_id")
    )
    attributes = masked(without_nul(F.col("attributes")), personal)
    published = bronze.select(F.col("row_no").alias("published_row"), attributes.alias("attributes"))
    lake.append(
        tables.QUARANTINE,
        refused.join(published, F.col("row_no") == F.col("published_row"), "left"),
    )
