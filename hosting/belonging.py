"""What belongs to a utility, in the order in which it can be deleted.

For demonstrations and generated loads; real history is kept.
"""

from django.db import models

from hosting.models import (
    DER,
    DataQualitySummary,
    DERAddress,
    DERVersion,
    DivisionBoundary,
    Feeder,
    FeederDERTotals,
    Finding,
    HCIngestionRun,
    HostingCapacityRecord,
    HostingCapacityRecordVersion,
    HostingCapacitySection,
    HostingCapacitySectionVersion,
    HostingCapacitySummary,
    QuarantinedRow,
    Substation,
)
from utilities.models import Source, Utility

# What points to another model stands before it, with its way to the utility. Aliases, load profiles and the
# like go with what they belong to.
BELONGS_BY: tuple[tuple[type[models.Model], str], ...] = (
    (HostingCapacitySectionVersion, "utility"),
    (HostingCapacityRecordVersion, "utility"),
    (DERAddress, "der__utility"),
    (DERVersion, "utility"),
    (HostingCapacitySection, "utility"),
    (HostingCapacityRecord, "utility"),
    (DER, "utility"),
    (HostingCapacitySummary, "utility"),
    (DataQualitySummary, "utility"),
    (QuarantinedRow, "source__utility"),
    (Finding, "utility"),
    (FeederDERTotals, "feeder__utility"),
    (Feeder, "utility"),
    (Substation, "utility"),
    (DivisionBoundary, "utility"),
    (HCIngestionRun, "utility"),
    (Source, "utility"),
    (Utility, "pk"),
)
