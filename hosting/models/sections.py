"""Sections, the parts of feeders with figures of their own, and what they were before."""

from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GistIndex

from hosting.models.capacity import Capacity
from hosting.models.managers import CurrentManager
from hosting.models.runs import HCIngestionRun


class SectionColumns(Capacity):
    """What a section has beyond a figure."""

    circuit_id = models.CharField(
        max_length=120, null=True, blank=True, help_text="Another name of its feeder, as published"
    )

    class Meta:
        abstract = True


class HostingCapacitySection(SectionColumns):
    """Part of a feeder with its own value. Up to millions a utility: no raw attributes, few indexes;

    provenance reads the published row from bronze by run and key.
    """

    objects = CurrentManager["HostingCapacitySection"]()
    geometry_3857 = models.GeometryField(srid=3857, null=True, blank=True, spatial_index=False)

    class Meta:
        verbose_name = "section"
        constraints = [
            models.UniqueConstraint(
                fields=["source", "key", "capacity_type", "variant"], name="section_key_unique"
            ),
        ]
        indexes = [
            models.Index(fields=["feeder", "capacity_type", "variant"], name="section_feeder"),
            models.Index(fields=["ingestion_run"], name="section_run"),
            GistIndex(fields=["geometry_3857"], name="section_geometry_3857"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.capacity_type}"


class HostingCapacitySectionVersion(SectionColumns):
    """A section as it was, from `valid_from` until `valid_to`."""

    section_id = models.BigIntegerField(help_text="The id that it had, or still has, as a current section")
    valid_to = models.DateTimeField()
    ended_by_run = models.ForeignKey(
        HCIngestionRun, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        verbose_name = "section version"
        indexes = [
            models.Index(
                fields=["source", "key", "capacity_type", "variant", "valid_to"], name="section_past_key"
            ),
            models.Index(fields=["feeder", "valid_to"], name="section_past_feeder"),
            models.Index(fields=["ended_by_run"], name="section_past_run"),
        ]

    def __str__(self) -> str:
        return f"{self.key} until {self.valid_to:%Y-%m-%d}"
