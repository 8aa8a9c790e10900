"""Checks of dates and of geometry, in words."""

from hosting.lake.checks.listed import Check

DATES = (
    Check("Q40", "W", "The study has a date", "Nobody says when the figure was computed."),
    Check(
        "Q41",
        "E",
        "A date that can be",
        "The date lies in the future, or before hosting capacity was published at all.",
    ),
    Check(
        "Q42",
        "W",
        "As fresh as promised",
        "The newest date is older than the publisher's rhythm.",
        ("max_age_days", "max_der_age_days"),
    ),
    Check(
        "Q43",
        "I",
        "DER newer than the study",
        "What is connected was counted after the study: the study may not contain all of it.",
    ),
    Check(
        "Q44",
        "W",
        "One study for a feeder",
        "Sections of a feeder were studied on different days; the latest is shown.",
    ),
    Check(
        "Q45",
        "W",
        "A new date has new values",
        "The date moved on and the figures did not: was anything studied again?",
        ("max_same_after_date",),
    ),
    Check(
        "Q46",
        "I",
        "The name agrees with the dates",
        "The service is named for another time than its rows.",
        ("max_name_months",),
    ),
    Check("Q47", "E", "Dates are dates", "A date is written in a form that nobody declared."),
    Check("Q48", "B", "One year only", "Years of a forecast are mixed with the present."),
)

GEOMETRY = (
    Check("Q49", "EW", "There is a shape", "The row has no place on the map, or one that cannot be drawn."),
    Check(
        "Q50",
        "WB",
        "Within its states",
        "The shape lies outside the states that the utility serves.",
        ("max_outside",),
    ),
    Check(
        "Q51",
        "B",
        "Longitude before latitude",
        "The coordinates lie in the state once they are swapped.",
        ("max_misplaced",),
    ),
    Check(
        "Q52",
        "BW",
        "Degrees, not metres",
        "The coordinates are no longitude and latitude: they are of another reference system.",
        ("max_misplaced",),
    ),
    Check(
        "Q53",
        "W",
        "One row, one place",
        "One row spans a territory: figures of many places were merged.",
        ("max_extent_degrees",),
    ),
    Check("Q54", "W", "The marker lies on the feeder", "The point that stands for a feeder is not on it."),
    Check(
        "Q55",
        "W",
        "Lengths stay",
        "A line has no length, or all lines together have changed theirs.",
        ("max_length_change",),
    ),
)
