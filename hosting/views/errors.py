"""What is answered where no view answers: problem+json to programs under /api/, a page to people."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from hcportal.api.problems import problem

# ruff: noqa: ARG001  # Django passes `exception` by name


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: a request that Django refused before any view saw it."""
    if _is_of_the_api(request):
        return problem(400, "This request cannot be understood.")
    return render(request, "400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    if _is_of_the_api(request):
        return problem(403, "You may not do this.")
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: an address that does not exist, or something that a view did not find."""
    if _is_of_the_api(request):
        return problem(404, f"There is nothing at {request.path}. /api/v1/utilities is a place to start.")
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: a bug. Says so without asking the database, which may be what is broken."""
    if _is_of_the_api(request):
        return problem(500, "Something went wrong on our side; it has been recorded. Nothing was changed.")
    return HttpResponse(render_to_string("500.html"), status=500)


def _is_of_the_api(request: HttpRequest) -> bool:
    return request.path == "/api" or request.path.startswith("/api/")
