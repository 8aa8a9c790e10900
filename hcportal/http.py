"""One polite session for everything that leaves this machine.

Says what is asked and how an answer is taken: whole, in time, not too large, from an address that may be
talked to (`hcportal.addresses`), at a bearable pace (`hcportal.pace`). Knows nothing of what answers mean:
callers give a `read` function that turns a body into a value, or raises `Retry` where the body says
"later".
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, parse_qsl, urlencode, urljoin, urlsplit

import orjson
import requests
import urllib3

from hcportal.addresses import CheckedAdapter, is_local, permitted, turns_of, without_query
from hcportal.errors import BadAnswer, RefusedAddress, ServiceError, Unreachable
from hcportal.pace import Pace, Retry, Token, seconds, token_from_environment

__all__ = [
    "BUSY",
    "TOKEN_REFUSED",
    "Client",
    "Params",
    "Retry",
    "parse_json",
    "plain",
    "token_from_environment",
    "without_query",
]

T = TypeVar("T")
Params = Mapping[str, str]

LONGEST_QUERY = 1_900  # characters; longer addresses are cut off by some servers, so they are sent as a form
REDIRECTS = 3
BUSY = {429, 502, 503, 504}
TOKEN_REFUSED = {498, 499}
PIECE = 1 << 16
MOST_WORDS = 500  # characters of what a server says that are repeated
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_TITLE = re.compile(rb"<title[^>]*>\s*([^<]{1,80}?)\s*<", re.IGNORECASE)


class Client:
    """Asks politely, refuses what must not be asked, and raises a named error where no whole answer comes."""

    def __init__(
        self,
        *,
        allow_loopback: bool = False,
        allow_http: bool = False,
        contact: str = "",
        recorded_root: Path | None = None,
        ca_file: Path | None = None,
        connect_timeout: float = 10,
        read_timeout: float = 60,
        deadline: float = 180,
        max_bytes: int = 256 << 20,
        per_host: int = 4,
        overall: int = 16,
        pause: float | None = None,
        pace_folder: Path | None = None,
        attempts: int = 6,
        backoff: float = 0.5,
        longest_wait: float = 120,
    ) -> None:
        """`deadline` is for one answer, in seconds; `max_bytes` counts it unzipped.

        `contact` is an address or page where publishers find a person, sent in the User-Agent. `ca_file`
        holds the certificate authorities to trust instead of the usual ones; TLS itself is never off.
        `pause` is the time between two starts at one host, in seconds: 0.05, and none for this machine,
        unless it is given. In `pace_folder` all clients of this machine keep a host's limits together.
        """
        self.allow_loopback, self.allow_http = allow_loopback, allow_http
        self._timeouts, self._deadline, self._max_bytes = (connect_timeout, read_timeout), deadline, max_bytes
        self._attempts, self._backoff, self._longest_wait = attempts, backoff, longest_wait
        self._pause_here = pause is not None
        self._pace = Pace(per_host, overall, 0.05 if pause is None else pause, pace_folder)
        self._closed = threading.Event()
        self._session = requests.Session()
        self._session.trust_env = (
            False  # no passwords from ~/.netrc, no proxy that would look names up for us
        )
        self._session.headers["User-Agent"] = f"hcportal/0.1 (+{contact})" if contact else "hcportal/0.1"
        if ca_file is not None:
            self._session.verify = str(ca_file)
        self._session.adapters.clear()
        for scheme in ("https://", "http://"):
            self._session.mount(
                scheme, CheckedAdapter(allow_loopback=allow_loopback, pool=per_host, deadline=deadline)
            )
        self._recorded = recorded_root is not None
        if recorded_root is not None:
            from hosting.sources.recorded import RecordedAdapter

            self._session.mount("recorded://", RecordedAdapter(recorded_root))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session; whoever waits for another try gives up at once."""
        self._closed.set()
        self._session.close()

    def know(
        self, host: str, *, headers: Mapping[str, str] | None = None, token: Token | None = None
    ) -> None:
        """What one host needs (a Referer, a token). Neither ever goes to another host."""
        known = self._pace.host(host)
        known.headers.update(headers or {})
        known.token = token or known.token

    def check(self, url: str) -> None:
        """Raise RefusedAddress where the address must not be asked, as far as it shows before any look-up."""
        self._permitted(url)

    def get(self, url: str, params: Params | None = None) -> bytes:
        """The body, whole."""
        return self.ask(url, params, read=lambda body: body)

    def get_json(self, url: str, params: Params | None = None) -> Any:
        """The body as JSON; what is not JSON is asked for again, then a BadAnswer."""
        return self.ask(url, params, read=partial(parse_json, url))

    def post(self, url: str, params: Params) -> bytes:
        """The body of the answer to a form."""
        return self.ask(url, params, read=lambda body: body, post=True)

    def ask(
        self, url: str, params: Params | None = None, *, read: Callable[[bytes], T], post: bool = False
    ) -> T:
        """What `read` makes of the answer, asked for again as often as is reasonable.

        Sent as a form (POST) where the query is long or carries a token. Raises RefusedAddress, Unreachable,
        BadAnswer, ServiceError.
        """
        tries = stumbles = 0
        renew = renewed = False
        while True:
            try:
                body, refusal = self._answer(url, params or {}, post=post, renew=renew)
                value = read(body)
                if refusal:
                    raise refusal
            except Retry as trouble:
                tries += 1
                stumbles += trouble.once
                parts = self._permitted(url)
                host = parts.hostname or ""
                renew = trouble.token and not renewed and self._pace.host(host).token is not None
                if renew:
                    renewed = True
                    continue
                wait = self._backoff * 2 ** (tries - 1) * random.uniform(0.5, 1)  # noqa: S311 - jitter
                wait = max(wait, trouble.after or 0)
                spent = tries >= self._attempts or stumbles >= 2 or self._closed.is_set()
                if spent or trouble.token or wait > self._longest_wait:
                    raise trouble.error from trouble.__cause__
                if trouble.busy or trouble.after:
                    self._pace.slow_down(turns_of(parts), halve=trouble.busy, seconds=trouble.after or 0)
                self._closed.wait(wait)
            else:
                return value

    def _permitted(self, url: str, *, redirected: bool = False) -> SplitResult:
        """The address in its parts, or RefusedAddress before anything is sent.

        Recordings are for those who ask for them: no server may send its readers there.
        """
        return permitted(
            url,
            allow_http=self.allow_http,
            allow_loopback=self.allow_loopback,
            allow_recorded=self._recorded and not redirected,
        )

    def _answer(self, url: str, params: Params, *, post: bool, renew: bool) -> tuple[bytes, Exception | None]:
        """One request, redirects included: the body, and what its HTTP status means where that is no."""
        origin = self._permitted(url)[:2]
        for hop in range(REDIRECTS + 1):
            parts = self._permitted(url, redirected=hop > 0)
            host = parts.hostname or ""
            known = self._pace.host(host)
            sent = {k: v for k, v in params.items() if k != "token" or parts[:2] == origin}
            if known.token and (parts.scheme == "https" or is_local(host)):
                sent["token"] = known.token(renew)
            far = parts.scheme != "recorded" and (self._pause_here or not is_local(host))
            with self._pace.turn(turns_of(parts), pause=far, alone=parts.scheme == "recorded"):
                response, body = self._send(url, sent, post=post, headers=known.headers)
            if not response.is_redirect:
                return body, _refusal(response, body, without_query(url))
            url = urljoin(url, response.headers["location"])
            moved_to = urlsplit(url)
            if moved_to.query:  # the new address repeats the query (and may repeat a token)
                repeated = dict(parse_qsl(moved_to.query, keep_blank_values=True))
                params = {**params, **{k: v for k, v in repeated.items() if k != "token"}}
                url = without_query(url)
        raise BadAnswer(f"{without_query(url)} redirects more than {REDIRECTS} times")

    def _send(
        self, url: str, params: Params, *, post: bool, headers: Mapping[str, str]
    ) -> tuple[requests.Response, bytes]:
        """One exchange: the head and the body of the answer (none of a redirect)."""
        deadline = time.monotonic() + self._deadline
        query = urlencode(params)
        as_form = post or "token" in params or len(url) + len(query) > LONGEST_QUERY
        if query and not as_form:
            url += ("&" if "?" in url else "?") + query
        named = without_query(url)
        try:
            with self._session.request(
                "POST" if as_form else "GET",
                url,
                data=params if as_form else None,
                headers=dict(headers),
                timeout=self._timeouts,
                stream=True,
                allow_redirects=False,
            ) as response:
                return response, b"" if response.is_redirect else self._body(response, named, deadline)
        except (requests.exceptions.SSLError, urllib3.exceptions.SSLError) as problem:
            raise Retry(Unreachable(f"{named}: no trusted connection ({problem})"), once=True) from problem
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError) as problem:
            raise Retry(
                Unreachable(f"{named} did not answer within {self._timeouts[1]} s"), once=True
            ) from problem
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as problem:
            raise RefusedAddress(f"{named} is not an address: {problem}") from problem
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as problem:
            raise Retry(Unreachable(f"{named}: the connection broke off ({problem})")) from problem

    def _body(self, response: requests.Response, named: str, deadline: float) -> bytes:
        """The body, unzipped, as far as size and time allow."""
        pieces: list[bytes] = []
        size = 0
        while piece := response.raw.read1(PIECE, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > self._max_bytes:
                raise BadAnswer(f"{named} answered with more than {self._max_bytes:,} bytes")
            if time.monotonic() > deadline:
                raise Retry(Unreachable(f"{named} took longer than {self._deadline} s to answer"), once=True)
        return b"".join(pieces)


def _refusal(response: requests.Response, body: bytes, named: str) -> Exception | None:
    """What an HTTP status means, raised at once unless the body says it in JSON: its reader knows better."""
    status = response.status_code
    if status < 400:
        return None
    after = seconds(response.headers.get("Retry-After"))
    if status in BUSY:
        problem = Unreachable(f"{named} is overloaded or down (HTTP {status})")
        raise Retry(problem, after=after, busy=status == 429)
    error = ServiceError(f"{named} answered with HTTP {status} ({plain(response.reason or '')})", status)
    refusal: Exception = error
    if status in TOKEN_REFUSED:
        refusal = Retry(error, token=True)
    elif status == 408 or status >= 500:
        refusal = Retry(error, after=after, once=True)
    if body[:1] == b"{" and b'"error"' in body:
        return refusal
    raise refusal


def parse_json(url: str, body: bytes) -> Any:
    """The body as JSON, or Retry with a sentence about what came instead."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        start = body[:2000].lstrip()
        if not start:
            what = "an empty body"
        elif start.startswith(b"<"):
            title = _TITLE.search(start)
            what = f"a web page ({plain(title[1].decode(errors='replace'))})" if title else "a web page"
        else:
            what = f"JSON that cannot be read ({problem})"
        raise Retry(BadAnswer(f"{without_query(url)} answered with {what} instead of JSON")) from None


def plain(words: str) -> str:
    """A server's words as they may be shown and kept: short, no control characters, no NUL for PostgreSQL."""
    words = _CONTROL.sub(" ", words).strip()
    return words if len(words) <= MOST_WORDS else words[: MOST_WORDS - 1] + "…"
