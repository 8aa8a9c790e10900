"""What a service holds, and a first draft of a catalog entry for it.

A draft is for a person to finish: what is guessed says so, and what cannot be known is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import yaml

from hcportal.errors import FetchError
from hcportal.http import Client
from hosting.sources.layer import Layer, open_layer
from hosting.sources.service import ask, understood

KINDS = {
    "esriGeometryPolyline": "polyline",
    "esriGeometryPolygon": "polygon",
    "esriGeometryPoint": "point",
    "esriGeometryMultipoint": "point",
}
NUMBERS = {
    "esriFieldTypeDouble",
    "esriFieldTypeSingle",
    "esriFieldTypeInteger",
    "esriFieldTypeSmallInteger",
    "esriFieldTypeBigInteger",
}
# Parts of published names that often mean a column of ours, most telling first.
FEEDER_WORDS = (
    "feederid",
    "feeder_id",
    "circuit_id",
    "circuitid",
    "master_cdf",
    "network_id",
    "feeder",
    "circuit",
)
SECTION_WORDS = ("section", "segment", "line_id", "lineid")
CAPACITY_WORDS = ("hosting", "gencap", "gen_cap", "allowable", "max_hc", "_hc", "hc_", "pv_kw", "capacity")
LOAD_WORDS = ("load", "_ev_", "headroom")


@dataclass(frozen=True)
class Discovered:
    """The layers and tables of a service; `troubles` names those that could not be read."""

    url: str
    layers: list[Layer]
    troubles: list[str]

    def listing(self) -> list[str]:
        """Lines for a person: each layer with its count and fields."""
        lines = [self.url]
        for layer in self.layers:
            count = "count unknown" if layer.count is None else f"{layer.count:,} rows"
            kind = KINDS.get(layer.geometry_type or "", "table" if layer.geometry_type is None else "other")
            number = layer.url.rpartition("/")[2]
            lines.append(f"  {number}  {layer.name}  ({kind}, {count}, object id {layer.object_id_field})")
            lines += [
                f"       {field.name}  {field.type.removeprefix('esriFieldType')}"
                + (f"  '{field.alias}'" if field.alias and field.alias != field.name else "")
                for field in layer.fields
            ]
        lines += [f"  {trouble}" for trouble in self.troubles]
        return lines


def discover(client: Client, url: str, progress: Callable[[int, int], None] | None = None) -> Discovered:
    """Probe a service, or one layer where the address ends in its number. Raises FetchError.

    `progress` hears of layers asked and layers there are.
    """
    url = url.rstrip("/").partition("?")[0]
    if url.rpartition("/")[2].isdigit():
        return Discovered(url, [open_layer(client, url)], [])
    content = ask(client, url).content
    found: list[Layer] = []
    troubles: list[str] = []
    with understood(f"the description of {url}"):
        # A group holds no rows of its own.
        entries = [
            (entry["id"], entry.get("name"))
            for entry in [*(content.get("layers") or []), *(content.get("tables") or [])]
            if not entry.get("subLayerIds")
        ]
    for asked, (number, name) in enumerate(entries):
        if progress:
            progress(asked, len(entries))
        try:
            found.append(open_layer(client, f"{url}/{number}"))
        except FetchError as trouble:
            troubles.append(f"{number}  {name}: {trouble}")
    if progress:
        progress(len(entries), len(entries))
    if not found and not troubles:
        raise FetchError(f"{url} lists no layers and no tables.")
    return Discovered(url, found, troubles)


def proposal(found: Discovered) -> str:
    """A draft of a catalog file in YAML; sources are those layers that seem to hold a capacity."""
    sources = [draft for layer in found.layers if (draft := _source(layer)) is not None]
    if not sources:
        return "# No field looks like a capacity, so no entry is proposed."
    host = urlsplit(found.url).hostname or ""
    entry = {
        "code": "name-me",
        "name": f"Name me ({host})",
        "states": ["XX"],
        "timezone": "America/New_York",
        "data_source_type": "arcgis_map" if "/MapServer" in found.url else "arcgis_feature",
        "status": "unverified",
        "evidence": "drafted from the service's own description; readers, units and basis are guesses",
        "sources": sources,
    }
    head = "# A draft. Save it as <code>.yaml in a folder that HCP_CATALOG names, and check every guess.\n"
    return head + yaml.safe_dump(entry, sort_keys=False, allow_unicode=True, width=110)


def _source(layer: Layer) -> dict[str, object] | None:
    numbers = [field.name for field in layer.fields if field.type in NUMBERS | {"esriFieldTypeString"}]
    capacity = _first(numbers, CAPACITY_WORDS)
    if capacity is None:
        return None
    names = [field.name for field in layer.fields if field.name not in (layer.object_id_field, capacity)]
    feeder, section = _first(names, FEEDER_WORDS), _first(names, SECTION_WORDS)
    grain = "section" if feeder and section else "feeder" if feeder else "cell"
    unit = "kw" if "kw" in capacity.lower() else "mw"
    is_load = any(word in f"_{capacity.lower()}_" for word in LOAD_WORDS)
    figure: dict[str, object] = {
        "capacity_type": "load" if is_load else "generation",
        "hosting_capacity_mw": {unit: capacity},
        "remaining": "unknown",
    }
    if grain == "section":
        figure["rollup"] = "max"
    service, _, number = layer.url.rpartition("/")
    source: dict[str, object] = {
        "code": f"layer-{number}",
        "title": layer.name,
        "service_url": service,
        "layer": int(number),
        "geometry": KINDS.get(layer.geometry_type or "", "none"),
        "grain": grain,
        "key": [section] if section and feeder else [feeder] if feeder else "geometry",
        "status": "unverified",
        "notes": f"guessed: grain {grain}, unit {unit}, {capacity} as the capacity",
    }
    if feeder:
        source["fields"] = {"feeder_id": {"id": feeder}}
    source["figures"] = [figure]
    if source["geometry"] == "none" and source["key"] == "geometry":
        source["key"] = "none"
    return source


def _first(names: list[str], words: tuple[str, ...]) -> str | None:
    for word in words:
        for name in names:
            if word in name.lower():
                return name
    return None
