"""Boxes and points in addresses: degrees of longitude and latitude, WGS 84."""

from dataclasses import dataclass
from typing import Any

from django.contrib.gis.geos import GEOSGeometry, LineString, Point, Polygon
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from hcportal.api.numbers import NUMBER

_LONGITUDE = {"type": "number", "minimum": -180, "maximum": 180}
_LATITUDE = {"type": "number", "minimum": -90, "maximum": 90}


@dataclass(frozen=True)
class Box:
    """What lies between two meridians and two parallels, edges included."""

    west: float
    south: float
    east: float
    north: float

    @property
    def width(self) -> float:
        """Degrees from west to east; a box whose west is greater than its east crosses the antimeridian."""
        return self.east - self.west if self.west <= self.east else self.east - self.west + 360

    @property
    def height(self) -> float:
        return self.north - self.south

    def shapes(self) -> list[GEOSGeometry]:
        """The box; in two parts where it crosses the antimeridian, a line or a point where it has no area."""
        if self.west <= self.east:
            return [_shape(self.west, self.south, self.east, self.north)]
        return [
            _shape(self.west, self.south, 180, self.north),
            _shape(-180, self.south, self.east, self.north),
        ]

    def insides(self) -> list[GEOSGeometry | None]:
        """For each of the shapes, a box that lies inside it with a margin, if there is one.

        PostGIS compares boxes in single precision, which is 0.00002 degrees at 180.
        """
        return [_inside(shape) for shape in self.shapes()]


_MARGIN = 0.0001


def _inside(shape: GEOSGeometry) -> GEOSGeometry | None:
    west, south, east, north = shape.extent
    if min(east - west, north - south) <= 3 * _MARGIN:
        return None
    return _shape(west + _MARGIN, south + _MARGIN, east - _MARGIN, north - _MARGIN)


def _shape(west: float, south: float, east: float, north: float) -> GEOSGeometry:
    if west == east and south == north:
        return Point(west, south, srid=4326)
    if west == east or south == north:
        return LineString((west, south), (east, north), srid=4326)
    box = Polygon.from_bbox((west, south, east, north))
    box.srid = 4326
    return box


@extend_schema_field(
    {
        "type": "array",
        "prefixItems": [_LONGITUDE, _LATITUDE, _LONGITUDE, _LATITUDE],
        "items": {"type": "number", "minimum": -180, "maximum": 180},
        "minItems": 4,
        "maxItems": 4,
    }
)
class BoxField(serializers.Field[Box, str, Any, Any]):
    """bbox=west,south,east,north."""

    default_error_messages = {
        "form": "Give four numbers: west,south,east,north, in degrees.",
        "range": "Longitudes lie between -180 and 180, latitudes between -90 and 90.",
        "order": "South is above north: the order is west,south,east,north.",
    }

    def to_internal_value(self, data: str) -> Box:
        words = [word.strip() for word in data.split(",")]
        if len(words) != 4:
            self.fail("form")
        if not all(NUMBER.fullmatch(word) for word in words):
            self.fail("form")
        west, south, east, north = map(float, words)
        if max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90:
            self.fail("range")
        if south > north:
            self.fail("order")
        return Box(west, south, east, north)
