"""A utility's records as GeoJSON, written by PostgreSQL and streamed as it reads.

The collection ends with `numberReturned` and `next`. An error on the way ends the connection before that, and
before the closing bracket: what was cut off is no JSON and cannot pass for all of it.
"""

import json
from collections.abc import Generator, Iterator
from typing import ClassVar

from django.contrib.gis.db.models.functions import AsGeoJSON
from django.db import transaction
from django.db.models import F, Func, JSONField, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from hcportal.api.numbers import WholeNumber
from hcportal.api.parameters import StrictView
from hcportal.api.versions import etag_of, not_modified, stamp
from hosting.api.access import Access, access_to, is_bulk
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

FEATURES_A_CHUNK = 500  # measured: below, round trips show; above, the first features come late


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
    give a `limit` of at most 1,000 or a `bbox` of at most 0.5 degrees each way.
    """

    is_versioned: ClassVar = True
    may_refuse: ClassVar = True
    answers: ClassVar[Answers] = {GEO_JSON: collected(RecordSerializer)}
    example: ClassVar = {"limit": 10}
    parameters_class: ClassVar = GeoJSONParameters
    renderer_classes = [GeoJSONRenderer, JSONRenderer]

    def get(self, request: Request, code: str) -> HttpResponseBase:
        given = self.parameters
        access = access_to(code, figures(given), bulk=is_bulk(given))
        etag = etag_of(request, access.version)
        if unchanged := not_modified(request, etag):
            return unchanged
        if request.method == "HEAD":
            answer: HttpResponseBase = HttpResponse(content_type=GEO_JSON)
        else:
            written = _collection(
                request, access, matching(given, access.sources, access.utility), given["limit"]
            )
            answer = StreamingHttpResponse(Started(written), content_type=GEO_JSON)
        stamp(answer, etag)
        return answer


def _collection(
    request: Request, access: Access, rows: Rows, limit: int | None
) -> Generator[bytes, None, None]:
    """The pieces of the collection. The first comes when the first features are there."""
    head = '{"type":"FeatureCollection",'
    if access.withheld:
        head += f'"withheld":{json.dumps(access.withheld, ensure_ascii=False)},'
    head += '"features":['
    number, last = 0, None
    more = False
    for chunk in _features(rows, limit):
        shown = chunk if limit is None else chunk[: limit - number]
        more = len(shown) < len(chunk)
        if shown:
            comma = "," if number else ""
            yield f"{head}{comma}{','.join(text for _id, text in shown)}".encode()
            head, number, last = "", number + len(shown), shown[-1][0]
    address = json.dumps(next_page(request, last) if more else None)
    yield f'{head}],"numberReturned":{number},"next":{address}}}'.encode()


def _features(rows: Rows, limit: int | None) -> Iterator[list[tuple[int, str]]]:
    """Features as JSON text with their id, in chunks; one more than `limit`, to see if there are more."""
    found = with_columns(rows).order_by("id").values_list("id", FEATURE)
    if limit is not None:
        found = found[: limit + 1]
    # Inside a transaction the cursor stays on the server and reads as we send; outside, PostgreSQL would
    # first write the whole result aside.
    with transaction.atomic():
        chunk: list[tuple[int, str]] = []
        for row in found.iterator(chunk_size=FEATURES_A_CHUNK):
            chunk.append(row)
            if len(chunk) == FEATURES_A_CHUNK:
                yield chunk
                chunk = []
        if chunk:
            yield chunk


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
