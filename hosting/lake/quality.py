"""The checks of a run of capacities: what they read is counted first, then each says what it noticed.

The checks themselves stand in hosting/lake/checks, with the list of all of them. Severity: F fails the run, B
holds it, E quarantined the rows, W and I are published with.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pyarrow.compute as pc
from pyspark.sql import functions as F

from hosting.lake import tables
from hosting.lake.checks import change, completeness, dates, judged, values
from hosting.lake.checks.feeders import Concerned, add_rows, of_refusals
from hosting.lake.checks.found import EXAMPLES, FeederRule, Noticed, Rule
from hosting.lake.checks.judged import Judged
from hosting.lake.checks.profile import Profile, names, total
from hosting.lake.checks.profile import measure as profile_of
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["Compared", "Noticed", "Staged", "check", "measure"]

ROWS = (*completeness.ROWS, *values.ROWS, *dates.ROWS)
FEEDERS = (*completeness.FEEDERS, *dates.FEEDERS)
WHOLE = (*completeness.WHOLE, *values.WHOLE, *dates.WHOLE)


@dataclass(frozen=True)
class Compared:
    """The published figures of one type and variant beside those of the run that have the same keys.

    `ratio` is the median of now to then over the `usable` pairs, in which both are above zero.
    """

    capacity_type: str
    variant: str
    published: int
    again: int
    usable: int
    ratio: float | None


@dataclass(frozen=True)
class Staged(Judged):
    """A run of capacities."""

    profile: Profile
    feeder_rules: list[FeederRule]
    figures: list[Compared]

    @property
    def feeders(self) -> int:
        return self.profile.feeders

    @property
    def feeders_before(self) -> int:
        return self.profile.feeders_before

    @property
    def again(self) -> int:
        """Published figures whose key came again."""
        return sum(figure.again for figure in self.figures)


def measure(
    frame: "DataFrame", before: "DataFrame", spec: SourceSpec, *, today: date | None = None, name: str = ""
) -> Staged:
    """Count what the checks need, in three or four passes.

    `before` is the current table of the run's own grain; `today` is when the run is, or the month that it
    loads; `name` is the service's and the layer's.
    """
    row_rules = [rule for make in ROWS for rule in make(spec)]
    feeder_rules = [rule for made in FEEDERS for rule in made(spec)]
    profile = profile_of(
        frame,
        before,
        spec,
        row_rules=row_rules,
        feeder_rules=feeder_rules,
        today=today or datetime.now(UTC).date(),
        name=name,
    )
    return Staged(
        frame=frame,
        before=before,
        spec=spec,
        refused=judged.refusals(frame),
        passed=profile.rows,
        rows_before=profile.rows_before,
        row_rules=row_rules,
        rows_of=profile.rows_of,
        noun="figures",
        profile=profile,
        feeder_rules=feeder_rules,
        figures=_side_by_side(frame, before) if profile.rows_before else [],
    )


def _side_by_side(frame: "DataFrame", before: "DataFrame") -> list[Compared]:
    """The published figures joined with the run's, by type and variant."""
    b = before.select(*tables.KEY, change.capacity().alias("mw")).alias("b")
    passed = frame.where(F.col("reject_check").isNull())
    s = passed.select(*tables.KEY, change.capacity().alias("mw")).alias("s")
    same = [F.col(f"s.{name}") == F.col(f"b.{name}") for name in tables.KEY]
    ratio = F.col("s.mw") / F.col("b.mw")
    rows = (
        b.join(s, same[0] & same[1] & same[2] & same[3], "left_outer")
        .select("b.capacity_type", "b.variant", F.col("s.key").alias("again"), ratio.alias("ratio"))
        .groupBy("capacity_type", "variant")
        .agg(
            F.count(F.lit(1)),
            F.count("again"),
            F.count("ratio"),
            F.median(F.col("ratio")),
        )
        .orderBy("capacity_type", "variant")
    )
    return [Compared(*row) for row in rows.collect()]


def check(staged: Staged) -> list[Noticed]:
    """All findings of a run, heaviest first."""
    found = [noticed for function in CHECKS for noticed in function(staged)]
    if not any(noticed.check_id == "Q24" for noticed in found):
        found += [noticed for function in change.CHECKS_IN_ONE_UNIT for noticed in function(staged)]
    found += [noticed for whole in WHOLE for noticed in whole(staged.profile)]
    return judged.heaviest_first(found)


def concerned(staged: Staged) -> Concerned:
    """(Feeder, check, severity) to the rows of the feeder that the check is about."""
    found = of_refusals(staged)
    profile = staged.profile
    for number, rule in enumerate(profile.row_rules):
        if _speaks(rule, total(profile.now, f"row_{number}"), profile.rows):
            add_rows(found, rule, profile.now, f"row_{number}")
    for number, one in enumerate(profile.feeder_rules):
        for feeder in _with_feeder(profile, f"feeder_{number}"):
            found[feeder, one.check, one.severity] = profile.rows_of[feeder]
    for flag, check_id in (("moved", "Q58"), ("dated_alike", "Q45")):
        for feeder in _with_feeder(profile, flag):
            found[feeder, check_id, "W"] = profile.rows_of[feeder]
    return found


def rows_noticed(staged: Staged) -> Iterator[Noticed]:
    """Each rule on rows that passed, where its condition held for enough of them."""
    profile = staged.profile
    for number, rule in enumerate(profile.row_rules):
        count = total(profile.now, f"row_{number}")
        if _speaks(rule, count, profile.rows):
            message = rule.message.format(count=count, rows=profile.rows)
            yield Noticed(rule.check, rule.severity, message, count)


def feeders_noticed(staged: Staged) -> Iterator[Noticed]:
    """Each rule on feeders, where its condition held for one."""
    profile = staged.profile
    for number, rule in enumerate(profile.feeder_rules):
        feeders = _with_feeder(profile, f"feeder_{number}")
        if feeders:
            message = rule.message.format(count=len(feeders), feeders=profile.feeders)
            examples = [{"feeder": feeder} for feeder in feeders[:EXAMPLES]]
            yield Noticed(rule.check, rule.severity, message, len(feeders), examples, of=profile.feeders)


def values_not_read(staged: Staged) -> Iterator[Noticed]:
    """Q27; rows are read again only where there are any."""
    if total(staged.profile.now, "unread"):
        yield from judged.values_not_read(staged)


def _speaks(rule: Rule, count: int, rows: int) -> bool:
    return count > 0 and count >= rows * rule.least


def _with_feeder(profile: Profile, flag: str) -> list[str]:
    return names(profile.now.filter(pc.fill_null(profile.now[flag], False)))


CHECKS = (
    judged.nothing_left,
    judged.rows_refused,
    judged.rows_vanished,
    *change.CHECKS,
    rows_noticed,
    feeders_noticed,
    values_not_read,
)
