"""Lists of tables with millions of rows: never count them all, never fetch their geometry."""

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

from utilities.admin import ReadOnlyAdmin

if TYPE_CHECKING:
    AnyPaginator = Paginator[Any]
else:  # takes no parameters at run time
    AnyPaginator = Paginator


class EstimatedPaginator(AnyPaginator):
    """Counts up to COUNTED rows; beyond, says what PostgreSQL's planner expects, and that it is a guess."""

    COUNTED = 10_000
    is_estimate = False

    @cached_property
    def count(self) -> int:
        found: Any = self.object_list  # the admin hands in a queryset
        rows = found.order_by().values("pk")
        counted: int = rows[: self.COUNTED + 1].count()
        if counted <= self.COUNTED:
            return counted
        self.is_estimate = True
        expected = json.loads(rows.explain(format="json"))[0]["Plan"]["Plan Rows"]
        return max(int(expected), counted)


class BigTableAdmin(ReadOnlyAdmin):
    """A read-only model with up to millions of rows."""

    paginator = EstimatedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each facet would be a count
    list_max_show_all = 0
    list_per_page = 50
    heavy_columns: ClassVar[tuple[str, ...]] = ()  # fetched on a row's own page only

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer(*self.heavy_columns)
