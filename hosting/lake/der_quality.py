"""What is checked of a run's DER rows before they may be published."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from hosting.lake import quality
from hosting.lake.quality import Noticed, Staged
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def measure(frame: "DataFrame", before: "DataFrame", spec: SourceSpec) -> Staged:
    """Count what the checks need. `frame` has all stage rows, `before` the current ones."""
    by_check = frame.groupBy("reject_check").agg(F.count(F.lit(1)), F.min("reject_reason")).collect()
    return Staged(
        frame=frame,
        before=before,
        spec=spec,
        passed=next((n for check, n, _ in by_check if check is None), 0),
        rejected={check: n for check, n, _ in by_check if check is not None},
        reasons={check: reason for check, _, reason in by_check if check is not None},
        rows_before=before.count(),
        feeders=0,
        feeders_before=0,
        figures=[],
    )


def check(staged: Staged) -> list[Noticed]:
    """All findings of a run, heaviest first."""
    return quality.check(staged, CHECKS)


def references_lost(staged: Staged) -> Iterator[Noticed]:
    """Q59: references that lead to no feeder; the DER is kept and listed."""
    lost = staged.frame.where(F.col("reject_check").isNull() & F.col("unresolved_references").isNotNull())
    count = lost.count()
    if not count:
        return
    rows = lost.orderBy("row_no").limit(quality.EXAMPLES).select("key", "feeder_reference").collect()
    message = f"{count:,} of {staged.passed:,} DER name a feeder that is not known."
    examples = [{"key": key, "feeder_reference": reference} for key, reference in rows]
    yield Noticed("Q59", "W", message, count, examples)


CHECKS = (quality.nothing_left, quality.rows_refused, quality.rows_vanished, references_lost)
