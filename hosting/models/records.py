"""Capacity as people read it: feeders, their records and sections, what they were before, and sums.

Units: every `_mw` column is megawatts, every `_kv` kilovolts. Null means unknown, never zero; why a hosting
capacity is null or a bound stands in `capacity_status`.
"""

from decimal import Decimal

from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GistIndex
from django.db.models.functions import Cast, Coalesce

from hosting.models.managers import CurrentManager
from hosting.models.network import Substation
from hosting.models.runs import HCIngestionRun
from utilities.models import Grain, Source, Utility


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


class Capacity(models.Model):
    """Columns that records, sections and their versions share: one figure with its meaning.

    Utility, source and run are those of the run that wrote the row, so the database does not check them again
    for each row: the commit of 59,535 took 0.7 s with that, 0.2 s without. Django protects them.
    """

    utility = models.ForeignKey(
        Utility, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    source = models.ForeignKey(
        Source, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    ingestion_run = models.ForeignKey(
        HCIngestionRun,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
        help_text="The run that last changed this row",
    )
    feeder = models.ForeignKey(
        Feeder, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    key = models.CharField(max_length=200, help_text="The row's identity within its source")
    capacity_type = models.CharField(max_length=10, choices=CapacityType)
    variant = models.SlugField(max_length=40, default="default", db_index=False)
    hosting_capacity_mw = megawatts("The headline figure, by the rule that the source declares")
    capacity_status = models.CharField(max_length=12, choices=CapacityStatus)
    installed_dg_mw = megawatts("DER with permission to operate")
    queued_dg_mw = megawatts("DER in the interconnection queue")
    installed_since_study_mw = megawatts("Installed after the study was made")
    remaining_capacity_mw = megawatts("As published, or derived; see its basis")
    remaining_basis = models.CharField(max_length=40, choices=RemainingBasis, blank=True)
    constraining_metric = models.CharField(max_length=14, choices=ConstrainingMetric, null=True, blank=True)
    criteria = models.JSONField(null=True, blank=True, help_text="Metric to MW, where all are published")
    voltage_kv = models.DecimalField(max_digits=8, decimal_places=3, null=True, blank=True)
    phase_config = models.CharField(max_length=12, choices=PhaseConfig, null=True, blank=True)
    is_overhead = models.BooleanField(null=True, blank=True)
    is_network = models.BooleanField(null=True, blank=True, help_text="Secondary network, not radial")
    geometry = models.GeometryField(srid=4326, null=True, blank=True, spatial_index=False)
    record_date = models.DateField(null=True, blank=True, help_text="Of the capacity study, as published")
    der_date = models.DateField(null=True, blank=True, help_text="Of the DER figures, as published")
    valid_from = models.DateTimeField(
        help_text="Publisher time: publication for services, the month for monthly files"
    )

    class Meta:
        abstract = True


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
