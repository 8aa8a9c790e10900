"""The feeders as a table: the same selection as the map, as rows."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def feeders_table(request: HttpRequest) -> HttpResponse:
    """`/feeders/`."""
    return render(request, "feeders/table.html", {"section": "feeders"})
