"""All utilities with their figures, and one utility with everything that is read of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Prefetch, QuerySet
from django.db.models.lookups import IsNull
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hosting.api.utilities import utilities_with_totals
from hosting.models import CapacityType, HostingCapacitySummary
from hosting.views import amounts
from hosting.views.quality import of_utility
from hosting.views.sorting import columns
from hosting.views.standing import Standing, standing, with_last_run
from hosting.views.terms import Terms, terms
from hosting.views.wording import Instant, instant
from hosting.visible import visible_sources
from utilities.models import Source, Utility

# The address's `sort` to a column; a minus in front is highest first.
SORTS = {
    "utility": "utility_name",
    "feeders": "total_feeders",
    "hosting": "total_hosting_capacity_mw",
    "remaining": "total_remaining_capacity_mw",
    "constrained": "constrained_feeders_count",
    "published": "last_ingested_at",
}
# What a run carries and a page does not need.
RUN_HEAVY = ("config_json", "published_run__config_json", "published_run__layer", "published_run__discovery")
HIGHEST_FIRST = {"feeders", "hosting", "remaining", "constrained", "published"}


@dataclass(frozen=True)
class SourceLine:
    """One source as a utility's row has it."""

    source: Source
    standing: Standing
    terms: Terms
    checked: Instant | None = None
    published: Instant | None = None

    @property
    def title(self) -> str:
        return self.source.title


@dataclass(frozen=True)
class Row:
    """One utility of the table."""

    utility: Any  # a Utility with its totals
    published: Instant | None
    sources: list[SourceLine]

    @property
    def is_read(self) -> bool:
        return self.published is not None


@require_safe
def utilities(request: HttpRequest) -> HttpResponse:
    """`/utilities/`. Without a `sort`, or with an unknown one, those with figures come first."""
    sort = request.GET.get("sort", "")
    rows = [_row(utility) for utility in utilities_in_order(sort)]
    return render(
        request,
        "utilities/all.html",
        {
            "rows": rows,
            "read_count": sum(row.is_read for row in rows),
            "columns": columns(SORTS, sort, request.GET, highest_first=HIGHEST_FIRST),
            "has_synthetic": any(row.utility.is_synthetic for row in rows),
            "section": "utilities",
        },
    )


@require_safe
def utility_page(request: HttpRequest, code: str) -> HttpResponse:
    """`/utilities/<code>/`: figures by type, sources and how they stand, whose data it is, where to go on."""
    utility = with_sources(Utility.objects.select_related("iso").filter(utility_code=code)).first()
    if utility is None:
        return render(request, "utilities/missing.html", {"code": code, "section": "utilities"}, status=404)
    sources = list(source_lines(utility))
    can_be_seen = visible_sources().filter(utility=utility).exists()
    figures = [_figure(summary) for summary in _summaries(utility)] if can_be_seen else []
    return render(
        request,
        "utilities/utility.html",
        {
            "utility": utility,
            "figures": figures,
            "sources": sources,
            "quality": of_utility(utility),
            "published": _published(utility),
            "why_nothing": utility.config_json.get("unavailable_because", ""),
            "notes": utility.config_json.get("notes", ""),
            "has_synthetic": utility.is_synthetic,
            "section": "utilities",
        },
    )


def utilities_in_order(sort: str = "") -> QuerySet[Utility]:
    """Every utility with its totals and sources: two queries."""
    return with_sources(utilities_with_totals().order_by(*_order(sort), "utility_code"))


def with_sources(found: QuerySet[Utility]) -> QuerySet[Utility]:
    sources = with_last_run(Source.objects.filter(in_catalog=True)).order_by("code")
    return found.prefetch_related(
        Prefetch("sources", sources.select_related("published_run").defer(*RUN_HEAVY))
    )


def _order(sort: str) -> list[Any]:
    column = SORTS.get(sort.removeprefix("-"))
    if column is None:
        return [IsNull(F("last_ingested_at"), True), "utility_name"]
    return [F(column).desc(nulls_last=True) if sort.startswith("-") else F(column).asc(nulls_last=True)]


def _row(utility: Utility) -> Row:
    return Row(utility, _published(utility), list(source_lines(utility)))


def _published(utility: Utility) -> Instant | None:
    return instant(utility.last_ingested_at, utility.timezone) if utility.last_ingested_at else None


def source_lines(utility: Utility) -> Iterable[SourceLine]:
    """The utility's sources of the catalog, with how they stand and what their terms let."""
    zone = utility.timezone
    for source in utility.sources.all():
        run = source.published_run
        read_at = (run.completed_at or run.started_at) if run else None
        yield SourceLine(
            source,
            standing(source),
            terms(source),
            instant(source.last_checked_at, zone) if source.last_checked_at else None,
            instant(read_at, zone) if read_at else None,
        )


def _summaries(utility: Utility) -> list[HostingCapacitySummary]:
    order = {word: number for number, word in enumerate(CapacityType.values)}
    found = utility.summaries.all()
    return sorted(found, key=lambda one: (order[one.capacity_type], one.variant != "default", one.variant))


def _figure(summary: HostingCapacitySummary) -> dict[str, Any]:
    """One type and variant: its sums, and which limits bind how often, the most frequent first."""
    breakdown = sorted(summary.constraint_breakdown.items(), key=lambda one: (-one[1], one[0]))
    most = breakdown[0][1] if breakdown else 0
    is_plain = (summary.capacity_type, summary.variant) == (CapacityType.GENERATION, "default")
    return {
        "summary": summary,
        "name": amounts.figure_name(summary.capacity_type, summary.variant),
        "query": "" if is_plain else f"&capacity_type={summary.capacity_type}&variant={summary.variant}",
        "hosting": amounts.amount(summary.total_hosting_capacity_mw),
        "remaining": amounts.amount(summary.total_remaining_capacity_mw),
        "installed": amounts.amount(summary.total_installed_dg_mw),
        "constrained": None
        if summary.total_remaining_capacity_mw is None
        else summary.constrained_feeders_count,
        "limits": [
            {"name": amounts.limit(word), "count": number, "width": f"{number / most * 100:.1f}"}
            for word, number in breakdown
        ],
    }
