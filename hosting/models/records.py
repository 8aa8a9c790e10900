"""Records: the figure of a feeder or cell, what it was before, and the sums of a utility."""

from decimal import Decimal

from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GistIndex
from django.db.models.functions import Cast, Coalesce

from hosting.models.capacity import Capacity
from hosting.models.managers import CurrentManager
from hosting.models.network import Substation
from hosting.models.runs import HCIngestionRun
from hosting.models.words import CapacityType, SubstationMethod, megawatts
from utilities.models import Grain, Utility

# No capacity is as low: as unknown ones have it, all records stand in one order, those last.
BELOW_ALL = Decimal(-10_000_000)
# At the best and at the worst place of a feeder, or what was published for all of it.
HIGHEST_HOSTING_MW = Coalesce("hosting_capacity_max_mw", "hosting_capacity_mw")
LOWEST_HOSTING_MW = Coalesce("hosting_capacity_min_mw", "hosting_capacity_mw")
BY_HIGHEST = Coalesce("hosting_capacity_max_mw", "hosting_capacity_mw", BELOW_ALL)


class RecordColumns(Capacity):
    """What a record has beyond a section: names, the range over its sections, county."""

    feeder_id_external = models.CharField(max_length=120, blank=True)
    feeder_name = models.CharField(max_length=200, blank=True)
    substation = models.ForeignKey(
        Substation, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    substation_name = models.CharField(max_length=200, blank=True)
    grain = models.CharField(max_length=10, choices=Grain, help_text="What the figure was published for")
    hosting_capacity_min_mw = megawatts("Lowest of its sections, or as published")
    hosting_capacity_max_mw = megawatts("Highest of its sections, or as published")
    section_count = models.PositiveIntegerField(null=True, blank=True)
    geometry_type = models.CharField(
        max_length=16,
        null=True,
        blank=True,
        choices=[(kind, kind) for kind in ("Point", "MultiLineString", "Polygon")],
        help_text="Polygon stands for multipolygons too",
    )
    county = models.CharField(max_length=60, blank=True)
    raw_attributes = models.JSONField(
        null=True, blank=True, help_text="As published; null for rolled-up records, whose rows are sections"
    )

    class Meta:
        abstract = True


class HostingCapacityRecord(RecordColumns):
    """One row per feeder, or per cell where there is no feeder, and capacity type and variant.

    Its id survives refreshes. Sums over records are over feeders, never over sections.
    """

    objects = CurrentManager["HostingCapacityRecord"]()
    geometry_3857 = models.GeometryField(srid=3857, null=True, blank=True, spatial_index=False)
    substation_method = models.CharField(
        max_length=8, choices=SubstationMethod, blank=True, default="", db_default=""
    )
    substation_distance_m = models.FloatField(
        null=True, blank=True, help_text="From its shape to the substation, in metres"
    )
    centroid = models.PointField(
        srid=4326, null=True, blank=True, spatial_index=False, help_text="A point on the feeder"
    )

    class Meta:
        verbose_name = "hosting capacity record"
        constraints = [
            models.UniqueConstraint(
                fields=["source", "key", "capacity_type", "variant"], name="record_key_unique"
            ),
        ]
        indexes = [
            models.Index(
                fields=["utility", "capacity_type", "variant", "hosting_capacity_mw"], name="record_hosting"
            ),
            models.Index(
                fields=["utility", "capacity_type", "variant", "remaining_capacity_mw"],
                name="record_remaining",
            ),
            models.Index(
                fields=["capacity_type", "variant", "hosting_capacity_mw"], name="record_any_hosting"
            ),
            models.Index(fields=["feeder", "capacity_type", "variant"], name="record_feeder"),
            models.Index(fields=["substation"], name="record_substation"),
            models.Index(fields=["ingestion_run"], name="record_run"),
            GistIndex(fields=["geometry"], name="record_geometry"),
            GistIndex(fields=["geometry_3857"], name="record_geometry_3857"),
            # Pages in order of id: which rows pass the API's filters is read from this alone.
            models.Index(
                fields=["utility", "capacity_type", "variant", "id"],
                include=["source", "remaining_capacity_mw", "hosting_capacity_mw", "constraining_metric"],
                name="record_page",
            ),
            # The feeders with the most, of all utilities and of one.
            models.Index(
                "capacity_type",
                "variant",
                BY_HIGHEST,
                "id",
                name="record_any_highest",
                condition=models.Q(feeder__isnull=False),
            ),
            models.Index(
                "utility",
                "capacity_type",
                "variant",
                BY_HIGHEST,
                "id",
                name="record_highest",
                condition=models.Q(feeder__isnull=False),
            ),
            # What reaches into a box of metres around a place, by figure, without reading a shape.
            GistIndex(
                "capacity_type",
                "variant",
                Cast("geometry", models.GeometryField(geography=True)),
                "remaining_capacity_mw",
                name="record_near",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feeder_name or self.feeder_id_external or self.key} {self.capacity_type}"


class HostingCapacityRecordVersion(RecordColumns):
    """A record as it was, from `valid_from` until `valid_to`."""

    record_id = models.BigIntegerField(help_text="The id that it had, or still has, as a current record")
    valid_to = models.DateTimeField(help_text="The next version's valid_from, or the removal")
    ended_by_run = models.ForeignKey(HCIngestionRun, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "record version"
        indexes = [
            models.Index(
                fields=["source", "key", "capacity_type", "variant", "valid_to"], name="record_past_key"
            ),
            models.Index(fields=["feeder", "valid_to"], name="record_past_feeder"),
            models.Index(fields=["record_id"], name="record_past_id"),
            models.Index(fields=["ingestion_run"], name="record_past_run"),
            # Pages of an earlier day, as record_page has those of today.
            models.Index(
                fields=["utility", "capacity_type", "variant", "record_id"],
                include=["source", "valid_from", "valid_to"],
                name="record_past_page",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feeder_id_external or self.key} until {self.valid_to:%Y-%m-%d}"


class HostingCapacitySummary(models.Model):
    """Sums over the feeders of a utility. Capacities of feeders are not simultaneously available."""

    utility = models.ForeignKey(Utility, on_delete=models.CASCADE, related_name="summaries")
    capacity_type = models.CharField(max_length=10, choices=CapacityType, default=CapacityType.GENERATION)
    variant = models.SlugField(max_length=40, default="default")
    total_feeders = models.PositiveIntegerField(help_text="Records: feeders, or cells where there are none")
    total_hosting_capacity_mw = models.DecimalField(max_digits=16, decimal_places=5, null=True)
    total_installed_dg_mw = models.DecimalField(max_digits=16, decimal_places=5, null=True)
    total_remaining_capacity_mw = models.DecimalField(
        max_digits=16, decimal_places=5, null=True, help_text="Not simultaneously available"
    )
    avg_utilization_pct = models.DecimalField(
        max_digits=9,
        decimal_places=3,
        null=True,
        help_text="Mean of installed / hosting x 100 over feeders with both and hosting above 0",
    )
    constrained_feeders_count = models.PositiveIntegerField(
        help_text="Remaining below 1 MW; unknown is not counted"
    )
    constraint_breakdown = models.JSONField(default=dict, help_text="Constraining metric to count")
    computed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "hosting capacity summaries"
        constraints = [
            models.UniqueConstraint(fields=["utility", "capacity_type", "variant"], name="summary_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.utility.utility_code} {self.capacity_type} {self.variant}"
