"""What is known of each interface of the report P-32, by Point ID; no Django here.

Names have changed for 8 of 25 ids, ids never: everything is keyed on them. An id that is not listed is taken
in as unclassified. Which interface has limits is data and stands in the files, not here.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Region(StrEnum):
    """Who is on the other side."""

    PJM = "pjm"
    NEW_ENGLAND = "new_england"
    ONTARIO = "ontario"
    QUEBEC = "quebec"
    NEW_YORK = "new_york"  # internal interfaces: both sides are New York
    UNCLASSIFIED = "unclassified"


NEIGHBOURS: Final = (Region.PJM, Region.NEW_ENGLAND, Region.ONTARIO, Region.QUEBEC)
NAMES: Final = {
    Region.PJM: "PJM",
    Region.NEW_ENGLAND: "New England",
    Region.ONTARIO: "Ontario",
    Region.QUEBEC: "Quebec",
    Region.NEW_YORK: "New York",
    Region.UNCLASSIFIED: "Unclassified",
}


@dataclass(frozen=True)
class Known:
    """What is known of one interface."""

    point_id: int
    name: str  # as the files of 2026 have it
    label: str  # for people
    region: Region
    landing_zone: str = ""  # where in New York it arrives, where that is known
    is_primary: bool = False  # the one interface of its region that an answer of four rows has
    is_summed: bool = True  # part of its region's total
    follows_schedule: bool = False  # a DC or controlled tie: standing still for hours is routine

    @property
    def is_external(self) -> bool:
        return self.region is not Region.NEW_YORK


def _external(point_id: int, name: str, label: str, region: Region, **more: str | bool) -> Known:
    return Known(point_id, name, label, region, **more)  # type: ignore[arg-type]  # the keywords are Known's


def _internal(point_id: int, name: str, label: str) -> Known:
    return Known(point_id, name, label, Region.NEW_YORK, is_summed=False)


CITY, ISLAND = "New York City", "Long Island"
ENGLAND: Final = Region.NEW_ENGLAND
DC: Final = {"follows_schedule": True}
INTERFACES: Final = (
    _external(23316, "SCH - PJ - NY", "PJM AC ties", Region.PJM, is_primary=True),
    _external(325905, "SCH - PJM_HTP", "Hudson Transmission (HTP)", Region.PJM, landing_zone=CITY, **DC),
    _external(325305, "SCH - PJM_NEPTUNE", "Neptune", Region.PJM, landing_zone=ISLAND, **DC),
    _external(325658, "SCH - PJM_VFT", "Linden VFT", Region.PJM, landing_zone=CITY, **DC),
    _external(23318, "SCH - NE - NY", "New England AC ties", ENGLAND, is_primary=True),
    _external(325277, "SCH - NPX_1385", "Northport-Norwalk (1385)", ENGLAND, landing_zone=ISLAND, **DC),
    _external(325154, "SCH - NPX_CSC", "Cross Sound Cable", ENGLAND, landing_zone=ISLAND, **DC),
    _external(23317, "SCH - OH - NY", "Ontario ties", Region.ONTARIO, is_primary=True),
    _external(23324, "SCH - HQ - NY", "Chateauguay", Region.QUEBEC, is_primary=True, **DC),
    _external(325274, "SCH - HQ_CEDARS", "Cedars", Region.QUEBEC, **DC),
    _external(625211, "SCH - HQ_CHPE", "Champlain Hudson (CHPE)", Region.QUEBEC, landing_zone=CITY, **DC),
    # Equal to HQ - NY, or apart from it by what is wheeled through: adding it would count Quebec twice.
    _external(
        325376, "SCH - HQ_IMPORT_EXPORT", "Quebec import and export", Region.QUEBEC, is_summed=False, **DC
    ),
    _internal(23312, "WEST CENTRAL", "West Central"),
    _internal(23326, "DYSINGER EAST", "Dysinger East"),
    _internal(23319, "MOSES SOUTH", "Moses South"),
    _internal(23330, "CENTRAL EAST - VC", "Central East"),
    _internal(23314, "TOTAL EAST", "Total East"),
    _internal(23315, "UPNY CONED", "Upstate to Con Edison"),
    _internal(23320, "SPR/DUN-SOUTH", "Sprain Brook and Dunwoodie South"),
)  # fmt: skip
NEVER_SUMMED: Final = frozenset({325376})
BY_POINT_ID: Final = {known.point_id: known for known in INTERFACES}

# Spellings that stand in other programs and in no file.
OTHER_SPELLINGS: Final = {"SCH - PJM - NY": 23316}
