"""The home page: every utility with its figures, and how each of its sources stands."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Prefetch, QuerySet
from django.db.models.lookups import IsNull
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from hosting.api.utilities import utilities_with_totals
from hosting.views.standing import Standing, standing, with_last_run
from hosting.views.wording import Instant, instant
from utilities.models import Redistribution, Source, Utility

# The address's `sort` to a column; a minus in front is highest first.
SORTS = {
    "utility": "utility_name",
    "feeders": "total_feeders",
    "hosting": "total_hosting_capacity_mw",
    "remaining": "total_remaining_capacity_mw",
    "constrained": "constrained_feeders_count",
    "published": "last_ingested_at",
}
HIGHEST_FIRST = {"feeders", "hosting", "remaining", "constrained", "published"}


@dataclass(frozen=True)
class SourceLine:
    """One source in the utility's row."""

    title: str
    standing: Standing
    redistribution: str


@dataclass(frozen=True)
class Row:
    """One utility of the table."""

    utility: Any  # a Utility with its totals
    published: Instant | None
    sources: list[SourceLine]

    @property
    def is_read(self) -> bool:
        return self.published is not None


@dataclass(frozen=True)
class Column:
    """A column that can be sorted by: where its link goes, and how it is sorted now ('', up, down)."""

    name: str
    link: str
    sorted: str

    @property
    def aria_sort(self) -> str:
        return {"up": "ascending", "down": "descending"}.get(self.sorted, "none")


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """`/`. Without a `sort`, or with an unknown one, utilities that have figures come first, then by name."""
    sort = request.GET.get("sort", "")
    rows = [_row(utility) for utility in _utilities(sort)]
    return render(
        request,
        "home.html",
        {
            "rows": rows,
            "read_count": sum(row.is_read for row in rows),
            "columns": {name: _column(name, sort) for name in SORTS},
            "has_synthetic": any(row.utility.is_synthetic for row in rows),
            "section": "utilities",
        },
    )


def _utilities(sort: str) -> QuerySet[Utility]:
    sources = with_last_run(Source.objects.filter(in_catalog=True)).defer("config_json").order_by("code")
    return (
        utilities_with_totals()
        .defer("config_json")
        .prefetch_related(Prefetch("sources", sources))
        .order_by(*_order(sort), "utility_code")
    )


def _order(sort: str) -> list[Any]:
    column = SORTS.get(sort.removeprefix("-"))
    if column is None:
        return [IsNull(F("last_ingested_at"), True), "utility_name"]
    return [F(column).desc(nulls_last=True) if sort.startswith("-") else F(column).asc(nulls_last=True)]


def _column(name: str, sort: str) -> Column:
    """A click on the column that sorts already turns it round."""
    first, second = (f"-{name}", name) if name in HIGHEST_FIRST else (name, f"-{name}")
    now = "" if sort.removeprefix("-") != name else "down" if sort.startswith("-") else "up"
    return Column(name, f"?sort={second if sort == first else first}", now)


def _row(utility: Utility) -> Row:
    published = utility.last_ingested_at and instant(utility.last_ingested_at, utility.timezone)
    return Row(utility, published or None, list(_source_lines(utility)))


def _source_lines(utility: Utility) -> Iterable[SourceLine]:
    for source in utility.sources.all():
        redistribution = _redistribution_word(Redistribution(source.redistribution))
        yield SourceLine(source.title, standing(source), redistribution)


def _redistribution_word(redistribution: Redistribution) -> str:
    return {
        Redistribution.ALLOWED: _("allowed"),
        Redistribution.DISPLAY_ONLY: _("display only"),
        Redistribution.FORBIDDEN: _("not allowed"),
        Redistribution.UNKNOWN: _("terms unknown"),
    }[redistribution]
