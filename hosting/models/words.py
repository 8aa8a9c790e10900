"""The closed vocabularies of capacity, and its column in MW."""

from decimal import Decimal

from django.db import models


class CapacityType(models.TextChoices):
    """What could be added. Generation and load never share a row."""

    GENERATION = "generation", "Generation"
    LOAD = "load", "Load"
    STORAGE = "storage", "Storage"


class CapacityStatus(models.TextChoices):
    """What the hosting capacity figure is. Four ways not to be a number, kept apart."""

    PUBLISHED = "published", "As published"
    AT_LEAST = "at_least", "At least: the study stopped at this value"
    WITHHELD = "withheld", "Withheld by the publisher"
    NOT_STUDIED = "not_studied", "Not studied"
    UNKNOWN = "unknown", "Unknown"


class ConstrainingMetric(models.TextChoices):
    """The criterion that binds first, in a closed vocabulary."""

    THERMAL = "thermal", "Thermal"
    VOLTAGE = "voltage", "Voltage"
    PROTECTION = "protection", "Protection"
    ISLANDING = "islanding", "Islanding"
    REVERSE_POWER = "reverse_power", "Reverse power"
    UNKNOWN = "unknown", "A word not known"


class RemainingBasis(models.TextChoices):
    """How remaining capacity came about. A source declares it by what its study already contains."""

    PUBLISHED = "published", "As published"
    HOSTING = "hosting", "The hosting capacity itself: the study contains what is installed and queued"
    LESS_INSTALLED = "hosting_less_installed", "Hosting less installed"
    LESS_QUEUED = "hosting_less_queued", "Hosting less queued"
    LESS_INSTALLED_AND_QUEUED = "hosting_less_installed_and_queued", "Hosting less installed and queued"
    UNKNOWN = "unknown", "Unknown: what the study contains is not known"


class SubstationMethod(models.TextChoices):
    """How a record was linked to its substation."""

    NONE = "", "Not linked"
    NAME = "name", "By its published name"
    DISTANCE = "distance", "By distance"


class PhaseConfig(models.TextChoices):
    """How many phases."""

    THREE = "3-phase", "Three-phase"
    TWO = "2-phase", "Two-phase"
    SINGLE = "single-phase", "Single-phase"


def megawatts(help_text: str = "") -> "models.DecimalField[Decimal | None, Decimal | None]":
    """A column in MW: exact, five decimals (10 W)."""
    return models.DecimalField(max_digits=12, decimal_places=5, null=True, blank=True, help_text=help_text)
