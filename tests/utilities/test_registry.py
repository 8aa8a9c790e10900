"""What the catalog says of real utilities was seen by somebody: no layer left out, no field made up."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.reference import reference
from tests.utilities.test_examples import ENTRIES, EXAMPLES
from utilities.spec import SourceSpec, UtilitySpec

Layer = dict[str, Any]


def registry() -> dict[str, list[Layer]]:
    """Utility code to the layers that were seen.

    A utility that is not among them was seen by whoever added it; only its examples can hold it to that.
    """
    known = json.loads(reference("utilities_registry.json").read_text(encoding="utf-8"))["utilities"]
    return {utility["code"]: utility["layers"] for utility in known}


def numbers(layer: Layer) -> set[int]:
    """Every number that the registry names beside the layer; empty where it names none."""
    text = re.sub(r"\([^)=]*\d{4}[^)=]*\)|\b\d+-?ph\b|\b\d+-\d+ph\b|\d+PH|\d+ ?ft", "", layer["layer"] or "")
    spans = [range(int(a), int(b) + 1) for a, b in re.findall(r"\b(\d+)-(\d+)\b", text)]
    return {int(n) for n in re.findall(r"\b\d+\b", text)} | {n for span in spans for n in span}


def rotates(layer: Layer) -> bool:
    """True where the registry has only a pattern of the address."""
    return "<" in layer["service_url"]


def sources() -> Iterator[tuple[UtilitySpec, SourceSpec]]:
    for entry in ENTRIES.values():
        yield from ((entry, spec) for spec in entry.sources if not entry.synthetic)


def seen_service(spec: SourceSpec) -> list[Layer]:
    """What somebody saw of the service that a source reads a layer of."""
    layers = [layer for of_one in registry().values() for layer in of_one]
    return [layer for layer in layers if layer["service_url"] == spec.service_url]


def seen_layers(entry: UtilitySpec, spec: SourceSpec) -> list[Layer]:
    """What somebody saw of the layer that a source reads."""
    here = seen_service(spec)
    mine = [layer for layer in here if not numbers(layer) or spec.layer in numbers(layer)]
    return mine + [layer for layer in registry().get(entry.code, []) if rotates(layer)]


def seen_fields(entry: UtilitySpec, spec: SourceSpec) -> set[str]:
    """The fields that somebody saw in the layer that a source reads."""
    mine = seen_layers(entry, spec)
    if any(field.startswith("same as") for layer in mine for field in layer["fields"]):
        mine = [layer for layer in seen_service(spec) if not layer["fields"][0].startswith("assumed")]
    return {field for layer in mine for field in layer["fields"]}


def test_every_utility_that_is_known_is_in_the_catalog() -> None:
    assert set(registry()) <= set(ENTRIES)


def test_every_layer_that_was_seen_is_read_or_said_why_not() -> None:
    missing = []
    for code, layers in registry().items():
        listed = {(spec.service_url, spec.layer) for spec in ENTRIES[code].sources}
        listed |= {
            (other.service_url, number)
            for other in ENTRIES[code].other_layers
            for number in other.layers or (None,)
        }
        services = {url for url, _number in listed}
        for layer in layers:
            wanted = {(layer["service_url"], n) for n in numbers(layer)}
            if rotates(layer):
                start = re.split("[<|]", layer["service_url"])[0]
                found = any(url.startswith(start) for url in services)
            else:
                found = bool(wanted & listed) if wanted else layer["service_url"] in services
            if not found:
                missing.append((code, layer["service_url"], layer["layer"]))
    assert missing == []


@pytest.mark.parametrize("source", list(sources()), ids=lambda pair: f"{pair[0].code}/{pair[1].code}")
def test_every_mapped_field_was_seen_in_that_layer(source: tuple[UtilitySpec, SourceSpec]) -> None:
    entry, spec = source
    if entry.code not in registry():
        return
    seen = seen_fields(entry, spec)
    if any(field.startswith("assumed") for field in seen):
        assert "unverified" in (entry.status, spec.status)
        return
    assert set(spec.published_fields()) <= seen
    example = EXAMPLES / entry.code / spec.code / "layer.json"
    if example.exists():
        fields = {field["name"] for field in json.loads(example.read_text(encoding="utf-8"))["fields"]}
        assert fields - seen <= {"OBJECTID", "Shape__Length"}


@pytest.mark.parametrize("source", list(sources()), ids=lambda pair: f"{pair[0].code}/{pair[1].code}")
def test_every_amount_of_power_is_read_in_a_unit_that_was_seen(
    source: tuple[UtilitySpec, SourceSpec],
) -> None:
    entry, spec = source
    if entry.code not in registry():
        return
    told = " ".join(layer["unit"] or "" for layer in seen_layers(entry, spec))
    units = {unit.lower() for unit in re.findall(r"\b[kM](?:W|VA)\b", told)}
    used = {reading.reader for reading in spec.readings()} & {"kw", "mw", "kva", "mva"}
    assert used <= units


def test_every_kind_of_shape_is_the_one_that_was_seen() -> None:
    wrong = []
    for entry, spec in sources():
        for layer in registry().get(entry.code, []):
            same = layer["service_url"] == spec.service_url and spec.layer in numbers(layer)
            kind = (layer["geometry"] or "").split(" ")[0].split("/")[0].strip("(),")
            declared = {"polyline": "polyline", "polygon": "polygon", "point": "point"}.get(kind)
            if same and declared and spec.geometry != declared:
                wrong.append((entry.code, spec.code, spec.geometry, kind))
    assert wrong == []


def test_what_was_seen_says_where_and_when() -> None:
    told = {f"{entry.code}/{spec.code}": spec.evidence or entry.evidence for entry, spec in sources()}
    undated = [name for name, words in told.items() if not re.search(r"\b20\d\d\b|\bno date\b", words)]
    assert undated == []


def test_what_was_not_verified_is_never_scheduled_and_what_is_unavailable_says_why() -> None:
    for entry in ENTRIES.values():
        if entry.status == "unavailable":
            assert entry.notes
            assert entry.sources == ()
        elif not entry.sources:
            assert entry.status == "unverified"
            assert entry.other_layers
