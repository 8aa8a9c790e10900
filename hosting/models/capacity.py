"""The columns that records, sections and what they were before share.

Units: every `_mw` column is megawatts, every `_kv` kilovolts. Null means unknown, never zero; why a hosting
capacity is null or a bound stands in `capacity_status`.
"""

from django.contrib.gis.db import models

from hosting.models.feeders import Feeder
from hosting.models.runs import HCIngestionRun
from hosting.models.words import (
    CapacityStatus,
    CapacityType,
    ConstrainingMetric,
    PhaseConfig,
    RemainingBasis,
    megawatts,
)
from utilities.models import Source, Utility


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
