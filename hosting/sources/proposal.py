"""A first draft of a catalog entry for a service.

A draft is for a person to finish: what is guessed says so, and what cannot be known is left out.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import yaml

from hcportal.http import Client
from hosting.sources.discovery import KINDS, LOAD_WORDS, Discovered
from hosting.sources.guesses import Guess, Seen, guesses, look, unit_of
from hosting.sources.layer import Layer

NAMED = 4  # candidates of a column that are told
TOLD = ("feeder_name", "substation_name", "county", "voltage_kv", "phase_config", "record_date")


def proposal(client: Client, found: Discovered) -> str:
    """A draft of a catalog file in YAML; sources are those layers that seem to hold a capacity.

    Rows are looked at, a few hundred a layer. What else each column may be stands below, as comments.
    """
    sources, comments = [], []
    for layer in found.layers:
        fields = look(client, layer)
        candidates = guesses(layer, fields)
        draft = _source(layer, fields, candidates)
        if draft is not None:
            sources.append(draft)
            comments += _comments(layer, candidates)
    if not sources:
        return "# No field looks like a capacity, so no entry is proposed."
    entry = {
        "code": "name-me",
        "name": f"Name me ({urlsplit(found.url).hostname or ''})",
        "states": ["XX"],
        "timezone": "America/New_York",
        "data_source_type": "arcgis_map" if "/MapServer" in found.url else "arcgis_feature",
        "status": "unverified",
        "evidence": "drafted from the service's own description; readers, units and basis are guesses",
        "sources": sources,
    }
    head = "# A draft. Save it as <code>.yaml in a folder that HCP_CATALOG names, and check every guess.\n"
    body = yaml.safe_dump(entry, sort_keys=False, allow_unicode=True, width=110)
    return head + body + "".join(f"{line}\n" for line in ["", *comments])


def _comments(layer: Layer, candidates: dict[str, list[Guess]]) -> list[str]:
    lines = [f"# Layer {layer.url.rpartition('/')[2]}, what each column may be, the likeliest first:"]
    for column, found in candidates.items():
        for guess in found[:NAMED]:
            told = " ".join(guess.told().split())
            lines.append(f"#   {column}: {told}")
        if len(found) > NAMED:
            lines.append(f"#   {column}: and {len(found) - NAMED} more")
    return lines


def _source(
    layer: Layer, fields: dict[str, Seen], candidates: dict[str, list[Guess]]
) -> dict[str, object] | None:
    """The layer as a source; None where nothing in it looks like a capacity of a feeder or a place."""
    feeder = _best(candidates, "feeder_id")
    capacities = candidates["hosting_capacity_mw"]
    named = [guess for guess in capacities if guess.by != "values"]
    # Numbers of feeders and sections vary as amounts do: what is named so is no capacity by its values alone.
    ids = {guess.field for guess in candidates["section"] if guess.by != "values"}
    ids |= {feeder.field} if feeder else set()
    valued = [guess for guess in capacities if guess.by == "values" and feeder and guess.field not in ids]
    capacity = next(iter([*named, *valued]), None)
    if capacity is None:
        return None
    if feeder is not None and feeder.field == capacity.field:
        feeder = next((guess for guess in candidates["feeder_id"] if guess.field != capacity.field), None)
    geometry = KINDS.get(layer.geometry_type or "", "none")
    grain, key = _grain_and_key(feeder, _section(candidates, capacity, feeder), fields)
    if geometry == "none" and key == "geometry":
        key = "none"
    unit, why = unit_of(fields[capacity.field])
    figure = _figure(capacity, unit, candidates)
    if grain == "section":
        figure["rollup"] = "max"
    service, _, number = layer.url.rpartition("/")
    source: dict[str, object] = {
        "code": f"layer-{number}",
        "title": layer.name or f"Layer {number}",
        "service_url": service,
        "layer": int(number),
        "geometry": geometry,
        "grain": grain,
        "key": key,
        "status": "unverified",
        "notes": f"guessed: grain {grain}, unit {unit} ({why}), {capacity.field} as the capacity"
        f" (by its {capacity.by})",
    }
    columns = _columns(feeder, candidates, taken={capacity.field})
    if columns:
        source["fields"] = columns
    source["figures"] = [figure]
    return source


def _best(candidates: dict[str, list[Guess]], column: str) -> Guess | None:
    return next(iter(candidates[column]), None)


def _section(
    candidates: dict[str, list[Guess]], capacity: Guess, feeder: Guess | None
) -> tuple[str | None, bool]:
    """The field that identifies a row, and whether its name says that it is a section's."""
    taken = {capacity.field, feeder.field if feeder else None}
    for guess in candidates["section"]:
        if guess.field not in taken:
            return guess.field, guess.by != "values"
    return None, False


def _grain_and_key(
    feeder: Guess | None, section: tuple[str | None, bool], fields: dict[str, Seen]
) -> tuple[str, list[str] | str]:
    """What a row is, and what identifies it: a feeder that comes twice has sections."""
    if feeder is None:
        return "cell", "geometry"
    name, is_named = section
    values = fields[feeder.field]
    if values.is_enough and values.distinct == len(values.texts) and not is_named:
        return "feeder", [feeder.field]
    repeats = values.is_enough and values.distinct < len(values.texts)
    if name and (is_named or repeats):
        return "section", [name]
    return ("section", "geometry") if repeats else ("feeder", [feeder.field])


def _figure(capacity: Guess, unit: str, candidates: dict[str, list[Guess]]) -> dict[str, object]:
    is_load = any(word in f"_{capacity.field.lower()}_" for word in LOAD_WORDS)
    figure: dict[str, object] = {
        "capacity_type": "load" if is_load else "generation",
        "hosting_capacity_mw": _power(capacity.field, unit),
        "remaining": "unknown",
    }
    taken = {capacity.field}
    for column in ("installed_dg_mw", "queued_dg_mw"):
        guess = next((one for one in candidates[column] if one.field not in taken), None)
        if guess is not None:
            figure[column] = _power(guess.field, guess.reader)
            taken.add(guess.field)
    return figure


def _power(field: str, unit: str) -> dict[str, object]:
    """Apparent power is read at unity, the most that it can be in MW, until somebody knows better."""
    if unit in {"kva", "mva"}:
        return {"field": field, "reader": unit, "power_factor": 1}
    return {unit: field}


def _columns(
    feeder: Guess | None, candidates: dict[str, list[Guess]], *, taken: set[str]
) -> dict[str, object]:
    columns: dict[str, object] = {}
    if feeder is not None:
        columns["feeder_id"] = {"id": feeder.field}
        taken = taken | {feeder.field}
    for column in TOLD:
        guess = next((one for one in candidates[column] if one.field not in taken), None)
        if guess is None:
            continue
        taken = taken | {guess.field}
        reader, _, form = guess.reader.partition(" ")
        columns[column] = (
            {"field": guess.field, "reader": reader, "format": form} if form else {reader: guess.field}
        )
    return columns
