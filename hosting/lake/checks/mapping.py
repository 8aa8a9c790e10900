"""Whether the entry reads a layer as its publisher means it (Q07, Q20, Q26, Q28 to Q30, Q33, Q48, Q66).

Nothing of this can be seen in the rows: it is decided on the entry and on what the layer says of itself, the
names, aliases and coded domains of its fields and the legend of its map. Pure.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hosting.lake.checks.found import Noticed
from hosting.lake.checks.layer_words import Described, tokens, units
from utilities.spec import Figure, SourceSpec
from utilities.spec_readings import MEGAWATT_READERS, Reading

TWIN = re.compile(r"^(.+?)_?(_v|_disp|_display|_label|_lbl|_map|_viz|_sym|_symb|_symbol)$", re.IGNORECASE)
RANGE = re.compile(r"[0-9]\s*(-|–|to)\s*[0-9]|[<>≤≥]\s*[0-9]|[0-9]\s*\+|less than|more than|over|up to", re.I)
LOAD_WORDS = {"load", "demand", "ev", "evs", "charging", "consumption", "electrification"}
GENERATION_WORDS = {"gen", "generation", "pv", "solar", "dg", "der", "export", "inverter", "wind"}
FLAG_WORDS = {"pass", "fail", "passfail", "flag", "yn", "indicator", "eligible", "available_yn"}
YES_NO = {"pass", "fail", "yes", "no", "y", "n", "true", "false", "ok", "not ok"}
LEFT_WORDS = {"remaining", "available", "net", "residual", "unused"}
FORECAST_WORDS = {"forecast", "forecasted", "projected", "projection"}
PERSONAL = re.compile(
    r"(cust(omer)?_?(name|addr|acct|account|id\b|phone)|(service|street|mailing|premise)_?(street_?)?addr"
    r"|meter_?(no|num|number|id)\b|account_?(no|num|number)|e_?mail|phone_?(no|num)?$)",
    re.IGNORECASE,
)
CUSTOMERS = re.compile(r"cust(omer)?s?_?(count|cnt|num|qty)|num(ber)?_?(of_?)?cust", re.IGNORECASE)


def check(spec: SourceSpec, layer: Mapping[str, Any]) -> list[Noticed]:
    """Findings on an entry and `layer`, the description that a run keeps of its layer."""
    described = Described.of(layer)
    found = [noticed for function in CHECKS for noticed in function(spec, described)]
    return [_accepted(noticed, spec) for noticed in found]


def _accepted(noticed: Noticed, spec: SourceSpec) -> Noticed:
    """Information, where the entry says why it is right all the same."""
    reason = next((why for check, why in spec.accepted.items() if check == noticed.check_id), None)
    if reason is None:
        return noticed
    return replace(noticed, severity="I", message=f"{noticed.message} Accepted: {reason}")


def capacities(spec: SourceSpec) -> Iterator[tuple[Figure, str, Reading]]:
    """Each figure with our column and the reading of every capacity in it."""
    for figure in spec.figures:
        for name, reading in figure.readings().items():
            if reading.reader in MEGAWATT_READERS:
                yield figure, name, reading


def headlines(spec: SourceSpec) -> Iterator[tuple[Figure, Reading]]:
    """Each figure with the reading that it is about."""
    for figure in spec.figures:
        readings = figure.readings()
        for name in ("hosting_capacity_mw", "hosting_capacity_max_mw", "remaining_capacity_mw"):
            if name in readings:
                yield figure, readings[name]
                break


def header_noise(_spec: SourceSpec, layer: Described) -> Iterator[Noticed]:
    """Q07: an invisible mark, spaces around a name, names that differ in case only."""
    odd = [name for name in layer.headings if name != name.strip(" \t\r\n\ufeff\u00a0\u200b")]
    folded: dict[str, list[str]] = {}
    for name in layer.headings:
        folded.setdefault(name.strip().lower(), []).append(name)
    odd += [name for alike in folded.values() if len(set(alike)) > 1 for name in alike]
    if odd:
        listed = ", ".join(repr(name) for name in dict.fromkeys(odd))
        yield Noticed("Q07", "W", f"Column names carry noise: {listed}.", len(odd))


def display_twin(spec: SourceSpec, layer: Described) -> Iterator[Noticed]:
    """Q20: the mapped field is a twin made for display, and the one that it was made of is there."""
    folded = {name.lower(): name for name in layer.names}
    for _figure, _column, reading in capacities(spec):
        twin = TWIN.match(reading.field)
        if twin and twin[1].lower() in folded:
            yield _holds(
                "Q20", f"{reading.field} is made for display: read {folded[twin[1].lower()]} instead?"
            )


def unit_differs(spec: SourceSpec, layer: Described) -> Iterator[Noticed]:
    """Q26: the field's words, or the legend of the map of it, name another unit than it is read in."""
    for _figure, _column, reading in capacities(spec):
        said = units(layer.words(reading.field)) or units(layer.legend_words(reading.field))
        if said and reading.reader.value not in said:
            listed = " and ".join(sorted(said))
            yield _holds("Q26", f"{reading.field} is read in {reading.reader}, and its layer says {listed}.")


