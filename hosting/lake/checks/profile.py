"""A run's staged rows counted once for all checks, feeder by feeder, beside what is published.

One aggregation over the rows that passed and one over the current table, joined by feeder and figure: counts
for every rule, nulls, zeros, the range of the figures, dates. What the checks read is a small Arrow table.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from hosting.lake.checks import columns as c
from hosting.lake.checks.feeders import rows_of
from hosting.lake.checks.found import FeederRule, Rule
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Counted:
    """Figures of one type and variant: how many are known, how many of those are zero, their sum in MW."""

    known: int
    zeros: int
    groups: int
    total: float


@dataclass(frozen=True)
class Top:
    """How many feeders (rows where there are none) stand at the highest figure, and in the tenth below."""

    mw: float
    at: int
    just_below: int


@dataclass(frozen=True)
class Profile:
    """What was counted: in `groups` a row for each feeder and figure of the run or of what is published."""

    frame: "DataFrame"
    before: "DataFrame"
    spec: SourceSpec
    today: date
    name: str
    row_rules: Sequence[Rule]
    feeder_rules: Sequence[FeederRule]
    groups: pa.Table
    tops: dict[str, Top] = field(default_factory=dict)

    @cached_property
    def now(self) -> pa.Table:
        """The groups that the run has."""
        return self.groups.filter(pc.is_valid(self.groups["rows"]))

    @cached_property
    def then(self) -> pa.Table:
        """The groups that are published."""
        return self.groups.filter(pc.is_valid(self.groups["rows_before"]))

    @cached_property
    def both(self) -> pa.Table:
        """Feeders' figures that are published and came again."""
        known = pc.and_(pc.is_valid(self.groups["rows"]), pc.is_valid(self.groups["rows_before"]))
        return self.groups.filter(pc.and_(known, pc.is_valid(self.groups["feeder_id"])))

    @cached_property
    def rows(self) -> int:
        return total(self.now, "rows")

    @cached_property
    def rows_before(self) -> int:
        return total(self.then, "rows_before")

    @cached_property
    def feeders(self) -> int:
        return len(names(self.now))

    @cached_property
    def feeders_before(self) -> int:
        return len(names(self.then))

    @cached_property
    def rows_of(self) -> dict[str, int]:
        """Feeder to its rows in the run."""
        return rows_of(self.now)

    @property
    def ratio(self) -> float:
        """Rows of one figure for each feeder."""
        return self.rows / len(self.spec.figures) / max(self.feeders, 1)

    @property
    def ratio_before(self) -> float:
        """The same of what is published; 0 where nothing is."""
        return self.rows_before / len(self.spec.figures) / max(self.feeders_before, 1)

    @property
    def own_feeder(self) -> int:
        """Rows whose feeder id is their own key."""
        return total(self.now, "own_feeder")

    @cached_property
    def mapped(self) -> set[str]:
        """Our columns that the entry maps."""
        found = set(self.spec.fields.readings())
        return found.union(*(figure.readings() for figure in self.spec.figures))

    @cached_property
    def null_shares(self) -> dict[str, float]:
        """Column to share of nulls in the run."""
        if not self.rows:
            return {}
        return {name: 1 - total(self.now, f"known_{name}") / self.rows for name in c.WATCHED}

    @cached_property
    def null_shares_before(self) -> dict[str, float]:
        """The same of what is published; only columns that its table has."""
        if not self.rows_before:
            return {}
        there = [name for name in c.WATCHED if name in self.before.columns]
        return {name: 1 - total(self.then, f"known_{name}_before") / self.rows_before for name in there}

    @cached_property
    def figures(self) -> dict[str, Counted]:
        """By type and variant."""
        return _counted(self.now, "")

    @cached_property
    def figures_before(self) -> dict[str, Counted]:
        """The same of what is published."""
        return _counted(self.then, "_before")

    @cached_property
    def study_last(self) -> date | None:
        return latest(self.now, "study_last")

    @cached_property
    def der_last(self) -> date | None:
        return latest(self.now, "der_last")

    def flagged(self, flag: str) -> pa.Table:
        """Groups in which a condition holds."""
        return self.groups.filter(pc.fill_null(self.groups[flag], False))

    @property
    def dated_anew(self) -> int:
        return len(names(self.flagged("dated_anew")))

    @property
    def dated_anew_alike(self) -> int:
        return len(names(self.flagged("dated_alike")))


