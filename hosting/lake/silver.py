"""Silver: a run's bronze rows in our words and units, one row for each figure a published row carries.

Compiled from the source's catalog entry; rows that break a rule keep the rule's id and reason and go no
further than quarantine. Pure: frame in, frame out.
"""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.window import Window

from hosting.lake import cells, readers, tables
from hosting.lake.checks import sentinels
from utilities.spec import Figure, Reader, Reading, RemainingBasis, SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

MW = "decimal(12,5)"
EARLIEST_STUDY = "2015-01-01"  # hosting capacity was not published before (Q41)


def stage(
    bronze: "DataFrame",
    spec: SourceSpec,
    types: Mapping[str, str],
    *,
    utility: str,
    timezone: str,
    run_id: int,
    codes: cells.Codes = MappingProxyType({}),
    undrawable: Collection[int] = (),
) -> "DataFrame":
    """Bronze rows of one run to stage rows.

    `types` maps each published field to the esriFieldType that the layer declared in this run, `codes` each
    field with a coded domain to what its codes mean. A row whose cells hold lists becomes several.
    `undrawable` are numbers of rows whose shape is none.
    Columns as tables.STAGE; `reject_check` is null on rows that pass. Each is judged by itself: which stand
    again, repeats.marked says.
    """
    cleaned = bronze.withColumn("attributes", without_nul(F.col("attributes")))
    parsed = cells.texts(cleaned, spec, codes)
    a = F.col("a")
    shared: dict[str, Column] = {}
    unread: list[Column] = []
    for name, reading in spec.fields.readings().items():
        shared[name] = readers.read(reading, a, types[reading.field], timezone)
        unread.append(_named_if(readers.unread(reading, a, shared[name]), name, reading))
    rows = parsed.select(
        "row_no",
        "entry",
        "object_id",
        "geometry",
        "uneven",
        *([F.col("attributes").alias("raw_attributes")] if spec.grain != "section" else []),
        key_of(spec, a).alias("key"),
        *[value.alias(name) for name, value in shared.items()],
        F.concat_ws(", ", *unread).alias("unread_shared") if unread else F.lit("").alias("unread_shared"),
        F.explode(F.array(*[_figure(figure, a) for figure in spec.figures])).alias("figure"),
    )
    rows = rows.select(*[name for name in rows.columns if name != "figure"], "figure.*")
    rows = rows.withColumn("unread", F.concat_ws(", ", _filled("unread_shared"), _filled("unread_figure")))
    rows = _complete(rows, spec).withColumns(
        {
            "utility_code": F.lit(utility),
            "run_id": F.lit(run_id).cast("bigint"),
            "source_code": F.lit(spec.code),
            "grain": F.lit(spec.grain),
        }
    )
    return _judge(rows, spec, undrawable)


def without_nul(attributes: "Column") -> "Column":
    """A row's JSON without U+0000, with which some servers fill up fixed-length text.

    PostgreSQL takes it in no text; bronze keeps it. Escaped backslashes are read in pairs and kept, so that
    what stands behind them is not taken for an escape.
    """
    cleaned = F.regexp_replace(attributes, r"(\\\\)|\\u0000", "$1")
    return F.when(attributes.contains(r"\u0000"), cleaned).otherwise(attributes)


