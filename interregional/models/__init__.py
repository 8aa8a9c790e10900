"""What is kept: who publishes (`sources.py`), what was read (`runs.py`), interfaces and their flows
(`flows.py`)."""

from interregional.models.flows import FlowRevision, Interface, InterfaceFlow, InterfaceName, Region
from interregional.models.runs import FlowFinding, FlowRun, QuarantinedFlow, RunStatus, Severity
from interregional.models.sources import FlowSource

__all__ = [
    "FlowFinding",
    "FlowRevision",
    "FlowRun",
    "FlowSource",
    "Interface",
    "InterfaceFlow",
    "InterfaceName",
    "QuarantinedFlow",
    "Region",
    "RunStatus",
    "Severity",
]
