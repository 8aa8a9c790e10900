"""The private PostgreSQL with PostGIS: made once, then a program for the supervisor.

It listens on a unix socket only, in a folder that nobody else enters, and knows who calls from the socket
itself (peer authentication), so that there is no password and no port. The portal's role is not a superuser;
extensions are put into template1 by the superuser, and so are in every database that this role makes, test
databases included.
"""

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from hcportal.errors import HcportalError
from hcportal.services import paths
from hcportal.services.supervisor import Account, Program

EXTENSIONS = ("postgis", "btree_gist", "pg_trgm")

# For two cores and a few GB shared with a worker that holds a table engine. ALTER SYSTEM overrides each.
SETTINGS = {
    "shared_buffers": "256MB",  # the tables people read fit; the system's cache holds the rest
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",  # GiST builds
    "max_wal_size": "2GB",  # a whole layer is copied in one transaction
    "wal_compression": "on",
    "random_page_cost": "1.1",  # no spinning disks
    "jit": "off",  # compiling costs more than tiles and pages take
    "max_connections": "50",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_min_duration_statement": "2000",
}

# For data that nobody misses after a power cut; a server or a backend that is killed loses nothing by them.
# Emptying all tables after a test takes a tenth of the time when it does not wait for the disk.
THROWAWAY = {"fsync": "off", "full_page_writes": "off"}


class PostgresUnusable(HcportalError):
    """PostgreSQL is not installed, or cannot use the files that are there."""


def data_dir() -> Path:
    """The cluster's files."""
    return paths.servers_dir() / "postgres"


def account() -> Account | None:
    """Who PostgreSQL runs as: `postgres` for root, whom it refuses; else whoever calls."""
    if os.geteuid() != 0:
        return None
    try:
        postgres = pwd.getpwnam("postgres")
    except KeyError:
        raise PostgresUnusable(
            "There is no system user `postgres`, and PostgreSQL refuses to run as root. bin/setup makes it."
        ) from None
    return Account("postgres", postgres.pw_uid, postgres.pw_gid)


def binaries() -> Path:
    """The folder of the newest PostgreSQL that has PostGIS, or of the version that made the data."""
    found = {
        int(folder.parent.name): folder
        for folder in Path("/usr/lib/postgresql").glob("[0-9]*/bin")
        if (folder / "initdb").exists()
        and Path(f"/usr/share/postgresql/{folder.parent.name}/extension/postgis.control").exists()
    }
    version_file = data_dir() / "PG_VERSION"
    if version_file.exists():
        made_by = int(version_file.read_text())
        if made_by not in found:
            installed = ", ".join(map(str, sorted(found))) or "none"
            raise PostgresUnusable(
                f"The database in {data_dir()} was made by PostgreSQL {made_by}, which is not installed with "
                f"PostGIS (installed: {installed}). Install postgresql-{made_by}-postgis-3; or move the "
                "folder away and start with an empty database."
            )
        return found[made_by]
    if not found:
        raise PostgresUnusable("No PostgreSQL with PostGIS is installed. bin/setup installs it.")
    return found[max(found)]


def program(*, throwaway: bool = False) -> Program:
    """PostgreSQL, its files made if this is the first time; a power cut may cost `throwaway` data."""
    _make_folders()
    commands = binaries()
    if not (data_dir() / "PG_VERSION").exists():
        _initdb(commands)
    _write_configuration()
    return Program(
        name="postgres",
        command=[
            str(commands / "postgres"),
            *("-D", str(data_dir())),
            *("-c", "listen_addresses="),
            *("-c", f"port={paths.POSTGRES_PORT}"),
            *("-c", f"unix_socket_directories={paths.socket_dir()}"),
            *(word for name, value in THROWAWAY.items() if throwaway for word in ("-c", f"{name}={value}")),
        ],
        folder=data_dir(),
        ready=_is_ready,
        on_stop=signal.SIGINT,  # "fast": open transactions are rolled back, nobody is waited for
        on_impatience=signal.SIGQUIT,  # "immediate": repaired from the log at the next start
        on_orphaned=signal.SIGINT,
        seconds_to_start=300,  # after a power cut it first replays its log
        seconds_to_stop=60,  # writes everything out
        account=account(),
        environment=_without_pg_variables(),
    )


def provision() -> None:
    """Role, extensions and database, where they are missing. The server must be running."""
    with _as_superuser("template1") as template:
        for name in EXTENSIONS:
            if _exists(template, "SELECT 1 FROM pg_available_extensions WHERE name = %s", name):
                template.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name)))
        if not _exists(template, "SELECT 1 FROM pg_roles WHERE rolname = %s", paths.ROLE):
            template.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(paths.ROLE)))
    # Connected elsewhere: a database is not copied from a template that somebody is connected to.
    with _as_superuser("postgres") as server:
        name = paths.private_database()["NAME"]
        if not _exists(server, "SELECT 1 FROM pg_database WHERE datname = %s", name):
            server.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(name), sql.Identifier(paths.ROLE)
                )
            )


