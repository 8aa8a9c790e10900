"""A utility's records as GeoJSON, written by PostgreSQL and streamed as it reads.

The collection ends with `numberReturned` and `next`. An error on the way ends the connection before that, and
before the closing bracket: what was cut off is no JSON and cannot pass for all of it.
"""

import json
from collections.abc import Generator, Iterator
from typing import Any, ClassVar

from django.contrib.gis.db.models.functions import AsGeoJSON
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, Func, JSONField, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from hcportal.api.numbers import WholeNumber
from hcportal.api.parameters import StrictView
from hcportal.api.versions import etag_of, not_modified, stamp
from hosting.api import as_of
from hosting.api.access import access_to, is_bulk
from hosting.api.answers import GEO_JSON, Answers, collected
from hosting.api.paging import next_page
from hosting.api.records import (
    SHOWN,
    RecordParameters,
    RecordSerializer,
    Rows,
    figures,
    matching,
    with_columns,
)
from hosting.api.streaming import Started

BYTES_A_PIECE = 256_000  # measured: below, sending shows; above, the first features come late


class GeoJSONRenderer(JSONRenderer):
    """Lets clients ask for GeoJSON; the features themselves are written by the database."""

    media_type = GEO_JSON
    format = "geojson"


class GeoJSONParameters(RecordParameters):
    """As for rows, without a limit where none is given."""

    limit = WholeNumber(
        default=None, min_value=1, max_value=1_000_000, help_text="Features at most; all by default"
    )


class RecordGeoJSON(StrictView):
    """A utility's records that pass the filters, as a FeatureCollection in order of their id.

    Without `limit` all of them come, streamed. Where it is unknown whether a source may be passed on in bulk,
    give a `limit` of at most 1,000 or a `bbox` of at most 0.5 degrees each way. With `as_of` they are the
    records that held then.
    """

    is_versioned: ClassVar = True
    may_refuse: ClassVar = True
    answers: ClassVar[Answers] = {GEO_JSON: collected(RecordSerializer, **as_of.described())}
    example: ClassVar = {"limit": 10}
    parameters_class: ClassVar = GeoJSONParameters
    renderer_classes = [GeoJSONRenderer, JSONRenderer]

    def get(self, request: Request, code: str) -> HttpResponseBase:
        given = self.parameters
        as_of.choose_instant(given, code)
        access = access_to(code, figures(given), bulk=is_bulk(given))
        etag = etag_of(request, access.version)
        if unchanged := not_modified(request, etag):
            return unchanged
        if request.method == "HEAD":
            answer: HttpResponseBase = HttpResponse(content_type=GEO_JSON)
        else:
            written = _collection(
                request,
                access.note() | as_of.said_of(given["at"], access.sources),
                matching(given, access.sources, access.utility),
                given["limit"],
            )
            answer = StreamingHttpResponse(Started(written), content_type=GEO_JSON)
        stamp(answer, etag)
        return answer


def _collection(
    request: Request, beside: dict[str, Any], rows: Rows, limit: int | None
) -> Generator[bytes, None, None]:
    """The pieces of the collection. The first comes when the first features are there."""
    gathered = bytearray(b'{"type":"FeatureCollection",')
    for name, said in beside.items():
        gathered += f'"{name}":{json.dumps(said, ensure_ascii=False)},'.encode()
    gathered += b'"features":['
    number, last = 0, None
    more = False
    for pk, feature in _features(rows, limit):
        if number == limit:
            more = True  # the one that is not shown, and the last
            continue
        if number:
            gathered += b","
        gathered += feature
        number, last = number + 1, pk
        if len(gathered) > BYTES_A_PIECE:
            yield bytes(gathered)
            gathered.clear()
    address = json.dumps(next_page(request, last) if more else None)
    gathered += f'],"numberReturned":{number},"next":{address}}}'.encode()
    yield bytes(gathered)


def _features(rows: Rows, limit: int | None) -> Iterator[tuple[int, bytes]]:
    """Features as JSON in UTF-8 with their id; one more than `limit`, to see if there are more.

    COPY gives them as PostgreSQL makes them, in its own bytes: nothing is decoded only to be encoded again.
    """
    found = with_columns(rows).order_by("id").values_list("id", FEATURE)
    try:
        sql, parameters = (found if limit is None else found[: limit + 1]).query.sql_with_params()
    except EmptyResultSet:  # nothing is published
        return
    operations: Any = connection.ops
    selected = operations.compose_sql(sql, parameters)  # COPY takes no parameters of its own
    with connection.cursor() as cursor, cursor.copy(f"COPY ({selected}) TO STDOUT (FORMAT binary)") as copy:
        copy.set_types(["int8", "bytea"])  # text as it is on the wire
        yield from copy.rows()


def _json(**members: Combinable) -> Func:
    """A JSON object with its members in this order."""
    parts = [part for name, value in members.items() for part in (Cast(Value(name), TextField()), value)]
    return Func(*parts, function="json_build_object", output_field=JSONField())


# PostgreSQL writes the shape as text; putting text together, and not into JSON that is read, checked and
# copied again, takes a quarter less time.
FEATURE = Func(
    Value('{"type": "Feature", "id": '),
    Cast(F("id"), TextField()),
    Value(', "geometry": '),
    Coalesce(AsGeoJSON("geometry", precision=6), Value("null"), output_field=TextField()),
    Value(', "properties": '),
    Cast(_json(**SHOWN), TextField()),
    Value("}"),
    template="(%(expressions)s)",
    arg_joiner=" || ",
    output_field=TextField(),
)
