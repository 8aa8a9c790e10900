"""The page about data: what there is, under which terms, and where to take it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hosting.manifest import entries
from hosting.views.quality import utility_scores
from hosting.views.terms import terms
from hosting.views.wording import instant


@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """`/data/`. Sources that readers see something of, with their files or the reason why there are none."""
    found, scores = entries(), utility_scores()
    rows = [
        {
            "entry": entry,
            "source": entry.source,
            "utility": entry.source.utility,
            "terms": terms(entry.source),
            "score": scores.get(entry.source.utility_id),
            "is_ders": "ders" in entry.source.config_json,
            "refreshed": instant(entry.refreshed_at, entry.source.utility.timezone)
            if entry.refreshed_at
            else None,
        }
        for entry in found
    ]
    has_synthetic = any(entry.source.utility.is_synthetic for entry in found)
    return render(request, "data.html", {"rows": rows, "section": "data", "has_synthetic": has_synthetic})
