"""Keeps a handful of processes alive, in order, and leaves none behind.

Knows processes, signals and logs; not what the processes are. Every child asks the kernel for a signal when
the supervisor dies (PR_SET_PDEATHSIG), so that not even `kill -9` leaves one running. The kernel ties that to
the thread that started the child, hence no threads here: signals are blocked and waited for in one loop.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hcportal.errors import HcportalError
from hcportal.services.console import Console
from hcportal.services.ends import end_of, status_of

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)

STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
LONGEST_LOG = 10_000_000  # bytes; then it becomes <name>.log.1
LONGEST_PAUSE = 30.0  # seconds between two starts of a child that keeps dying
PROVEN = 60.0  # seconds a child must have lived for its next death to count as the first


class ServiceFailed(HcportalError):
    """A process did not start or did not finish; the message ends with the last lines of its log."""


class Stopped(Exception):
    """Somebody asked the supervisor to stop (Ctrl-C, bin/down, a closed terminal)."""

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


@dataclass(frozen=True)
class Account:
    """The system user that a server runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Program:
    """One process to keep alive."""

    name: str
    command: Sequence[str]
    folder: Path
    ready: Callable[[int, str], bool]  # given its pid and what it logged since its start
    on_stop: signal.Signals = signal.SIGTERM
    on_impatience: signal.Signals = signal.SIGKILL  # when it has not stopped in time
    on_orphaned: signal.Signals = signal.SIGTERM  # sent by the kernel when the supervisor is gone
    seconds_to_start: float = 60
    seconds_to_stop: float = 15
    account: Account | None = None
    environment: Mapping[str, str] | None = None


@dataclass
class Child:
    """A running program, or one that waits for its next start."""

    program: Program
    process: subprocess.Popen[bytes]
    log: Path
    log_offset: int
    started: float = field(default_factory=time.monotonic)
    deaths: int = 0
    start_again: float | None = None

    def logged(self) -> str:
        """What this process has written since its start."""
        with self.log.open("rb") as file:
            file.seek(self.log_offset)
            return file.read(LONGEST_LOG).decode(errors="replace")

    def ready(self) -> bool:
        return self.program.ready(self.process.pid, self.logged())


