"""A feeder's page: its figures first, what they mean beside them, where they are from one click away."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hosting.views.chosen import Asked, choose, feeder_name, find_feeder, records_of, renamed


@require_safe
def feeder_page(request: HttpRequest, code: str, slug: str) -> HttpResponse:
    """`/feeders/<utility>/<slug>/`; 404 with a hint where the feeder is gone or goes by another name."""
    feeder = find_feeder(utility__utility_code=code, slug=slug)
    records = records_of(feeder) if feeder else []
    if feeder is None or not records:
        return render(request, "feeders/missing.html", {"feeder": feeder, "now": renamed(code, slug)}, status=404)
    record = choose(records, Asked.read(request.GET)) or records[0]
    return render(request, "feeders/feeder.html", {"feeder": feeder, "name": feeder_name(feeder), "row": record})
