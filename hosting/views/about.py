"""What the words mean, how far to trust the numbers, what the colours say, and whose data they are."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hosting.views.map import map_context
from hosting.views.terms import terms
from hosting.visible import visible_sources


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """`/about/`. The sources named are those that something is shown of."""
    sources = visible_sources().select_related("utility").defer("config_json", "utility__config_json")
    shown = [
        {"source": source, "terms": terms(source)}
        for source in sources.order_by("utility__is_synthetic", "utility__utility_name", "code")
    ]
    return render(
        request,
        "about.html",
        {"section": "about", "legend": map_context()["map_legend"], "sources": shown},
    )