class Supervisor:
    """Starts programs in layers, watches them, stops them in reverse."""

    def __init__(self, logs: Path, console: Console, changed: Callable[[list[int]], None]) -> None:
        """`changed` is told the pids of all children whenever one is started."""
        self._logs = logs
        self._console = console
        self._changed = changed
        self._layers: list[list[Child]] = []
        logs.mkdir(parents=True, exist_ok=True)
        # `nohup` ignores SIGHUP; that wish is respected.
        self._stop_signals = {
            s for s in STOP_SIGNALS if s != signal.SIGHUP or signal.getsignal(s) != signal.SIG_IGN
        }
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a parent that ignores SIGCHLD would hide our children
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, *self._stop_signals})

    def start(self, *programs: Program) -> None:
        """Start programs side by side as the next layer; returns when all are ready.

        Raises ServiceFailed when one ends or is not ready in time.
        """
        layer: list[Child] = []
        self._layers.append(layer)
        for program in programs:
            layer.append(self._spawn(program))
        for child in layer:
            deadline = child.started + child.program.seconds_to_start
            while not child.ready():
                if child.process.poll() is not None:
                    raise ServiceFailed(
                        f"{child.program.name} ended with {status_of(child.process.returncode)}."
                        f"{end_of(child.log, child.logged())}"
                    )
                if time.monotonic() > deadline:
                    raise ServiceFailed(
                        f"{child.program.name} was not ready within {child.program.seconds_to_start:.0f} s."
                        f"{end_of(child.log, child.logged())}"
                    )
                self._wait(0.02)

    def run(self, name: str, command: Sequence[str], folder: Path) -> None:
        """Run a command to its end, its output in a log. Raises ServiceFailed unless it ends with 0."""
        status, output = self.attempt(name, command, folder)
        if status != 0:
            raise ServiceFailed(
                f"{name} ended with {status_of(status)}.{end_of(self._logs / f'{name}.log', output)}"
            )

    def attempt(self, name: str, command: Sequence[str], folder: Path) -> tuple[int, str]:
        """Run a command to its end; its exit status and output."""
        child = self._spawn(Program(name, command, folder, ready=lambda _pid, _log: True))
        self._layers.append([child])  # so that it is stopped when we are
        while child.process.poll() is None:
            self._wait(5)
        self._layers.pop()
        return child.process.returncode, child.logged()

    def run_in_foreground(self, command: Sequence[str], folder: Path) -> int:
        """Run a command that has the terminal to itself; its exit status, as a shell would say it."""
        process = subprocess.Popen(  # noqa: S603 - the caller's own command
            command,
            cwd=folder,
            preexec_fn=_tied_to_us(signal.SIGINT),  # noqa: PLW1509 - no threads
        )
        while process.poll() is None:
            try:
                self._wait(5)
            except Stopped as stopped:
                # A terminal has sent Ctrl-C to the command as well, so it may be about to end by itself.
                if stopped.signum != signal.SIGINT or not self._ended(process, 5):
                    process.send_signal(stopped.signum)
                if not self._ended(process, 20):
                    process.kill()
                    process.wait()
                raise
        return process.returncode if process.returncode >= 0 else 128 - process.returncode

    def watch(self) -> None:
        """Keep everything alive until asked to stop; raises Stopped then."""
        while True:
            now = time.monotonic()
            pause = 60.0
            for child in self._children():
                self._bound(child)
                if child.start_again is not None and child.start_again <= now:
                    self._restart(child)
                elif child.start_again is None and child.process.poll() is not None:
                    self._schedule_restart(child, now)
                if child.start_again is not None:
                    pause = min(pause, max(child.start_again - now, 0.01))
            self._wait(pause)

    def stop(self) -> None:
        """Stop everything in reverse order. A second Ctrl-C meanwhile ends all patience."""
        while self._layers:
            layer = [child for child in self._layers.pop() if child.process.poll() is None]
            for child in layer:
                child.process.send_signal(child.program.on_stop)
            for child in layer:
                if not self._ended(child.process, child.program.seconds_to_stop):
                    self._console.say(f"{child.program.name} did not stop in time and is killed")
                    child.process.send_signal(child.program.on_impatience)
                    if not self._ended(child.process, 5):
                        child.process.kill()
                        child.process.wait()
                _end_group(child.process.pid)

    def _spawn(self, program: Program) -> Child:
        log = self._logs / f"{program.name}.log"
        if log.exists() and log.stat().st_size > LONGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            offset = output.tell()
            account = program.account
            process = subprocess.Popen(  # noqa: S603 - commands are built here, never from input
                program.command,
                cwd=program.folder,
                env=program.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A session of its own: Ctrl-C reaches the supervisor alone, which stops them in order.
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                preexec_fn=_tied_to_us(program.on_orphaned),  # noqa: PLW1509 - no threads
            )
        child = Child(program, process, log, offset)
        self._changed([c.process.pid for c in self._children()] + [process.pid])
        return child

    def _schedule_restart(self, child: Child, now: float) -> None:
        _end_group(child.process.pid)  # what a dead celery or gunicorn may have left
        child.deaths = 1 if now - child.started > PROVEN else child.deaths + 1
        pause = min(0.5 * 2 ** (child.deaths - 1), LONGEST_PAUSE)
        child.start_again = now + pause
        self._console.say(
            f"{child.program.name} ended with {status_of(child.process.returncode)}; "
            f"starts again in {pause:.1f} s. Log: {child.log}"
        )

    def _restart(self, child: Child) -> None:
        fresh = self._spawn(child.program)
        child.process, child.log_offset = fresh.process, fresh.log_offset
        child.started, child.start_again = fresh.started, None

    def _bound(self, child: Child) -> None:
        """Keep a log within bounds while its writer lives; it appends, so that cutting to zero is safe."""
        if child.log.stat().st_size > LONGEST_LOG:
            child.log.with_suffix(".log.1").write_bytes(child.log.read_bytes())
            os.truncate(child.log, 0)
            child.log_offset = 0

    def _children(self) -> list[Child]:
        return [child for layer in self._layers for child in layer]

    def _wait(self, seconds: float) -> None:
        """Sleep until a child ends, `seconds` pass, or somebody asks to stop (raises Stopped)."""
        got = signal.sigtimedwait({signal.SIGCHLD, *self._stop_signals}, seconds)
        if got is not None and got.si_signo in self._stop_signals:
            raise Stopped(got.si_signo)

    def _ended(self, process: subprocess.Popen[bytes], seconds: float) -> bool:
        """Wait for a process to end; false when it has not in time, or when asked again to stop."""
        deadline = time.monotonic() + seconds
        while process.poll() is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            try:
                self._wait(min(left, 0.1))
            except Stopped:
                return False
        return True


def _tied_to_us(death_signal: signal.Signals) -> Callable[[], None]:
    """What a new child does before it becomes its program.

    It runs after the change of user, which would clear the death signal again.
    """
    parent = os.getpid()

    def tie() -> None:
        _LIBC.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # the supervisor died in between: nobody will send that signal
            os._exit(1)
        signal.pthread_sigmask(signal.SIG_SETMASK, set())

    return tie


def _end_group(pid: int) -> None:
    """Kill what is left of a dead child's session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def python(*arguments: str) -> list[str]:
    """A command in the interpreter, and so the virtual environment, that runs the supervisor."""
    return [sys.executable, *arguments]