def measure(
    frame: "DataFrame",
    before: "DataFrame",
    spec: SourceSpec,
    *,
    row_rules: Sequence[Rule],
    feeder_rules: Sequence[FeederRule],
    today: date,
    name: str = "",
) -> Profile:
    """Count. `before` is the current table of the run's own grain, `name` the service's and the layer's."""
    passed = frame.where(F.col("reject_check").isNull())
    counted = [
        F.count(F.when(rule.broken, 1)).cast("int").alias(f"row_{n}") for n, rule in enumerate(row_rules)
    ]
    now = passed.groupBy(*c.GROUP).agg(*c.aggregates(passed.columns), *counted).alias("n")
    then = before.groupBy(*c.GROUP).agg(*c.aggregates(before.columns)).alias("b")
    same = F.col(f"n.{c.GROUP[0]}").eqNullSafe(F.col(f"b.{c.GROUP[0]}"))
    for key in c.GROUP[1:]:
        same = same & F.col(f"n.{key}").eqNullSafe(F.col(f"b.{key}"))
    measured = c.MEASURED
    both = now.join(then, same, "full_outer").select(
        *[F.coalesce(F.col(f"n.{key}"), F.col(f"b.{key}")).alias(key) for key in c.GROUP],
        *[F.col(f"n.{one}").alias(one) for one in measured],
        *[F.col(f"b.{one}").alias(f"{one}_before") for one in measured],
        *[F.col(f"n.row_{n}").alias(f"row_{n}") for n in range(len(row_rules))],
    )
    flags = {f"feeder_{n}": rule.broken for n, rule in enumerate(feeder_rules)} | c.flags(spec)
    table = both.select("*", *[flag.alias(name) for name, flag in flags.items()]).toArrow()
    profile = Profile(frame, before, spec, today, name, row_rules, feeder_rules, table)
    profile.tops.update(_tops(passed, profile))
    return profile


def _tops(passed: "DataFrame", profile: Profile) -> dict[str, Top]:
    """Figure to its highest value and how many share it; only where enough are known for a ceiling."""
    highest: dict[tuple[str, str], float] = {}
    for row in profile.now.select(["capacity_type", "variant", "high"]).to_pylist():
        if row["high"] is not None and row["high"] > 0:
            pair = (row["capacity_type"], row["variant"])
            highest[pair] = max(highest.get(pair, 0), row["high"])
    if profile.rows < profile.spec.thresholds.pile_up or not highest:
        return {}
    top = F.lit(None).cast(c.MW)
    for (kind, variant), mw in highest.items():
        mine = (F.col("capacity_type") == kind) & (F.col("variant") == variant)
        top = F.when(mine, F.lit(str(mw)).cast(c.MW)).otherwise(top)
    value, stops = c.value(), F.col("capacity_status") == "published"
    who = F.coalesce(F.col("feeder_id"), F.col("key"))
    nearly = (value < top) & (value.cast("double") >= top.cast("double") * F.lit(0.9))
    rows = (
        passed.groupBy("capacity_type", "variant")
        .agg(
            F.countDistinct(F.when(stops & (value == top), who)),
            F.countDistinct(F.when(stops & nearly, who)),
        )
        .collect()
    )
    return {
        figure_name(kind, variant): Top(float(highest[kind, variant]), at, below)
        for kind, variant, at, below in rows
        if (kind, variant) in highest
    }


def _counted(groups: pa.Table, suffix: str) -> dict[str, Counted]:
    found: dict[str, Counted] = {}
    if not groups.num_rows:
        return found
    columns = [f"known{suffix}", f"zeros{suffix}", f"headline{suffix}"]
    summed = groups.group_by(["capacity_type", "variant"]).aggregate(
        [(columns[0], "sum"), (columns[1], "sum"), (columns[2], "sum"), (columns[2], "count")]
    )
    for row in summed.to_pylist():
        found[figure_name(row["capacity_type"], row["variant"])] = Counted(
            row[f"{columns[0]}_sum"],
            row[f"{columns[1]}_sum"],
            row[f"{columns[2]}_count"],
            float(row[f"{columns[2]}_sum"] or 0),
        )
    return found


def figure_name(capacity_type: str, variant: str) -> str:
    return f"{capacity_type} ({variant})"


def total(table: pa.Table, column: str) -> int:
    """The sum of a column of counts."""
    return pc.sum(table[column]).as_py() or 0


def latest(table: pa.Table, column: str) -> date | None:
    """The highest day of a column."""
    day: date | None = pc.max(table[column]).as_py()
    return day


def names(table: pa.Table) -> list[str]:
    """The feeders of some groups, each once, in order."""
    found: list[Any] = pc.unique(table["feeder_id"]).to_pylist()
    return sorted(name for name in found if name is not None)
