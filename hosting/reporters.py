"""How a terminal and a log follow a run: a progress bar on the one, plain lines in the other."""

import time
from contextlib import suppress
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

SECONDS_BETWEEN_LINES = 5.0


class Lines:
    """Plain lines: one for each step, and rows fetched every few seconds."""

    def __init__(self, out: TextIO, name: str) -> None:
        self._out, self._name, self._said = out, name, time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def progress(self, done: int, planned: int) -> None:
        if time.monotonic() - self._said >= SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            self._write(f"{done:,} of {planned:,} rows")

    def step(self, name: str, seconds: float) -> None:
        self._write(f"{name:<10} {seconds:7.2f} s")

    def _write(self, text: str) -> None:
        with suppress(OSError):  # whoever listened has gone; the run goes on
            self._out.write(f"{self._name}: {text}\n")
            self._out.flush()


class Bar:
    """A progress bar while rows come, and a line for each step."""

    def __init__(self, console: Console, name: str) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("rows"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._name = name
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def progress(self, done: int, planned: int) -> None:
        if self._task is None:
            self._task = self._progress.add_task(f"{self._name}: fetching", total=planned)
        self._progress.update(self._task, completed=done, total=planned)

    def step(self, name: str, seconds: float) -> None:
        self._progress.console.print(f"{self._name}: {name:<10} {seconds:7.2f} s", highlight=False)


def reporter(out: TextIO, name: str) -> Lines | Bar:
    """The one that suits `out`."""
    if out.isatty():
        return Bar(Console(file=out), name)
    return Lines(out, name)
