"""The two forms of a list: a page of rows in JSON, or a file with all of them."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpResponseBase
from rest_framework import serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from hcportal.api.numbers import WholeNumber
from hcportal.api.parameters import Parameters, StrictView
from hcportal.api.versions import etag_of, not_modified, stamp
from hosting.api.access import BOUNDED_ROWS, Access
from hosting.api.answers import CSV
from hosting.api.csv_rows import CSVRenderer
from hosting.api.rendering import RowsRenderer

ROWS_A_PAGE = 100


def rows_a_form() -> WholeNumber:
    """The field `limit` where both forms are there."""
    return WholeNumber(
        default=None,
        min_value=1,
        max_value=1000,
        help_text="Rows a page: 100 where it is not given; in CSV all rows",
    )


class FormParameters(Parameters):
    """A page in JSON, or a file with all rows."""

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


class TabularView(StrictView):
    """An endpoint whose rows leave in either form, as their sources' terms allow."""

    is_versioned: ClassVar = True
    may_refuse: ClassVar = True
    renderer_classes = [RowsRenderer, CSVRenderer]
    content_negotiation_class = FormatFirst

    @property
    def is_csv(self) -> bool:
        return bool(self.request.accepted_renderer.format == CSVRenderer.format)

    @property
    def is_unbounded(self) -> bool:
        """Whether a file may have more rows than a page can."""
        return self.is_csv and (self.parameters["limit"] or BOUNDED_ROWS + 1) > BOUNDED_ROWS

    def in_form(
        self, access: Access, page: Callable[[], HttpResponseBase], file: Callable[[], HttpResponseBase]
    ) -> HttpResponseBase:
        """The page or the file with its version, or that the client holds this version."""
        etag = etag_of(self.request, [CSV, access.version] if self.is_csv else access.version)
        if unchanged := not_modified(self.request, etag):
            return unchanged
        answer = file() if self.is_csv else page()
        stamp(answer, etag)
        return answer
