"""Where the private servers keep their files and sockets, and how to address them.

Knows nothing of Django and starts nothing, so that settings, commands and the supervisor agree on one answer.
`HCP_VAR` moves everything; DATABASE_URL and REDIS_URL are read elsewhere and make all of this unused.
"""

import hashlib
import os
import pwd
import stat
from pathlib import Path
from typing import TypedDict

from hcportal.errors import HcportalError

PROJECT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ("dev", "qa", "prod")  # in the order in which a checked state goes from one to the next
ROLE = "hcportal"

# sun_path holds 108 bytes with its closing zero; PostgreSQL's is the longest name in the folder.
LONGEST_SOCKET_PATH = 107
POSTGRES_PORT = "5432"
POSTGRES_SOCKET = f".s.PGSQL.{POSTGRES_PORT}"
REDIS_SOCKET = "redis.sock"


class UnsafeFolder(HcportalError):
    """A folder that must be ours alone is somebody else's."""


class PrivateDatabase(TypedDict):
    """The part of a Django database setting that says where the private PostgreSQL is."""

    HOST: str
    PORT: str
    NAME: str
    USER: str


def var_dir() -> Path:
    """Everything hcportal writes: data, logs, sockets. `HCP_VAR`, or `var/` in the project."""
    return Path(os.environ.get("HCP_VAR") or PROJECT / "var").resolve()


def log_dir() -> Path:
    """One log per process."""
    return var_dir() / "log"


def servers_dir() -> Path:
    """Where PostgreSQL's data and the sockets are: `var_dir()`, where PostgreSQL can get there.

    PostgreSQL refuses to run as root, so for root it runs as `postgres`, who cannot enter a clone in root's
    own mode-700 home. Its files are then in /var/lib/hcportal, in a folder of this clone's own.
    """
    var = var_dir()
    if os.geteuid() != 0 or _postgres_can_enter(var.parent):
        return var
    return Path("/var/lib/hcportal") / _short_hash(var)


def socket_dir() -> Path:
    """The folder of both sockets: `run` beside the data, or in /tmp where that path would be too long."""
    run = servers_dir() / "run"
    if len(os.fsencode(run / POSTGRES_SOCKET)) <= LONGEST_SOCKET_PATH:
        return run
    # Not tempfile.gettempdir(): bin/up and bin/manage must agree, whatever TMPDIR each of them has. The
    # folder is created with mode 0700 and refused when it belongs to somebody else.
    return Path(f"/tmp/hcportal-{os.geteuid()}-{_short_hash(var_dir())}")  # noqa: S108


def make_socket_dir(owner: int | None = None) -> None:
    """Make the sockets' folder, which nobody but its owner (a uid) enters. Root may always.

    Raises UnsafeFolder when somebody else was there first: the one in /tmp could be anybody's.
    """
    folder = socket_dir()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), owner, _postgres_uid()}:
        raise UnsafeFolder(f"{folder} belongs to another user. Remove it, then start again.")
    folder.chmod(0o700)
    if owner is not None:
        os.chown(folder, owner, -1)


def environment() -> str:
    """`HCP_ENV`, or dev; settings refuse any other word."""
    return os.environ.get("HCP_ENV") or ENVIRONMENTS[0]


def database(of: str) -> str:
    """Name of an environment's database: hcportal, hcportal_qa, hcportal_prod."""
    return "hcportal" if of == ENVIRONMENTS[0] else f"hcportal_{of}"


def private_database(of: str = "") -> PrivateDatabase:
    """Address of an environment's database (this one's unless named) in the private PostgreSQL.

    A folder as HOST means a unix socket; there is no password.
    """
    # The port is part of the socket's name; without it libpq would take a PGPORT from the environment.
    return {
        "HOST": str(socket_dir()),
        "PORT": POSTGRES_PORT,
        "NAME": database(of or environment()),
        "USER": ROLE,
    }


def redis_socket() -> Path:
    """The private Redis's socket."""
    return socket_dir() / REDIS_SOCKET


def redis_url(db: int = 0) -> str:
    """Address of the private Redis as redis-py and Django's cache write it."""
    return f"unix://{redis_socket()}?db={db}"


def celery_redis_url(db: int = 0) -> str:
    """The same address as Celery writes it."""
    return f"redis+socket://{redis_socket()}?virtual_host={db}"


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:10]


def _postgres_can_enter(folder: Path) -> bool:
    """Whether the `postgres` user can pass through `folder` and all above it, by owner and mode."""
    for step in (folder, *folder.parents):
        if not step.exists():
            continue
        status = step.stat()
        needed = stat.S_IXUSR if status.st_uid == _postgres_uid() else stat.S_IXOTH
        if not status.st_mode & needed:
            return False
    return True


def _postgres_uid() -> int | None:
    try:
        return pwd.getpwnam("postgres").pw_uid
    except KeyError:
        return None  # not installed
