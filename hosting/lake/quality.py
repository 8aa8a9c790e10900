"""The checks that decide whether a run may be published, and what a person should look at.

Each check is a small named function with an id from the list of data-quality checks; it takes the run's
frames and gives findings. Severity: F fails the run, B holds it, E quarantined the rows, W and I are
published with.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from hosting.lake import tables
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

EXAMPLES = 100


@dataclass(frozen=True)
class Noticed:
    """What one check noticed. `examples` are rows as published or as staged, at most 100."""

    check_id: str
    severity: str
    message: str
    count: int
    examples: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Staged:
    """A run's stage rows and what they are compared with; counted once for all checks.

    `rows` counts by reject_check (None is passed). `before` is the current table of the same grain.
    """

    frame: "DataFrame"
    before: "DataFrame"
    spec: SourceSpec
    passed: int
    rejected: dict[str, int]
    reasons: dict[str, str]
    rows_before: int
    feeders: int
    feeders_before: int


def measure(frame: "DataFrame", before: "DataFrame", spec: SourceSpec) -> Staged:
    """Count what the checks need, in two passes."""
    by_check = (
        frame.groupBy("reject_check")
        .agg(F.count(F.lit(1)), F.min("reject_reason"), F.countDistinct("feeder_id"))
        .collect()
    )
    passed = next(((n, feeders) for check, n, _, feeders in by_check if check is None), (0, 0))
    rows_before, feeders_before = before.agg(F.count(F.lit(1)), F.countDistinct("feeder_id")).collect()[0]
    return Staged(
        frame=frame,
        before=before,
        spec=spec,
        passed=passed[0],
        rejected={check: n for check, n, _, _ in by_check if check is not None},
        reasons={check: reason for check, _, reason, _ in by_check if check is not None},
        rows_before=rows_before,
        feeders=passed[1],
        feeders_before=feeders_before,
    )


def check(staged: Staged) -> list[Noticed]:
    """All findings of a run, heaviest first."""
    found = [noticed for function in CHECKS for noticed in function(staged)]
    return sorted(found, key=lambda noticed: "FBEWI".index(noticed.severity))


def nothing_left(staged: Staged) -> Iterator[Noticed]:
    """Q02: nothing whole to publish."""
    if staged.passed == 0:
        refused = sum(staged.rejected.values())
        why = f"all {refused:,} figures were refused" if refused else "the source has no rows"
        yield Noticed("Q02", "F", f"Nothing can be published: {why}.", refused)


def rows_refused(staged: Staged) -> Iterator[Noticed]:
    """E: each rule that quarantined rows; B where it took more than the source allows."""
    total = staged.passed + sum(staged.rejected.values())
    for identity, count in sorted(staged.rejected.items()):
        share = count / total
        holds = share > staged.spec.thresholds.max_quarantined
        yield Noticed(
            identity,
            "B" if holds else "E",
            f"{count:,} of {total:,} figures were quarantined: {staged.reasons[identity]}.",
            count,
        )


def rows_vanished(staged: Staged) -> Iterator[Noticed]:
    """Q56: a collapse in row count never becomes mass removal."""
    limit = staged.spec.thresholds.max_row_loss
    if staged.spec.feed == "snapshot" and staged.passed < staged.rows_before * (1 - limit):
        lost = staged.rows_before - staged.passed
        yield Noticed(
            "Q56",
            "B",
            f"{lost:,} of {staged.rows_before:,} published figures are gone, more than {limit:.0%}.",
            lost,
        )


def feeders_changed(staged: Staged) -> Iterator[Noticed]:
    """Q56: the number of feeders moved further than a refresh usually moves it.

    An incremental feed names those that changed, so their number says nothing.
    """
    if staged.spec.feed != "snapshot":
        return
    limit = staged.spec.thresholds.max_feeder_change
    moved = abs(staged.feeders - staged.feeders_before)
    if staged.feeders_before and moved > max(1, staged.feeders_before * limit):
        yield Noticed(
            "Q56",
            "B",
            f"The source names {staged.feeders:,} feeders; {staged.feeders_before:,} are published, "
            f"a change of more than {limit:.0%}.",
            moved,
        )


def scale_shifted(staged: Staged) -> Iterator[Noticed]:
    """Q24: the median ratio to the published values is near 1000 or 0.001, as when kW are read as MW."""
    s, b = staged.frame.alias("s"), staged.before.alias("b")
    same = [F.col(f"s.{name}") == F.col(f"b.{name}") for name in tables.KEY]
    now = F.col("s.hosting_capacity_mw").cast("double")
    then = F.col("b.hosting_capacity_mw").cast("double")
    usable = F.col("s.reject_check").isNull() & (now > 0) & (then > 0)
    ratios = (
        s.join(b, same[0] & same[1] & same[2] & same[3])
        .where(usable)
        .select("s.capacity_type", "s.variant", (now / then).alias("ratio"))
        .groupBy("capacity_type", "variant")
        .agg(F.percentile_approx(F.col("ratio"), 0.5), F.count(F.lit(1)))
    )
    limit = staged.spec.thresholds.scale_shift
    for capacity_type, variant, median, rows in ratios.collect():
        if median > limit or median < 1 / limit:
            yield Noticed(
                "Q24",
                "B",
                f"The median {capacity_type} ({variant}) capacity is {median:g} times what is published: "
                "has the unit changed?",
                rows,
            )


def words_not_known(staged: Staged) -> Iterator[Noticed]:
    """Q35: constraint words outside the vocabulary are published as unknown."""
    count = staged.frame.where(
        F.col("reject_check").isNull() & (F.col("constraining_metric") == "unknown")
    ).count()
    if count:
        yield Noticed(
            "Q35", "W", f"{count:,} figures name a constraint that is not in the vocabulary.", count
        )


def values_not_read(staged: Staged) -> Iterator[Noticed]:
    """Q27: attributes beside the figure that were published and not understood; they are shown as unknown."""
    odd = (
        staged.frame.where(F.col("reject_check").isNull() & (F.length("unread") > 0))
        .groupBy("unread")
        .count()
        .orderBy(F.desc("count"), "unread")
        .limit(20)
    )
    for what, count in odd.collect():
        yield Noticed("Q27", "W", f"{count:,} figures have a value that was not understood: {what}.", count)


def rows_per_feeder(staged: Staged) -> Iterator[Noticed]:
    """Q09: how many rows a feeder has, so that a change of grain is seen."""
    if staged.feeders and staged.spec.grain == "section":
        figures = len(staged.spec.figures)
        ratio = staged.passed / figures / staged.feeders
        yield Noticed("Q09", "I", f"{ratio:.1f} sections a feeder, over {staged.feeders:,} feeders.", 0)


CHECKS = (
    nothing_left,
    rows_refused,
    rows_vanished,
    feeders_changed,
    scale_shifted,
    words_not_known,
    values_not_read,
    rows_per_feeder,
)
