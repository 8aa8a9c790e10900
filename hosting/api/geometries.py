"""The geometries that records have, as JSON Schema (RFC 7946)."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

_POSITION = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}


def _nested(depth: int) -> dict[str, Any]:
    shape: dict[str, Any] = _POSITION
    for _ in range(depth):
        shape = {"type": "array", "items": shape}
    return shape


def _geometry(kind: str, depth: int) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"type": {"type": "string", "enum": [kind]}, "coordinates": _nested(depth)},
        "required": ["type", "coordinates"],
    }


@extend_schema_field(
    {
        "oneOf": [
            _geometry("Point", 0),
            _geometry("MultiPoint", 1),
            _geometry("LineString", 1),
            _geometry("MultiLineString", 2),
            _geometry("Polygon", 2),
            _geometry("MultiPolygon", 3),
        ]
    }
)
class GeometryShape(serializers.Field[Any, Any, Any, Any]):
    """A geometry, described; PostgreSQL writes it."""
