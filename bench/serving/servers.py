"""The portal's web server as bin/up runs it, and tipg beside it, on this machine's loopback for a while."""

import os
import shutil
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from hcportal.services import paths, programs
from hcportal.services.programs import Address

ROOT = Path(__file__).resolve().parents[2]
TIPG = ("tipg==1.6.1", "uvicorn==0.54.0")
LONGEST_START = 60.0
LOOPBACK = "127.0.0.1"


@contextmanager
def portal() -> Iterator[Address]:
    """gunicorn by the supervisor's own configuration."""
    address = Address(LOOPBACK, _free_port())
    with _running("web", programs.web(address).command, {}, address.port):
        yield address


@contextmanager
def tipg(database: Mapping[str, str]) -> Iterator[Address]:
    """tipg in a virtual environment of its own, with as many processes as the portal's web server has."""
    python = _installed(paths.var_dir() / "tipg")
    address = Address(LOOPBACK, _free_port())
    user, host, name = database["USER"], quote(database["HOST"], safe=""), database["NAME"]
    environment = {
        "DATABASE_URL": f"postgresql://{user}@{host}:{database['PORT'] or 5432}/{name}",
        "TIPG_DB_TABLES": '["public.hosting_hostingcapacityrecord"]',
        "TIPG_DB_EXCLUDE_FUNCTION_SCHEMAS": '["public"]',
        "TIPG_DB_DATETIME_EXTENT": "false",
        "TIPG_DB_SPATIAL_EXTENT": "false",
    }
    command = [
        str(python),
        *("-m", "uvicorn", "tipg.main:app"),
        *("--host", LOOPBACK, "--port", str(address.port)),
        *("--workers", "2", "--log-level", "warning"),
    ]
    with _running("tipg", command, environment, address.port):
        yield address


def wrk() -> str:
    """The load generator, installed where it is missing and this user may."""
    if shutil.which("wrk") is None:
        command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "wrk"]
        if os.geteuid() != 0:
            sys.exit(f"bin/bench serve needs wrk: sudo {' '.join(command)}")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return shutil.which("wrk") or "wrk"


def _installed(folder: Path) -> Path:
    """The Python of an environment that has tipg, made where it is not there or has another version."""
    stamp, python = folder / "installed", folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != str(TIPG):
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *TIPG]
        done = subprocess.run(pip, check=False, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' and '.join(TIPG)} could not be installed:\n{done.stderr}")
        stamp.write_text(str(TIPG))
    return python


@contextmanager
def _running(name: str, command: Sequence[str], extra: Mapping[str, str], port: int) -> Iterator[None]:
    """Run a server until the block ends; its output is in a log. It ends with us, however we end."""
    log = paths.log_dir() / f"bench-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command],
            env={**os.environ, **extra},
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    try:
        deadline = time.monotonic() + LONGEST_START
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{name} did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
