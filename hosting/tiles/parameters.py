"""Parameters of tiles, as strict as the API's."""

from functools import lru_cache
from typing import Any

from django.http import HttpRequest, QueryDict
from rest_framework import serializers

from hcportal.api.numbers import Megawatts
from hcportal.api.parameters import Parameters, Slug
from hosting.api.places import BoxField
from hosting.models import CapacityType, ConstrainingMetric
from hosting.tiles.layers import LAYERS, Layer
from hosting.tiles.refusals import Refused


class FigureParameters(Parameters):
    """Which figures, and of whom: all utilities together where none is named."""

    capacity_type = serializers.ChoiceField(CapacityType.choices, default=CapacityType.GENERATION.value)
    variant = Slug(default="default", max_length=40)
    utility = Slug(default=None, max_length=40)


class TileParameters(FigureParameters):
    """`v` is the data version that TileJSON names; with it a tile may be kept for good."""

    v = Slug(default=None, max_length=40)


class CountParameters(FigureParameters):
    """Where, and which records pass."""

    bbox = BoxField(default=None)
    min_remaining_mw = Megawatts(default=None)
    min_hosting_mw = Megawatts(default=None)
    constraint = serializers.ChoiceField(ConstrainingMetric.choices, default=None)


def read(request: HttpRequest, kind: type[Parameters]) -> dict[str, Any]:
    """The checked parameters. Raises Refused naming every one at fault."""
    return dict(_read(request.META["QUERY_STRING"], kind))


@lru_cache(maxsize=256)  # all tiles of a map have the same; checking took longer than a cached tile
def _read(query: str, kind: type[Parameters]) -> dict[str, Any]:
    try:
        return kind.read(QueryDict(query))
    except serializers.ValidationError as error:
        faults = error.detail.items() if isinstance(error.detail, dict) else []
        words = [f"{name}: {' '.join(str(fault) for fault in said)}" for name, said in faults]
        raise Refused(400, " ".join(words)) from None


def layer_of(name: str) -> Layer:
    """The layer of an address. Raises Refused."""
    if name not in LAYERS:
        raise Refused(404, f"There is no layer '{name}'. Layers are {', '.join(LAYERS)}.")
    return LAYERS[name]


def place_of(layer: Layer, z: str, x: str, y: str) -> tuple[int, int, int]:
    """The tile's place. Raises Refused where the layer has no such zoom, or the zoom no such tile."""
    numbers = [int(word) if word.isascii() and word.isdigit() and len(word) < 9 else -1 for word in (z, x, y)]
    if numbers[0] not in layer.zooms:
        raise Refused(
            404, f"Layer {layer.name} has the zooms {layer.minzoom} to {layer.maxzoom}; {z} is none of them."
        )
    last = 2 ** numbers[0] - 1
    if not all(0 <= number <= last for number in numbers[1:]):
        raise Refused(404, f"At zoom {z} x and y are 0 to {last}; {x}/{y} is no tile.")
    return numbers[0], numbers[1], numbers[2]
