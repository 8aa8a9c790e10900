"""Every check once: its id, what it does to a run, what it asks, and what that means for a reader.

Docs and pages are made from it, and a test holds it against the ids in the code.
"""

from hosting.lake.checks.listed import Check
from hosting.lake.checks.listed_change import CHANGE, DERS, FLOWS, LEGAL, NETWORK
from hosting.lake.checks.listed_rows import COMPLETENESS, VALUES
from hosting.lake.checks.listed_shapes import DATES, GEOMETRY

PARTS: dict[str, tuple[Check, ...]] = {
    "completeness": COMPLETENESS,
    "values": VALUES,
    "dates": DATES,
    "geometry": GEOMETRY,
    "change": CHANGE,
    "ders": DERS,
    "flows": FLOWS,
    "network": NETWORK,
    "legal": LEGAL,
}
CHECKS: dict[str, Check] = {check.id: check for checks in PARTS.values() for check in checks}
PART_OF: dict[str, str] = {check.id: part for part, checks in PARTS.items() for check in checks}
