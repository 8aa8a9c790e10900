"""Every error of the API as `application/problem+json` (RFC 9457).

`problem_response` is what REST framework calls for errors inside an endpoint; `problem` serves the errors
that never reach one (an address that does not exist, a bug).
"""

import json
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response

PROBLEM_JSON = "application/problem+json"


def problem_response(exc: Exception, context: dict[str, Any]) -> Response | None:  # noqa: ARG001  # REST framework passes it
    """The answer to an error in an endpoint; None for a bug, which Django logs and `problem` then words."""
    if isinstance(exc, Http404):
        exc = exceptions.NotFound(*exc.args)
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied(*exc.args)
    if not isinstance(exc, exceptions.APIException):
        return None
    response = Response(
        _problem(exc.status_code, *_detail_and_errors(exc)),
        status=exc.status_code,
        headers=_headers(exc),
        content_type=PROBLEM_JSON,
    )
    response["Cache-Control"] = "no-store"
    return response


def problem(status: int, detail: str) -> HttpResponse:
    """An error outside of REST framework."""
    body = json.dumps(_problem(status, detail, []), ensure_ascii=False)
    return HttpResponse(body, status=status, content_type=PROBLEM_JSON, headers={"Cache-Control": "no-store"})


def _problem(status: int, detail: str, errors: list[dict[str, str]]) -> dict[str, Any]:
    said: dict[str, Any] = {
        "type": "about:blank",  # RFC 9457: nothing beyond what the status says
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return {**said, "errors": errors} if errors else said


def _detail_and_errors(exc: exceptions.APIException) -> tuple[str, list[dict[str, str]]]:
    """One sentence, and for wrong parameters each one's name with what is wrong with it."""
    if not isinstance(exc.detail, dict):
        words = exc.detail if isinstance(exc.detail, list) else [exc.detail]
        return " ".join(str(word) for word in words), []
    errors = [
        {"parameter": name, "detail": str(fault)}
        for name, faults in exc.detail.items()
        for fault in (faults if isinstance(faults, list) else [faults])
    ]
    return " ".join(f"{error['parameter']}: {error['detail']}" for error in errors), errors


def _headers(exc: exceptions.APIException) -> dict[str, str]:
    """What HTTP wants said beside the status."""
    headers: dict[str, str] = {}
    if auth_header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = f"{wait:.0f}"
    return headers
