"""What every run is judged by, whatever its rows are: how many passed, were kept back, and are gone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from hosting.lake.checks.found import Noticed, Rule
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Refused:
    """Rows of one check and feeder (None where they name none) that were kept back, and a reason."""

    check: str
    feeder: str | None
    rows: int
    reason: str


@dataclass(frozen=True)
class Judged:
    """A run's stage rows and what they are compared with; counted once for all checks.

    `frame` has all stage rows, `before` the current ones; `rows_of` are the rows of each feeder
    that passed, `noun` is what a row is called.
    """

    frame: "DataFrame"
    before: "DataFrame"
    spec: SourceSpec
    refused: list[Refused]
    passed: int
    rows_before: int
    row_rules: list[Rule]
    rows_of: dict[str, int]
    noun: str

    @property
    def rejected(self) -> dict[str, int]:
        """Check to the rows that it kept back."""
        found: dict[str, int] = {}
        for one in self.refused:
            found[one.check] = found.get(one.check, 0) + one.rows
        return found

    @property
    def reasons(self) -> dict[str, str]:
        """Check to a reason; of several, the first by the alphabet."""
        found: dict[str, str] = {}
        for one in self.refused:
            found[one.check] = min(found.get(one.check, one.reason), one.reason)
        return found

    @property
    def rows(self) -> int:
        """All rows of the run, those kept back included."""
        return self.passed + sum(one.rows for one in self.refused)


def refusals(frame: "DataFrame") -> list[Refused]:
    """What was kept back, by check and feeder."""
    rows = (
        frame.where(F.col("reject_check").isNotNull())
        .groupBy("reject_check", "feeder_id")
        .agg(F.count(F.lit(1)), F.min("reject_reason"))
        .orderBy("reject_check", "feeder_id")
        .collect()
    )
    return [Refused(*row) for row in rows]


def nothing_left(judged: Judged) -> Iterator[Noticed]:
    """Q02: nothing whole to publish."""
    if judged.passed == 0:
        refused = judged.rows
        why = f"all {refused:,} {judged.noun} were refused" if refused else "the source has no rows"
        yield Noticed("Q02", "F", f"Nothing can be published: {why}.", refused)


def rows_refused(judged: Judged) -> Iterator[Noticed]:
    """E: each rule that quarantined rows; Q02, B: together they took more than the source allows."""
    refused, rows = judged.rows - judged.passed, judged.rows
    for identity, count in sorted(judged.rejected.items()):
        message = f"{count:,} of {rows:,} {judged.noun} were quarantined: {judged.reasons[identity]}."
        yield Noticed(identity, "E", message, count)
    limit = judged.spec.thresholds.max_quarantined
    if judged.passed and refused > rows * limit:  # else Q02 has failed the run
        message = f"{refused:,} of {rows:,} {judged.noun} were quarantined, more than {limit:.0%}."
        yield Noticed("Q02", "B", message, refused)


def rows_vanished(judged: Judged) -> Iterator[Noticed]:
    """Q56: a collapse in row count never becomes mass removal."""
    limit = judged.spec.thresholds.max_row_loss
    if judged.spec.feed == "snapshot" and judged.passed < judged.rows_before * (1 - limit):
        lost = judged.rows_before - judged.passed
        message = (
            f"{lost:,} of {judged.rows_before:,} published {judged.noun} are gone, more than {limit:.0%}."
        )
        yield Noticed("Q56", "B", message, lost)


def values_not_read(judged: Judged) -> Iterator[Noticed]:
    """Q27: values beside what the row is about that were not understood; they are shown as unknown."""
    odd = (
        judged.frame.where(F.col("reject_check").isNull() & (F.length("unread") > 0))
        .groupBy("unread")
        .count()
        .orderBy(F.desc("count"), "unread")
        .limit(20)
    )
    for what, count in odd.collect():
        message = f"{count:,} {judged.noun} have a value that was not understood: {what}."
        yield Noticed("Q27", "W", message, count)


def heaviest_first(found: list[Noticed]) -> list[Noticed]:
    return sorted(found, key=lambda noticed: "FBEWI".index(noticed.severity))
