"""The private Redis: Celery's queue and Django's cache, by unix socket only.

Nothing in it is the only copy. Tasks are asked for again by the timetable and what a run has done is recorded
in PostgreSQL, so an append-only file would only cost writes; a snapshot keeps the queue over a restart.
"""

import os
import shutil
import socket
from pathlib import Path

from hcportal.errors import HcportalError
from hcportal.services import paths
from hcportal.services.supervisor import Program


class RedisUnusable(HcportalError):
    """Redis is not installed."""


def data_dir() -> Path:
    """Where the snapshot is kept."""
    return paths.var_dir() / "redis"


def program() -> Program:
    """Redis, configured by its command line alone."""
    server = shutil.which("redis-server")
    if server is None:
        raise RedisUnusable("No redis-server is installed. bin/setup installs it.")
    data_dir().mkdir(parents=True, exist_ok=True)
    paths.make_socket_dir()
    return Program(
        name="redis",
        command=[
            server,
            *("--port", "0"),
            *("--unixsocket", str(paths.redis_socket())),
            *("--unixsocketperm", "700"),
            *("--dir", str(data_dir())),
            *("--appendonly", "no"),
            *("--save", "300 1"),
            # A full cache drops what may expire; tasks in the queue never do.
            *("--maxmemory", "256mb"),
            *("--maxmemory-policy", "volatile-lru"),
            *("--daemonize", "no"),
        ],
        folder=data_dir(),
        ready=_is_ready,
        seconds_to_start=30,
        environment={**os.environ, "LC_ALL": "C.UTF-8"},
    )


def _is_ready(_pid: int, _log: str) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(paths.redis_socket()))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
