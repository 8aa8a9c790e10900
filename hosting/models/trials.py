"""Trials: what a person has the worker do with a source, from the admin.

A trial is the person's side of it: who asked, how far it is, what came out. What an ingest, an approval or a
rollback did is the run's to say; a discovery and a dry run have no run, so their results are kept here until
they expire. An upload has a run for each of its files.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q

from hosting.models.runs import HCIngestionRun
from utilities.models import Source, Utility


class TrialKind(models.TextChoices):
    """What is tried."""

    DISCOVER = "discover", "Discovery"
    DRY_RUN = "dry_run", "Dry run"
    INGEST = "ingest", "Ingest"
    APPROVE = "approve", "Approval"
    ROLLBACK = "rollback", "Rollback"
    UPLOAD = "upload", "Upload"


TRIED = (TrialKind.DISCOVER, TrialKind.DRY_RUN, TrialKind.INGEST)  # with a source, from its page
DECISIONS = (TrialKind.APPROVE, TrialKind.ROLLBACK)  # on a run, from its page; once begun they are finished


class TrialStatus(models.TextChoices):
    """How a trial stands. `done` says that it came to its end, not that its result is good."""

    QUEUED = "queued", "Waiting for a worker"
    RUNNING = "running", "Under way"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


OPEN = (TrialStatus.QUEUED, TrialStatus.RUNNING)


class Trial(models.Model):
    """Something that a person asked for. Of a source one of a kind is open, of a utility one upload."""

    kind = models.CharField(max_length=10, choices=TrialKind)
    source = models.ForeignKey(
        Source,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="trials",
        help_text="Empty for the discovery of an address that a person typed, and for an upload",
    )
    utility = models.ForeignKey(
        Utility,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="trials",
        help_text="Whose monthly files an upload brings; empty otherwise",
    )
    url = models.CharField(max_length=600, blank=True, help_text="The service to discover")
    options = models.JSONField(
        default=dict,
        help_text="`limit` of a dry run, `force` of an ingest, `note` of a decision, and of a rollback `to`, "
        "the run to return to, and `dry` where it only says what would change; of an upload `month`, "
        "`force`, `folder` below HCP_UPLOADS, and `files`: each one's source, name, bytes, lines and SHA-256",
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="trials"
    )
    asked_at = models.DateTimeField(help_text="When the person asked")
    started_at = models.DateTimeField(null=True, blank=True, help_text="When a worker took it")
    completed_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(help_text="When it is deleted, result and all; a run stays")
    status = models.CharField(max_length=10, choices=TrialStatus, default=TrialStatus.QUEUED)
    step = models.CharField(max_length=40, blank=True, help_text="What it is doing, or did last")
    rows_fetched = models.PositiveBigIntegerField(null=True, blank=True)
    rows_expected = models.PositiveBigIntegerField(null=True, blank=True)
    result = models.JSONField(
        null=True,
        blank=True,
        help_text="Of a discovery, dry run or upload; bounded in size. That of an upload grows file by file",
    )
    error = models.TextField(blank=True, help_text="Why it failed, as a sentence for a person")
    run = models.ForeignKey(
        HCIngestionRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="trials"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "kind"],
                name="trial_open_once",
                condition=Q(status__in=["queued", "running"], source__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["started_by"],
                name="trial_typed_open_once",
                condition=Q(status__in=["queued", "running"], source__isnull=True, utility__isnull=True),
            ),
            models.UniqueConstraint(
                fields=["utility"],
                name="trial_upload_open_once",
                condition=Q(status__in=["queued", "running"], utility__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="trial_expires"),
            models.Index(fields=["status"], name="trial_open", condition=Q(status__in=["queued", "running"])),
        ]

    def __str__(self) -> str:
        if self.utility is not None:
            return f"{TrialKind(self.kind).label} of {self.options.get('month', '')} of {self.utility}"
        return f"{TrialKind(self.kind).label} of {self.source or self.url}"

    @property
    def is_open(self) -> bool:
        """True until it has ended, one way or another."""
        return self.status in OPEN
