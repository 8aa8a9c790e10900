"""Checks of completeness and of values, in words."""

from hosting.lake.checks.listed import Check

COMPLETENESS = (
    Check(
        "Q01",
        "F",
        "The source answers",
        "The publisher's server could not be reached, or answered with an error instead of rows.",
    ),
    Check(
        "Q02",
        "FB",
        "There are rows",
        "The source has no rows where it had some, or so many of them had to be kept back that the rest may "
        "mislead.",
        ("max_quarantined",),
    ),
    Check(
        "Q03",
        "F",
        "As many rows as the server counts",
        "Fewer or more rows came than the server says it has.",
    ),
    Check("Q04", "F", "Nothing was cut off", "A limit of the server or a time-out ended the reading early."),
    Check(
        "Q05",
        "F",
        "Every mapped field is there",
        "A field that we read has another name now, or is gone.",
    ),
    Check(
        "Q06",
        "BI",
        "Fields kept their type",
        "A field holds another kind of value than before, such as text where numbers were.",
    ),
    Check(
        "Q07",
        "W",
        "Clean headers",
        "Column names carry an invisible mark, spaces, or differ only in case.",
    ),
    Check(
        "Q08",
        "E",
        "One row for each key",
        "The same feeder or section stands in the source twice; the first counts.",
    ),
    Check(
        "Q09",
        "WI",
        "Rows for each feeder",
        "How many rows a feeder has, and whether that has jumped, as when feeders turn into sections.",
        ("max_ratio_change",),
    ),
    Check(
        "Q10",
        "EB",
        "Rows name their feeder",
        "The feeder id is missing, too long, or really the number of a section or tile.",
    ),
    Check(
        "Q11",
        "WE",
        "One id in a cell",
        "A cell lists several feeders, so that a figure belongs to none of them alone.",
    ),
    Check(
        "Q12",
        "W",
        "Columns stay filled",
        "A column is empty in all rows, or in many more of them than before.",
        ("max_null_rise",),
    ),
    Check(
        "Q13",
        "I",
        "Feeders have one value",
        "The sections of a feeder differ, so that its one figure hides a range.",
    ),
    Check(
        "Q14",
        "W",
        "A feeder's maximum is one",
        "Each section repeats the feeder's maximum, and they do not agree; the highest is shown.",
    ),
)

VALUES = (
    Check("Q15", "E", "Minimum below maximum", "The lowest capacity of a row is above its highest."),
    Check(
        "Q16", "W", "Sections below their feeder", "A section can take more than its whole feeder is said to."
    ),
    Check(
        "Q17",
        "W",
        "Feeders below their substation",
        "A feeder can take more than the substation that feeds it is said to.",
    ),
    Check(
        "Q18",
        "EW",
        "Nothing below zero",
        "A hosting capacity is negative. What remains may be: then more is connected than the study allows.",
    ),
    Check(
        "Q19",
        "E",
        "Missing is not a number",
        "A number such as -1 or -9999 stands where nothing is known, and the entry does not say so.",
    ),
    Check(
        "Q20",
        "B",
        "No field made for display",
        "The field that we read is a twin made for the map, in which unknown has become zero.",
    ),
    Check(
        "Q21",
        "W",
        "Not too many zeros",
        "More than half of the figures are zero, or many more than before: unknown may have become zero.",
        ("max_zero_share", "max_zero_rise"),
    ),
    Check(
        "Q22",
        "W",
        "No ceiling at the top",
        "Many figures stand at exactly the highest value: the study may have stopped there.",
        ("pile_up",),
    ),
    Check(
        "Q23",
        "I",
        "Not a policy's cap",
        "Figures equal the most that a policy allows at their voltage, whatever the grid could take.",
        ("policy_caps", "policy_cap_share"),
    ),
    Check(
        "Q24",
        "B",
        "The unit is the same",
        "Figures are about a thousand times what they were: kW and MW may have been exchanged.",
        ("scale_shift",),
    ),
    Check(
        "Q25",
        "W",
        "Plausible for the voltage",
        "A feeder of this voltage can hardly carry that much.",
        ("plausible_mw",),
    ),
    Check(
        "Q26",
        "B",
        "The unit is what the layer says",
        "The layer's own words name another unit than the one we read.",
    ),
    Check(
        "Q27", "EW", "Numbers are numbers", "A figure is written so that it cannot be read, such as a range."
    ),
    Check(
        "Q28",
        "B",
        "No class read as megawatts",
        "The field holds the number of a class on the map, not a capacity.",
    ),
    Check(
        "Q29",
        "B",
        "Generation is not load",
        "The field's words speak of load where we read generation, or the reverse.",
    ),
    Check(
        "Q30",
        "B",
        "No yes or no read as a capacity",
        "The field says whether something passes, not how much.",
    ),
    Check(
        "Q31", "E", "No more remains than there is", "The remaining capacity is above the hosting capacity."
    ),
    Check(
        "Q32",
        "W",
        "What remains adds up",
        "The published remainder is not the hosting capacity less what is installed and queued.",
        ("max_remaining_gap",),
    ),
    Check(
        "Q33",
        "B",
        "Nothing is taken off twice",
        "What is installed would be subtracted from a figure that contains it already.",
    ),
    Check(
        "Q34", "I", "Installed within capacity", "More is installed than the study says the feeder can take."
    ),
    Check(
        "Q35",
        "W",
        "Known words for limits",
        "The limit is named by a word that we do not know; it is shown as unknown.",
    ),
    Check(
        "Q36",
        "W",
        "The figure is its lowest criterion",
        "The headline differs from the lowest of the criteria published beside it.",
        ("max_headline_gap",),
    ),
    Check(
        "Q37", "W", "The map's colour agrees", "The colour published with a figure stands for another range."
    ),
    Check(
        "Q38",
        "W",
        "Zero is not 'not studied'",
        "A line of one or two phases has zero, which often means that it was not studied.",
    ),
    Check(
        "Q39",
        "W",
        "No radial figure in a network",
        "The place lies in a secondary network, to which studies of radial feeders do not apply.",
    ),
)
