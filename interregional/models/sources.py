"""Where the report is published, as configuration."""

from django.core.exceptions import ValidationError
from django.db import models

from interregional.addresses import faults_of


def check_templates(value: object) -> None:
    """A list of addresses that may be fetched, with placeholders that are known."""
    for fault in faults_of(value):
        raise ValidationError(fault)


class FlowSource(models.Model):
    """One form of a report, and its publishers in the order in which they are asked."""

    code = models.SlugField(max_length=20, unique=True)
    report_code = models.CharField(max_length=20, help_text="NYISO's name of the report")
    title = models.CharField(max_length=120)
    url_templates = models.JSONField(
        default=list,
        blank=True,
        validators=[check_templates],
        help_text="Asked in this order. {YYYY}, {MM}, {DD} and {YYYYMMDD} are the New York date; an address "
        "without any is the file of the moment",
    )
    archive_templates = models.JSONField(
        default=list,
        blank=True,
        validators=[check_templates],
        help_text="Zips of a month, asked where no file of the day is found. {YYYYMM01} is its first day",
    )
    frequency_minutes = models.PositiveSmallIntegerField(help_text="How often it is asked")
    is_enabled = models.BooleanField(
        default=True, help_text="Off: never asked, neither by schedule nor by hand"
    )
    is_synthetic = models.BooleanField(default=False, help_text="Made for demonstration, badged everywhere")
    attribution = models.CharField(max_length=200, blank=True)
    made_from = models.JSONField(
        default=dict, editable=False, help_text="The default that it still has, unless somebody edited it"
    )

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code

    def clean(self) -> None:
        """What it fetches must not turn into another report by an edit."""
        dated = {"{" in template for template in self.url_templates}
        was = FlowSource.objects.filter(pk=self.pk).first()
        if len(dated) == 2 or (was is not None and was.url_templates and dated != {not was.is_static}):
            kind = (
                "are of the latest interval: none has a date" if was and was.is_static else "have a date each"
            )
            raise ValidationError(
                {"url_templates": f"Addresses of this source {kind}, and there is at least one."}
            )

    @property
    def is_static(self) -> bool:
        """True where the same address always holds the latest interval."""
        return not any("{" in template for template in self.url_templates)
