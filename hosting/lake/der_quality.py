"""The checks of a run of DER: what they read is counted first, then each says what it noticed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql import functions as F

from hosting.lake import tables
from hosting.lake.checks import ders, judged
from hosting.lake.checks.feeders import Concerned, add_rows, of_refusals, rows_of
from hosting.lake.checks.found import Noticed
from hosting.lake.checks.judged import Judged
from hosting.lake.checks.profile import total
from hosting.lake.store import Lake
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SUBSTATION_TOTAL = "total_mw_for_substation"


@dataclass(frozen=True)
class Whole:
    """Of all rows that passed: the median nameplate in kW, and its ratio to what is published."""

    median: float | None
    ratio: float | None
    places_repeated: int


@dataclass(frozen=True)
class Beside:
    """What else is published of the utility: its records of capacity, and DER of the other status."""

    records: "DataFrame"
    others: "DataFrame"


@dataclass(frozen=True)
class StagedDers(Judged):
    """A run of DER. `groups` has a row for each feeder; `both_keys` are examples of DER in both lists."""

    groups: pa.Table
    whole: Whole
    both_count: int
    both_keys: list[str]

    @property
    def feeders(self) -> list[dict[str, Any]]:
        """The groups as rows, in order of their feeders."""
        rows = self.groups.to_pylist()
        return sorted(rows, key=lambda row: row["feeder_id"] or "")


def beside(lake: Lake, utility: str, spec: SourceSpec) -> Beside:
    """The current rows of the utility's other lists."""
    assert spec.ders is not None  # noqa: S101 - asked only of sources that hold DER
    mine = F.col("utility_code") == utility
    others = lake.read(tables.DERS).where(mine & (F.col("status") != spec.ders.status))
    return Beside(lake.read(tables.RECORDS).where(mine), others)


def measure(
    frame: "DataFrame",
    before: "DataFrame",
    spec: SourceSpec,
    others: Beside | None = None,
    *,
    today: date | None = None,
) -> StagedDers:
    """Count what the checks need. `frame` has all stage rows, `before` the current ones."""
    rules = [rule for make in ders.ROWS for rule in make(spec, today or datetime.now(UTC).date())]
    passed = frame.where(F.col("reject_check").isNull())
    counted = [F.count(F.when(rule.broken, 1)).cast("int").alias(f"row_{n}") for n, rule in enumerate(rules)]
    as_published = F.from_json("as_published", f"`{SUBSTATION_TOTAL}` string")
    substation = as_published.getField(SUBSTATION_TOTAL).try_cast("double")
    groups = passed.groupBy("feeder_id").agg(
        F.count(F.lit(1)).cast("int").alias("rows"),
        F.sum(F.col("nameplate_kw").cast("double")).alias("kw"),
        F.min(substation).alias("least_total"),
        F.max(substation).alias("most_total"),
        F.count(F.when(F.length("unread") > 0, 1)).cast("int").alias("unread"),
        *counted,
    )
    table = _with_capacity(groups, others).toArrow()
    both = _in_both(passed, others)
    return StagedDers(
        frame=frame,
        before=before,
        spec=spec,
        refused=judged.refusals(frame),
        passed=total(table, "rows"),
        rows_before=before.count(),
        row_rules=rules,
        rows_of=rows_of(table),
        noun="DER",
        groups=table,
        whole=_whole(passed, before),
        both_count=both[0],
        both_keys=both[1],
    )


def _with_capacity(groups: "DataFrame", others: Beside | None) -> "DataFrame":
    """Feeders with what is published of them: whether a capacity is known, and the installed kW."""
    if others is None:
        nothing = F.lit(None).cast("double")
        return groups.withColumns(
            {"leads": F.lit(False), "known_capacity": F.lit(False), "installed_kw": nothing}
        )
    known = F.coalesce("hosting_capacity_mw", "hosting_capacity_max_mw", "remaining_capacity_mw")
    published = (
        others.records.where(F.col("feeder_id").isNotNull() & (F.col("capacity_type") == "generation"))
        .groupBy(F.col("feeder_id").alias("of_feeder"))
        .agg(
            F.count(known).alias("known"),
            (F.max("installed_dg_mw").cast("double") * F.lit(1000.0)).alias("installed_kw"),
        )
    )
    joined = groups.join(published, F.col("feeder_id") == F.col("of_feeder"), "left")
    return joined.select(
        *groups.columns,
        F.col("feeder_id").isNotNull().alias("leads"),
        (F.coalesce(F.col("known"), F.lit(0)) > 0).alias("known_capacity"),
        "installed_kw",
    )


def _in_both(passed: "DataFrame", others: Beside | None) -> tuple[int, list[str]]:
    """How many DER are in the utility's other list too, and the first of their keys."""
    if others is None:
        return 0, []
    known = others.others.select(F.col("key").alias("other_key")).distinct()
    both = passed.join(known, F.col("key") == F.col("other_key"), "inner")
    count = both.count()
    keys = both.orderBy("row_no").limit(100).select("key").collect() if count else []
    return count, [key for (key,) in keys]


def _whole(passed: "DataFrame", before: "DataFrame") -> Whole:
    kw = F.when(F.col("nameplate_kw") > 0, F.col("nameplate_kw").cast("double"))
    place = F.when(~F.col("queue_position").rlike("[/:]"), F.col("queue_position"))
    median, places, different = passed.agg(F.median(kw), F.count(place), F.countDistinct(place)).collect()[0]
    s = passed.select("key", kw.alias("now"))
    b = before.select(F.col("key").alias("old_key"), kw.alias("then"))
    ratio = s.join(b, F.col("key") == F.col("old_key"), "inner").agg(F.median(F.col("now") / F.col("then")))
    return Whole(median, ratio.collect()[0][0], places - different)


def check(staged: StagedDers) -> list[Noticed]:
    """All findings of a run, heaviest first."""
    return judged.heaviest_first([noticed for function in CHECKS for noticed in function(staged)])


def concerned(staged: StagedDers) -> Concerned:
    """(Feeder, check, severity) to the rows of the feeder that the check is about."""
    found = of_refusals(staged)
    for number, rule in enumerate(staged.row_rules):
        add_rows(found, rule, staged.groups, f"row_{number}")
    return found


def rows_noticed(staged: StagedDers) -> Iterator[Noticed]:
    """Each rule on rows that passed, where its condition held for one."""
    for number, rule in enumerate(staged.row_rules):
        if count := total(staged.groups, f"row_{number}"):
            message = rule.message.format(count=count, rows=staged.passed)
            yield Noticed(rule.check, rule.severity, message, count)


def values_not_read(staged: StagedDers) -> Iterator[Noticed]:
    """Q27; rows are read again only where there are any."""
    if total(staged.groups, "unread"):
        yield from judged.values_not_read(staged)


CHECKS = (
    judged.nothing_left,
    judged.rows_refused,
    judged.rows_vanished,
    rows_noticed,
    *ders.WHOLE,
    values_not_read,
)
