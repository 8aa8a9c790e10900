"""How often, how many at a time, and when to ask again.

Each host has its turns: so many requests under way, a pause between their starts, fewer once it complains.
The limits hold within one client; with a shared folder (`hcportal.pace_shared`), for all of a machine.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path

from hcportal.errors import FetchError, ServiceError
from hcportal.pace_shared import SharedPace

Token = Callable[[bool], str]
"""Gives the token of a host; True asks for a new one, because the server refused the last."""


def token_from_environment(name: str) -> Token:
    """The token that the environment variable `name` holds, read anew whenever it is needed."""

    def read(_renew: bool) -> str:
        value = os.environ.get(name)
        if not value:
            raise ServiceError(f"a token is needed: set {name} in the environment", 499)
        return value

    return read


class Retry(Exception):
    """Ask again; raise `error` when patience is over.

    `after` is the server's wish in seconds, `busy` a plea for fewer requests, `once` what is worth one more
    try only (a timeout, an error of the service itself), `token` that the token was refused.
    """

    def __init__(
        self,
        error: FetchError,
        *,
        after: float | None = None,
        busy: bool = False,
        once: bool = False,
        token: bool = False,
    ) -> None:
        super().__init__(str(error))
        self.error, self.after, self.busy, self.once, self.token = error, after, busy, once, token


@dataclass
class Host:
    """How hard one host may be asked, and what it wants to see in each request."""

    limit: int
    active: int = 0
    next_start: float = 0.0
    untroubled: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    token: Token | None = None


class Pace:
    """Turns at each host: so many at a time, a pause between them, fewer where the host asks for it."""

    def __init__(self, per_host: int, overall: int, pause: float, shared: Path | None = None) -> None:
        self._shared = SharedPace(shared, per_host) if shared is not None else None
        self._per_host, self._overall, self._pause = per_host, overall, pause
        self._active = 0
        self._hosts: dict[str, Host] = {}
        self._changed = threading.Condition()

    def host(self, name: str) -> Host:
        with self._changed:
            return self._hosts.setdefault(name, Host(self._per_host))

    @contextmanager
    def turn(self, name: str, *, pause: bool, alone: bool = False) -> Iterator[None]:
        """Hold a turn at the host; `alone`: this client's own turns are all that counts."""
        host = self.host(name)
        wanted = self._pause if pause else 0.0
        with self._changed:
            while True:
                wait = host.next_start - time.monotonic()
                if host.active >= host.limit or self._active >= self._overall:
                    self._changed.wait()
                elif wait > 0:
                    self._changed.wait(wait)
                else:
                    break
            host.active += 1
            self._active += 1
            host.next_start = time.monotonic() + wanted
        together = None if alone else self._shared
        try:
            with together.turn(name, pause=wanted, wait=time.sleep) if together else nullcontext():
                yield
        finally:
            with self._changed:
                host.active -= 1
                self._active -= 1
                host.untroubled += 1
                if host.untroubled >= 100 and host.limit < self._per_host:
                    host.limit, host.untroubled = host.limit + 1, 0
                self._changed.notify_all()

    def slow_down(self, name: str, *, halve: bool, seconds: float) -> None:
        """Nothing more to this host for some seconds; with `halve`, half as many at a time from then on."""
        host = self.host(name)
        with self._changed:
            host.untroubled = 0
            host.next_start = max(host.next_start, time.monotonic() + seconds)
            if halve:
                host.limit = max(1, host.limit // 2)
        if self._shared:
            self._shared.slow_down(name, halve=halve, seconds=seconds)


def seconds(retry_after: str | None) -> float | None:
    """A Retry-After header, a number or a date, in seconds from now."""
    if not retry_after:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None
