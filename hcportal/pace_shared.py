"""Turns at a host that all processes of one machine keep together.

A folder holds, for each host, as many slot files as requests may be under way, and a file that says when the
next may start and how many slots are open. Slots are held by `flock`: what a process that dies held is free
at once. Processes on several machines keep a limit each.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LOOK_AGAIN = 0.01  # seconds between two looks for a free slot
FORGIVEN_AFTER = 600.0  # seconds without a complaint after which a host is asked as usual again
_UNSAFE = re.compile(r"[^A-Za-z0-9.-]")


class SharedPace:
    """The turns of one folder; any number of clients, threads and processes may hold one of these on it."""

    def __init__(self, folder: Path, per_host: int) -> None:
        self._folder, self._per_host = folder, per_host

    @contextmanager
    def turn(self, host: str, *, pause: float, wait: Callable[[float], object]) -> Iterator[None]:
        """Wait (by `wait`, in seconds) for a slot and the pause since the last start; then hold the slot."""
        folder = self._folder / _UNSAFE.sub("_", host)
        folder.mkdir(parents=True, exist_ok=True)
        slot = self._slot(folder, wait)
        try:
            while (seconds := self._start(folder, pause)) > 0:
                wait(seconds)
            yield
        finally:
            os.close(slot)

    def slow_down(self, host: str, *, halve: bool, seconds: float) -> None:
        """Nothing more to this host for some seconds; with `halve`, half as many at a time for a while."""
        folder = self._folder / _UNSAFE.sub("_", host)
        folder.mkdir(parents=True, exist_ok=True)
        with self._state(folder) as state:
            now = time.time()
            state["next_start"] = max(state.get("next_start", 0.0), now + seconds)
            if halve:
                state["limit"], state["complained"] = max(1, self._limit(state) // 2), now

    def _slot(self, folder: Path, wait: Callable[[float], object]) -> int:
        while True:
            with self._state(folder) as state:
                limit = self._limit(state)
            for number in range(limit):
                slot = os.open(folder / f"slot-{number}", os.O_RDWR | os.O_CREAT, 0o600)
                try:
                    fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(slot)
                else:
                    return slot
            wait(LOOK_AGAIN)

    def _start(self, folder: Path, pause: float) -> float:
        """0 where the request may start, else the seconds to wait."""
        with self._state(folder) as state:
            now = time.time()
            seconds: float = state.get("next_start", 0.0) - now
            if seconds <= 0:
                state["next_start"] = now + pause
            return seconds

    def _limit(self, state: dict[str, Any]) -> int:
        """So many slots are open: fewer after a complaint, then more again the longer it is quiet."""
        if "limit" not in state:
            return self._per_host
        quiet = max(0.0, time.time() - state.get("complained", 0.0))
        return min(self._per_host, int(state["limit"]) + int(quiet // (FORGIVEN_AFTER / self._per_host)))

    @contextmanager
    def _state(self, folder: Path) -> Iterator[dict[str, Any]]:
        """The host's state, held for as long as it is looked at; what is changed in it is kept."""
        file = os.open(folder / "state.json", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            before = os.pread(file, 4_096, 0)
            try:
                state = json.loads(before or b"{}")
            except ValueError:  # a machine that went down while it was written
                state = {}
            yield state
            after = json.dumps(state).encode()
            if after != before:
                os.ftruncate(file, 0)
                os.pwrite(file, after, 0)
        finally:
            os.close(file)
