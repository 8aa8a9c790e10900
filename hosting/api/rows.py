"""A utility's records as rows: page by page in JSON, all of them in CSV."""

from typing import ClassVar

from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from hosting.api import as_of
from hosting.api.access import Access, access_to, is_bulk
from hosting.api.answers import CSV, JSON, Answers, listed
from hosting.api.csv_rows import CSV_SHAPE, csv_answer, csv_of
from hosting.api.forms import ROWS_A_PAGE, FormParameters, TabularView, rows_a_form
from hosting.api.paging import page
from hosting.api.records import (
    CELLS,
    NAMES,
    SHOWN,
    RecordParameters,
    RecordSerializer,
    at_once,
    figures,
    matching,
    with_columns,
)


class RowParameters(RecordParameters, FormParameters):
    """Filters, the page, and the form."""

    limit = rows_a_form()


class RecordList(TabularView):
    """A utility's records that pass the filters, in order of their id.

    One for each feeder, or for each cell where the publisher names no feeder. Filters are joined by *and*; an
    unknown figure is neither below nor above anything.

    As CSV (`format=csv`, or `Accept: text/csv`) all of them come in one file, streamed, with the columns of a
    row in JSON. A text that a spreadsheet would take for a formula gets an apostrophe in front. Where it is
    unknown whether a source may be passed on in bulk, give a `limit` or a `bbox` of at most 0.5 degrees.

    With `as_of` they are the records that held then, in publisher time; the answer names the instant.
    """

    answers: ClassVar[Answers] = {
        JSON: listed(RecordSerializer, withheld=True, **as_of.described()),
        CSV: CSV_SHAPE,
    }
    example: ClassVar = {"min_remaining_mw": 2, "limit": 10}
    parameters_class: ClassVar = RowParameters

    def get(self, request: Request, code: str) -> HttpResponseBase:
        given = self.parameters
        as_of.choose_instant(given, code)
        access = access_to(code, figures(given), bulk=self.is_csv and is_bulk(given))
        return self.in_form(
            access, page=lambda: self._page(request, access), file=lambda: self._csv(request, access)
        )

    def _page(self, request: Request, access: Access) -> Response:
        limit = self.parameters["limit"] or ROWS_A_PAGE
        # First which rows, from an index that holds all that filters ask for; then these rows.
        chosen = matching(self.parameters, access.sources, access.utility).order_by("id").values("id")
        rows = with_columns(at_once(self.parameters).filter(id__in=chosen[: limit + 1])).order_by("id")
        found = [dict(zip(NAMES, row, strict=True)) for row in rows.values_list(*SHOWN.values())]
        said = as_of.said_of(self.parameters["at"], access.sources)
        return Response(page(request, found, limit, "id") | access.note() | said)

    def _csv(self, request: Request, access: Access) -> HttpResponseBase:
        rows = with_columns(matching(self.parameters, access.sources, access.utility)).order_by("id")
        pieces = None if request.method == "HEAD" else csv_of(rows[: self.parameters["limit"]], CELLS)
        code = request.resolver_match.kwargs["code"] if request.resolver_match else "records"
        answer = csv_answer(pieces, f"{code}-hosting-capacity", access)
        if self.parameters["at"] is not None:
            answer["X-As-Of"] = self.parameters["at"].isoformat()
        return answer
