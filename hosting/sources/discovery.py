"""What a service holds: its layers, their fields, and words in names that tell a column of ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hcportal.addresses import entered
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
    "feedernum",
    "feeder",
    "circuit",
    "ckt",
)
SECTION_WORDS = ("section", "segment", "line_id", "lineid")
CAPACITY_WORDS = (
    "hostin",  # names end at ten characters in a shapefile
    "gencap",
    "gen_cap",
    "allowable",
    "max_hc",
    "_hc",
    "hc_",
    "pv_kw",
    "headroom",
    "capacity",
    "avail",
    "remain",
    "hc",
    "_mw",
    "_kw",
)
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
    client.check(url.strip())
    url = entered(url)
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
