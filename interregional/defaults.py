"""What every installation has: the two sources, and the interfaces that are known.

What somebody edited in the admin stays; what nobody edited follows a new release.
"""

from typing import Any, Final

from django.db.models import Model

from interregional.models import FlowSource, Interface
from interregional.roster import INTERFACES

OASIS: Final = "https://oasis-postings.prod.nysdi.com/INTERFACE_LIMITS_FLOWS/CSV"
MIS: Final = "http://mis.nyiso.com/public/csv/ExternalLimitsFlows"  # has no https
ATTRIBUTION: Final = "New York Independent System Operator (NYISO), report P-32"
DAILY, CURRENT, DEMONSTRATION = "P-32", "P-32-CURRENT", "DEMO"

SOURCES: Final[dict[str, dict[str, Any]]] = {
    DAILY: {
        "report_code": "P-32",
        "title": "Interface limits and flows, a file a day",
        "url_templates": [
            f"{OASIS}/{{YYYY}}/{{MM}}/{{DD}}/ExternalLimitsFlows-{{YYYYMMDD}}.csv",
            f"{MIS}/{{YYYYMMDD}}ExternalLimitsFlows.csv",
        ],
        "archive_templates": [f"{MIS}/{{YYYYMM01}}ExternalLimitsFlows_csv.zip"],
        "frequency_minutes": 60,
        "attribution": ATTRIBUTION,
    },
    CURRENT: {
        "report_code": "P-32",
        "title": "Interface limits and flows, the latest interval",
        "url_templates": [f"{OASIS}/current.csv", f"{MIS}/currentExternalLimitsFlows.csv"],
        "archive_templates": [],
        "frequency_minutes": 5,
        "attribution": ATTRIBUTION,
    },
}


def ensure_defaults() -> None:
    """Make what is missing, and bring what nobody edited to what this release says."""
    for code, given in SOURCES.items():
        _ensure(FlowSource(code=code), FlowSource.objects.filter(code=code).first(), given)
    for known in INTERFACES:
        given = {
            "label": known.label,
            "region": known.region.value,
            "is_external": known.is_external,
            "is_primary": known.is_primary,
            "is_summed": known.is_summed,
            "follows_schedule": known.follows_schedule,
            "landing_zone": known.landing_zone,
        }
        new = Interface(point_id=known.point_id, name=known.name)
        _ensure(new, Interface.objects.filter(point_id=known.point_id).first(), given)


def _ensure(new: Any, found: Any, given: dict[str, Any]) -> None:
    row: Model = found or new
    edited = found is not None and any(getattr(found, name) != was for name, was in found.made_from.items())
    if edited or (found is not None and found.made_from == given):
        return
    for name, value in given.items():
        setattr(row, name, value)
    setattr(row, "made_from", given)  # noqa: B010 - both models have it
    row.save()
