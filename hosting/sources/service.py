"""One question to an ArcGIS REST endpoint.

Knows how ArcGIS says no: an error object with HTTP 200, with or without a code, with or without words. Knows
which of them mean "later", which "fewer" and which "never".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from hcportal.errors import BadAnswer, ServiceError
from hcportal.http import BUSY, TOKEN_REFUSED, Client, Params, Retry, parse_json, plain, without_query
from hosting.sources.collector import collector_paused

FINAL = {400, 401, 403, 404, *TOKEN_REFUSED}
"""Codes that fewer rows do not cure."""

_LATER = re.compile(r"retry after (\d+(?:\.\d+)?) ?s", re.IGNORECASE)
_CAUSES = {
    400: "check the filter and the field names",
    401: "it wants a login",
    403: "likely a firewall, a missing Referer, or a layer for members of the organisation only",
    404: "the service or layer was renamed or removed",
    498: "the token is invalid or has expired",
    499: "it wants a token",
}


@contextmanager
def understood(what: str) -> Iterator[None]:
    """BadAnswer about `what` where JSON has another shape than is read within; named errors pass."""
    try:
        yield
    except (TypeError, ValueError, AttributeError, LookupError, OverflowError, RecursionError) as problem:
        reason = f"{problem} is missing" if isinstance(problem, KeyError) else str(problem)
        raise BadAnswer(f"{what} is not as ArcGIS defines it: {plain(reason)}") from problem


@dataclass(frozen=True)
class Reply:
    """An answer that is no error: the JSON object, and the bytes it came in."""

    content: dict[str, Any]
    body: bytes


def ask(client: Client, url: str, params: Params | None = None, *, expect: str | None = None) -> Reply:
    """Ask `url` with `f=json`; trouble is retried, and what remains of it raised by name.

    `expect` is a key without which the answer is none.
    """
    return client.ask(url, {**(params or {}), "f": "json"}, read=partial(_read, url, expect))


def _read(url: str, expect: str | None, body: bytes) -> Reply:
    with collector_paused():
        content = parse_json(url, body)
    if not isinstance(content, dict):
        raise Retry(
            BadAnswer(f"{without_query(url)} answered with a JSON {type(content).__name__}, no object")
        )
    error = content.get("error")
    with understood(f"the answer of {without_query(url)}"):
        if error is not None:
            _refuse(url, error if isinstance(error, dict) else {"message": str(error)})
        if content.get("status") in ("error", "failure"):  # the billing and the administrator's way to say no
            _refuse(url, content)
    if expect and expect not in content:
        raise Retry(BadAnswer(f"{without_query(url)} answered without {expect}"))
    return Reply(content, body)


def _refuse(url: str, error: dict[str, Any]) -> None:
    """Raise what an Esri error object means."""
    code = _code(error.get("code"))
    words = _words(error)
    cause = f" ({_CAUSES[code]})" if code in _CAUSES else ""
    said = (
        f"{without_query(url)} answered with error {code or 'without a code'}: {words or 'no reason given'}"
    )
    problem = ServiceError(said + cause, code)
    later = _LATER.search(words)
    if later or code in BUSY:
        raise Retry(problem, after=float(later[1]) if later else None, busy=bool(later) or code == 429)
    if code in TOKEN_REFUSED:
        raise Retry(problem, token=True)
    if code in FINAL or (code is None and "permission" in words.lower()):
        raise problem
    raise Retry(problem, once=True)


def _code(code: Any) -> int | None:
    try:
        return int(code)
    except (TypeError, ValueError):
        return None


def _words(error: dict[str, Any]) -> str:
    """Message and details in one short line, each said once; both can be missing, null or empty."""
    details = error.get("details") or error.get("messages") or []
    parts = [error.get("message"), *(details if isinstance(details, list) else [details])]
    return plain("; ".join(dict.fromkeys(str(part).strip() for part in parts if part)))
