"""Whether rows and columns are all there, and say one thing each (Q09 to Q14, Q27, Q35)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from hosting.lake.checks.found import FeederRule, Noticed, Rule
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from hosting.lake.checks.profile import Profile

ENOUGH = 100  # rows; fewer say nothing of whether an id is a section's


def several_ids_in_a_cell(spec: SourceSpec) -> Iterator[Rule]:
    """Q11: 'F1, F2' in one cell, where the entry declares no lists."""
    if spec.fields.feeder_id is not None and spec.lists is None:
        yield Rule(
            "Q11",
            "W",
            F.col("feeder_id").rlike("[^ ][ ]*[,;|][ ]*[^ ]"),
            "{count:,} of {rows:,} figures name several feeders in one cell.",
        )


def word_not_known(_spec: SourceSpec) -> Iterator[Rule]:
    """Q35: constraint words outside the vocabulary are published as unknown."""
    yield Rule(
        "Q35",
        "W",
        F.col("constraining_metric") == "unknown",
        "{count:,} figures name a constraint that is not in the vocabulary.",
    )


def values_differ_within_a_feeder(spec: SourceSpec) -> Iterator[FeederRule]:
    """Q13: the one figure of a feeder hides a range."""
    if spec.rolls_up:
        yield FeederRule(
            "Q13",
            "I",
            F.col("low") != F.col("high"),
            "{count:,} of {feeders:,} feeders have sections that differ.",
        )


def maximum_differs_within_a_feeder(spec: SourceSpec) -> Iterator[FeederRule]:
    """Q14: sections repeat their feeder's maximum, and do not agree."""
    if any(figure.rollup == "feeder_max" for figure in spec.figures):
        yield FeederRule(
            "Q14",
            "W",
            F.col("own_low") != F.col("own_high"),
            "{count:,} of {feeders:,} feeders have sections that repeat different maxima of the feeder.",
        )


def rows_per_feeder(profile: "Profile") -> Iterator[Noticed]:
    """Q09: how many rows a feeder has, W where that has jumped."""
    if not profile.feeders or profile.spec.grain != "section":
        return
    ratio = profile.ratio
    yield Noticed("Q09", "I", f"{ratio:.1f} sections a feeder, over {profile.feeders:,} feeders.", 0)
    before, limit = profile.ratio_before, profile.spec.thresholds.max_ratio_change
    if profile.spec.feed == "snapshot" and before and abs(ratio / before - 1) > limit:
        message = f"A feeder has {ratio:.1f} sections; {before:.1f} were published, a change of more than "
        yield Noticed("Q09", "W", f"{message}{limit:.0%}.", profile.feeders)


def feeder_ids_of_sections(profile: "Profile") -> Iterator[Noticed]:
    """Q10, B: the feeder's id is the row's own key in every row, so that it is the id of a section."""
    if profile.spec.grain == "section" and profile.rows >= ENOUGH and profile.own_feeder == profile.rows:
        yield Noticed(
            "Q10",
            "B",
            f"Each of {profile.rows:,} figures has its own key as feeder id: is that the id of a section?",
            profile.rows,
        )


def columns_emptied(profile: "Profile") -> Iterator[Noticed]:
    """Q12: a mapped column is all null, or null in many more rows than in what is published."""
    limit = profile.spec.thresholds.max_null_rise
    for name, share in sorted(profile.null_shares.items()):
        before = profile.null_shares_before.get(name)
        rows = round(share * profile.rows)
        if share == 1 and profile.rows and name in profile.mapped:
            yield Noticed("Q12", "W", f"{name} is empty in every row.", rows)
        elif before is not None and profile.spec.feed == "snapshot" and share - before > limit:
            message = f"{name} is empty in {share:.0%} of the rows; {before:.0%} were before."
            yield Noticed("Q12", "W", message, rows)


ROWS = (several_ids_in_a_cell, word_not_known)
FEEDERS = (values_differ_within_a_feeder, maximum_differs_within_a_feeder)
WHOLE = (rows_per_feeder, feeder_ids_of_sections, columns_emptied)
