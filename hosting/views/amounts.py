"""Capacities in words: a number with its unit, a bound, or the reason why there is none.

Unknown, withheld, not studied, "at least" and zero are five different things; none of them is ever a blank.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hosting.classes import class_of
from hosting.models import CapacityStatus, CapacityType, ConstrainingMetric
from hosting.models.words import RemainingBasis

THIN_SPACE = "\u2009"
MINUS = "\u2212"

# Why a figure is not a number.
WITHHELD = gettext_lazy("withheld")
NOT_STUDIED = gettext_lazy("not studied")
NOT_KNOWN = gettext_lazy("not known")
_WHY_NULL = {CapacityStatus.WITHHELD: WITHHELD, CapacityStatus.NOT_STUDIED: NOT_STUDIED}

# What is left is a bound as well where it is made from a hosting capacity that is one.
_FROM_HOSTING = {
    RemainingBasis.HOSTING,
    RemainingBasis.LESS_INSTALLED,
    RemainingBasis.LESS_QUEUED,
    RemainingBasis.LESS_INSTALLED_AND_QUEUED,
}


@dataclass(frozen=True)
class Amount:
    """A capacity as a page says it: `number` and `unit`, after a `bound`, or `instead` why there is none."""

    number: str = ""
    unit: str = "MW"
    bound: str = ""
    instead: str = ""
    swatch: str = ""  # its class (hosting/classes.py), where it is one that the map colours

    @property
    def is_known(self) -> bool:
        return bool(self.number)

    def __str__(self) -> str:
        if not self.number:
            return self.instead
        said = f"{self.number}{THIN_SPACE}{self.unit}"
        return f"{self.bound} {said}" if self.bound else said


def plain(value: Decimal | float, decimals: int = 2, *, pad: bool = False) -> str:
    """A number to read, with a true minus: up to `decimals` places, more where it would pass for zero.

    `pad` keeps zeros at its end, so that the numbers of a column stand below each other.
    """
    exact = Decimal(value)
    places = decimals
    while exact and abs(exact) < Decimal(5) / 10 ** (places + 1) and places < 5:
        places += 1
    rounded = number_format(abs(round(exact, places)), places, use_l10n=True, force_grouping=True)
    if "." in rounded and not pad:
        rounded = rounded.rstrip("0").rstrip(".")
    return f"{MINUS}{rounded}" if exact < 0 and rounded.strip("0.") else rounded


def amount(value: Decimal | None, *, bound: str = "", instead: str = "", pad: bool = False) -> Amount:
    """MW in words; `instead` is said where it is null, "not known" without one."""
    if value is None:
        return Amount(instead=instead or str(NOT_KNOWN))
    return Amount(plain(value, pad=pad), bound=bound)


def hosting(row: Any, column: str = "hosting_capacity_mw", *, pad: bool = False) -> Amount:
    """A hosting capacity of a record or section, which its `capacity_status` says more of."""
    value, status = getattr(row, column), row.capacity_status
    bound = _("at least") if status == CapacityStatus.AT_LEAST else ""
    said = amount(value, bound=bound, instead=str(_WHY_NULL.get(status, "")), pad=pad)
    return Amount(said.number, said.unit, said.bound, said.instead, class_of(value, status))


def remaining(row: Any, *, pad: bool = False) -> Amount:
    """What is left of a record or section. Made from a bound, it is a bound."""
    value, status = row.remaining_capacity_mw, row.capacity_status
    is_bound = status == CapacityStatus.AT_LEAST and row.remaining_basis in _FROM_HOSTING
    bound = _("at least") if is_bound else ""
    said = amount(value, bound=bound, instead=str(_WHY_NULL.get(status, "")), pad=pad)
    return Amount(said.number, said.unit, said.bound, said.instead, class_of(value, status))


def kilowatts(value: Decimal | None) -> Amount:
    """A nameplate, in kW."""
    return Amount(instead=str(NOT_KNOWN)) if value is None else Amount(plain(value, 1), unit="kW")


def kilovolts(value: Decimal | None) -> str:
    """A voltage to read, or nothing."""
    return "" if value is None else f"{plain(value)}{THIN_SPACE}kV"


def limit(metric: str | None) -> str:
    """The constraining metric in words: null was not published, unknown is a word in no vocabulary."""
    if not metric:
        return _("No limit posted")
    return {
        ConstrainingMetric.THERMAL: _("Thermal"),
        ConstrainingMetric.VOLTAGE: _("Voltage"),
        ConstrainingMetric.PROTECTION: _("Protection"),
        ConstrainingMetric.ISLANDING: _("Islanding"),
        ConstrainingMetric.REVERSE_POWER: _("Reverse power"),
    }.get(ConstrainingMetric(metric), _("A limit that this portal has no word for"))


def basis(word: str) -> str:
    """How a remaining capacity came about, as the words after it."""
    return {
        RemainingBasis.PUBLISHED: _("as published"),
        RemainingBasis.HOSTING: _("the hosting capacity: its study already counts what is there"),
        RemainingBasis.LESS_INSTALLED: _("hosting less installed"),
        RemainingBasis.LESS_QUEUED: _("hosting less queued"),
        RemainingBasis.LESS_INSTALLED_AND_QUEUED: _("hosting less installed and queued"),
        RemainingBasis.UNKNOWN: _("not derived: what the study counts is not known"),
    }.get(RemainingBasis(word) if word else RemainingBasis.UNKNOWN, "")


def type_word(capacity_type: str) -> str:
    """The capacity type inside a sentence."""
    return {
        CapacityType.GENERATION: _("generation"),
        CapacityType.LOAD: _("load"),
        CapacityType.STORAGE: _("storage"),
    }[CapacityType(capacity_type)]


def figure_name(capacity_type: str, variant: str) -> str:
    """What a figure is called where one of several is chosen: "Generation", "Load, strict"."""
    said = CapacityType(capacity_type).label
    if variant == "default":
        return said
    return str(format_lazy("{}, {}", said, variant.replace("-", " ").replace("_", " ")))
