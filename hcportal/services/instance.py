"""One supervisor at a time for one `var/`: who it is, what it runs, and how to end it.

The supervisor holds an flock for as long as it lives, which the kernel lets go of even after `kill -9`.
Beside the lock it writes what others need to know. A second lock is shared by all bin/manage commands under
way, so that bin/up does not take their servers away.
"""

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Literal

from hcportal.errors import HcportalError
from hcportal.services import paths
from hcportal.services.console import Console

Kind = Literal["up", "services", "run"]
Stage = Literal["starting", "services", "ready"]


class AlreadyRunning(HcportalError):
    """Another supervisor holds the lock."""


@dataclass(frozen=True)
class State:
    """What a supervisor tells about itself."""

    pid: int
    kind: Kind  # all of hcportal; PostgreSQL and Redis alone, for bin/manage; or for one command
    stage: Stage = "starting"
    url: str = ""
    servers: list[str] = field(default_factory=list)
    children: list[tuple[int, str]] = field(
        default_factory=list
    )  # pid and start time, which together are unique


def running() -> State | None:
    """The supervisor of this `var/`, or None."""
    deadline = time.monotonic() + 2
    while _is_locked(_supervisor_lock()):
        state = _read()
        if state is not None and _start_time(state.pid):
            return state
        if time.monotonic() > deadline:
            raise AlreadyRunning(f"Something holds {_supervisor_lock()}, but does not say who it is.")
        time.sleep(0.02)  # it has the lock and is about to write
    return None


class Instance:
    """This process as the supervisor of this `var/`, from `claim` on until the process ends."""

    def __init__(self, lock: IO[str], state: State, orphans: list[tuple[int, str]]) -> None:
        self._lock = lock
        self._state = state
        self._orphans = orphans

    @classmethod
    def claim(cls, kind: Kind) -> "Instance":
        """Become the supervisor. Raises AlreadyRunning."""
        paths.var_dir().mkdir(parents=True, exist_ok=True)
        lock = _supervisor_lock().open("a")
        deadline = time.monotonic() + 0.5  # somebody who only looks holds it for a moment
        while not _try_lock(lock, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                lock.close()
                raise AlreadyRunning(f"Another process holds {_supervisor_lock()}.")
            time.sleep(0.02)
        earlier = _read()
        orphans = earlier.children if earlier else []
        instance = cls(lock, State(os.getpid(), kind), orphans)
        instance.tell()
        return instance

    def wait_for_orphans(self) -> None:
        """Wait for the children of a supervisor that was killed; the kernel has told them to end.

        A server that still closes its files must be gone before its successor opens them.
        """
        deadline = time.monotonic() + 60
        while alive := [child for child in self._orphans if _start_time(child[0]) == child[1]]:
            if time.monotonic() > deadline:
                for pid, _ in alive:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        self._orphans = []

    def tell(
        self,
        *,
        stage: Stage | None = None,
        url: str | None = None,
        servers: list[str] | None = None,
        children: list[int] | None = None,
    ) -> None:
        """Let others know; what is not given stays as it was."""
        state = self._state
        if children is not None:
            state = replace(state, children=[(pid, begun) for pid in children if (begun := _start_time(pid))])
        self._state = replace(
            state,
            stage=stage or state.stage,
            url=state.url if url is None else url,
            servers=state.servers if servers is None else servers,
        )
        written = asdict(replace(self._state, children=self._state.children + self._orphans))
        fresh = _state_file().with_suffix(".new")
        fresh.write_text(json.dumps(written))
        fresh.replace(_state_file())

    def children(self, pids: list[int]) -> None:
        """The processes it has now."""
        self.tell(children=pids)


def stop(state: State, seconds: float = 90) -> None:
    """Ask a supervisor to end, and wait until it has."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(state.pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while _start_time(state.pid) and (now := _read()) and now.pid == state.pid:
        if time.monotonic() > deadline:
            raise HcportalError(f"Process {state.pid} has not stopped within {seconds:.0f} s.")
        time.sleep(0.05)


def wait_until(stages: set[Stage], seconds: float, pid: int | None = None) -> State | None:
    """Wait for whoever is the supervisor to reach a stage; None when it ended before, or in time did not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = running()
        if state is None or (pid is not None and state.pid != pid):
            return None
        if state.stage in stages:
            return state
        time.sleep(0.03)
    return None


def hold_for_command() -> None:
    """Keep bin/up from taking the servers over until this process ends, whatever program it becomes."""
    paths.var_dir().mkdir(parents=True, exist_ok=True)
    lock = os.open(_command_lock(), os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(lock, fcntl.LOCK_SH)
    os.set_inheritable(lock, True)


def commands_under_way() -> bool:
    """Whether a bin/manage command is running."""
    return _is_locked(_command_lock())


@contextlib.contextmanager
def no_commands(console: Console) -> Iterator[None]:
    """Wait until no bin/manage command is under way, and keep new ones waiting meanwhile."""
    paths.var_dir().mkdir(parents=True, exist_ok=True)
    with _command_lock().open("a") as lock:
        if not _try_lock(lock, fcntl.LOCK_EX):
            console.say("Waiting for a bin/manage command that is still running (Ctrl-C gives up) ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _supervisor_lock() -> Path:
    return paths.var_dir() / "supervisor.lock"


def _command_lock() -> Path:
    return paths.var_dir() / "commands.lock"


def _state_file() -> Path:
    return paths.var_dir() / "supervisor.json"


def _is_locked(path: Path) -> bool:
    try:
        with path.open() as file:
            return not _try_lock(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _try_lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read() -> State | None:
    try:
        told = json.loads(_state_file().read_text())
    except FileNotFoundError:
        return None
    return State(**{**told, "children": [(pid, started) for pid, started in told["children"]]})


def _start_time(pid: int) -> str:
    """When a process began, in clock ticks since boot; empty when there is none, or only its remains."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] == "Z" else fields[19]
