"""ETags: an unchanged answer is not sent again, and by data version not even read."""

import hashlib
import json
from typing import Any

from django.http import HttpResponseBase, HttpResponseNotModified
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

FORM = 1  # raise it when an answer's form changes: an ETag of the old form must not match


def etag_of(request: Request, version: Any) -> str:
    """A weak ETag: the same question (address and query) on the same publications has the same answer."""
    said = json.dumps([FORM, request.build_absolute_uri(), version])
    return f'W/"{hashlib.sha256(said.encode()).hexdigest()[:32]}"'


def not_modified(request: Request, etag: str) -> HttpResponseNotModified | None:
    """304 where the client holds this version; its tags are compared weakly (RFC 9110, 13.1.2)."""
    held = parse_etags(request.headers.get("If-None-Match", ""))
    if held != ["*"] and etag not in held and etag.removeprefix("W/") not in held:
        return None
    answer = HttpResponseNotModified()
    stamp(answer, etag)
    return answer


def unless_held(request: Request, said: Any) -> HttpResponseBase:
    """An answer that is small and quickly made, with its own content as its version; 304 where it is held."""
    etag = etag_of(request, said)
    if unchanged := not_modified(request, etag):
        return unchanged
    answer = Response(said)
    stamp(answer, etag)
    return answer


def stamp(answer: HttpResponseBase, etag: str) -> None:
    """Say the version, and that it has to be asked for before an answer is used again."""
    answer["ETag"] = etag
    answer["Cache-Control"] = "no-cache"
