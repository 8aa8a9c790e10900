"""A network and its figures as the change set of a publication: rows in the columns and form of COPY."""

import json
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any, Final

import numpy as np

from hosting.load import draw
from hosting.load.draw import Drawing, Ints
from hosting.load.figures import KV, METRICS, STATUSES, UNKNOWN, Figures
from hosting.load.plan import Plan
from hosting.publish_sql import COPY_COLUMNS

NULL = r"\N"
PHASES = ("", "single-phase", "2-phase", "3-phase")
STUDIED, DG_AS_OF = "2026-08-03", "2026-09-30"
_ROWS_A_CHUNK = 500
_FIRST = [
    "Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gorse", "Hazel", "Ivy", "Juniper",
    "Kestrel", "Larch", "Maple", "Nettle",
    "Oak", "Pine", "Quail", "Rowan", "Sage", "Thistle", "Umber", "Violet", "Willow", "Yarrow",
    "Aspen", "Bramble", "Clover", "Dune",
    "Egret", "Fern", "Gull", "Heron", "Iris", "Jay", "Kite", "Lark", "Martin", "Nut",
    "Otter", "Plover",
]  # fmt: skip
_SECOND = [
    "Street", "Hill", "Creek", "Junction", "Road", "Field", "Mill", "Bend", "Crossing", "Ridge",
    "Lane", "Grove", "Falls", "Point",
    "Prairie",
]  # fmt: skip
# Alike for every row of a change set that only adds.
ADDED: Final = {"operation": "added", "variant": "default", "record_date": STUDIED, "der_date": DG_AS_OF}


def substation_names(count: int) -> list[str]:
    """Names that no two substations of a utility share."""
    pairs = len(_FIRST) * len(_SECOND)
    return [
        f"{_FIRST[place % len(_FIRST)]} {_SECOND[place // len(_FIRST) % len(_SECOND)]}"
        + (f" {place // pairs + 1}" if place >= pairs else "")
        for place in range(count)
    ]


def stations(plan: Plan, drawing: Drawing) -> Iterator[tuple[str, str, str, str]]:
    """Name, id, division and EWKB of each substation."""
    names = substation_names(len(drawing.substations))
    for place, (longitude, latitude) in enumerate(drawing.substations):
        point = draw.point_ewkb(longitude, latitude).hex()
        yield names[place], f"{plan.number}{place:04d}", f"Division {drawing.towns[place] % 6 + 1}", point


def changes(plan: Plan, drawing: Drawing, study: Figures) -> Iterator[bytes]:
    """A row for each section or feeder and capacity type, generation first, as COPY reads text."""
    tables = _sections if plan.grain == "section" else _feeders
    generation, load = tables(plan, drawing, study)
    return chain(_copied(generation), _copied(load))


def _sections(plan: Plan, drawing: Drawing, study: Figures) -> tuple[dict[str, Any], dict[str, Any]]:
    of = np.repeat(np.arange(len(drawing.sections)), drawing.sections)
    shared = _of_feeders(plan, drawing, study, of)
    within = np.arange(len(of)) - np.repeat(np.cumsum(drawing.sections) - drawing.sections, drawing.sections)
    ids = shared["feeder_id"]
    shared["key"] = [f"{feeder}-{number:03d}" for feeder, number in zip(ids, within, strict=True)]
    shared["geometry"] = [draw.line_ewkb(path).hex() for path in drawing.paths]
    return _two_types(plan, shared, study, of, np.arange(len(of)))


def _feeders(plan: Plan, drawing: Drawing, study: Figures) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a utility publishes that has no sections: figures at the substation's end, lines in one."""
    of = np.arange(len(drawing.sections))
    ends = np.cumsum(drawing.sections)
    starts = ends - drawing.sections
    shared = _of_feeders(plan, drawing, study, of)
    shared["key"] = shared["feeder_id"]
    shared["geometry"] = [
        draw.lines_ewkb(drawing.paths[first:last]).hex() for first, last in zip(starts, ends, strict=True)
    ]
    shared["raw_attributes"] = [
        json.dumps({"FEEDER": feeder, "NAME": name, "SUBSTATION": substation})
        for feeder, name, substation in zip(
            shared["feeder_id"], shared["feeder_name"], shared["substation_name"], strict=True
        )
    ]
    return _two_types(plan, shared, study, of, starts)


