"""What bin/up does, in order: servers, database, catalog, demonstration, then web, worker and beat."""

import os
import subprocess
import sys
import time
from pathlib import Path

from hcportal.errors import HcportalError
from hcportal.services import instance, paths, postgres, programs, redis
from hcportal.services.console import Console
from hcportal.services.instance import AlreadyRunning, Instance, Kind
from hcportal.services.programs import Address
from hcportal.services.supervisor import ServiceFailed, Stopped, Supervisor, python

LONGEST_START = 1800  # seconds that a first start may take somebody who waits for it

# What brings the database to where the code is. Each does nothing where there is nothing to do.
STEPS = [
    ("migrate", ["migrate", "--noinput"]),
    ("catalog", ["sync_catalog"]),
    ("reconcile", ["reconcile"]),  # runs whose process died are marked failed, the lake follows the database
    ("demonstration", ["load_demo"]),
    ("demonstration flows", ["load_demo_flows"]),
    ("static files", ["collectstatic", "--noinput"]),
]


def needed_servers() -> list[str]:
    """Those that DATABASE_URL and REDIS_URL do not replace."""
    replaced_by = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}
    return [server for server, variable in replaced_by.items() if not os.environ.get(variable)]


def up(*, demo: bool, background: bool, console: Console) -> int:
    """Start everything and stay until asked to stop. Status 0 also when it is running already."""
    begun = time.monotonic()
    address = Address.from_environment()
    _check_secret()
    ours = _take_over(console)
    if ours is None:
        return _join_running(console)
    address.check_free()
    with supervised(ours, console) as supervisor:
        start_servers(supervisor, ours, console)
        for name, arguments in STEPS:
            if name.startswith("demonstration"):
                if demo:
                    _demonstrate(supervisor, name, arguments, console)
                continue
            with console.step(name):
                supervisor.run(name.replace(" ", "-"), python("manage.py", *arguments), paths.PROJECT)
        with console.step("web, worker, beat"):
            supervisor.start(programs.web(address), programs.worker(), programs.beat())
        ours.tell(stage="ready", url=address.url)
        console.say(f"\nhcportal is ready after {time.monotonic() - begun:.1f} s:  {address.url}")
        console.say("An admin is made with:  bin/manage createsuperuser")
        if not address.is_loopback and not os.environ.get("HCP_ALLOWED_HOSTS"):
            console.say("Other machines are answered once HCP_ALLOWED_HOSTS lists the names they call it by")
        console.say(f"It stops with {'bin/down' if background else 'Ctrl-C'}; logs are in {paths.log_dir()}")
        if background:
            _log_from_now_on()
        supervisor.watch()
    return 0


def _demonstrate(supervisor: Supervisor, name: str, arguments: list[str], console: Console) -> None:
    """Load the demonstration. If it fails, it is said: the portal is there for other things."""
    with console.step(name) as step:
        program = python("manage.py", *arguments)
        status, output = supervisor.attempt(name.replace(" ", "-"), program, paths.PROJECT)
        step.failed = status != 0
    if step.failed:
        console.say(output.strip())
        console.say("hcportal starts without it; bin/up --no-demo leaves it out.")


def _check_secret() -> None:
    """Before anything is started: outside development the secret key comes from the environment."""
    environment = os.environ.get("HCP_ENV", "dev")
    if environment != "dev" and not os.environ.get("HCP_SECRET_KEY"):
        raise ServiceFailed(f"HCP_SECRET_KEY must be set where HCP_ENV is {environment}; nothing was started")


def up_in_background(*, demo: bool) -> int:
    """Start everything in a process of its own; returns when it is ready, with 1 when it is not."""
    arguments = ["up", "--background", *([] if demo else ["--no-demo"])]
    status, _ = _start_detached(arguments, {"ready"}, follow=True)
    return status


def serve(console: Console) -> int:
    """PostgreSQL and Redis alone, until asked to stop; nothing to do where a supervisor runs already."""
    try:
        ours = Instance.claim("services")
    except AlreadyRunning:
        return 0
    with supervised(ours, console) as supervisor:
        start_servers(supervisor, ours, console)
        ours.tell(stage="ready")
        _log_from_now_on()
        supervisor.watch()
    return 0


