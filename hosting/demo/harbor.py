"""Demo Harbor Power: a town utility that publishes one row for each feeder, all its lines in one shape.

Its habits: megawatts for the study and kilowatts for what is connected, figures below zero that mean words, a
study that stops at 10 MW, a word for the limit that nobody else uses.
"""

import math
from collections.abc import Sequence
from random import Random
from statistics import median
from typing import Any

from hosting.demo.files import Column, Layer, Path2D, object_ids
from hosting.demo.network import Feeder, Substation, grow
from hosting.demo.place import ALVORD_DESERT, COUNTY, Spot, dice
from hosting.demo.streets import Town, lay_out
from hosting.demo.study import study

CODE = "demo_harbor"
EDITED_MS = 1_788_339_600_000  # 2026-09-02 09:00 UTC
STUDIED_MS = 1_785_781_800_000  # 2026-08-03 18:30 UTC, an instant
DG_AS_OF_MS = 1_788_134_400_000  # 2026-08-31, midnight UTC as a bare date
CEILING_MW = 10
NOT_STUDIED, WITHHELD = -9999, -8888

TOWNS = (
    Town(Spot(-8000, 400), 3000, 0.20),
    Town(Spot(-5600, 8000), 1600, -0.35),
    Town(Spot(1800, 10_600), 1900, 0.15),
    Town(Spot(8600, 7400), 1300, -0.20),
    Town(Spot(-5000, -8000), 1700, 0.30),
    Town(Spot(2600, -10_800), 1500, -0.12),
)
SUBSTATIONS = (
    Substation("10", "Customs Quay", Spot(-7300, 1900), (13.8,) * 5 + (4.8,) * 3, 4200),
    Substation("12", "Ropewalk", Spot(-7000, -1300), (13.8,) * 6 + (4.8,) * 2, 4200),
    Substation("14", "Signal Hill", Spot(-9900, 200), (13.8,) * 4 + (34.5,) * 4, 5200),
    Substation("21", "North Spit", Spot(-5800, 7700), (13.8,) * 7, 5000),
    Substation("23", "Lighthouse", Spot(1500, 10_300), (13.8,) * 6 + (34.5,) * 2, 5200),
    Substation("25", "Ferry Landing", Spot(8300, 7200), (13.8,) * 7, 5000),
    Substation("31", "Saltworks", Spot(-5200, -7800), (13.8,) * 5 + (34.5,) * 2, 5200),
    Substation("33", "South Mole", Spot(2300, -10_500), (13.8,) * 7, 5000),
)
LIMIT_WORDS = {
    "thermal": ("THERMAL", "Conductor Thermal"),
    "voltage": ("PRIMARY_OVER_VOLTAGE", "Steady State Voltage"),
    "protection": ("BREAKER_REACH", "Unintentional_Islanding", "Reverse Power"),
}
HOUSE_WORD = "Pier Rule 7"
"""A limit that no vocabulary knows: a portal has to say so, and not to guess."""

# Feeders with a story, by their place among all: a network is not studied, two are withheld, and so on.
NETWORK = (5, 6)
NOT_YET_STUDIED = (13, 41)
KEPT_SECRET = (18, 30)
NOBODY_KNOWS = (22, 47)
CLOSED = (9, 27, 52)
OVERSUBSCRIBED = (3, 35)
DG_NOT_KNOWN = (16, 44, 58)

COLUMNS = (
    Column("OBJECTID", "OID"),
    Column("CIRCUIT", "String", "Circuit Number", 10),
    Column("CIRCUIT_NAME", "String", "Circuit Name", 60),
    Column("STATION", "String", "Station", 60),
    Column("COUNTY_NAME", "String", "County", 40),
    Column("VOLTAGE_V", "Integer", "Line Voltage (V)"),
    Column("CIRCUIT_TYPE", "String", "Circuit Type", 10),
    Column("HC_MW", "Double", "Hosting Capacity (MW)"),
    Column("HC_MIN_MW", "Double", "Hosting Capacity, Weakest Place (MW)"),
    Column("HC_MAX_MW", "Double", "Hosting Capacity, Strongest Place (MW)"),
    Column("LIMITING_FACTOR", "String", "Limiting Factor", 40),
    Column("DG_CONNECTED_KW", "Double", "Connected Generation (kW)"),
    Column("DG_PENDING_KW", "Double", "Pending Generation (kW)"),
    Column("HC_DATE", "Date", "Study Completed", 8),
    Column("DG_DATE", "Date", "Generation As Of", 8),
)