def class_read_as_capacity(spec: SourceSpec, layer: Described) -> Iterator[Noticed]:
    """Q28: whole numbers that the layer itself explains as ranges."""
    for _figure, _column, reading in capacities(spec):
        if reading.coded:
            continue
        meanings = list(layer.codes(reading.field).values())
        if layer.legend_field == reading.field and layer.legend_kind == "uniqueValue":
            meanings += [label for value, label in layer.labels if label != value]
        ranges = [meaning for meaning in meanings if RANGE.search(meaning)]
        if len(ranges) >= 2:
            yield _holds(
                "Q28", f"{reading.field} holds classes, such as '{ranges[0]}': read its meaning (coded)?"
            )


def other_direction(spec: SourceSpec, layer: Described) -> Iterator[Noticed]:
    """Q29: words of load where generation is read, and the reverse."""
    for figure, reading in headlines(spec):
        words = tokens(layer.words(reading.field))
        load, generation = words & LOAD_WORDS, words & GENERATION_WORDS
        wrong = load if figure.capacity_type == "generation" else generation
        right = generation if figure.capacity_type == "generation" else load
        if figure.capacity_type != "storage" and wrong and not right:
            yield _holds("Q29", f"{reading.field} is read as {figure.capacity_type}, and says {min(wrong)}.")


def flag_read_as_capacity(spec: SourceSpec, layer: Described) -> Iterator[Noticed]:
    """Q30: a field that says whether, not how much."""
    for _figure, _column, reading in capacities(spec):
        meanings = {meaning.strip().lower() for meaning in layer.codes(reading.field).values()}
        is_flag = bool(tokens(layer.words(reading.field)) & FLAG_WORDS)
        if is_flag or (meanings and meanings <= YES_NO):
            yield _holds("Q30", f"{reading.field} says whether something passes, and is read as a capacity.")


def taken_off_twice(spec: SourceSpec, layer: Described) -> Iterator[Noticed]:
    """Q33: something is taken off a figure that is called remaining, or whose study contains it.

    What the entry itself says of the study is refused when it is read (utilities/spec_figures.py).
    """
    for figure, reading in headlines(spec):
        called = tokens(layer.words(reading.field)) & LEFT_WORDS
        if figure.remaining.subtracts and called:
            parts = " and ".join(figure.remaining.subtracts)
            yield _holds("Q33", f"{parts} would be taken off {reading.field}, which is called {min(called)}.")


def forecast_mixed_in(spec: SourceSpec, layer: Described) -> Iterator[Noticed]:
    """Q48: a layer sliced by year of which not one year is chosen, or figures of several years."""
    years = [name for name in layer.names if tokens(name) & {"year", "forecastyear", "forecast_year"}]
    forecast = tokens(f"{layer.name} {' '.join(layer.names)}") & FORECAST_WORDS
    if years and forecast and not any(name.lower() in spec.where.lower() for name in years):
        yield _holds("Q48", f"The layer has a forecast by {years[0]}, and no year is chosen in `where`.")
    for figure in spec.figures:
        found = {
            year
            for reading in figure.readings().values()
            for year in re.findall(r"(?<![0-9])20[2-6][0-9](?![0-9])", layer.words(reading.field))
        }
        if len(found) > 1:
            listed = ", ".join(sorted(found))
            yield _holds("Q48", f"{figure.capacity_type} ({figure.variant}) mixes figures of {listed}.")


def personal_fields(spec: SourceSpec, layer: Described) -> Iterator[Noticed]:
    """Q66, B: columns of addresses or customers, which would be kept and shown as published."""
    shown = [name for name in layer.names if PERSONAL.search(name) and name not in spec.personal_fields]
    if shown:
        yield _holds("Q66", f"The layer has columns of persons: {', '.join(shown)}.", len(shown))
    counted = [name for name in layer.names if CUSTOMERS.search(name)]
    if counted and any(figure.capacity_type == "load" for figure in spec.figures):
        message = (
            f"Loads beside customer counts ({counted[0]}): does each cover 15 customers, none above 15 %?"
        )
        yield _holds("Q66", message, len(counted))


def licence_unknown(spec: SourceSpec, _layer: Described) -> Iterator[Noticed]:
    """Q66, W: what may be done with the data is not known, so that nothing is exported in bulk."""
    if spec.redistribution == "unknown":
        yield Noticed("Q66", "W", "The licence is not known: shown, and not exported in bulk.", 0)


def _holds(check_id: str, message: str, count: int = 1) -> Noticed:
    return Noticed(check_id, "B", message, count)


CHECKS = (
    header_noise,
    display_twin,
    unit_differs,
    class_read_as_capacity,
    other_direction,
    flag_read_as_capacity,
    taken_off_twice,
    forecast_mixed_in,
    personal_fields,
    licence_unknown,
)
