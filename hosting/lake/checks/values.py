"""Whether a figure can be what it says (Q16 to Q19, Q21 to Q23, Q25, Q32, Q34, Q36 to Q39)."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from hosting.lake.checks.found import Noticed, Rule
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import Column

    from hosting.lake.checks.profile import Profile

MW = "decimal(12,5)"
# '0.00 TO 0.29 BROWN': the range that a colour of the map stands for.
COLOUR_RANGE = "^([0-9]+[.]?[0-9]*) (?:TO|to|-) ([0-9]+[.]?[0-9]*)"


def _hosting() -> "Column":
    return F.col("hosting_capacity_mw")


def _any(spec: SourceSpec, name: str) -> bool:
    """True where a figure maps the column."""
    return any(name in figure.readings() for figure in spec.figures)


def above_its_feeder(spec: SourceSpec) -> Iterator[Rule]:
    """Q16: a section's own capacity above the maximum that it states for its feeder, or for itself."""
    if _any(spec, "hosting_capacity_max_mw") and _any(spec, "hosting_capacity_mw"):
        yield Rule(
            "Q16",
            "W",
            _hosting() > F.col("hosting_capacity_max_mw"),
            "{count:,} of {rows:,} figures are above the maximum published beside them.",
        )


def above_its_substation(spec: SourceSpec) -> Iterator[Rule]:
    """Q17: a feeder's capacity above that of the bulk substation."""
    if _any(spec, "substation_capacity_mw"):
        value = F.coalesce(F.col("hosting_capacity_max_mw"), _hosting())
        yield Rule(
            "Q17",
            "W",
            value > F.col("substation_capacity_mw"),
            "{count:,} of {rows:,} figures are above that of their substation.",
        )


def below_zero(_spec: SourceSpec) -> Iterator[Rule]:
    """Q18, W: negative where that may be; where it may not, the row was kept back."""
    yield Rule(
        "Q18", "W", _hosting() < 0, "{count:,} of {rows:,} figures are negative: more is connected than fits."
    )


def policy_cap(spec: SourceSpec) -> Iterator[Rule]:
    """Q23: exactly the most that a policy allows at this voltage."""
    if spec.fields.voltage_kv is not None:
        yield Rule(
            "Q23",
            "I",
            _by_voltage(spec.thresholds.policy_caps, lambda cap: _hosting() == F.lit(str(cap)).cast(MW)),
            "{count:,} of {rows:,} figures equal a policy's cap for their voltage.",
            spec.thresholds.policy_cap_share,
        )


def implausible_for_its_voltage(spec: SourceSpec) -> Iterator[Rule]:
    """Q25: more than a feeder of this voltage can carry."""
    if spec.fields.voltage_kv is not None:
        yield Rule(
            "Q25",
            "W",
            _by_voltage(spec.thresholds.plausible_mw, lambda most: _hosting() > F.lit(str(most)).cast(MW)),
            "{count:,} of {rows:,} figures are not plausible for their voltage.",
        )


def _by_voltage(steps: tuple[tuple[float, float], ...], broken: "Callable[[float], Column]") -> "Column":
    """The condition for the first step that the voltage does not exceed; false above all of them."""
    column = F.lit(False)
    for kv, mw in sorted(steps, reverse=True):
        within = F.col("voltage_kv") <= F.lit(str(kv)).cast("decimal(8,3)")
        column = F.when(within, broken(mw)).otherwise(column)
    return column


def remainder_does_not_add_up(spec: SourceSpec) -> Iterator[Rule]:
    """Q32: published remaining against hosting less installed less queued."""
    parts = ("hosting_capacity_mw", "remaining_capacity_mw", "installed_dg_mw", "queued_dg_mw")
    if any(set(parts) <= set(figure.readings()) for figure in spec.figures):
        left = _hosting() - F.col("installed_dg_mw") - F.col("queued_dg_mw")
        gap = F.abs(F.col("remaining_capacity_mw") - left).cast("double")
        yield Rule(
            "Q32",
            "W",
            (F.col("remaining_basis") == "published")
            & (gap > F.abs(_hosting()).cast("double") * F.lit(spec.thresholds.max_remaining_gap)),
            "{count:,} of {rows:,} remainders are not hosting less installed and queued.",
        )


def more_installed_than_fits(spec: SourceSpec) -> Iterator[Rule]:
    """Q34: installed above the highest hosting capacity."""
    if _any(spec, "installed_dg_mw"):
        yield Rule(
            "Q34",
            "I",
            F.col("installed_dg_mw") > F.coalesce(F.col("hosting_capacity_max_mw"), _hosting()),
            "{count:,} of {rows:,} figures have more installed than their hosting capacity.",
        )


