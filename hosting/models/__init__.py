"""What people read, and how it came to be: runs, records with their history, DER, the network, quality."""

from hosting.models.der_totals import FeederDERTotals
from hosting.models.ders import DER, DERAddress, DERStatus, DERVersion
from hosting.models.feeders import Feeder, FeederAlias
from hosting.models.network import DivisionBoundary, Substation, SubstationLoadProfile
from hosting.models.overview import OverviewCell, OverviewState
from hosting.models.quality import DataQualitySummary, FeederQuality, Finding, QuarantinedRow, Severity
from hosting.models.records import HostingCapacityRecord, HostingCapacityRecordVersion, HostingCapacitySummary
from hosting.models.runs import HCIngestionRun, RunStatus
from hosting.models.sections import HostingCapacitySection, HostingCapacitySectionVersion
from hosting.models.states import DERState, HostingCapacityRecordState, HostingCapacitySectionState
from hosting.models.trials import Trial, TrialKind, TrialStatus
from hosting.models.unresolved import UnresolvedDER
from hosting.models.words import CapacityStatus, CapacityType, ConstrainingMetric

__all__ = [
    "DER",
    "CapacityStatus",
    "CapacityType",
    "ConstrainingMetric",
    "DERAddress",
    "DERState",
    "DERStatus",
    "DERVersion",
    "DataQualitySummary",
    "DivisionBoundary",
    "Feeder",
    "FeederAlias",
    "FeederDERTotals",
    "FeederQuality",
    "Finding",
    "HCIngestionRun",
    "HostingCapacityRecord",
    "HostingCapacityRecordState",
    "HostingCapacityRecordVersion",
    "HostingCapacitySection",
    "HostingCapacitySectionState",
    "HostingCapacitySectionVersion",
    "HostingCapacitySummary",
    "OverviewCell",
    "OverviewState",
    "QuarantinedRow",
    "RunStatus",
    "Severity",
    "Substation",
    "SubstationLoadProfile",
    "Trial",
    "TrialKind",
    "TrialStatus",
    "UnresolvedDER",
]
