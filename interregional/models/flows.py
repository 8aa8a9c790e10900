"""Interfaces, and what flowed over them.

`_mw` is megawatts. Positive is into New York, and for internal interfaces in the direction of the name. A
limit that is null was not posted; 0 is a limit.
"""

from django.core.exceptions import ValidationError
from django.db import models

from interregional import roster
from interregional.models.runs import FlowRun


class Region(models.TextChoices):
    """Who is on the other side."""

    PJM = roster.Region.PJM.value, "PJM"
    NEW_ENGLAND = roster.Region.NEW_ENGLAND.value, "New England"
    ONTARIO = roster.Region.ONTARIO.value, "Ontario"
    QUEBEC = roster.Region.QUEBEC.value, "Quebec"
    NEW_YORK = roster.Region.NEW_YORK.value, "New York"
    UNCLASSIFIED = roster.Region.UNCLASSIFIED.value, "Unclassified"


class Interface(models.Model):
    """Ties that are watched together: to a neighbour (external) or within New York (internal)."""

    id = models.SmallAutoField(primary_key=True)
    point_id = models.PositiveIntegerField(unique=True, help_text="NYISO's number, which never changes")
    name = models.CharField(max_length=60, help_text="As the newest file has it")
    label = models.CharField(max_length=60, help_text="For people")
    region = models.CharField(max_length=12, choices=Region)
    is_external = models.BooleanField(help_text="Crosses New York's border")
    is_primary = models.BooleanField(default=False, help_text="The one that stands for its region alone")
    is_summed = models.BooleanField(default=False, help_text="Part of its region's total")
    follows_schedule = models.BooleanField(
        default=False, help_text="A DC or controlled tie: a flow that stands still is routine"
    )
    landing_zone = models.CharField(max_length=40, blank=True, help_text="Where it arrives, if that is known")
    first_seen = models.DateTimeField(null=True, editable=False, help_text="Instant of its first row")
    last_seen = models.DateTimeField(null=True, editable=False, help_text="Instant of its last row")
    made_from = models.JSONField(default=dict, editable=False)

    class Meta:
        ordering = ["point_id"]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        """No edit may count a flow twice."""
        if self.is_summed and self.point_id in roster.NEVER_SUMMED:
            raise ValidationError({"is_summed": "It overlaps other lines of its region: it is in no total."})


class InterfaceName(models.Model):
    """A name that an interface had in the files, with the instants between which it was seen."""

    interface = models.ForeignKey(Interface, on_delete=models.CASCADE, related_name="names")
    name = models.CharField(max_length=60)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        ordering = ["interface", "first_seen"]
        constraints = [models.UniqueConstraint(fields=["interface", "name"], name="interface_name_unique")]

    def __str__(self) -> str:
        return self.name


class InterfaceFlow(models.Model):
    """One interface at one instant.

    Tens of millions of rows: no number of its own, one index, no check of foreign keys row by row. See
    docs/decisions/012-flows-layout.md.
    """

    pk = models.CompositePrimaryKey("timestamp", "interface_id")
    timestamp = models.DateTimeField(help_text="UTC; the values are those of this instant")
    run = models.ForeignKey(
        FlowRun,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
        help_text="The run that last wrote it",
    )
    interface = models.ForeignKey(
        Interface, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="flows"
    )
    flow_mw = models.DecimalField(max_digits=10, decimal_places=4, help_text="Positive is into New York")
    positive_limit_mw = models.DecimalField(
        max_digits=10, decimal_places=4, null=True, help_text="Null: no limit posted"
    )
    negative_limit_mw = models.DecimalField(
        max_digits=10, decimal_places=4, null=True, help_text="Null: no limit posted"
    )

    def __str__(self) -> str:
        return f"{self.interface_id} at {self.timestamp:%Y-%m-%dT%H:%MZ}: {self.flow_mw} MW"


class FlowRevision(models.Model):
    """What a row said before the publisher changed it."""

    timestamp = models.DateTimeField(help_text="Of the flow")
    interface = models.ForeignKey(Interface, on_delete=models.CASCADE, related_name="revisions")
    run = models.ForeignKey(
        FlowRun,
        on_delete=models.PROTECT,
        related_name="revisions",
        help_text="The run that brought new values",
    )
    revised_at = models.DateTimeField()
    flow_mw = models.DecimalField(max_digits=10, decimal_places=4, help_text="Until then")
    positive_limit_mw = models.DecimalField(max_digits=10, decimal_places=4, null=True)
    negative_limit_mw = models.DecimalField(max_digits=10, decimal_places=4, null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["interface", "timestamp"], name="revision_interface_time")]

    def __str__(self) -> str:
        return f"{self.interface_id} at {self.timestamp:%Y-%m-%dT%H:%MZ} was {self.flow_mw} MW"
