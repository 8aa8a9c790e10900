"""DER: a run's bronze rows in our words and units, and what each is refused for.

Compiled from the source's catalog entry, as silver.py does it for capacity. The street address is a column of
the stage alone: from there it goes to tables of its own, and every other copy of the row has it masked.
Pure: frames in, frame out.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from hosting.lake import cells, readers, references, silver, tables
from utilities.spec import Ders, SourceSpec
from utilities.spec_ders import DATES, TEXTS
from utilities.spec_readings import Reading

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

LONGEST_KEY = 120
LONGEST_REFERENCE = 300


def stage(
    bronze: "DataFrame",
    spec: SourceSpec,
    types: Mapping[str, str],
    names: "DataFrame",
    *,
    utility: str,
    timezone: str,
    run_id: int,
    codes: cells.Codes = MappingProxyType({}),
) -> "DataFrame":
    """Bronze rows of one run to stage rows: columns of tables.DER_STAGE, `reject_check` null where they pass.

    Each is judged by itself: which stand again, repeats.marked says.
    `types` and `codes` as for silver.stage; `names` as references.names gives them.
    """
    assert spec.ders is not None  # noqa: S101 - callers ask only for sources that hold DER
    cleaned = bronze.withColumn("attributes", silver.without_nul(F.col("attributes")))
    a = F.col("a")
    readings = spec.ders.readings()
    values = {name: _value(name, reading, a, types, timezone) for name, reading in readings.items()}
    unread = [
        F.when(readers.unread(readings[name], a, value), F.lit(f"{name} (field {readings[name].field})"))
        for name, value in values.items()
    ]
    texts = cells.texts(cleaned, spec, codes)
    rows = texts.select(
        "row_no",
        "entry",
        "object_id",
        silver.key_of(spec, a).alias("key"),
        F.lit(spec.ders.status).alias("status"),
        *[_text(values, name).alias(name) for name in TEXTS],
        *[values.get(name, F.lit(None).cast("date")).alias(name) for name in DATES],
        values["nameplate_kw"].alias("nameplate_kw"),
        _technologies(spec.ders, values).alias("technologies"),
        _is_hybrid(spec.ders, values).alias("is_hybrid"),
        values.get("is_hybrid", F.lit(None).cast("boolean")).alias("published_hybrid"),
        silver.numbers_as_json({name: values[f"costs.{name}"] for name in spec.ders.costs}).alias("costs"),
        _words(spec.ders.as_published, a).alias("as_published"),
        _text(values, "street_address").alias("street_address"),
        F.concat_ws(", ", *unread).alias("unread"),
        F.lit(utility).alias("utility_code"),
        F.lit(run_id).cast("bigint").alias("run_id"),
        F.lit(spec.code).alias("source_code"),
    )
    # Not from `rows`: an engine computes a frame anew wherever it is used, and this one costs most of a run.
    referring = texts.select(_text(values, "feeder_reference").alias("feeder_reference"))
    found = references.resolved(referring, names, spec.ders.reference_separator)
    resolved = rows.join(found, F.col("feeder_reference") == F.col("reference"), "left").drop("reference")
    return _judge(resolved).select(*tables.SCHEMAS[tables.DER_STAGE].names)


def addresses(passed: "DataFrame") -> "DataFrame":
    """The addresses of stage rows that passed: columns of tables.ADDRESSES."""
    return passed.where(F.col("street_address").isNotNull()).select(*tables.SCHEMAS[tables.ADDRESSES].names)


def details(ders: "DataFrame") -> "DataFrame":
    """Current DER as `der_details`: one row for each feeder that a DER is on, one where it is on none."""
    further = F.from_json("further_feeder_ids", "array<string>")
    others = (
        ders.where(F.col("further_feeder_ids").isNotNull())
        .withColumn("another", F.explode(further))
        .withColumn("feeder_id", F.col("another"))
    )
    names = tables.SCHEMAS[tables.DER_DETAILS].names
    return ders.select(*names).unionByName(others.select(*names))


def totals(details: "DataFrame") -> "DataFrame":
    """Number and nameplate of the DER of each feeder: `of_feeder`, then as columns of `feeder_capacity`.

    A DER on two feeders counts for each of them.
    """

    def of(status: str) -> "tuple[Column, Column]":
        mine = F.col("status") == status
        count = F.count(F.when(mine, F.lit(1)))
        kilowatts = F.sum(F.when(mine, F.col("nameplate_kw"))).try_cast("decimal(14,3)")
        return (
            F.when(count > 0, count).alias(f"{status}_der_count"),
            kilowatts.alias(f"{status}_der_kw"),
        )

    known = details.where(F.col("feeder_id").isNotNull())
    return known.groupBy(F.col("feeder_id").alias("of_feeder")).agg(*of("installed"), *of("planned"))


def _value(name: str, reading: Reading, a: "Column", types: Mapping[str, str], timezone: str) -> "Column":
    if name == "nameplate_kw" or name.startswith("technologies."):
        return readers.read_kilowatts(reading, a)
    return readers.read(reading, a, types.get(reading.field, ""), timezone)


def _text(values: "Mapping[str, Column]", name: str) -> "Column":
    return values.get(name, F.lit(None).cast("string"))


def _technologies(spec: Ders, values: "Mapping[str, Column]") -> "Column":
    """Technology to kW as JSON, without those of zero; where only a type is published, all is of that."""
    if not spec.technologies:
        if spec.der_type is None:
            return F.lit(None).cast("string")
        named = F.to_json(F.create_map(values["der_type"], values["nameplate_kw"].cast("string")))
        # A number among texts would be written by each engine in its own way.
        bare = F.regexp_replace(named, ':"([-0-9.]+)"}$', ":$1}")
        return F.when(values["der_type"].isNotNull() & values["nameplate_kw"].isNotNull(), bare)
    shares = {name: values[f"technologies.{name}"] for name in spec.technologies}
    return silver.numbers_as_json({name: F.when(share != 0, share) for name, share in shares.items()})


def _is_hybrid(spec: Ders, values: "Mapping[str, Column]") -> "Column":
    """As published, or two technologies or more; null where neither is known."""
    flag = values.get("is_hybrid", F.lit(None).cast("boolean"))
    if not spec.technologies:
        return flag
    count = F.lit(0)
    for name in spec.technologies:
        count = count + F.when(values[f"technologies.{name}"] > 0, 1).otherwise(0)
    return F.when(count > 1, F.lit(True)).otherwise(F.coalesce(flag, F.when(count == 1, F.lit(False))))


def _words(fields: Mapping[str, str], a: "Column") -> "Column":
    """Name to published text as JSON; null where nothing is published."""
    parts = []
    for name, field in sorted(fields.items()):
        text = readers.published(a, field)
        # One text as a JSON list, without its brackets, is that text in quotes, whatever is in it.
        quoted = F.regexp_replace(F.to_json(F.array(text)), r"^\[|\]$", "")
        parts.append(F.when(text.isNotNull(), F.concat(F.lit(f'"{name}":'), quoted)))
    return silver.joined_as_json(parts)


def _judge(rows: "DataFrame") -> "DataFrame":
    """Mark rows that must not be published on, with the check's id and a reason for a person."""
    dates = "|".join(DATES)
    rules = [
        ("Q10", F.col("key").isNull(), F.lit("it has no id")),
        ("Q10", F.length("key") > LONGEST_KEY, F.lit(f"its id is longer than {LONGEST_KEY} characters")),
        (
            "Q27",
            F.col("unread").rlike("nameplate_kw|technologies[.]"),
            F.concat(F.lit("not a number: "), F.col("unread")),
        ),
        ("Q47", F.col("unread").rlike(dates), F.concat(F.lit("not a date: "), F.col("unread"))),
        ("Q61", F.col("nameplate_kw") <= 0, F.lit("its nameplate is not above zero")),
    ]
    check, reason = F.lit(None).cast("string"), F.lit(None).cast("string")
    for identity, broken, why in reversed(rules):
        check = F.when(broken, identity).otherwise(check)
        reason = F.when(broken, why).otherwise(reason)
    return rows.withColumns({"reject_check": check, "reject_reason": reason})
