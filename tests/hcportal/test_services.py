"""The private servers and their supervisor: real processes, in folders of their own, and none of them left.

Where a test ends a process it does so by an id that it has read from the supervisor it started.
"""

import contextlib
import json
import os
import pty
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from hcportal.services import paths
from hcportal.services.programs import Address, AddressUnusable

PROJECT = Path(__file__).resolve().parents[2]
WITHIN = 20  # seconds; what takes longer has failed


class Services:
    """`python -m hcportal.services` with a `var/` of its own."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.environment = {
            **{k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}},
            "HCP_VAR": str(var),
            "PYTHONPATH": str(PROJECT),
        }

    def call(self, *arguments: str, **options: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*arguments),
            env={**self.environment, **options},
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-P", "-m", "hcportal.services", *arguments]

    def start(self) -> "subprocess.Popen[str]":
        """PostgreSQL and Redis under a supervisor that is our child, ready."""
        process = subprocess.Popen(
            self.command("services"), env=self.environment, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        said = process.stdout.read()  # until it lets go of its output, when it is ready or has failed
        process.stdout.close()
        assert process.poll() is None, said
        return process

    def state(self) -> dict[str, object]:
        told: dict[str, object] = json.loads((self.var / "supervisor.json").read_text())
        return told

    def processes(self) -> list[int]:
        """The supervisor and all that descends from it."""
        state = self.state()
        pid = state["pid"]
        assert isinstance(pid, int)
        return [pid, *_descendants(pid)]

    def kill_all(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that `postgres` can enter, which pytest's own (mode 700) are not."""
    made = Path(tempfile.mkdtemp(prefix="hcp-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def services(folder: Path) -> Iterator[Services]:
    started = Services(folder / "var")
    yield started
    started.call("down")
    started.kill_all()


def _parent(pid: int) -> int | None:
    """The parent of a living process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[1])


def _descendants(root: int) -> list[int]:
    parents = {int(p.name): _parent(int(p.name)) for p in Path("/proc").iterdir() if p.name.isdigit()}
    found = [root]
    for above in found:
        found += [pid for pid, parent in parents.items() if parent == above]
    return found[1:]


def _wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + WITHIN
    while alive := [pid for pid in pids if _parent(pid) is not None]:
        assert time.monotonic() < deadline, [Path(f"/proc/{p}/cmdline").read_bytes() for p in alive]
        time.sleep(0.05)


def _listening_inodes() -> set[str]:
    """The TCP sockets that are listened on."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(FileNotFoundError):
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
            found |= {f"socket:[{row[9]}]" for row in rows if row[3] == "0A"}
    return found


def _open_files(pid: int) -> set[str]:
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(str(link.readlink()))
    return found


def test_servers_start_on_an_empty_folder_without_a_port_and_stop_on_sigterm(services: Services) -> None:
    process = services.start()
    sockets = services.var / "run"

    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert {f.name for f in sockets.iterdir() if f.is_socket()} == {".s.PGSQL.5432", "redis.sock"}
    pids = services.processes()
    assert not _listening_inodes() & {file for pid in pids for file in _open_files(pid)}

    with psycopg.connect(host=str(sockets), port=5432, dbname="hcportal", user="hcportal") as connection:
        row = connection.execute(
            "SELECT usesuper, usecreatedb, ST_AsText(ST_MakePoint(1, 2)), current_setting('listen_addresses')"
            ", current_setting('fsync') FROM pg_user WHERE usename = current_user"
        ).fetchone()
    assert row == (False, True, "POINT(1 2)", "", "on")

    process.terminate()
    process.wait(WITHIN)
    _wait_until_gone(pids)
    assert [f for f in sockets.iterdir() if f.is_socket()] == []


def test_databases_made_by_the_portals_role_have_postgis(services: Services) -> None:
    services.start()
    address = f"host={services.var}/run port=5432 user=hcportal"
    with psycopg.connect(f"{address} dbname=hcportal", autocommit=True) as connection:
        connection.execute("CREATE DATABASE test_of_it")
    with psycopg.connect(f"{address} dbname=test_of_it") as connection:
        assert connection.execute("SELECT extname FROM pg_extension WHERE extname = 'postgis'").fetchone()


def test_kill_9_of_the_supervisor_leaves_no_process_and_the_next_start_finds_the_data(
    services: Services,
) -> None:
    process = services.start()
    pids = services.processes()
    assert len(pids) > 5
    with psycopg.connect(host=str(services.var / "run"), port=5432, dbname="hcportal", user="hcportal") as c:
        c.execute("CREATE TABLE kept AS SELECT 42 AS value")

    process.kill()
    process.wait()
    second = services.start()  # at once, while the first one's servers are still on their way out

    _wait_until_gone(pids)
    with psycopg.connect(host=str(services.var / "run"), port=5432, dbname="hcportal", user="hcportal") as c:
        assert c.execute("SELECT value FROM kept").fetchone() == (42,)
    second.terminate()
    second.wait(WITHIN)


def test_a_second_start_takes_no_time_and_a_second_supervisor_is_not_started(services: Services) -> None:
    services.start().terminate()
    services.call("down")

    begun = time.monotonic()
    process = services.start()
    assert time.monotonic() - begun < 5  # a fraction of a second on an idle machine
    pid = services.state()["pid"]

    assert services.call("services").returncode == 0  # there is one: nothing to do
    assert services.state()["pid"] == pid == process.pid


def test_ctrl_c_in_a_terminal_stops_everything(services: Services) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, services.command("run", "sleep", "60"), services.environment)
    try:
        deadline = time.monotonic() + WITHIN
        while not (services.var / "supervisor.json").exists() or services.state()["stage"] != "ready":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        pids = services.processes()
        os.write(terminal, b"\x03")
        _wait_until_gone([pid for pid in pids if pid != child])
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGINT
    finally:
        os.close(terminal)


def test_a_command_run_beside_the_servers_passes_its_exit_status(services: Services) -> None:
    assert services.call("run", sys.executable, "-c", "raise SystemExit(7)").returncode == 7
    assert services.call("down").stdout.strip() == "hcportal is not running."


def test_given_servers_are_not_started_privately(services: Services) -> None:
    done = services.call("run", "true", DATABASE_URL="postgis://x", REDIS_URL="redis://x")
    assert done.returncode == 0
    assert not (services.var / "postgres").exists()
    assert not (services.var / "redis").exists()


def test_a_path_too_long_for_a_socket_gives_a_short_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HCP_VAR", str(folder / ("long" * 30) / "var"))
    assert str(paths.socket_dir()).startswith(f"/tmp/hcportal-{os.geteuid()}-")
    assert len(str(paths.redis_socket())) <= paths.LONGEST_SOCKET_PATH
    assert paths.redis_url(1) == f"unix://{paths.socket_dir()}/redis.sock?db=1"
    assert paths.celery_redis_url() == f"redis+socket://{paths.socket_dir()}/redis.sock?virtual_host=0"

    paths.make_socket_dir()
    try:
        assert stat.S_IMODE(paths.socket_dir().stat().st_mode) == 0o700
    finally:
        paths.socket_dir().rmdir()


def test_a_socket_folder_that_leads_elsewhere_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HCP_VAR", str(folder / ("long" * 30) / "var"))
    paths.socket_dir().symlink_to(folder)
    try:
        with pytest.raises(paths.UnsafeFolder, match="belongs to another user"):
            paths.make_socket_dir()
    finally:
        paths.socket_dir().unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
def test_a_folder_that_postgres_cannot_enter_puts_its_files_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HCP_VAR", str(folder / "clone" / "var"))
    (folder / "clone").mkdir(mode=0o755)
    assert paths.servers_dir() == folder / "clone" / "var"
    (folder / "clone").chmod(0o700)
    assert paths.servers_dir().parent == Path("/var/lib/hcportal")


def test_a_program_that_does_not_start_says_its_last_words(tmp_path: Path) -> None:
    source = (
        "from pathlib import Path; import sys\n"
        "from hcportal.services.console import Console\n"
        "from hcportal.services.supervisor import Program, Supervisor, ServiceFailed, python\n"
        "keeper = Supervisor(Path('log'), Console(), lambda pids: None)\n"
        "words = python('-c', 'raise SystemExit(\"no such thing\")')\n"
        "try: keeper.start(Program('failing', words, Path('.'), ready=lambda pid, log: False))\n"
        "except ServiceFailed as error: print(error)\n"
    )
    # In a process of its own: a supervisor blocks the signals of the process it lives in.
    done = subprocess.run(
        [sys.executable, "-c", source],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("failing ended with exit status 1.\n    no such thing\n")


def test_a_taken_port_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("HCP_PORT", str(port))
        with pytest.raises(AddressUnusable, match=f"Port {port} on 127.0.0.1 is in use by another program"):
            Address.from_environment().check_free()
    monkeypatch.setenv("HCP_PORT", "eighty")
    with pytest.raises(AddressUnusable, match="must be a number"):
        Address.from_environment()
