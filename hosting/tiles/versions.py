"""Saying the data version to clients, so that nothing is sent twice."""

from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags

FOR_GOOD: Final = "public, max-age=31536000, immutable"


def is_held(request: HttpRequest, etag: str) -> bool:
    """Whether the client has this version already; tags are compared weakly (RFC 9110, 13.1.2)."""
    held = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    return held == ["*"] or etag in held or etag.removeprefix("W/") in held


def not_modified() -> HttpResponse:
    return HttpResponseNotModified()


def stamp(answer: HttpResponse, etag: str, *, for_good: bool = False) -> HttpResponse:
    """Say the version, and whether it has to be asked for before the answer is used again."""
    answer["ETag"] = etag
    answer["Cache-Control"] = FOR_GOOD if for_good else "no-cache"
    return answer
