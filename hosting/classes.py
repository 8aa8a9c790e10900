"""The classes in which a capacity in MW is shown: map, legend and tables. The breaks stand here alone.

A null is no class of the ramp and never zero: why a figure is missing says `capacity_status`.
"""

from bisect import bisect_left
from decimal import Decimal
from typing import Final, Literal

from django.db.models import Case, CharField, Q, Value, When

from hosting.models import CapacityStatus

BREAKS_MW: Final = (0.5, 2, 5)

# From the highest to the lowest, then nothing left, then the three ways not to be known.
OVER_5, OVER_2, OVER_05, UP_TO_05 = "over_5", "over_2", "over_05", "up_to_05"
ZERO, WITHHELD, NOT_STUDIED, UNKNOWN = "zero", "withheld", "not_studied", "unknown"
RAMP: Final = (UP_TO_05, OVER_05, OVER_2, OVER_5)  # in the order of the breaks
CLASSES: Final = (OVER_5, OVER_2, OVER_05, UP_TO_05, ZERO, WITHHELD, NOT_STUDIED, UNKNOWN)

# What can colour the map, and the column that holds it, in MW.
Figure = Literal["remaining", "hosting"]
FIGURES: Final[dict[Figure, str]] = {
    "remaining": "remaining_capacity_mw",
    "hosting": "hosting_capacity_mw",
}

# Statuses that say why a figure is null. Any other leaves it unknown.
_WHY_NULL: Final = {CapacityStatus.WITHHELD.value: WITHHELD, CapacityStatus.NOT_STUDIED.value: NOT_STUDIED}


def class_of(value: Decimal | float | None, status: str) -> str:
    """The class of a figure in MW. A value on a break is of the class below it; 0 and less is `zero`.

    (Less than 0 is published where more is connected than the study allows: nothing is left there either.)
    """
    if value is None:
        return _WHY_NULL.get(status, UNKNOWN)
    return ZERO if value <= 0 else RAMP[bisect_left(BREAKS_MW, value)]


def class_case(column: str, status: str = "capacity_status") -> Case:
    """The class of a column, for the ORM: `annotate(shown=class_case("remaining_capacity_mw"))`."""
    ramp = zip(BREAKS_MW, RAMP[:-1], strict=True)
    return Case(
        *[When(**{f"{column}__isnull": True, status: given}, then=Value(name)) for given, name in _nulls()],
        When(Q(**{f"{column}__isnull": True}), then=Value(UNKNOWN)),
        When(Q(**{f"{column}__lte": 0}), then=Value(ZERO)),
        *[When(Q(**{f"{column}__lte": mw}), then=Value(name)) for mw, name in ramp],
        default=Value(RAMP[-1]),
        output_field=CharField(),
    )


def class_sql(column: str, status: str = "capacity_status") -> str:
    """The class of a column, for SQL; both names are the caller's own words, never a reader's."""
    nulls = " ".join(f"WHEN {status} = '{given}' THEN '{name}'" for given, name in _nulls())
    ramp = " ".join(
        f"WHEN {column} <= {mw} THEN '{name}'" for mw, name in zip(BREAKS_MW, RAMP[:-1], strict=True)
    )
    return (
        f"CASE WHEN {column} IS NULL THEN CASE {nulls} ELSE '{UNKNOWN}' END"
        f" WHEN {column} <= 0 THEN '{ZERO}' {ramp} ELSE '{RAMP[-1]}' END"
    )


def _nulls() -> list[tuple[str, str]]:
    return list(_WHY_NULL.items())
