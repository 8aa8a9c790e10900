"""What the person at the terminal sees: one line per step with its time."""

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

NAME_WIDTH = 28


@dataclass
class Step:
    """A step under way; one that failed without raising is marked."""

    failed: bool = False


class Console:
    """Writes to a terminal, a pipe or a log alike; nothing here is coloured or redrawn."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._in_step = False

    def say(self, text: str) -> None:
        """One whole line, also in the middle of a step."""
        self._write(f"\n{text}\n" if self._in_step else f"{text}\n")
        self._in_step = False

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator["Step"]:
        """Name a step while it runs, and add how long it took, or that it failed."""
        step = Step()
        self._write(f"  {name:<{NAME_WIDTH}}")
        self._in_step = True
        begun = time.monotonic()
        try:
            yield step
        except BaseException:
            self._close_step(name, begun, "failed")
            raise
        self._close_step(name, begun, "failed" if step.failed else "")

    def _close_step(self, name: str, begun: float, outcome: str) -> None:
        if not self._in_step:  # something was said meanwhile: name the step again
            self._write(f"  {name:<{NAME_WIDTH}}")
        self._in_step = False
        self._write(f"{time.monotonic() - begun:6.1f} s  {outcome}".rstrip() + "\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
