"""DER: what is installed on a feeder and what is planned. Nameplates are rated AC output in kW."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from hosting.models.feeders import Feeder
from hosting.models.managers import CurrentManager
from hosting.models.runs import HCIngestionRun
from utilities.models import Source, Utility


class DERStatus(models.TextChoices):
    """Where a project stands."""

    INSTALLED = "installed", "Installed: permission to operate"
    PLANNED = "planned", "Planned: in the queue"


# No feeder, or a list of which a part leads to none. An index holds just these: few among a million.
UNRESOLVED = models.Q(feeder__isnull=True) | ~models.Q(unresolved_references="")


class DERColumns(models.Model):
    """Columns of a DER and of what it was before.

    Utility, source and run are those of the run that wrote the row, and not checked again, as for Capacity.
    """

    utility = models.ForeignKey(
        Utility, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    source = models.ForeignKey(
        Source, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    ingestion_run = models.ForeignKey(
        HCIngestionRun, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    feeder = models.ForeignKey(
        Feeder,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="Null where the published reference does not resolve",
    )
    further_feeder_ids = ArrayField(
        models.BigIntegerField(),
        default=list,
        db_default=[],
        blank=True,
        help_text="Other feeders that the reference leads to, where it is a list",
    )
    feeder_reference = models.CharField(max_length=300, blank=True, help_text="As published")
    unresolved_references = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="JSON list of what in the reference leads to no feeder",
    )
    external_id = models.CharField(max_length=120)
    status = models.CharField(max_length=10, choices=DERStatus)
    der_type = models.CharField(max_length=80, blank=True, help_text="As published")
    technologies = models.JSONField(default=dict, help_text="Technology to kW")
    nameplate_kw = models.DecimalField(max_digits=14, decimal_places=3, null=True)
    is_hybrid = models.BooleanField(null=True)
    installed_on = models.DateField(null=True)
    planned_on = models.DateField(null=True)
    completed_on = models.DateField(null=True)
    project_status = models.CharField(max_length=200, blank=True)
    status_rationale = models.TextField(blank=True)
    queue_request_id = models.CharField(max_length=120, blank=True)
    queue_position = models.CharField(max_length=80, blank=True, help_text="As published")
    costs = models.JSONField(null=True, help_text="Published cost field to US dollars")
    as_published = models.JSONField(
        null=True, help_text="Further fields as text, whose meaning or unit is not sure"
    )
    valid_from = models.DateTimeField()

    class Meta:
        abstract = True


class DER(DERColumns):
    """A distributed energy resource as last published. Installed and planned may share an external id."""

    objects = CurrentManager["DER"]()

    class Meta:
        verbose_name = "DER"
        verbose_name_plural = "DER"
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id", "status"], name="der_key_unique"),
        ]
        indexes = [
            models.Index(fields=["feeder", "status"], name="der_feeder"),
            models.Index(fields=["utility", "status"], name="der_utility"),
            models.Index(fields=["ingestion_run"], name="der_run"),
            GinIndex(fields=["further_feeder_ids"], name="der_further_feeders", fastupdate=False),
            models.Index(fields=["utility", "status", "id"], name="der_unresolved", condition=UNRESOLVED),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} ({self.status})"


class DERVersion(DERColumns):
    """A DER as it was, from `valid_from` until `valid_to`."""

    der_id = models.BigIntegerField()
    valid_to = models.DateTimeField()
    ended_by_run = models.ForeignKey(HCIngestionRun, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "DER version"
        indexes = [
            models.Index(fields=["source", "external_id", "status", "valid_to"], name="der_past_key"),
            models.Index(fields=["feeder", "valid_to"], name="der_past_feeder"),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} until {self.valid_to:%Y-%m-%d}"


class DERAddress(models.Model):
    """The published street address of a DER. Personal: stewards only, never in pages, API or exports."""

    der = models.OneToOneField(DER, on_delete=models.CASCADE, related_name="address")
    source = models.ForeignKey(
        Source, null=True, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    ingestion_run = models.ForeignKey(
        HCIngestionRun,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
        help_text="The run that last changed it",
    )
    street_address = models.CharField(max_length=300)

    class Meta:
        verbose_name = "DER address"
        verbose_name_plural = "DER addresses"

    def __str__(self) -> str:
        return f"Address of DER {self.der_id}"