def serve_in_background() -> None:
    """Start PostgreSQL and Redis in a process of their own; returns when they are ready.

    Raises HcportalError with what that process said when they are not.
    """
    status, said = _start_detached(["services"], {"services", "ready"}, follow=False)
    if status != 0:
        raise HcportalError(f"The private servers did not start.\n{said.strip()}")


def down(console: Console) -> int:
    """Stop whatever bin/up or bin/manage started."""
    state = instance.running()
    if state is None:
        console.say("hcportal is not running.")
        return 0
    if instance.commands_under_way():
        console.say("A bin/manage command is still running and loses its database.")
    with console.step("stop"):
        instance.stop(state)
    return 0


def claim(kind: Kind) -> Instance:
    """Become the supervisor, or say who is it."""
    try:
        return Instance.claim(kind)
    except AlreadyRunning:
        state = instance.running()
        who = f"process {state.pid}" if state else "another process"
        raise HcportalError(f"{paths.var_dir()} is in use by {who}; wait for it, or set HCP_VAR.") from None


class supervised:  # noqa: N801 - reads as a word: with supervised(...)
    """A supervisor for the time of a `with`; everything is stopped at its end, whatever ended it."""

    def __init__(self, ours: Instance, console: Console) -> None:
        self._console = console
        ours.wait_for_orphans()
        self._supervisor = Supervisor(paths.log_dir(), console, ours.children)

    def __enter__(self) -> Supervisor:
        return self._supervisor

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, Stopped):
            self._console.say("\nStopping ...")
        self._supervisor.stop()


def start_servers(
    supervisor: Supervisor, ours: Instance, console: Console, *, throwaway: bool = False
) -> None:
    """PostgreSQL, set up where it is new, and Redis; `throwaway` where their data are of a test alone."""
    needed = needed_servers()
    if "postgres" in needed:
        if paths.servers_dir() != paths.var_dir():
            console.say(
                f"The postgres user cannot enter {paths.var_dir()}: its files are in {paths.servers_dir()}"
            )
        with console.step("postgres"):
            supervisor.start(postgres.program(throwaway=throwaway))
            postgres.provision()
    if "redis" in needed:
        with console.step("redis"):
            supervisor.start(redis.program())
    ours.tell(stage="services", servers=needed)


def _take_over(console: Console) -> Instance | None:
    """Become the supervisor, in place of one that only serves bin/manage; None when hcportal is running."""
    with instance.no_commands(console):
        while True:
            state = instance.running()
            if state is not None and state.kind != "services":
                return None
            if state is not None:
                instance.stop(state)
            try:
                return Instance.claim("up")
            except AlreadyRunning:
                continue


def _join_running(console: Console) -> int:
    state = instance.running()
    if state is not None and state.kind == "up":
        if state.stage != "ready":
            console.say(f"hcportal is being started by process {state.pid}; waiting for it ...")
            state = instance.wait_until({"ready"}, LONGEST_START, state.pid)
        if state is not None:
            console.say(f"hcportal is already running:  {state.url}  (bin/down stops it)")
            return 0
        raise HcportalError(f"The start that was under way has failed; its log is {_own_log()}.")
    raise HcportalError(
        f"{paths.var_dir()} is in use by a test or benchmark"
        + (f" (process {state.pid})" if state else "")
        + "; wait for it."
    )


def _start_detached(arguments: list[str], stages: set[instance.Stage], *, follow: bool) -> tuple[int, str]:
    """Run this program in a session of its own until it is ready; its status and what it said.

    `follow` shows what it says as it says it.
    """
    process = subprocess.Popen(  # noqa: S603 - ourselves
        python("-P", "-m", "hcportal.services", *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101 - PIPE was asked for
    interrupted = False
    said = ""
    while True:
        try:
            while text := os.read(process.stdout.fileno(), 65536).decode(errors="replace"):
                said += text
                if follow:
                    print(text, end="", flush=True)  # noqa: T201
            break
        except KeyboardInterrupt:
            interrupted = True
            process.terminate()
    if interrupted:
        process.wait()
        return 130, said
    if instance.wait_until(stages, LONGEST_START) is not None:
        return 0, said
    return process.wait() or 1, said


def _own_log() -> Path:
    return paths.log_dir() / "supervisor.log"


def _log_from_now_on() -> None:
    """Let go of the terminal: from here on, what is said goes to the log."""
    log = os.open(_own_log(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    os.close(log)
