"""A utility's records as rows: page by page in JSON, all of them in CSV."""

from typing import Any, ClassVar

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework import serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from hcportal.api.numbers import WholeNumber
from hcportal.api.parameters import StrictView
from hcportal.api.versions import etag_of, not_modified, stamp
from hosting.api.access import Access, access_to, is_bulk
from hosting.api.answers import CSV, JSON, Answers, listed
from hosting.api.csv_rows import CSV_SHAPE, CSVRenderer, csv_of
from hosting.api.paging import page
from hosting.api.planning import planned
from hosting.api.records import (
    NAMES,
    SHOWN,
    RecordParameters,
    RecordSerializer,
    figures,
    matching,
    with_columns,
)
from hosting.api.rendering import RowsRenderer
from hosting.models import HostingCapacityRecord

ROWS_A_PAGE = 100


class RowParameters(RecordParameters):
    """Filters, the page, and the form."""

    limit = WholeNumber(
        default=None,
        min_value=1,
        max_value=1000,
        help_text="Rows a page: 100 where it is not given; in CSV all rows",
    )
    format = serializers.ChoiceField(
        [("json", "A page of rows"), ("csv", "A file with all rows")],
        default=None,
        help_text="Goes before `Accept`; JSON where neither says so",
    )


class FormatFirst(DefaultContentNegotiation):
    """`format` in the address decides alone: a link to a file works whatever the client says it accepts."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        wanted = request.query_params.get("format")
        for renderer in renderers:
            if renderer.format == wanted:
                chosen: BaseRenderer = renderer
                return chosen, str(chosen.media_type)
        found: tuple[BaseRenderer, str] = super().select_renderer(request, renderers, format_suffix)
        return found


class RecordList(StrictView):
    """A utility's records that pass the filters, in order of their id.

    One for each feeder, or for each cell where the publisher names no feeder. Filters are joined by *and*; an
    unknown figure is neither below nor above anything.

    As CSV (`format=csv`, or `Accept: text/csv`) all of them come in one file, streamed, with the columns of a
    row in JSON. A text that a spreadsheet would take for a formula gets an apostrophe in front. Where it is
    unknown whether a source may be passed on in bulk, give a `limit` or a `bbox` of at most 0.5 degrees.
    """

    is_versioned: ClassVar = True
    may_refuse: ClassVar = True
    answers: ClassVar[Answers] = {JSON: listed(RecordSerializer, withheld=True), CSV: CSV_SHAPE}
    example: ClassVar = {"min_remaining_mw": 2, "limit": 10}
    parameters_class: ClassVar = RowParameters
    renderer_classes = [RowsRenderer, CSVRenderer]
    content_negotiation_class = FormatFirst

    def get(self, request: Request, code: str) -> HttpResponseBase:
        given = self.parameters
        as_csv = request.accepted_renderer.format == "csv"
        access = access_to(code, figures(given), bulk=as_csv and is_bulk(given))
        etag = etag_of(request, [CSV, access.version] if as_csv else access.version)
        if unchanged := not_modified(request, etag):
            return unchanged
        answer = self._csv(request, access) if as_csv else self._page(request, access)
        stamp(answer, etag)
        return answer

    def _page(self, request: Request, access: Access) -> Response:
        limit = self.parameters["limit"] or ROWS_A_PAGE
        # First which rows, from an index that holds all that filters ask for; then these rows.
        chosen = matching(self.parameters, access.sources, access.utility).order_by("id").values("id")
        rows = with_columns(HostingCapacityRecord.objects.filter(id__in=chosen[: limit + 1])).order_by("id")
        with planned():
            found = [dict(zip(NAMES, row, strict=True)) for row in rows.values_list(*SHOWN.values())]
        return Response(page(request, found, limit, "id") | access.note())

    def _csv(self, request: Request, access: Access) -> HttpResponseBase:
        rows = with_columns(matching(self.parameters, access.sources, access.utility)).order_by("id")
        answer: HttpResponseBase
        if request.method == "HEAD":
            answer = HttpResponse(content_type=f"{CSV}; charset=utf-8")
        else:
            pieces = csv_of(rows[: self.parameters["limit"]])
            answer = StreamingHttpResponse(pieces, content_type=f"{CSV}; charset=utf-8")
        code = request.resolver_match.kwargs["code"] if request.resolver_match else "records"
        answer["Content-Disposition"] = f'attachment; filename="{code}-hosting-capacity.csv"'
        if access.withheld:
            answer["X-Withheld"] = ", ".join(
                f"{left_out['utility_code']}/{left_out['source']}; records={left_out['records']}"
                for left_out in access.withheld
            )
        return answer
