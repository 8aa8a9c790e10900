"""WHO publishes WHAT: grid operators, utilities and their sources, as the catalog's YAML files say."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Iso(models.Model):
    """An independent system operator (or RTO): who runs the wholesale market above a utility."""

    code = models.SlugField(max_length=16, unique=True)
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ["code"]
        verbose_name = "ISO"

    def __str__(self) -> str:
        return self.name


class DataSourceType(models.TextChoices):
    """How a utility publishes."""

    ARCGIS_FEATURE = "arcgis_feature", "ArcGIS FeatureServer"
    ARCGIS_MAP = "arcgis_map", "ArcGIS MapServer"
    EXELON = "exelon", "Exelon organisation"
    CUSTOM = "custom", "Custom"
    UNAVAILABLE = "unavailable", "Not available"
    CSV = "csv", "CSV files"
    FILE = "file", "Other files"


class CatalogStatus(models.TextChoices):
    """How sure the catalog is of an entry."""

    SEEN = "seen", "Seen: fields were observed"
    UNVERIFIED = "unverified", "Unverified: never scheduled until a probe finds its fields"
    UNAVAILABLE = "unavailable", "Unavailable: the notes say why"


class Redistribution(models.TextChoices):
    """What may leave the portal with a source's rows."""

    ALLOWED = "allowed", "Allowed"
    DISPLAY_ONLY = "display_only", "Display only: no API rows, no export"
    FORBIDDEN = "forbidden", "Forbidden: never fetched"
    UNKNOWN = "unknown", "Unknown: no bulk export"


class Grain(models.TextChoices):
    """What one published row is."""

    SECTION = "section", "Section of a feeder"
    FEEDER = "feeder", "Feeder"
    CELL = "cell", "Cell without a feeder"
    NONE = "none", "No capacity: the network itself, or DER"


class FeedMode(models.TextChoices):
    """What it means that a row is absent."""

    SNAPSHOT = "snapshot", "Snapshot: absence is removal"
    INCREMENTAL = "incremental", "Incremental: absence means nothing"


class Utility(models.Model):
    """A distribution utility. Everything but the stewards comes from its catalog file."""

    utility_code = models.SlugField(max_length=40, unique=True)
    utility_name = models.CharField(max_length=120)
    parent_company = models.CharField(max_length=120, blank=True)
    iso = models.ForeignKey(Iso, null=True, blank=True, on_delete=models.PROTECT, related_name="utilities")
    states = ArrayField(models.CharField(max_length=2), help_text="Postal codes")
    timezone = models.CharField(max_length=40, help_text="IANA name; the utility's dates are days here")
    data_source_type = models.CharField(max_length=20, choices=DataSourceType)
    status = models.CharField(max_length=12, choices=CatalogStatus)
    is_synthetic = models.BooleanField(
        default=False, help_text="Made for demonstration; no real utility, badged everywhere"
    )
    requires_auth = models.BooleanField(default=False)
    service_url = models.CharField(max_length=500, blank=True)
    in_catalog = models.BooleanField(
        default=True, help_text="Off when its file has left the catalog; its history stays"
    )
    config_json = models.JSONField(help_text="The whole catalog entry")
    last_ingested_at = models.DateTimeField(null=True, blank=True, help_text="Last publication")
    stewards = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="stewarded_utilities",
        help_text="Who may approve or reject held runs of this utility",
    )

    class Meta:
        ordering = ["utility_code"]
        verbose_name_plural = "utilities"

    def __str__(self) -> str:
        return self.utility_name

    @property
    def is_generated(self) -> bool:
        """True where no catalog file describes it: `generate_load` wrote its rows into the database."""
        return self.is_synthetic and not self.service_url


class Source(models.Model):
    """One published layer or file feed, fetched once per run."""

    utility = models.ForeignKey(Utility, on_delete=models.PROTECT, related_name="sources")
    code = models.SlugField(max_length=60, help_text="Unique within the utility")
    title = models.CharField(max_length=200)
    service_url = models.CharField(max_length=500, blank=True)
    layer = models.PositiveIntegerField(null=True, blank=True)
    grain = models.CharField(max_length=10, choices=Grain)
    feed_mode = models.CharField(max_length=12, choices=FeedMode)
    status = models.CharField(max_length=12, choices=CatalogStatus)
    redistribution = models.CharField(max_length=12, choices=Redistribution)
    licence = models.CharField(max_length=300, blank=True)
    attribution = models.CharField(max_length=300, blank=True)
    cadence = models.CharField(max_length=10, help_text="How often it is asked: daily, weekly or monthly")
    is_enabled = models.BooleanField(
        default=True,
        help_text="Off: never scheduled, and commands refuse it. An admin's choice, kept by syncs",
    )
    in_catalog = models.BooleanField(default=True)
    config_json = models.JSONField(help_text="The source's part of the catalog entry")
    published_run = models.ForeignKey(
        "hosting.HCIngestionRun",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The run whose state readers see",
    )
    lake_run = models.ForeignKey(
        "hosting.HCIngestionRun",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The run that the lake's current tables hold; follows published_run",
    )
    last_checked_at = models.DateTimeField(
        null=True, blank=True, help_text="Last time the source was asked and answered, changed or not"
    )
    page_rows = models.PositiveIntegerField(
        null=True, blank=True, help_text="Rows at a time that worked last; the next run tries a few more"
    )
    probed_at = models.DateTimeField(null=True, blank=True, help_text="Last probe: asked, nothing fetched")
    probe_reached = models.BooleanField(null=True, help_text="Whether it answered; empty before any probe")
    probe_message = models.CharField(max_length=500, blank=True, help_text="Why it could not be read")
    probe_url = models.CharField(max_length=600, blank=True, help_text="The layer that answered")
    probe_count = models.PositiveIntegerField(null=True, blank=True, help_text="Rows the layer counted")
    probe_edited_at = models.DateTimeField(null=True, blank=True, help_text="Last edit, as the server says")
    probe_missing = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        help_text="Mapped fields that the layer lacks",
    )

    class Meta:
        ordering = ["utility__utility_code", "code"]
        constraints = [models.UniqueConstraint(fields=["utility", "code"], name="source_code_unique")]

    def __str__(self) -> str:
        return f"{self.utility.utility_code}/{self.code}"

    @property
    def probe_fits(self) -> bool:
        """True where the last probe reached the layer and found every mapped field in it."""
        return bool(self.probe_reached) and not self.probe_missing

    @property
    def is_scheduled(self) -> bool:
        """True where the timetable may fetch it without a person asking: seen, or found to fit by a probe."""
        return (
            self.is_enabled
            and self.in_catalog
            and (
                self.status == CatalogStatus.SEEN
                or (self.status == CatalogStatus.UNVERIFIED and self.probe_fits)
            )
            and self.redistribution != Redistribution.FORBIDDEN
            and not self.is_brought
        )

    @property
    def is_brought(self) -> bool:
        """True for a file without an address: a person brings it, in a folder."""
        return not self.service_url and "file" in self.config_json

    @property
    def is_file_to_bring(self) -> bool:
        """True for such a file that may be read."""
        return (
            self.is_brought
            and self.is_enabled
            and self.status == CatalogStatus.SEEN
            and self.redistribution != Redistribution.FORBIDDEN
        )
