"""What the words mean, how far to trust the numbers, what the colours say, and whose data they are."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """`/about/`."""
    return render(request, "about.html", {"section": "about"})