def layer(seed: int) -> Layer:
    """The whole layer, a row for each feeder."""
    rng = dice(seed, CODE)
    streets = lay_out(TOWNS, (95, 105), _on_shore, rng)
    feeders = grow(streets, SUBSTATIONS, rng)
    rows = [
        (_row(place, feeder, dice(seed, CODE, place)), _shape(feeder)) for place, feeder in enumerate(feeders)
    ]
    for (attributes, _), number in zip(rows, object_ids(len(rows)), strict=True):
        attributes["OBJECTID"] = number
    return Layer(
        code=CODE,
        title="Demo Harbor Circuits (synthetic)",
        description="Generation hosting capacity by circuit of a utility that does not exist.",
        columns=COLUMNS,
        edited_ms=EDITED_MS,
        rows=rows,
    )


def _on_shore(spot: Spot) -> bool:
    """Around a bay that opens to the east, and not too far from it."""
    angle = math.atan2(spot.y, spot.x - 1500)
    uneven = 1 + 0.06 * math.sin(3 * angle + 1.1) + 0.035 * math.sin(8 * angle)
    in_bay = math.hypot((spot.x - 1500) / 6600, spot.y / 7600) < uneven
    open_sea = spot.x > 3000 and abs(spot.y) < 4600
    near = math.hypot((spot.x + 500) / 13_000, spot.y / 14_800) < 1 + 0.05 * math.sin(5 * angle)
    return near and not in_bay and not open_sea


def _shape(feeder: Feeder) -> list[Path2D]:
    """All lines of a feeder, a path for each section."""
    return [[ALVORD_DESERT.degrees(spot) for spot in section.path] for section in feeder.sections]


def _row(place: int, feeder: Feeder, rng: Random) -> dict[str, Any]:
    """What is published of the feeder that is in this place among all."""
    substation = feeder.substation
    capacities = study(feeder, rng)
    main = [capacities[section] for section in feeder.sections if section.phases == 3]
    kw = [capacity.headline for capacity in main]
    half_of_it = median(kw)
    low, high = min(kw), max(kw)
    middle = min(main, key=lambda capacity: abs(capacity.headline - half_of_it))
    limit: str | None = rng.choice(LIMIT_WORDS[middle.binding])
    if place in CLOSED:
        half_of_it, low, high = 0, 0, 0 if place == CLOSED[0] else high
    if place % 29 == 11:
        limit = HOUSE_WORD
    figures: list[float | None] = [_megawatts(value) for value in (half_of_it, low, high)]
    if half_of_it >= CEILING_MW * 1000:
        limit = None  # the study stopped before anything bound
    for story, sentinel in ((NETWORK, NOT_STUDIED), (NOT_YET_STUDIED, NOT_STUDIED), (KEPT_SECRET, WITHHELD)):
        if place in story:
            figures, limit = [sentinel] * 3, None
    if place in NOBODY_KNOWS:
        figures, limit = [None] * 3, None
    connected, pending = _generation(place, half_of_it, rng)
    number = f"{substation.code}{feeder.number:02d}"
    return {
        "CIRCUIT": f"0{number}",
        "CIRCUIT_NAME": f"{substation.name} {number}",
        "STATION": substation.name,
        "COUNTY_NAME": COUNTY,
        "VOLTAGE_V": round(feeder.kv * 1000),
        "CIRCUIT_TYPE": "Network" if place in NETWORK else "Radial",
        **dict(zip(("HC_MW", "HC_MIN_MW", "HC_MAX_MW"), figures, strict=True)),
        "LIMITING_FACTOR": limit,
        "DG_CONNECTED_KW": connected,
        "DG_PENDING_KW": pending,
        "HC_DATE": STUDIED_MS,
        "DG_DATE": DG_AS_OF_MS,
    }


def _generation(place: int, hosting_kw: float, rng: Random) -> Sequence[float | None]:
    """Connected and pending generation in kW."""
    if place in DG_NOT_KNOWN:
        return None, None if place == DG_NOT_KNOWN[0] else 0
    connected = rng.uniform(0.02, 0.4) * hosting_kw
    if place in OVERSUBSCRIBED:
        connected = rng.uniform(1.05, 1.3) * hosting_kw
    if place in CLOSED:
        connected = rng.uniform(900, 2600)
    pending = 0.0 if rng.random() < 0.45 else rng.uniform(0.02, 0.3) * hosting_kw
    return (0 if rng.random() < 0.08 else _tidy(connected, 1)), _tidy(pending, 1)


def _megawatts(kw: float) -> float:
    return _tidy(min(kw / 1000, CEILING_MW), 2)


def _tidy(number: float, digits: int) -> float:
    """Rounded, and without a `.0`, as services write whole numbers."""
    rounded = round(number, digits)
    return int(rounded) if rounded == int(rounded) else rounded
