"""What the checks noticed: findings, rows kept back, and a summary per utility, dataset and run."""

from django.db import models

from hosting.models.feeders import Feeder
from hosting.models.runs import HCIngestionRun
from utilities.models import Source, Utility


class Severity(models.TextChoices):
    """What a finding does, from the heaviest."""

    FAIL = "F", "Fails the run"
    BLOCK = "B", "Holds the run for a person"
    ERROR = "E", "Quarantines the row"
    WARNING = "W", "Published with a flag"
    INFO = "I", "Information"


class Finding(models.Model):
    """What one check noticed in one run."""

    run = models.ForeignKey(HCIngestionRun, on_delete=models.CASCADE, related_name="findings")
    utility = models.ForeignKey(Utility, on_delete=models.CASCADE, related_name="findings")
    feeder = models.ForeignKey(
        Feeder, null=True, blank=True, on_delete=models.CASCADE, related_name="findings"
    )
    check_id = models.CharField(max_length=8, help_text="Q01 to Q68")
    severity = models.CharField(max_length=1, choices=Severity)
    message = models.TextField(help_text="One sentence for a person")
    count = models.PositiveIntegerField(help_text="Rows concerned")
    examples = models.JSONField(default=list, help_text="Up to 100 rows as published, addresses masked")

    class Meta:
        ordering = ["-run_id", "check_id"]
        indexes = [models.Index(fields=["utility", "check_id"], name="finding_utility_check")]

    def __str__(self) -> str:
        return f"{self.check_id}: {self.message}"


class QuarantinedRow(models.Model):
    """A published row that was not published on, with the reason."""

    run = models.ForeignKey(HCIngestionRun, on_delete=models.CASCADE, related_name="quarantined_rows")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="+")
    check_id = models.CharField(max_length=8)
    reason = models.CharField(max_length=300)
    object_id = models.CharField(max_length=40, blank=True)
    key = models.CharField(max_length=200, blank=True)
    attributes = models.JSONField(help_text="As published, addresses masked")

    class Meta:
        ordering = ["run_id", "id"]

    def __str__(self) -> str:
        return f"{self.key or self.object_id}: {self.reason}"


class DataQualitySummary(models.Model):
    """How a dataset stood after one run."""

    utility = models.ForeignKey(Utility, on_delete=models.CASCADE, related_name="quality_summaries")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="quality_summaries")
    run = models.ForeignKey(HCIngestionRun, on_delete=models.CASCADE, related_name="quality_summaries")
    dataset = models.CharField(max_length=40, help_text="sections, records, installed_der or planned_der")
    refresh_date = models.DateField(null=True, help_text="Latest date that the publisher states")
    row_count = models.PositiveIntegerField()
    null_shares = models.JSONField(default=dict, help_text="Column to share of nulls, 0 to 1")
    unresolved_references = models.PositiveIntegerField(default=0)
    quarantined_rows = models.PositiveIntegerField(default=0)
    score = models.DecimalField(max_digits=5, decimal_places=2, null=True, help_text="0 to 100")
    score_parts = models.JSONField(default=dict)
    computed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "data quality summaries"
        constraints = [
            models.UniqueConstraint(fields=["run", "dataset"], name="quality_summary_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.dataset} after run {self.run_id}"


class FeederQuality(models.Model):
    """The quality mark of a feeder by one of its sources, as published; a feeder without one has 100."""

    feeder = models.ForeignKey(Feeder, on_delete=models.CASCADE, related_name="quality_marks")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="+")
    run = models.ForeignKey(HCIngestionRun, on_delete=models.CASCADE, related_name="+", db_index=False)
    score = models.DecimalField(max_digits=5, decimal_places=2, help_text="0 to 100")
    score_parts = models.JSONField(default=dict, help_text="Part to 0 to 100")
    checks = models.JSONField(default=dict, help_text="Check to the rows of the feeder that it is about")

    class Meta:
        verbose_name = "feeder quality"
        verbose_name_plural = "feeder quality"
        constraints = [
            models.UniqueConstraint(fields=["feeder", "source"], name="feeder_quality_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.feeder} {self.score} by {self.source}"
