"""Demo Valley Electric: a country utility that publishes each section, generation and load, kW as text.

Its habits are those of many: numbers as text with words among them, a voltage with or without its unit,
feeder figures repeated on every section, ids with leading zeros.
"""

import math
from random import Random
from typing import Any

from hosting.demo.files import Column, Layer, Path2D, object_ids
from hosting.demo.network import Feeder, Section, Substation, grow
from hosting.demo.place import CATLOW_VALLEY, COUNTY, Spot, dice
from hosting.demo.streets import Town, lay_out
from hosting.demo.study import Capacity, study

CODE = "demo_valley"
EDITED_MS = 1_785_542_400_000  # 2026-08-01
STUDIED_MS = (1_781_481_600_000, 1_784_505_600_000)  # 2026-06-15 and 2026-07-20, midnight UTC as a bare date
LOAD_CEILING_KW = 5000
NOT_STUDIED, WITHHELD = "NA", "REDACTED"

TOWNS = (
    Town(Spot(-600, -400), 2900, 0.22),
    Town(Spot(8600, 6100), 1500, -0.30),
    Town(Spot(-9300, 7000), 1350, 0.12),
    Town(Spot(-7900, -8800), 1500, -0.18),
    Town(Spot(6900, -9400), 1250, 0.34),
    Town(Spot(12200, -2400), 1000, 0.10),
)
SUBSTATIONS = (
    Substation("LRK", "Larkspur", Spot(-900, 300), (12.47,) * 6 + (4.16,) * 2, 4500),
    Substation("MLR", "Millrace", Spot(1300, -1500), (12.47,) * 7, 6500),
    Substation("KLN", "Kiln Road", Spot(-2900, -2300), (12.47,) * 6, 7000),
    Substation("JNF", "Juniper Flat", Spot(8300, 5800), (12.47,) * 6, 8500),
    Substation("TLS", "Tule Springs", Spot(-9100, 6700), (12.47,) * 5, 8500),
    Substation("SLT", "Saltbush", Spot(-7700, -8500), (24.9,) * 5, 8500),
    Substation("ATC", "Antler Creek", Spot(7100, -9000), (24.9,) * 5, 8500),
    Substation("DNS", "Dunstan", Spot(12000, -2200), (12.47,) * 5, 7000),
)
# Feeders with a story, so that every page has something to explain: code and number of the feeder.
CLOSED = ("MLR", 5)  # as full as can be: zero everywhere
SERVES_ONE_CUSTOMER = ("KLN", 4)  # its figures are withheld
TO_BE_CONVERTED = ("LRK", 8)  # to another voltage, therefore not studied

COLUMNS = (
    Column("OBJECTID", "OID"),
    Column("SECTION_ID", "String", "Section", 24),
    Column("FEEDER_ID", "String", "Feeder", 12),
    Column("FEEDER_NAME", "String", "Feeder Name", 60),
    Column("SUBSTATION", "String", "Substation", 60),
    Column("COUNTY", "String", "County", 40),
    Column("NOMINAL_KV", "String", "Nominal Voltage", 12),
    Column("PHASES", "String", "Phases", 3),
    Column("OH_UG", "String", "Construction", 2, (("OH", "Overhead"), ("UG", "Underground"))),
    Column("GEN_HC_KW", "String", "Generation Hosting Capacity (kW)", 16),
    Column("GEN_LIMIT", "String", "Limiting Criterion", 40),
    Column("GEN_THERMAL_KW", "Integer", "Thermal Limit (kW)"),
    Column("GEN_VOLTAGE_KW", "Integer", "Voltage Limit (kW)"),
    Column("GEN_PROTECT_KW", "Integer", "Protection Limit (kW)"),
    Column("LOAD_HC_KW", "String", "Load Hosting Capacity (kW)", 16),
    Column("FDR_INST_GEN_KW", "Double", "Installed Generation, Feeder (kW)"),
    Column("FDR_QUEUE_GEN_KW", "Double", "Queued Generation, Feeder (kW)"),
    Column("STUDY_DATE", "Date", "Study Date", 8),
)
LIMIT_WORDS = {"thermal": "Thermal Limit", "voltage": "Voltage Rise", "protection": "Fault Current"}


def layer(seed: int) -> Layer:
    """The whole layer, its sections in the order of their feeders."""
    rng = dice(seed, CODE)
    streets = lay_out(TOWNS, (112, 100), _in_valley, rng)
    rows: list[tuple[dict[str, Any], list[Path2D]]] = []
    for feeder in grow(streets, SUBSTATIONS, rng):
        # Its own dice, so that a change in one feeder's columns leaves the others as they were.
        rows += _rows(feeder, dice(seed, CODE, feeder.substation.code, feeder.number))
    for (attributes, _), number in zip(rows, object_ids(len(rows)), strict=True):
        attributes["OBJECTID"] = number
    return Layer(
        code=CODE,
        title="Demo Valley Hosting Capacity (synthetic)",
        description="Generation and load hosting capacity by section of a utility that does not exist.",
        columns=COLUMNS,
        edited_ms=EDITED_MS,
        rows=rows,
    )


