"""From sections to feeders: one record for each feeder, capacity type and variant.

Capacity is never added across sections. The headline is the lowest or highest section by the rule that the
source declares; the range over all sections stands beside it.
"""

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from hosting.lake.silver import MW, remaining
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

# Structs on the way to a record; Arrow refuses what Spark declares of the parts of one that is null.
HELPERS = ("lowest", "highest", "own", "lowest_left", "highest_left", "headline", "described")
GROUP = ("utility_code", "run_id", "source_code", "feeder_id", "capacity_type", "variant")


def feeders(sections: "DataFrame", spec: SourceSpec) -> "DataFrame":
    """Passed stage rows of sections to records, columns as tables.RECORDS without geometry.

    `geometry_digest` changes when any section's shape does: the shapes themselves are merged in PostGIS.
    """
    hosting = F.col("hosting_capacity_mw")
    # The section that the headline comes from, by its value; by its key among equals.
    ranked, ranked_left = _ranked(hosting), _ranked(F.col("remaining_capacity_mw"))
    groups = sections.groupBy(*GROUP).agg(
        # A section's own range, where it is published, is wider than its figure.
        F.min(F.coalesce("hosting_capacity_min_mw", hosting)).alias("hosting_capacity_min_mw"),
        F.max(F.coalesce("hosting_capacity_max_mw", hosting)).alias("hosting_capacity_max_mw"),
        F.min(ranked).alias("lowest"),
        F.max(ranked).alias("highest"),
        F.max(_ranked(F.col("hosting_capacity_max_mw"), F.lit("published"))).alias("own"),
        F.min(ranked_left).alias("lowest_left"),
        F.max(ranked_left).alias("highest_left"),
        F.min("capacity_status").alias("one_status"),
        F.max("capacity_status").alias("other_status"),
        *[
            F.max(name).alias(name)
            for name in ("installed_dg_mw", "queued_dg_mw", "installed_since_study_mw")
        ],
        F.min("remaining_capacity_mw").alias("least_remaining"),
        F.max("remaining_capacity_mw").alias("most_remaining"),
        *[F.max(name).alias(name) for name in ("voltage_kv", "record_date", "der_date")],
        *[F.min(name).alias(name) for name in ("feeder_name", "substation_name", "county")],
        *[_any_phase(name) for name in ("3-phase", "2-phase", "single-phase")],
        *[_where_alike(name) for name in ("is_overhead", "is_network")],
        F.count(F.lit(1)).cast("int").alias("section_count"),
        (F.count(F.lit(1)) - F.count(hosting)).cast("int").alias("missing_values"),
        F.sum("shape_length").try_cast("decimal(20,9)").alias("shape_length"),
        F.sha2(F.concat_ws(",", F.sort_array(F.collect_list(F.sha2("geometry", 256)))), 256).alias(
            "geometry_digest"
        ),
    )
    found = groups.withColumn("headline", _by_rule(spec, F.col("lowest"), F.col("highest"), F.col("own")))
    # Where no section has a hosting capacity, the one that the remaining capacity comes from is described.
    left = F.col("highest_left")
    described = F.coalesce("headline", _by_rule(spec, F.col("lowest_left"), left, left))
    found = found.withColumn("described", described)
    left = F.lit(None).cast(MW)
    basis = F.lit(None).cast("string")
    for figure in spec.figures:
        mine = _is(figure.capacity_type, figure.variant)
        published = F.col("least_remaining" if figure.rollup == "min" else "most_remaining")
        value = remaining(
            figure.remaining,
            F.col("headline.mw"),
            F.col("installed_dg_mw"),
            F.col("queued_dg_mw"),
            published,
        )
        left = F.when(mine, value).otherwise(left)
        basis = F.when(mine, figure.remaining.value).otherwise(basis)
    alike = F.col("one_status") == F.col("other_status")
    return found.withColumns(
        {
            "key": F.col("feeder_id"),
            "grain": F.lit("section"),
            "hosting_capacity_mw": F.col("headline.mw"),
            "constraining_metric": F.col("described.constraining_metric"),
            "capacity_status": F.coalesce(
                F.col("described.capacity_status"),
                F.when(alike, F.col("one_status")).otherwise(F.lit("unknown")),
            ),
            "remaining_capacity_mw": left,
            "remaining_basis": basis,
            "criteria": F.lit(None).cast("string"),
            "raw_attributes": F.lit(None).cast("string"),
            "phase_config": F.coalesce("any_3-phase", "any_2-phase", "any_single-phase"),
            "geometry": F.lit(None).cast("binary"),
        }
    ).drop(*HELPERS)


def with_own_figures(sections: "DataFrame", records: "DataFrame", spec: SourceSpec) -> "DataFrame":
    """Published sections with their feeder's own figure in `hosting_capacity_max_mw`, from its record.

    Sections keep no such figure, so that a run which repeats it on each of them could not be compared.
    Unchanged where the source has none.
    """
    mine = F.lit(False)
    for figure in spec.figures:
        if figure.rollup == "feeder_max":
            mine = mine | _is(figure.capacity_type, figure.variant)
    if not any(figure.rollup == "feeder_max" for figure in spec.figures):
        return sections
    own = records.where(mine).select(
        F.col("feeder_id").alias("of_feeder"),
        F.col("capacity_type").alias("of_type"),
        F.col("variant").alias("of_variant"),
        F.col("hosting_capacity_mw").alias("hosting_capacity_max_mw"),
    )
    same = (
        (F.col("feeder_id") == F.col("of_feeder"))
        & (F.col("capacity_type") == F.col("of_type"))
        & (F.col("variant") == F.col("of_variant"))
    )
    return sections.join(own, same, "left").drop("of_feeder", "of_type", "of_variant")


def _ranked(value: "Column", status: "Column | None" = None) -> "Column":
    """A section by a value that it has, for its lowest or highest; null where it has none."""
    status = F.col("capacity_status") if status is None else status.alias("capacity_status")
    return F.when(value.isNotNull(), F.struct(value.alias("mw"), "key", status, "constraining_metric"))


def _is(capacity_type: str, variant: str) -> "Column":
    return (F.col("capacity_type") == capacity_type) & (F.col("variant") == variant)


def _by_rule(spec: SourceSpec, lowest: "Column", highest: "Column", own: "Column") -> "Column":
    column = highest
    for figure in spec.figures:
        if figure.rollup in ("min", "feeder_max"):
            chosen = lowest if figure.rollup == "min" else own
            column = F.when(_is(figure.capacity_type, figure.variant), chosen).otherwise(column)
    return column


def _any_phase(phase: str) -> "Column":
    """A feeder with a three-phase trunk and single-phase laterals is a three-phase feeder."""
    return F.max(F.when(F.col("phase_config") == phase, phase)).alias(f"any_{phase}")


def _where_alike(name: str) -> "Column":
    as_number = F.col(name).cast("int")
    return F.when(F.min(as_number) == F.max(as_number), F.min(as_number) == 1).alias(name)
