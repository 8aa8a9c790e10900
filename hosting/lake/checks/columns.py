"""What is counted of a feeder's figure in the engine: aggregates, and conditions between two states."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from hosting.lake import tables
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import Column

GROUP = ("feeder_id", "capacity_type", "variant")
MW = "decimal(12,5)"
LEAST_MOVE_MW = 0.1  # below it, a large share of a small figure is rounding
# Columns whose nulls are watched; a record made from sections has others' too.
WATCHED = tuple(
    name
    for name in tables.RECORD_COLUMNS
    if name not in {"grain", "geometry_digest", "section_count", "missing_values", "remaining_basis"}
)
# Of the rows of a group; each also with `_before`. `headline` is the feeder's figure by the declared rule.
MEASURED = (
    "rows", "known", "zeros", "own_feeder", "unread", "low", "high", "own_low", "own_high", "total",
    "installed", "queued", "length", "study_first", "study_last", "der_last",
    *(f"known_{name}" for name in WATCHED),
)  # fmt: skip


def value() -> "Column":
    """What a row's figure says: hosting or, where that is not published, remaining."""
    return F.coalesce(F.col("hosting_capacity_mw"), F.col("remaining_capacity_mw"))


def aggregates(have: Collection[str]) -> "list[Column]":
    """MEASURED of some rows; null for what their table has no column of."""
    highest = F.col("hosting_capacity_max_mw") if "hosting_capacity_max_mw" in have else F.lit(None).cast(MW)
    length = F.col("shape_length") if "shape_length" in have else F.lit(None)
    unread = F.length("unread") > 0 if "unread" in have else F.lit(None).cast("boolean")
    found = {
        "rows": F.count(F.lit(1)),
        "known": F.count(value()),
        "zeros": F.count(F.when(value() == 0, 1)),
        "own_feeder": F.count(F.when(F.col("feeder_id") == F.col("key"), 1)),
        "unread": F.count(F.when(unread, 1)),
        "low": F.min(value()),
        "high": F.max(value()),
        "own_low": F.min(highest),
        "own_high": F.max(highest),
        "total": F.sum(value()),
        "installed": F.max("installed_dg_mw"),
        "queued": F.max("queued_dg_mw"),
        "length": F.sum(length.cast("double")),
        "study_first": F.min("record_date"),
        "study_last": F.max("record_date"),
        "der_last": F.max("der_date"),
    } | {f"known_{name}": F.count(F.col(name) if name in have else F.lit(None)) for name in WATCHED}
    counts = {"rows", "known", "zeros", "own_feeder", "unread"}
    return [
        (found[name].cast("int") if name in counts or name.startswith("known_") else found[name]).alias(name)
        for name in MEASURED
    ]


def headline(spec: SourceSpec, suffix: str = "") -> "Column":
    """A group's figure: by the source's rule for a feeder, the sum where rows have no feeder."""
    column = F.col(f"high{suffix}")
    for figure in spec.figures:
        mine = (F.col("capacity_type") == figure.capacity_type) & (F.col("variant") == figure.variant)
        if figure.rollup in ("min", "feeder_max"):
            by_rule = "low" if figure.rollup == "min" else "own_high"
            column = F.when(mine, F.col(f"{by_rule}{suffix}")).otherwise(column)
    whole = F.col(f"total{suffix}").try_cast("decimal(22,5)")
    return F.when(F.col("feeder_id").isNull(), whole).otherwise(column.try_cast("decimal(22,5)"))


def flags(spec: SourceSpec) -> "dict[str, Column]":
    """What changed between a group's published state and the run's, and both headlines."""
    now, then = headline(spec), headline(spec, "_before")
    move = F.abs(now - then).cast("double")
    limits = spec.thresholds
    far = (move > F.lit(limits.max_move_mw)) | (
        (move > F.abs(then).cast("double") * F.lit(limits.max_move)) & (move >= F.lit(LEAST_MOVE_MW))
    )
    connected = F.lit(False)
    for name in ("installed", "queued"):
        connected = connected | ~F.col(name).eqNullSafe(F.col(f"{name}_before"))
    alike = F.lit(True)
    for name in ("low", "high", "total", "own_low", "own_high"):
        alike = alike & F.col(name).eqNullSafe(F.col(f"{name}_before"))
    newer = F.col("study_last") > F.col("study_last_before")
    has_feeder = F.col("feeder_id").isNotNull()
    return {
        "headline": now,
        "headline_before": then,
        "changed": has_feeder & ~now.eqNullSafe(then),
        "moved": has_feeder & far & ~connected,
        "dated_anew": has_feeder & newer,
        "dated_alike": has_feeder & newer & alike,
    }
