"""Checks of change between refreshes, of DER, flows, the network, and of what may be shown; in words."""

from hosting.lake.checks.listed import Check

CHANGE = (
    Check(
        "Q56",
        "B",
        "A refresh of the usual size",
        "More rows, feeders, keys or megawatts changed at once than a refresh usually changes.",
        ("max_row_loss", "max_key_change", "max_feeder_change", "max_total_change", "max_changed_feeders"),
    ),
    Check("Q57", "W", "Feeders stay", "Feeders are gone, new, or have another id than before."),
    Check(
        "Q58",
        "W",
        "No sudden moves",
        "A feeder's capacity moved far, and what is connected to it did not.",
        ("max_move_mw", "max_move"),
    ),
)

DERS = (
    Check(
        "Q59",
        "W",
        "DER have a feeder",
        "A project names a feeder that is not published, a feeder with projects has no capacity, or its "
        "projects do not add up to the feeder's figure.",
    ),
    Check(
        "Q60",
        "EW",
        "One row for each project",
        "A project stands there twice, or is both installed and planned.",
    ),
    Check(
        "Q61",
        "EBW",
        "A nameplate that can be",
        "A nameplate is zero, negative or beyond any plant: kW and MW may have been exchanged.",
        ("max_nameplate_kw",),
    ),
    Check(
        "Q62",
        "WI",
        "Technologies add up",
        "The technologies' shares are not the nameplate, or the hybrid mark contradicts them.",
        ("max_technology_gap",),
    ),
    Check(
        "Q63",
        "WI",
        "Plans lie ahead",
        "A planned date has passed, the status contradicts it, or a place in the queue is taken twice.",
    ),
    Check(
        "Q64",
        "W",
        "Substation totals add up",
        "The published total of a substation does not fit the planned projects on its feeders.",
        ("max_substation_gap",),
    ),
)

FLOWS = (
    Check(
        "Q65",
        "WE",
        "Flows are complete",
        "An interface or an instant is missing, unknown or there twice, a limit is a placeholder, a "
        "flow is far above its limit, or the newest is late.",
    ),
)

NETWORK = (
    Check("Q67", "W", "Feeders have a substation", "No substation has the published name, and none is near."),
    Check(
        "Q68", "W", "A load for each hour", "A substation's load is not known for all 288 hours of its year."
    ),
)

LEGAL = (
    Check(
        "Q66",
        "BW",
        "May be passed on",
        "The licence is not known, so nothing is exported in bulk; or a column would show addresses or "
        "customers.",
    ),
)