def not_its_lowest_criterion(spec: SourceSpec) -> Iterator[Rule]:
    """Q36: the headline against the lowest of the criteria, where all of them are known."""
    broken: Column | None = None
    for figure in spec.figures:
        if len(figure.criteria) < 2 or figure.hosting_capacity_mw is None:
            continue
        names = sorted(figure.criteria)
        read = F.from_json("criteria", ", ".join(f"`{name}` string" for name in names))
        values = [read.getField(name).try_cast("double") for name in names]
        known = values[0].isNotNull()
        for value in values[1:]:
            known = known & value.isNotNull()
        gap = F.abs(_hosting().cast("double") - F.least(*values))
        limit = F.abs(F.least(*values)) * F.lit(spec.thresholds.max_headline_gap) + F.lit(0.0005)
        mine = (F.col("capacity_type") == figure.capacity_type) & (F.col("variant") == figure.variant)
        one = mine & known & (F.col("capacity_status") == "published") & (gap > limit)
        broken = one if broken is None else broken | one
    if broken is not None:
        yield Rule("Q36", "W", broken, "{count:,} of {rows:,} figures are not their lowest criterion.")


def colour_disagrees(spec: SourceSpec) -> Iterator[Rule]:
    """Q37: the value lies outside the range that its published colour names."""
    if spec.fields.map_colour is not None:
        low, high = (F.regexp_extract("map_colour", COLOUR_RANGE, part).try_cast(MW) for part in (1, 2))
        # Ranges are rounded: '0.00 TO 0.29', '0.30 TO ...'.
        above = (_hosting() - high).cast("double") >= 0.01
        yield Rule(
            "Q37",
            "W",
            (_hosting() < low) | above,
            "{count:,} of {rows:,} figures lie outside the range of their colour on the publisher's map.",
        )


def zero_where_not_studied(spec: SourceSpec) -> Iterator[Rule]:
    """Q38: a line without three phases has zero, which often means that it was not studied."""
    if spec.fields.phase_config is not None:
        yield Rule(
            "Q38",
            "W",
            F.col("phase_config").isin("single-phase", "2-phase") & (_hosting() == 0),
            "{count:,} of {rows:,} figures are zero on lines of one or two phases: were they studied?",
        )


def radial_figure_in_a_network(spec: SourceSpec) -> Iterator[Rule]:
    """Q39: a study of radial feeders does not apply to a secondary network."""
    if spec.fields.is_network is not None:
        yield Rule(
            "Q39",
            "W",
            F.col("is_network") & _hosting().isNotNull(),
            "{count:,} of {rows:,} figures are given for secondary networks.",
        )


def too_many_zeros(profile: "Profile") -> Iterator[Noticed]:
    """Q21: the share of zeros among known figures, alone and beside what is published."""
    most, rise = profile.spec.thresholds.max_zero_share, profile.spec.thresholds.max_zero_rise
    for name, now in sorted(profile.figures.items()):
        before = profile.figures_before.get(name)
        if not now.known:
            continue
        share = now.zeros / now.known
        if share > most:
            yield Noticed("Q21", "W", f"{share:.0%} of the {name} figures are zero.", now.zeros)
        elif (
            profile.spec.feed == "snapshot"
            and before
            and before.known
            and share - before.zeros / before.known > rise
        ):
            message = (
                f"{share:.0%} of the {name} figures are zero; {before.zeros / before.known:.0%} were before."
            )
            yield Noticed("Q21", "W", message, now.zeros)


def piled_up_at_the_top(profile: "Profile") -> Iterator[Noticed]:
    """Q22: many figures at exactly the highest value, and few just below it."""
    for name, top in sorted(profile.tops.items()):
        if top.at >= profile.spec.thresholds.pile_up and top.at > 2 * top.just_below:
            message = (
                f"{top.at:,} {name} figures are exactly {top.mw:g} MW, the highest: did the study stop there?"
            )
            yield Noticed("Q22", "W", message, top.at)


ROWS = (
    above_its_feeder,
    above_its_substation,
    below_zero,
    policy_cap,
    implausible_for_its_voltage,
    remainder_does_not_add_up,
    more_installed_than_fits,
    not_its_lowest_criterion,
    colour_disagrees,
    zero_where_not_studied,
    radial_figure_in_a_network,
)
WHOLE = (too_many_zeros, piled_up_at_the_top)
