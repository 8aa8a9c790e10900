"""`/interregional/`: New York's ties now, and how it came to be."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hcportal.api.versions import etag_of, not_modified, stamp
from interregional.models import FlowSource
from interregional.rows import NEIGHBOUR_CODES, Interfaces, Question, State, rows, state
from interregional.views.drawing import drawing_of
from interregional.views.figures import SPARK_SPAN, Moment, Now, now_of
from interregional.views.series import RANGES, NoRange, Span, span_of

RANGE_NAMES = {"24h": "24 hours", "7d": "7 days", "30d": "30 days"}


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The whole page. A range that cannot be is said, and 24 hours are shown."""
    there = state()
    now = _now(there)
    context: dict[str, Any] = {"section": "interregional", "ranges": RANGE_NAMES, **_shown(now, there)}
    if now is not None:
        span, wrong = _span(request, now)
        context |= {"span": span, "wrong_range": wrong, "groups": _groups(now)}
    return render(
        request, "interregional/page.html", context, status=400 if context.get("wrong_range") else 200
    )


@require_safe
def now_part(request: HttpRequest) -> HttpResponseBase:
    """`/interregional/now`: the part of the page that changes, for its script."""
    there = state()
    # What it says of the same flows changes when they get old, and at midnight.
    said = (Moment(there.newest).is_stale, Moment(there.newest).clock) if there.newest else ()
    etag = etag_of(request, [*there.version, *said])  # type: ignore[arg-type]  # asks for no more than Django's
    if unchanged := not_modified(request, etag):  # type: ignore[arg-type]
        return unchanged
    answer = render(request, "interregional/now.html", _shown(_now(there), there))
    stamp(answer, etag)
    return answer


def _now(there: State) -> Now | None:
    """Everything at the newest instant; None where nothing is stored."""
    at = there.newest
    if at is None:
        return None
    just_after = at + timedelta(microseconds=1)
    every = Interfaces(None, NEIGHBOUR_CODES)
    past = Question(at - SPARK_SPAN, just_after, Interfaces([], NEIGHBOUR_CODES))
    return now_of(rows(Question(at, just_after, every), 1_000), rows(past, 5_000))


def _shown(now: Now | None, there: State) -> dict[str, Any]:
    attribution = FlowSource.objects.exclude(attribution="").order_by("-is_synthetic", "code").first()
    return {
        "now": now,
        "drawing": drawing_of(now) if now is not None else None,
        "is_synthetic": there.is_synthetic,
        "attribution": attribution.attribution if attribution else "",
    }


def _span(request: HttpRequest, now: Now) -> tuple[Span, str]:
    newest = now.moment.at
    try:
        return span_of(request, newest), ""
    except NoRange as wrong:
        return Span("24h", newest - RANGES["24h"], newest + timedelta(microseconds=1)), str(wrong)


def _groups(now: Now) -> list[tuple[str, list[Any]]]:
    """Lines by where they lead, for the charts."""
    groups: list[tuple[str, list[Any]]] = [(region.name, region.lines) for region in now.regions]
    if now.others:
        groups.append(("Unclassified", now.others))
    return groups
