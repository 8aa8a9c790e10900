"""Whether figures say of when they are, and are of when they should be (Q40, Q42 to Q46)."""

import re
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from hosting.lake.checks.found import FeederRule, Noticed, Rule
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from hosting.lake.checks.profile import Profile

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# 'HCA_June_2023', 'Capacity_MAR2026'; '2026_03', '202603'; '2025Q3', 'Q3_2025'.
WORD_YEAR = re.compile(rf"({'|'.join(MONTHS)})[a-z]*[ _-]?(20[0-9]{{2}})", re.IGNORECASE)
YEAR_MONTH = re.compile(r"(?<![0-9])(20[0-9]{2})[ _-]?(0[1-9]|1[0-2])(?![0-9])")
YEAR_QUARTER = re.compile(r"(20[0-9]{2})[ _-]?Q([1-4])|Q([1-4])[ _-]?(20[0-9]{2})", re.IGNORECASE)


def no_study_date(_spec: SourceSpec) -> Iterator[Rule]:
    """Q40: nobody says when the figure was computed."""
    yield Rule(
        "Q40",
        "W",
        F.col("record_date").isNull(),
        "{count:,} of {rows:,} figures have no date of their study.",
    )


def der_newer_than_study(spec: SourceSpec) -> Iterator[Rule]:
    """Q43: expected, and must be shown."""
    if {"record_date", "der_date"} <= set(spec.fields.readings()):
        yield Rule(
            "Q43",
            "I",
            F.col("der_date") > F.col("record_date"),
            "{count:,} of {rows:,} figures have DER counted after the study.",
        )


def several_studies_in_a_feeder(spec: SourceSpec) -> Iterator[FeederRule]:
    """Q44: sections of one feeder with different dates."""
    if spec.grain == "section" and spec.fields.record_date is not None:
        yield FeederRule(
            "Q44",
            "W",
            F.col("study_first") != F.col("study_last"),
            "{count:,} of {feeders:,} feeders have sections studied on different days.",
        )


def older_than_promised(profile: "Profile") -> Iterator[Noticed]:
    """Q42: the newest date against today, or the month that is loaded."""
    limits = profile.spec.thresholds
    for what, newest, most in (
        ("study", profile.study_last, limits.max_age_days),
        ("DER figure", profile.der_last, limits.max_der_age_days),
    ):
        if newest is not None and (age := (profile.today - newest).days) > most:
            message = f"The newest {what} is of {newest}, {age:,} days ago; at most {most} are usual."
            yield Noticed("Q42", "W", message, profile.rows)


def date_bumped(profile: "Profile") -> Iterator[Noticed]:
    """Q45: feeders with a newer date and the very same figures."""
    newer, same = profile.dated_anew, profile.dated_anew_alike
    if newer and same > newer * profile.spec.thresholds.max_same_after_date:
        message = f"{same:,} of {newer:,} feeders with a newer date have the same figures as before."
        yield Noticed("Q45", "W", message, same, of=profile.feeders)


def month_in(name: str) -> date | None:
    """The first day of the month or quarter that a service or layer is named for."""
    if found := WORD_YEAR.search(name):
        return date(int(found[2]), MONTHS.index(found[1].lower()[:3]) + 1, 1)
    if found := YEAR_QUARTER.search(name):
        year, quarter = (found[1], found[2]) if found[1] else (found[4], found[3])
        return date(int(year), 3 * int(quarter) - 2, 1)
    if found := YEAR_MONTH.search(name):
        return date(int(found[1]), int(found[2]), 1)
    return None


def name_disagrees(profile: "Profile") -> Iterator[Noticed]:
    """Q46: 'HCA_June_2023' that holds rows of 2026."""
    named, newest = month_in(profile.name), profile.study_last
    if named is None or newest is None:
        return
    apart = abs((newest.year - named.year) * 12 + newest.month - named.month)
    if apart > profile.spec.thresholds.max_name_months:
        message = f"The service is named for {named:%B %Y}, and its newest study is of {newest}."
        yield Noticed("Q46", "I", message, profile.rows)


ROWS = (no_study_date, der_newer_than_study)
FEEDERS = (several_studies_in_a_feeder,)
WHOLE = (older_than_promised, date_bumped, name_disagrees)
