"""Feeders, and the other names under which they are known."""

from django.db import models

from hosting.models.network import Substation
from hosting.models.runs import HCIngestionRun
from utilities.models import Utility


class Feeder(models.Model):
    """A distribution circuit; its id is unique within its utility only. Made by the ingest when first met."""

    utility = models.ForeignKey(Utility, on_delete=models.PROTECT, related_name="feeders")
    external_id = models.CharField(max_length=120, help_text="As published; leading zeros matter")
    slug = models.SlugField(max_length=140, help_text="In addresses; never changes")
    name = models.CharField(max_length=200, blank=True)
    substation = models.ForeignKey(
        Substation, null=True, blank=True, on_delete=models.SET_NULL, related_name="feeders"
    )
    first_seen = models.ForeignKey(HCIngestionRun, on_delete=models.PROTECT, related_name="+")
    last_seen = models.ForeignKey(HCIngestionRun, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["utility", "external_id"]
        constraints = [
            models.UniqueConstraint(fields=["utility", "external_id"], name="feeder_external_id_unique"),
            models.UniqueConstraint(fields=["utility", "slug"], name="feeder_slug_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.utility.utility_code} {self.external_id}"


class FeederAlias(models.Model):
    """Another id under which a feeder is or was known: a rename, or another source's spelling."""

    feeder = models.ForeignKey(Feeder, on_delete=models.CASCADE, related_name="aliases")
    external_id = models.CharField(max_length=120)
    since = models.DateField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name_plural = "feeder aliases"
        constraints = [
            models.UniqueConstraint(fields=["feeder", "external_id"], name="feeder_alias_unique"),
        ]

    def __str__(self) -> str:
        return self.external_id
