"""The checks that decide whether a run may be published, and what a person should look at.

Each check is a small named function with an id from the list of data-quality checks; it takes the run's
frames and gives findings. Severity: F fails the run, B holds it, E quarantined the rows, W and I are
published with.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from hosting.lake import tables
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

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
    figures: list[Compared]

    @property
    def again(self) -> int:
        """Published figures whose key came again."""
        return sum(figure.again for figure in self.figures)


def measure(frame: "DataFrame", before: "DataFrame", spec: SourceSpec) -> Staged:
    """Count what the checks need, in three passes."""
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
        figures=_side_by_side(frame, before) if rows_before else [],
    )


def _capacity(prefix: str = "") -> "Column":
    """What a figure says, hosting or else remaining, where it is above zero."""
    value = F.coalesce(F.col(f"{prefix}hosting_capacity_mw"), F.col(f"{prefix}remaining_capacity_mw"))
    return F.when(value > 0, value.cast("double"))


def _side_by_side(frame: "DataFrame", before: "DataFrame") -> list[Compared]:
    """The published figures joined with the run's, by type and variant."""
    b = before.select(*tables.KEY, _capacity().alias("mw")).alias("b")
    s = frame.where(F.col("reject_check").isNull()).select(*tables.KEY, _capacity().alias("mw")).alias("s")
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
            F.percentile_approx(F.col("ratio"), 0.5),
        )
        .orderBy("capacity_type", "variant")
    )
    return [Compared(*row) for row in rows.collect()]


def check(staged: Staged, checks: "Iterable[Check] | None" = None) -> list[Noticed]:
    """All findings of a run, heaviest first; by the checks of capacity where no others are named."""
    found = [noticed for function in checks or CHECKS for noticed in function(staged)]
    return sorted(found, key=lambda noticed: "FBEWI".index(noticed.severity))


def nothing_left(staged: Staged) -> Iterator[Noticed]:
    """Q02: nothing whole to publish."""
    if staged.passed == 0:
        refused = sum(staged.rejected.values())
        why = f"all {refused:,} figures were refused" if refused else "the source has no rows"
        yield Noticed("Q02", "F", f"Nothing can be published: {why}.", refused)


def rows_refused(staged: Staged) -> Iterator[Noticed]:
    """E: each rule that quarantined rows; Q02, B: together they took more than the source allows."""
    refused = sum(staged.rejected.values())
    total = staged.passed + refused
    for identity, count in sorted(staged.rejected.items()):
        message = f"{count:,} of {total:,} figures were quarantined: {staged.reasons[identity]}."
        yield Noticed(identity, "E", message, count)
    limit = staged.spec.thresholds.max_quarantined
    if staged.passed and refused > total * limit:  # else Q02 has failed the run
        message = f"{refused:,} of {total:,} figures were quarantined, more than {limit:.0%}."
        yield Noticed("Q02", "B", message, refused)


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


def keys_changed(staged: Staged) -> Iterator[Noticed]:
    """Q56: as many rows as before, and most of them under other keys, as when ids are numbered anew.

    It would cut off the history of each row. A shape that is a key changes with any surveyor's correction,
    and a row without a key has no history.
    """
    if staged.spec.feed != "snapshot" or isinstance(staged.spec.key, str):
        return
    limit = staged.spec.thresholds.max_key_change
    gone, new = staged.rows_before - staged.again, staged.passed - staged.again
    if gone > staged.rows_before * limit and 2 * new >= gone:
        yield Noticed(
            "Q56",
            "B",
            f"The keys of {gone:,} of {staged.rows_before:,} published figures are gone, more than "
            f"{limit:.0%}, and {new:,} new ones came: were they numbered anew?",
            gone,
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
    """Q24: the median ratio to the published values is near 1000 or 0.001, as when kW are read as MW.

    Where fewer than half of a figure's published keys came again, it would speak of few rows or none: then
    the medians of all values of that type are compared. Not in an incremental feed, which names a few.
    """
    limit = staged.spec.thresholds.scale_shift
    renamed: set[str] = set()
    for figure in staged.figures:
        name = f"{figure.capacity_type} ({figure.variant})"
        if staged.spec.feed == "snapshot" and 2 * figure.again < figure.published:
            renamed.add(figure.capacity_type)
        elif figure.ratio is not None and not 1 / limit <= figure.ratio <= limit:
            yield _shifted(name, figure.ratio, figure.usable)
    if not renamed:
        return
    now = _medians(staged.frame.where(F.col("reject_check").isNull()))
    then = _medians(staged.before)
    for capacity_type in sorted(renamed & now.keys() & then.keys()):
        median, rows = now[capacity_type]
        ratio = median / then[capacity_type][0]
        if not 1 / limit <= ratio <= limit:
            yield _shifted(capacity_type, ratio, rows)


def _shifted(name: str, ratio: float, rows: int) -> Noticed:
    message = f"The median {name} capacity is {ratio:g} times what is published: has the unit changed?"
    return Noticed("Q24", "B", message, rows)


def _medians(frame: "DataFrame") -> dict[str, tuple[float, int]]:
    """Capacity type to the median of its values above zero, and how many there are."""
    rows = (
        frame.select("capacity_type", _capacity().alias("mw"))
        .where(F.col("mw").isNotNull())
        .groupBy("capacity_type")
        .agg(F.percentile_approx(F.col("mw"), 0.5), F.count("mw"))
    )
    return {capacity_type: (median, count) for capacity_type, median, count in rows.collect()}


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


Check = Callable[[Staged], Iterator[Noticed]]
CHECKS = (
    nothing_left,
    rows_refused,
    rows_vanished,
    keys_changed,
    feeders_changed,
    scale_shifted,
    words_not_known,
    values_not_read,
    rows_per_feeder,
)