def _figure(figure: Figure, a: "Column") -> "Column":
    """One figure of a row as a struct; structs of all figures have the same type, so that they explode."""
    values: dict[str, Column] = {}
    unread: list[Column] = []
    for name, reading in figure.readings().items():
        values[name] = readers.read(reading, a, "", "UTC")
        unread.append(_named_if(readers.unread(reading, a, values[name]), name, reading))
    headline = "hosting_capacity_mw" if figure.hosting_capacity_mw else "hosting_capacity_max_mw"
    null = F.lit(None).cast(MW)
    hosting = values.get(headline, null)
    described = headline if headline in values else "remaining_capacity_mw"
    reading = figure.readings()[described]
    installed, queued = values.get("installed_dg_mw", null), values.get("queued_dg_mw", null)
    return F.struct(
        F.lit(figure.capacity_type).alias("capacity_type"),
        F.lit(figure.variant).alias("variant"),
        hosting.alias("hosting_capacity_mw"),
        values.get("hosting_capacity_min_mw", null).alias("hosting_capacity_min_mw"),
        values.get("hosting_capacity_max_mw", null).alias("hosting_capacity_max_mw"),
        installed.alias("installed_dg_mw"),
        queued.alias("queued_dg_mw"),
        values.get("installed_since_study_mw", null).alias("installed_since_study_mw"),
        remaining(
            figure.remaining, hosting, installed, queued, values.get("remaining_capacity_mw", null)
        ).alias("remaining_capacity_mw"),
        F.lit(figure.remaining.value).alias("remaining_basis"),
        readers.status(reading, a, values[described]).alias("capacity_status"),
        values.get("constraining_metric", F.lit(None).cast("string")).alias("constraining_metric"),
        values.get("substation_capacity_mw", null).alias("substation_capacity_mw"),
        sentinels.undeclared(figure, a, values).alias("undeclared"),
        numbers_as_json({name: values[f"criteria.{name}"] for name in figure.criteria}).alias("criteria"),
        F.concat_ws(", ", *unread).alias("unread_figure"),
    )


def remaining(
    basis: RemainingBasis, hosting: "Column", installed: "Column", queued: "Column", published: "Column"
) -> "Column":
    """What is left, by the declared basis, in MW; null where any part of it is unknown."""
    match basis:
        case RemainingBasis.PUBLISHED:
            left = published
        case RemainingBasis.HOSTING:
            left = hosting
        case RemainingBasis.LESS_INSTALLED:
            left = hosting - installed
        case RemainingBasis.LESS_QUEUED:
            left = hosting - queued
        case RemainingBasis.LESS_INSTALLED_AND_QUEUED:
            left = hosting - installed - queued
        case RemainingBasis.UNKNOWN:
            left = F.lit(None)
    return left.try_cast(MW)


def numbers_as_json(values: "Mapping[str, Column]") -> "Column":
    """Name to number as a JSON text, unknown ones left out; null where none is known."""
    return joined_as_json(
        F.when(value.isNotNull(), F.concat(F.lit(f'"{name}":'), value.cast("string")))
        for name, value in sorted(values.items())
    )


def joined_as_json(parts: "Iterable[Column]") -> "Column":
    """A JSON object of its members, those that are null left out; null where none is left."""
    members = list(parts)
    if not members:
        return F.lit(None).cast("string")
    inside = F.concat_ws(",", *members)
    return F.when(F.length(inside) > 0, F.concat(F.lit("{"), inside, F.lit("}")))


def key_of(spec: SourceSpec, a: "Column") -> "Column":
    """What identifies a row within its source."""
    if spec.key == "geometry":
        shape = F.sha2(F.col("geometry"), 256)
        if spec.lists is None:
            return shape
        # One place may hold several feeders' entries.
        return F.concat(shape, F.lit("|"), readers.published(a, spec.lists.fields[0]))
    if spec.key == "none":
        return F.sha2(F.concat(F.col("attributes"), F.coalesce(F.hex("geometry"), F.lit(""))), 256)
    parts = [F.regexp_replace(readers.published(a, name), "^([0-9]+)[.]0$", "$1") for name in spec.key]
    if len(parts) == 1:
        return parts[0]
    # A separator within a part is marked, and so is the mark: no two lists of parts make one key.
    parts = [F.regexp_replace(part, "([~|])", "~$1") for part in parts]
    whole = parts[0]
    for part in parts[1:]:
        whole = F.concat(whole, F.lit("|"), part)  # null where any part is
    return whole


def _named_if(condition: "Column", name: str, reading: Reading) -> "Column":
    return F.when(condition, F.lit(f"{name} (field {reading.field})"))


def _filled(name: str) -> "Column":
    return F.when(F.length(name) > 0, F.col(name))


