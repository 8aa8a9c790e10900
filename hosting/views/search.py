"""The search page: one box for utilities, feeders and substations."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from hosting import search as finder
from hosting.views import amounts
from hosting.views.chosen import feeder_name


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    """`/search?q=`. An exact id is first; nothing is redirected, so that the others are seen too."""
    typed = " ".join(request.GET.get("q", "").replace("\x00", " ").split())[: finder.MOST_TYPED]
    found = finder.search(typed)
    records = finder.remaining_of(found.feeders) if found.feeders else {}
    readable = finder.has_figures(found.utilities) if found.utilities else set()
    feeders = [
        {
            "feeder": feeder,
            "name": feeder_name(feeder),
            "record": records.get(feeder.pk),
            "remaining": amounts.remaining(records[feeder.pk]) if feeder.pk in records else None,
            "is_exact": feeder.external_id.upper() == typed.upper(),
        }
        for feeder in found.feeders
    ]
    substations = [
        {
            "substation": substation,
            "link": f"{reverse('feeders')}?"
            + urlencode({"utility": substation.utility_code, "substation": substation.name}),
        }
        for substation in found.substations
    ]
    context = {
        "typed": typed,
        "found": found,
        "feeders": feeders,
        "substations": substations,
        "utilities": [{"utility": one, "is_read": one.pk in readable} for one in found.utilities],
        "shortest": finder.SHORTEST,
        "has_synthetic": any(feeder.utility.is_synthetic for feeder in found.feeders)
        or any(utility.is_synthetic for utility in found.utilities)
        or any(substation.is_synthetic for substation in found.substations),
        "section": "search",
    }
    return render(request, "search.html", context)
