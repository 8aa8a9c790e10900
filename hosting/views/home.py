"""The home page: what this is, the map, and the utilities that have figures."""

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hosting.api.utilities import utilities_with_totals
from hosting.views.map import map_context
from hosting.visible import visible_sources

SHOWN = 12  # the rest is one click away


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """`/`: the utilities with figures, those with most feeders first; `/utilities/` has all of them."""
    most = F("total_feeders").desc(nulls_last=True)
    everything = list(utilities_with_totals().defer("config_json").order_by(most, "utility_code"))
    visible = set(visible_sources().order_by().values_list("utility", flat=True))
    read = [utility for utility in everything if utility.last_ingested_at and utility.pk in visible]
    shown = read[:SHOWN]
    return render(
        request,
        "home.html",
        (map_context(embedded=True) if read else {})
        | {
            "rows": shown,
            "count": len(everything),
            "read_count": len(read),
            "has_synthetic": any(utility.is_synthetic for utility in shown),
            "section": "home",
        },
    )