def _in_valley(spot: Spot) -> bool:
    """Inside an uneven outline, about 33 km by 29 km."""
    angle = math.atan2(spot.y, spot.x)
    uneven = 1 + 0.05 * math.sin(3 * angle + 0.6) + 0.04 * math.sin(7 * angle)
    return math.hypot(spot.x / 16_500, spot.y / 14_500) < uneven


def _rows(feeder: Feeder, rng: Random) -> list[tuple[dict[str, Any], list[Path2D]]]:
    """One row for each section of a feeder."""
    capacities = study(feeder, rng)
    substation = feeder.substation
    feeder_id = f"{SUBSTATIONS.index(substation) + 1:02d}{feeder.number:02d}"
    strongest = max(capacity.headline for capacity in capacities.values())
    shared = {
        "FEEDER_ID": feeder_id,
        "FEEDER_NAME": f"{substation.name.upper()} {1100 + feeder.number}",
        "SUBSTATION": substation.name,
        "COUNTY": COUNTY,
        "FDR_INST_GEN_KW": round(rng.uniform(0.01, 0.55) * strongest + rng.uniform(0, 90), 1),
        "FDR_QUEUE_GEN_KW": 0 if rng.random() < 0.4 else round(rng.uniform(0.05, 0.5) * strongest, 1),
        "STUDY_DATE": STUDIED_MS[SUBSTATIONS.index(substation) % 2],
    }
    return [
        (
            {
                **shared,
                "SECTION_ID": f"{feeder_id}-{number:04d}",
                "NOMINAL_KV": rng.choice((f"{feeder.kv:g}",) * 8 + (f"{feeder.kv:g} kV", f" {feeder.kv:g} ")),
                "PHASES": rng.choice(
                    {3: ("ABC",), 2: ("AB", "BC", "AC"), 1: ("A", "B", "C")}[section.phases]
                ),
                "OH_UG": "OH" if section.overhead else "UG",
                **_generation(feeder, section, capacities[section], rng),
                "LOAD_HC_KW": _load(feeder, section, capacities[section], rng),
            },
            [[CATLOW_VALLEY.degrees(spot) for spot in section.path]],
        )
        for number, section in enumerate(feeder.sections, start=1)
    ]


def _generation(feeder: Feeder, section: Section, capacity: Capacity, rng: Random) -> dict[str, Any]:
    """The columns of the generation study; null criteria wherever there is no figure."""
    story = (feeder.substation.code, feeder.number)
    by_criterion = dict(capacity.generation)
    if story == CLOSED:
        by_criterion = {"thermal": 0, "voltage": by_criterion["voltage"], "protection": 0}
    said: str | None = _as_text(min(by_criterion.values()), rng)
    if story == SERVES_ONE_CUSTOMER:
        said = WITHHELD
    elif story == TO_BE_CONVERTED or (section.phases == 1 and not section.overhead):
        said = NOT_STUDIED
    elif section.parent and rng.random() < 0.015:
        said = rng.choice((None, "", " "))
    if said is None or said in (WITHHELD, NOT_STUDIED) or not said.strip():
        return {"GEN_HC_KW": said, "GEN_LIMIT": None} | dict.fromkeys(
            ("GEN_THERMAL_KW", "GEN_VOLTAGE_KW", "GEN_PROTECT_KW")
        )
    binding = min(by_criterion, key=lambda name: by_criterion[name])
    return {
        "GEN_HC_KW": said,
        "GEN_LIMIT": LIMIT_WORDS[binding].upper() if rng.random() < 0.1 else LIMIT_WORDS[binding],
        "GEN_THERMAL_KW": by_criterion["thermal"],
        "GEN_VOLTAGE_KW": by_criterion["voltage"],
        "GEN_PROTECT_KW": by_criterion["protection"],
    }


def _load(feeder: Feeder, section: Section, capacity: Capacity, rng: Random) -> str | None:
    """What a three-phase section could take of load, up to where the study stops."""
    story = (feeder.substation.code, feeder.number)
    if story == SERVES_ONE_CUSTOMER:
        return WITHHELD
    if section.phases < 3 or story == TO_BE_CONVERTED:
        return NOT_STUDIED
    return _as_text(min(capacity.load, LOAD_CEILING_KW), rng)


def _as_text(kw: int, rng: Random) -> str:
    """A number the way a spreadsheet leaves it in a text column."""
    return rng.choice((f"{kw}",) * 12 + (f"{kw}.0", f" {kw}", f"{kw} "))
