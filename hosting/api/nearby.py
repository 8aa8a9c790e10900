"""Records of all utilities around a place, in order of their true distance."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from math import asinh, cos, radians, tan
from typing import Any, ClassVar

from django.contrib.gis.db.models import GeometryField
from django.db.models import BooleanField, F, FloatField, Func, QuerySet, Value
from django.db.models.functions import Cast
from django.http import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hcportal.api.numbers import Number, WholeNumber
from hcportal.api.parameters import StrictView
from hcportal.api.versions import etag_of, not_modified, stamp
from hosting.api.access import access_to_all
from hosting.api.answers import JSON, Answers, listed
from hosting.api.records import (
    NAMES,
    SHOWN,
    LeftParameters,
    RecordSerializer,
    Rows,
    figures,
    matching,
    with_columns,
)
from hosting.api.rendering import RowsRenderer
from hosting.models import HostingCapacityRecord


class NearbyParameters(LeftParameters):
    """A place, and how far around it."""

    lat = Number(min_value=-90, max_value=90, help_text="Latitude, WGS 84")
    lon = Number(min_value=-180, max_value=180, help_text="Longitude, WGS 84")
    radius_km = Number(default=10.0, min_value=0, max_value=100, help_text="Kilometres around the place")
    limit = WholeNumber(default=20, min_value=1, max_value=1000, help_text="The nearest so many")


class NearbySerializer(RecordSerializer):
    """A record with its distance."""

    distance_km = serializers.FloatField(read_only=True, help_text="To the nearest point of its geometry")

    class Meta(RecordSerializer.Meta):
        fields = [*RecordSerializer.Meta.fields, "distance_km"]
        read_only_fields = fields


class Nearby(StrictView):
    """Records of all utilities around a place, the nearest first.

    There are no pages: `next` is always null; `more` says whether more than `limit` lie within the radius.
    """

    is_versioned: ClassVar = True
    answers: ClassVar[Answers] = {
        JSON: listed(
            NearbySerializer,
            withheld=True,
            more=serializers.BooleanField(help_text="More than `limit` lie within the radius"),
        )
    }
    example: ClassVar = {"lat": 42.549, "lon": -118.55, "radius_km": 5, "limit": 5}
    parameters_class: ClassVar = NearbyParameters
    renderer_classes = [RowsRenderer]

    def get(self, request: Request) -> HttpResponseBase:
        given = self.parameters
        around = _Around(given["lon"], given["lat"], given["radius_km"] * 1000)
        access = access_to_all(around.boxed(figures(given)), by_place=True)
        etag = etag_of(request, access.version)
        if unchanged := not_modified(request, etag):
            return unchanged
        limit = given["limit"]
        rows = matching(given, access.sources)
        if given["min_remaining_mw"] is not None:
            rows = around.boxed(rows)  # the index record_near knows what remains, too
        found = around.nearest(rows, limit + 1)
        answer = Response(
            {"results": found[:limit], "next": None, "more": len(found) > limit} | access.note()
        )
        stamp(answer, etag)
        return answer


# The expression of the index record_near.
_GEOGRAPHIC = GeometryField(geography=True)
_GEOGRAPHY = Cast("geometry", _GEOGRAPHIC)
_ROW = [*NAMES, "distance_m"]
_RADIUS_DEGREES = 1.0  # the longest radius, 100 km, is shorter in latitude
# Beyond, Web Mercator ends, or a radius reaches around the world's edge on it.
_FARTHEST_NORTH, _FARTHEST_EAST = 80, 170
# Metres of Web Mercator are on a sphere, distances on a spheroid: less than a hundredth lies between them.
_CERTAIN = 0.99
_EARTH_M = 6_378_137


class _Around:
    """Distances from one place, in metres."""

    def __init__(self, lon: float, lat: float, radius_m: float) -> None:
        self.lon, self.lat = lon, lat
        self.place = Cast(_point(lon, lat, 4326), _GEOGRAPHIC)
        self.radius_m = radius_m

    def boxed(self, rows: Rows) -> Rows:
        """Those of the rows whose box reaches into a box around the radius: some more than reach into it.

        The index alone tells them, without reading a shape: 4,000 in 3 ms, by their distance in 400.
        """
        box = Func(self.place, Value(self.radius_m), function="_ST_Expand", output_field=_GEOGRAPHIC)
        return rows.filter(_compare(_GEOGRAPHY, "&&", box, BooleanField()))

    def nearest(self, rows: Rows, wanted: int) -> list[dict[str, Any]]:
        """The nearest of the rows within the radius, in order of their true distance.

        Measuring takes 0.1 ms for a line of 200 points. So of the rows whose boxes are nearest on the map,
        only those are measured that could be among the wanted by their way on the map, which takes a tenth.
        A box bounds how near its shape can be: as long as one that was not taken could be among the wanted,
        take more.
        """
        if abs(self.lat) > _FARTHEST_NORTH or abs(self.lon) > _FARTHEST_EAST:
            return self._nearest_of_all(rows, wanted)
        ways = self._ways(rows)
        for taken in _more_each_time(2 * wanted):
            found = list(ways[:taken])
            nearest = self._measured(rows.filter(id__in=self._possible(found, wanted)), wanted)
            reach_m = nearest[-1]["distance_m"] if len(nearest) == wanted else self.radius_m
            if len(found) < taken or reach_m < max((bound_m for _, bound_m, _ in found), default=0.0):
                return [_with_distance(row) for row in nearest]
        raise AssertionError  # it ends when all rows are taken

    def _ways(self, rows: Rows) -> "QuerySet[HostingCapacityRecord, tuple[int, float, float]]":
        """Rows whose box may reach into the radius, the nearest box first: id, how near the shape can be for
        its box, and for its way on the map; both in metres of the globe, and never more than the distance."""
        # Web Mercator, EPSG:3857: of a sphere with this radius.
        x, y = _EARTH_M * radians(self.lon), _EARTH_M * asinh(tan(radians(self.lat)))
        place = _point(x, y, 3857)
        reach = Value(self.radius_m / self._scales[0])
        box = Func(place, reach, function="ST_Expand", output_field=GeometryField())
        box_m = _compare(F("geometry_3857"), "<#>", place, FloatField())
        way_m = Func(F("geometry_3857"), place, function="ST_Distance", output_field=FloatField())
        reaching = rows.filter(_compare(F("geometry_3857"), "&&", box, BooleanField()))
        least = self._scales[0]
        return reaching.order_by(box_m).values_list("id", box_m * least, way_m * least)

    def _possible(self, ways: Sequence[tuple[int, float, float]], wanted: int) -> list[int]:
        """The ids among which the wanted are: no other can be as near as the last of them at its farthest."""
        least, most = self._scales
        farthest_m = self.radius_m
        if len(ways) >= wanted:
            farthest_m = min(farthest_m, sorted(way_m for _, _, way_m in ways)[wanted - 1] / least * most)
        return [pk for pk, _, way_m in ways if way_m <= farthest_m]

    @cached_property
    def _scales(self) -> tuple[float, float]:
        """Metres on the globe of a metre on the map, within the radius: at least, and at most.

        The cosine of the latitude, which is least where the radius reaches farthest from the equator.
        """
        north = abs(self.lat)
        nearest, farthest = max(north - _RADIUS_DEGREES, 0), north + _RADIUS_DEGREES
        return cos(radians(farthest)) * _CERTAIN, cos(radians(nearest)) / _CERTAIN

    def _measured(self, rows: Rows, wanted: int) -> list[dict[str, Any]]:
        """The nearest of the rows within the radius; each is measured."""
        distance = Func(_GEOGRAPHY, self.place, function="ST_Distance", output_field=FloatField())
        columns = with_columns(rows).annotate(distance_m=distance).values_list(*SHOWN.values(), "distance_m")
        found = (dict(zip(_ROW, row, strict=True)) for row in columns)
        near = [row for row in found if row["distance_m"] <= self.radius_m]
        return sorted(near, key=lambda row: (row["distance_m"], row["id"]))[:wanted]

    def _nearest_of_all(self, rows: Rows, wanted: int) -> list[dict[str, Any]]:
        """The same where no flat map helps: all that may reach into the radius are measured."""
        return [_with_distance(row) for row in self._measured(self.boxed(rows), wanted)]


def _point(x: float, y: float, srid: int) -> Func:
    """A point that PostgreSQL makes, once: GEOS and GDAL take a millisecond for three of them."""
    bare = Func(Value(x), Value(y), function="ST_MakePoint", output_field=GeometryField(srid=srid))
    return Func(bare, Value(srid), function="ST_SetSRID", output_field=GeometryField(srid=srid))


def _compare(one: Any, operator: str, other: Any, result: Any) -> Func:
    return Func(one, other, template="(%(expressions)s)", arg_joiner=f" {operator} ", output_field=result)


def _with_distance(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"distance_km": round(row.pop("distance_m") / 1000, 6)}


def _more_each_time(first: int) -> Iterator[int]:
    while True:
        yield first
        first *= 4
