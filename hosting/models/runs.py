"""Runs: each attempt to take one source from its server to what readers see."""

from django.conf import settings
from django.db import models

from utilities.models import Source, Utility


class RunStatus(models.TextChoices):
    """How a run stands. Only `completed` changed what readers see."""

    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    UNCHANGED = "unchanged", "Unchanged: the source holds what is published"
    HELD = "held", "Held for a person"
    FAILED = "failed", "Failed"
    REJECTED = "rejected", "Rejected by a person"
    CANCELLED = "cancelled", "Cancelled"


class HCIngestionRun(models.Model):
    """One attempt to ingest one source. A rollback is a run of its own."""

    utility = models.ForeignKey(Utility, on_delete=models.PROTECT, related_name="runs")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="runs")
    started_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.RUNNING)
    records_fetched = models.PositiveIntegerField(null=True, blank=True, help_text="Rows in bronze")
    records_written = models.PositiveIntegerField(
        null=True, blank=True, help_text="Sections and records that this run added, changed or removed"
    )
    error_message = models.TextField(blank=True)
    source_url = models.CharField(max_length=600, blank=True, help_text="The layer that was really read")
    discovery = models.JSONField(
        null=True, blank=True, help_text="Which service was chosen, and the candidates that were not"
    )
    layer = models.JSONField(
        null=True, blank=True, help_text="The layer's fields, types and limits as the server described them"
    )
    content_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Of all rows as published, in order of the object id"
    )
    source_edited_at = models.DateTimeField(null=True, blank=True, help_text="As the server says")
    step = models.CharField(max_length=20, blank=True, help_text="The step it is in, or ended in")
    steps = models.JSONField(default=list, help_text="Each step done: name, seconds")
    counts = models.JSONField(default=dict, help_text="Rows added, changed, removed, quarantined; by table")
    quality = models.JSONField(
        null=True, blank=True, help_text="Score of its checks and the parts of it, 0 to 100"
    )
    config_json = models.JSONField(help_text="The source's catalog entry as it was then")
    period = models.DateField(null=True, blank=True, help_text="First day of the month, for monthly files")
    rollback_of = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="rollbacks",
        help_text="The run whose state this run brought back",
    )
    replaced_by = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The run of a late month for which this month was loaded anew",
    )
    promoted_from = models.JSONField(
        null=True,
        blank=True,
        help_text="Environment, run and reading time of what was promoted; rows and digest by table",
    )
    compared_with = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The published run that its changes were computed against",
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_note = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "run"
        indexes = [
            models.Index(fields=["source", "-started_at"], name="run_source_started"),
            models.Index(fields=["utility", "-started_at"], name="run_utility_started"),
            models.Index(fields=["-started_at"], name="run_started"),
            models.Index(
                fields=["source"],
                name="run_open",
                condition=models.Q(status__in=["running", "held"]),
            ),
        ]
        permissions = [
            ("start_run", "Can start, cancel and repeat runs"),
            ("decide_run", "Can approve and reject held runs of utilities they are named for"),
            ("roll_back_run", "Can return any source to an earlier run"),
        ]

    def __str__(self) -> str:
        return f"Run {self.pk} of {self.source}"