def _of_feeders(plan: Plan, drawing: Drawing, study: Figures, of: Ints) -> dict[str, Any]:
    """What rows of a feeder share; `of` is each row's feeder."""
    names = substation_names(len(drawing.substations))
    at = [divmod(place, draw.FEEDERS_A_SUBSTATION) for place in range(len(drawing.sections))]
    ids = [f"{plan.number}{station:04d}-{number + 1:02d}" for station, number in at]
    titles = [f"{names[station]} {number + 1}" for station, number in at]
    return {
        "feeder_id": [ids[place] for place in of],
        "feeder_name": [titles[place] for place in of],
        "substation_name": [names[at[place][0]] for place in of],
        "county": [f"Test County {drawing.towns[at[place][0]] % 30 + 1}" for place in of],
        "voltage_kv": [str(KV[study.kv[place]]) for place in of],
        "is_network": ["ft"[study.is_network[place]] for place in of],
        "grain": repeat(plan.grain),
    }


def _two_types(
    plan: Plan, shared: dict[str, Any], study: Figures, of: Ints, at: Ints
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Generation and load, each a table by column. `at` is each row's place in the study's sections."""
    shared["phase_config"] = [PHASES[phases] for phases in study.phases[at]]
    shared["is_overhead"] = ["ft"[flag] for flag in study.is_overhead[at]]
    hosting, installed, queued = study.generation_kw[at], study.installed_kw[of], study.queued_kw[of]
    left = hosting.copy()
    for word, column in (("installed", installed), ("queued", queued)):
        if word in plan.takes_off:
            left = np.where((left == UNKNOWN) | (column == UNKNOWN), _LOST, left - column)
    left = np.where((hosting == UNKNOWN) | (left <= _LOST // 2), _LOST, left)
    words = [METRICS[place] or NULL for place in study.metric[at]]
    generation = shared | {
        "capacity_type": repeat("generation"),
        "hosting_capacity_mw": _mw(hosting),
        "capacity_status": [STATUSES[place] for place in study.generation_status[at]],
        "installed_dg_mw": _mw(installed),
        "queued_dg_mw": _mw(queued),
        "remaining_capacity_mw": _mw(left, _LOST),
        "remaining_basis": repeat(plan.basis),
        "constraining_metric": words,
    }
    if plan.criteria:
        generation["criteria"] = [_criteria(kw, word) for kw, word in zip(hosting, words, strict=True)]
    load = shared | {
        "capacity_type": repeat("load"),
        "hosting_capacity_mw": _mw(study.load_kw[at]),
        "capacity_status": [STATUSES[place] for place in study.load_status[at]],
        "remaining_capacity_mw": _mw(study.load_kw[at]),
        "remaining_basis": repeat("hosting"),
    }
    return generation, load


_LOST = -(10**9)  # an unknown remaining capacity: one below zero is a figure like any other


def _mw(kilowatts: Ints, unknown: int = UNKNOWN) -> list[str]:
    return [NULL if kw == unknown else f"{kw / 1000:.3f}" for kw in kilowatts.tolist()]


def _criteria(kw: int, word: str) -> str:
    """What each criterion allows: the least of them is the figure."""
    if kw == UNKNOWN or word not in {"thermal", "voltage"}:
        return NULL
    other = kw / 1000 * 1.35
    thermal, voltage = (kw / 1000, other) if word == "thermal" else (other, kw / 1000)
    return f'{{"thermal":{thermal:.5f},"voltage":{voltage:.5f}}}'


def _copied(table: dict[str, Any]) -> Iterator[bytes]:
    """Rows as text, in the order of COPY's columns; a column that the table lacks is null."""
    columns = [table.get(name, repeat(ADDED.get(name, NULL))) for name in COPY_COLUMNS]
    chunk: list[str] = []
    for row in zip(*columns, strict=False):  # columns that are alike in every row never end
        chunk.append("\t".join(row))
        if len(chunk) == _ROWS_A_CHUNK:
            yield ("\n".join(chunk) + "\n").encode()
            chunk = []
    if chunk:
        yield ("\n".join(chunk) + "\n").encode()
