"""Runs: each attempt to read a file, and what was noticed in it."""

from django.conf import settings
from django.db import models

from interregional.models.sources import FlowSource
from interregional.noticing import Noticed


class RunStatus(models.TextChoices):
    """How a run stands. Only `completed` changed what readers see."""

    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    UNCHANGED = "unchanged", "Unchanged: everything in it was known"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class FlowRun(models.Model):
    """One attempt to read one file."""

    id = models.AutoField(primary_key=True)
    source = models.ForeignKey(FlowSource, on_delete=models.PROTECT, related_name="runs")
    target_date = models.DateField(
        null=True, blank=True, help_text="New York day; empty for the file of the moment"
    )
    publisher = models.CharField(max_length=100, blank=True, help_text="Which one answered")
    source_url = models.CharField(max_length=500, blank=True, help_text="What was read")
    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.RUNNING)
    started_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    rows_read = models.PositiveIntegerField(default=0)
    inserted = models.PositiveIntegerField(default=0, help_text="Rows that were new")
    updated = models.PositiveIntegerField(default=0, help_text="Rows that the publisher had revised")
    unchanged = models.PositiveIntegerField(default=0, help_text="Rows that were known")
    quarantined = models.PositiveIntegerField(default=0, help_text="Lines that were no rows")
    oldest = models.DateTimeField(null=True, blank=True, help_text="First instant in the file")
    newest = models.DateTimeField(null=True, blank=True, help_text="Last instant in the file")
    attempts = models.JSONField(default=list, help_text="What each publisher that was asked said")
    error = models.TextField(blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = "run"
        indexes = [
            models.Index(fields=["source", "-started_at"], name="flowrun_source_started"),
            models.Index(fields=["source", "target_date"], name="flowrun_source_day"),
            models.Index(fields=["source"], name="flowrun_open", condition=models.Q(status="running")),
        ]
        permissions = [("start_flowrun", "Can pull flows")]

    def __str__(self) -> str:
        day = f" for {self.target_date}" if self.target_date else ""
        return f"Run {self.pk} of {self.source}{day}"


class Severity(models.TextChoices):
    """What a finding does, from the heaviest."""

    ERROR = "E", "Quarantines the row"
    WARNING = "W", "Stored, and worth a look"
    INFO = "I", "Information"


class FlowFinding(models.Model):
    """Something noticed (check Q65), once for as long as it lasts, however often its file is read."""

    check_id = models.CharField(max_length=8, default="Q65")
    kind = models.CharField(
        max_length=20, choices=[(kind.value, kind.value.replace("_", " ")) for kind in Noticed]
    )
    severity = models.CharField(max_length=1, choices=Severity)
    interface = models.ForeignKey(
        "interregional.Interface", null=True, blank=True, on_delete=models.CASCADE, related_name="findings"
    )
    starts_at = models.DateTimeField(help_text="First instant concerned")
    ends_at = models.DateTimeField(help_text="Last instant concerned")
    count = models.PositiveIntegerField(help_text="Rows or stamps concerned")
    message = models.TextField(help_text="One sentence for a person")
    examples = models.JSONField(default=list)
    run = models.ForeignKey(
        FlowRun, on_delete=models.CASCADE, related_name="findings", help_text="That noticed it last"
    )

    class Meta:
        ordering = ["-starts_at", "kind"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "interface", "starts_at"], name="flow_finding_unique", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.message}"


class QuarantinedFlow(models.Model):
    """A line that was not taken in, once, however often its file is read."""

    run = models.ForeignKey(
        FlowRun, on_delete=models.CASCADE, related_name="quarantined_lines", help_text="That met it last"
    )
    line = models.PositiveIntegerField(help_text="In the file; the header is line 1")
    text = models.CharField(max_length=300)
    reason = models.CharField(max_length=200)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["text", "reason"], name="quarantined_flow_unique")]

    def __str__(self) -> str:
        return f"{self.text}: {self.reason}"
