"""Which feeder a DER is on: what its published reference leads to, by the feeders that readers see.

A reference may be the circuit of a section, a feeder's own id, or a list of either. A circuit is looked up
first, then a feeder; what leads nowhere is kept, flagged and counted. Pure: frames in, frame out.
"""

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.window import Window

from hosting.lake import tables
from hosting.lake.store import Lake

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def names_of(lake: Lake, utility: str) -> "DataFrame":
    """Every name by which a feeder of the utility is known: `name`, `leads_to`."""
    mine = F.col("utility_code") == utility
    return names(lake.read(tables.SECTIONS).where(mine), lake.read(tables.RECORDS).where(mine))


def names(sections: "DataFrame", records: "DataFrame") -> "DataFrame":
    """Names of feeders from current sections and records: `name`, `leads_to`, each name once.

    A circuit is another name of the feeder that most of its sections are of.
    """
    circuits = (
        sections.where(F.col("circuit_id").isNotNull() & F.col("feeder_id").isNotNull())
        .groupBy(F.col("circuit_id").alias("name"), F.col("feeder_id").alias("leads_to"))
        .agg(F.count(F.lit(1)).alias("times"))
        .withColumn("rank", F.lit(1))
    )
    feeders = (
        records.select("feeder_id")
        .unionByName(sections.select("feeder_id"))
        .where(F.col("feeder_id").isNotNull())
        .distinct()
        .select(
            F.col("feeder_id").alias("name"),
            F.col("feeder_id").alias("leads_to"),
            F.lit(1).cast("bigint").alias("times"),
            F.lit(2).alias("rank"),
        )
    )
    first = Window.partitionBy("name").orderBy("rank", F.desc("times"), "leads_to")
    return (
        circuits.unionByName(feeders)
        .withColumn("nth", F.row_number().over(first))
        .where(F.col("nth") == 1)
        .select("name", "leads_to")
    )


def digest(names: "DataFrame") -> str:
    """Tells whether the same references would lead to the same feeders."""
    pairs = F.sort_array(F.collect_list(F.concat_ws("\t", "name", "leads_to")))
    found: str = names.agg(F.sha2(F.concat_ws("\n", pairs), 256)).collect()[0][0]
    return found


def resolved(rows: "DataFrame", names: "DataFrame", separator: str) -> "DataFrame":
    """Where the references of rows lead: `reference`, each once, `feeder_id`, and as JSON lists or null
    `further_feeder_ids` and `unresolved_references`; none where there is no reference.

    `rows` have `feeder_reference`. The first part of a list that leads somewhere is the feeder; others that
    it leads to are further ones.
    """
    pattern = f"[{separator}]" if separator not in "^\\" else f"\\{separator}"
    part = F.regexp_replace(F.trim(F.col("part")), "^([0-9]+)[.]0$", "$1")
    parts = (
        rows.where(F.col("feeder_reference").isNotNull())
        .select(F.col("feeder_reference").alias("reference"))
        .distinct()  # many DER are on one feeder
        .select("reference", F.posexplode(F.split("reference", pattern)).alias("position", "part"))
        .withColumn("part", part)
        .where(F.length("part") > 0)
    )
    led = parts.join(names, F.col("part") == F.col("name"), "left")
    leads = F.col("leads_to").isNotNull()
    by_reference = led.groupBy("reference").agg(
        F.min(F.when(leads, F.struct("position", "leads_to"))).alias("first"),
        F.sort_array(F.collect_set("leads_to")).alias("led"),
        F.sort_array(F.collect_set(F.when(~leads, F.col("part")))).alias("lost"),
    )
    feeder = F.col("first").getField("leads_to")
    return by_reference.select(
        "reference",
        feeder.alias("feeder_id"),
        _json(F.array_remove("led", F.coalesce(feeder, F.lit("")))).alias("further_feeder_ids"),
        _json(F.col("lost")).alias("unresolved_references"),
    )


def _json(texts: "Column") -> "Column":
    """A list as JSON; null where it is empty."""
    return F.when(F.size(texts) > 0, F.to_json(texts))
