"""Asking: one request after another with a clock, or many at once with wrk."""

import http.client
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hcportal.services.programs import Address

HEADERS = {"Accept-Encoding": "gzip", "Accept": "*/*"}
PASSES = 3  # the one that took least counts: others use this machine too
LUA = Path(__file__).with_name("paths.lua")


@dataclass(frozen=True)
class Answered:
    """One answer: how long until its last byte, in ms, its status and how many bytes it had."""

    ms: float
    status: int
    size: int


@dataclass(frozen=True)
class Load:
    """What came of many requests at once."""

    requests: int
    per_second: float
    p95_ms: float
    failed: int


class Client:
    """One connection that stays open."""

    def __init__(self, address: Address) -> None:
        self._connection = http.client.HTTPConnection(address.host, address.port, timeout=60)

    def get(self, path: str, *, good: Sequence[int] = (200, 204)) -> Answered:
        """Ask for a path; anything but a good status ends the benchmark: a fast error is no figure."""
        began = time.perf_counter()
        try:
            self._connection.request("GET", path, headers=HEADERS)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError):
            self._connection.close()  # it was idle for longer than the server keeps it
            began = time.perf_counter()
            self._connection.request("GET", path, headers=HEADERS)
            answer = self._connection.getresponse()
        body = answer.read()
        ms = (time.perf_counter() - began) * 1000
        if answer.status not in good:
            sys.exit(f"{path} answered {answer.status}: {body[:300]!r}")
        return Answered(ms, answer.status, len(body))


def p95(values: Iterable[float]) -> float:
    """The value that 95 of 100 do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[math.ceil(0.95 * len(ordered)) - 1]


median = statistics.median


def hammer(wrk: str, address: Address, paths: Sequence[str], clients: int, seconds: int) -> Load:
    """Ask for the paths in turn, again from the start after the last, with so many clients for so long."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("\n".join(paths))
        listed.flush()
        done = subprocess.run(
            [wrk, "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "30s", "-s", str(LUA), address.url],
            env={**os.environ, "BENCH_PATHS": listed.name},
            check=True,
            capture_output=True,
            text=True,
            timeout=seconds + 90,
        )
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    requests, duration, ninety_five, failed = (float(word) for word in line.split()[1:])
    return Load(int(requests), requests / duration, ninety_five, int(failed))