def _complete(rows: "DataFrame", spec: SourceSpec) -> "DataFrame":
    """Every column of a record, with typed nulls for what this source does not have."""
    have = set(rows.columns)
    every = tables.SECTION_COLUMNS | tables.RECORD_COLUMNS | tables.CARRIED | tables.CHECKED
    for name, kind in every.items():
        if name not in have:
            rows = rows.withColumn(name, F.lit(None).cast(tables.sql_type(kind)))
    if spec.key == "none":  # equal rows stay apart by their number among equals
        among = Window.partitionBy("key", "capacity_type", "variant").orderBy("row_no")
        rows = rows.withColumn("key", F.concat("key", F.lit("#"), F.row_number().over(among).cast("string")))
    return rows


def _judge(rows: "DataFrame", spec: SourceSpec, undrawable: Collection[int]) -> "DataFrame":
    """Mark rows that must not be published on, with the check's id and a reason for a person."""
    rules: list[tuple[str, Column, Column]] = []

    def rule(check: str, broken: "Column", reason: "str | Column") -> None:
        rules.append((check, broken, F.lit(reason) if isinstance(reason, str) else reason))

    hosting, left = F.col("hosting_capacity_mw"), F.col("remaining_capacity_mw")
    if spec.grain != "cell":
        rule("Q10", F.col("feeder_id").isNull(), "it names no feeder")
    rule("Q10", F.col("key").isNull(), "it has no key")
    rule("Q10", F.length("key") > 200, "its key is longer than 200 characters")
    rule("Q10", F.length("feeder_id") > 120, "its feeder id is longer than 120 characters")
    if spec.lists:
        listed = ", ".join(spec.lists.fields)
        rule("Q11", F.col("uneven"), f"its lists have different lengths: {listed}"[:300])
    if spec.geometry != "none":
        rule("Q49", F.col("geometry").isNull(), "it has no geometry, or an empty one")
        if undrawable:
            rule("Q49", F.col("row_no").isin(list(undrawable)), "its geometry cannot be drawn")
    if numbers := _must_be_read(spec, numbers=True):
        rule("Q27", F.col("unread").rlike(numbers), F.concat(F.lit("not a number: "), F.col("unread")))
    if dates := _must_be_read(spec, numbers=False):
        rule("Q47", F.col("unread").rlike(dates), F.concat(F.lit("not a date: "), F.col("unread")))
    rule("Q19", F.col("undeclared"), "a number that stands for nothing known, such as -9999, and no figure")
    rule(
        "Q15",
        F.col("hosting_capacity_min_mw") > F.col("hosting_capacity_max_mw"),
        "its lowest hosting capacity is above its highest",
    )
    rule(
        "Q18",
        (hosting < 0) & ~F.col("remaining_basis").isin("hosting", "published"),
        "its hosting capacity is negative, and the figure is not what remains",
    )
    rule(
        "Q31",
        (left > hosting) & (F.col("remaining_basis") == "published"),
        "more remains than the hosting capacity",
    )
    for name in ("record_date", "der_date"):
        if name in spec.fields.readings():
            rule("Q41", F.col(name) > F.date_add(F.current_date(), 1), f"its {name} is in the future")
            rule("Q41", F.col(name) < F.lit(EARLIEST_STUDY).cast("date"), f"its {name} is before 2015")
    check, reason = F.lit(None).cast("string"), F.lit(None).cast("string")
    for identity, broken, why in reversed(rules):
        check = F.when(broken, identity).otherwise(check)
        reason = F.when(broken, why).otherwise(reason)
    return rows.withColumns({"reject_check": check, "reject_reason": reason})


def _must_be_read(spec: SourceSpec, *, numbers: bool) -> str:
    """A pattern of our columns without which a row says something else than was published."""
    wanted: set[str] = set()
    for figure in spec.figures:
        if numbers:
            wanted |= {n for n in figure.readings() if n.endswith("_mw") or n.startswith("criteria.")}
    if not numbers:
        wanted = {n for n, reading in spec.fields.readings().items() if reading.reader == Reader.DATE}
    return "|".join(sorted(name.replace(".", "[.]") for name in wanted))
