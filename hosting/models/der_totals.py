"""What is installed and planned on each feeder, counted when data are published. Lists read this."""

from decimal import Decimal

from django.db import models

from hosting.models.feeders import Feeder


def _count(status: str) -> "models.PositiveIntegerField[int | None, int | None]":
    words = f"{status} DER that lead to the feeder; null where no list of them has been read"
    return models.PositiveIntegerField(null=True, help_text=words)


def _kilowatts(status: str) -> "models.DecimalField[Decimal | None, Decimal | None]":
    words = f"Sum of their nameplates; null where none of the {status.lower()} DER's is known"
    return models.DecimalField(max_digits=16, decimal_places=3, null=True, help_text=words)


class FeederDERTotals(models.Model):
    """The DER of one feeder. A DER that leads to several feeders counts on each: never sum over feeders."""

    feeder = models.OneToOneField(
        Feeder, on_delete=models.CASCADE, related_name="der_totals", primary_key=True
    )
    installed_count = _count("Installed")
    installed_kw = _kilowatts("Installed")
    planned_count = _count("Planned")
    planned_kw = _kilowatts("Planned")

    class Meta:
        verbose_name = "DER totals of a feeder"
        verbose_name_plural = "DER totals of feeders"

    def __str__(self) -> str:
        return f"DER totals of feeder {self.feeder_id}"
