"""`/tiles/{layer}.json`: what a map client needs to know of a layer (TileJSON 3.0.0)."""

import hashlib
import html
import json
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from hosting.tiles.cached import keep, kept
from hosting.tiles.layers import SUBSTATION_PLACES, Layer
from hosting.tiles.parameters import FigureParameters, layer_of, read
from hosting.tiles.published import Published, published
from hosting.tiles.refusals import limited_cursor, refusing
from hosting.tiles.versions import is_held, not_modified, stamp
from utilities.models import Source

_CORNERS: Final = "ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e)"
_RECORD_PLACES: Final = """
SELECT ST_Transform(ST_SetSRID(ST_Extent(geometry_3857)::geometry, 3857), 4326)
FROM hosting_hostingcapacityrecord
WHERE source_id = ANY(%(sources)s) AND capacity_type = %(capacity_type)s AND variant = %(variant)s
"""


@require_safe
@refusing
def tilejson(request: HttpRequest, layer: str) -> HttpResponse:
    """What the layer is, where its tiles are, how far its data reach (no `bounds` where there is none)."""
    shown = layer_of(layer)
    given = read(request, FigureParameters)
    there = published(given["utility"], with_substations=layer == "substations")
    said = json.dumps(_described(request, shown, given, there), ensure_ascii=False).encode()
    etag = f'W/"{hashlib.sha256(said).hexdigest()[:32]}"'
    if is_held(request, etag):
        return stamp(not_modified(), etag)
    return stamp(HttpResponse(said, content_type="application/json"), etag)


def _described(request: HttpRequest, layer: Layer, given: dict[str, Any], there: Published) -> dict[str, Any]:
    described = {
        "tilejson": "3.0.0",
        "name": layer.name,
        "description": layer.description,
        "version": "1.0.0",
        "scheme": "xyz",
        "tiles": [_address(request, layer, given, there)],
        "minzoom": layer.minzoom,
        "maxzoom": layer.maxzoom,
        "vector_layers": [
            {
                "id": layer.name,
                "description": layer.description,
                "minzoom": layer.minzoom,
                "maxzoom": layer.maxzoom,
                "fields": dict(layer.fields),
            }
        ],
    }
    if attribution := _attribution(there):
        described["attribution"] = attribution
    if bounds := _bounds(layer, given, there):
        described["bounds"] = bounds
    return described


def _address(request: HttpRequest, layer: Layer, given: dict[str, Any], there: Published) -> str:
    """The tiles' address; its braces stand as they are, for the client to fill in."""
    root = request.build_absolute_uri(reverse("tilejson", args=[layer.name])).removesuffix(".json")
    query = {name: value for name, value in given.items() if value is not None}
    return f"{root}/{{z}}/{{x}}/{{y}}.mvt?{urlencode({**query, 'v': there.version})}"


def _attribution(there: Published) -> str:
    """Whom the data are from, as the sources want it said. Map clients read it as HTML."""
    names = Source.objects.filter(pk__in=there.sources).exclude(attribution="").order_by("attribution")
    return " | ".join(html.escape(name) for name in names.values_list("attribution", flat=True).distinct())


def _bounds(layer: Layer, given: dict[str, Any], there: Published) -> list[float] | None:
    """West, south, east, north in degrees of all that the layer can show; read once for each version."""
    if not there.sources:
        return None
    kind = "substations" if layer.name == "substations" else "records"
    key = f"bounds:{there.version}:{kind}:{given['capacity_type']}:{given['variant']}:{given['utility']}"
    found = kept(key)
    if not isinstance(found, list):
        places = SUBSTATION_PLACES if kind == "substations" else _RECORD_PLACES
        with limited_cursor() as (cursor, _):
            cursor.execute(f"SELECT {_CORNERS} FROM ({places}) p(e)", {**given, "sources": there.sources})  # noqa: S608
            found = [corner for corner in cursor.fetchone() if corner is not None]
        keep(key, found)
    return found or None