def _as_superuser(database: str) -> psycopg.Connection:
    """A connection in which every statement stands for itself (CREATE DATABASE runs in no transaction)."""
    address = paths.private_database()
    return psycopg.connect(
        host=address["HOST"], port=address["PORT"], dbname=database, user="postgres", autocommit=True
    )


def _exists(connection: psycopg.Connection, query: LiteralString, name: str) -> bool:
    return connection.execute(query, [name]).fetchone() is not None


def _make_folders() -> None:
    """The folders above the data, which `postgres` must be able to enter, and the sockets', which it owns."""
    servers, owner = paths.servers_dir(), account()
    paths.var_dir().mkdir(parents=True, exist_ok=True)
    servers.mkdir(parents=True, exist_ok=True)
    if owner is not None:  # a umask of 077 would lock `postgres` out
        apart = {servers, servers.parent} if servers != paths.var_dir() else {servers}
        for folder in apart:
            folder.chmod(folder.stat().st_mode | 0o011)
    if servers != paths.var_dir():
        (servers / "belongs-to").write_text(f"{paths.var_dir()}\n")
    paths.make_socket_dir(owner.uid if owner else None)
    if not data_dir().exists():
        return
    made_by, runs_as = data_dir().stat().st_uid, owner.uid if owner else os.geteuid()
    if made_by != runs_as:
        raise PostgresUnusable(
            f"The database in {data_dir()} belongs to {_user_name(made_by)}, but would now run as "
            f"{_user_name(runs_as)}. Start as the user who made it, or set HCP_VAR to a folder of your own."
        )


def _initdb(commands: Path) -> None:
    """Make the cluster beside its place and move it there: a half-made one is never taken for a whole."""
    half_made = data_dir().with_suffix(".new")
    shutil.rmtree(half_made, ignore_errors=True)
    owner = account()
    half_made.mkdir(mode=0o700)
    if owner is not None:
        os.chown(half_made, owner.uid, owner.gid)
    log = paths.log_dir() / "initdb.log"
    with log.open("wb") as output:
        done = subprocess.run(  # noqa: S603 - our own command
            [
                str(commands / "initdb"),
                *("-D", str(half_made)),
                *("-U", "postgres"),
                *("--auth", "peer"),
                *("--encoding", "UTF8"),
                *("--locale", "C.UTF-8"),  # the same order everywhere, and always installed
                "--data-checksums",
            ],
            cwd=half_made,
            env=_without_pg_variables(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=owner.uid if owner else None,
            group=owner.gid if owner else None,
            extra_groups=[] if owner else None,
            check=False,
        )
    if done.returncode != 0:
        raise PostgresUnusable(f"initdb could not make a database in {half_made}:\n{log.read_text().strip()}")
    half_made.rename(data_dir())


def _write_configuration() -> None:
    """Who may enter, and the settings above; written at every start, so that an upgrade brings its own."""
    try:
        caller = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise PostgresUnusable(
            f"User id {os.geteuid()} has no name on this system, and PostgreSQL knows its callers by name. "
            "Start as a user that has one, or set DATABASE_URL."
        ) from None
    callers = sorted({caller, "postgres"})
    _write("pg_hba.conf", "local all all peer map=own\n")
    _write(
        "pg_ident.conf",
        "".join(f'own "{user}" {role}\n' for user in callers for role in (paths.ROLE, "postgres")),
    )
    _write("hcportal.conf", "".join(f"{name} = {value}\n" for name, value in SETTINGS.items()))
    main = data_dir() / "postgresql.conf"
    include = "include 'hcportal.conf'\n"
    if include not in main.read_text():
        with main.open("a") as file:
            file.write(include)


def _write(name: str, text: str) -> None:
    """Write a file of the cluster; its owner, `postgres` under root, must be able to read it."""
    file = data_dir() / name
    file.write_text(text)
    owner = account()
    if owner is not None:
        os.chown(file, owner.uid, owner.gid)


def _is_ready(pid: int, _log: str) -> bool:
    """PostgreSQL writes its state into its pid file, whose first line says whose file it is."""
    try:
        lines = (data_dir() / "postmaster.pid").read_text().split("\n")
    except FileNotFoundError:
        return False
    return lines[0] == str(pid) and len(lines) > 7 and lines[7].strip() == "ready"


def _without_pg_variables() -> dict[str, str]:
    """The environment without what would steer PostgreSQL elsewhere (PGPORT, PGDATA, PGHOST and the like)."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
