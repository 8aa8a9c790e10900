"""Two environments of one installation: a database each in the test's PostgreSQL, one lake, one catalog."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg
from django.db import connection
from psycopg import sql

from tests.conftest import ROOT, Portal

# Of the test's database, for the environments' own: `{env}` is filled in by the settings.
NAME = "{database}_of_{{env}}"


@dataclass
class Environment:
    """One of them: commands in processes of its own, and its database by plain SQL."""

    portal: Portal
    name: str
    url: str

    @property
    def settings(self) -> dict[str, Any]:
        """Its database as Django's settings name it."""
        return {"ENGINE": connection.settings_dict["ENGINE"], **_django_address(database_of(self.name))}

    def python(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run Python there; its output and exit status."""
        own = {"HCP_ENV": self.name, "DATABASE_URL": self.url, "HCP_LAKE": str(self.portal.folder / "lake")}
        return subprocess.run(
            [sys.executable, *words],
            env=self.portal.environment() | own | {"HCP_SECRET_KEY": "of a test"},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def manage(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return self.python("manage.py", *words)

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of a query to its database; what it changes is committed."""
        with psycopg.connect(**_address(database_of(self.name)), autocommit=True) as found:
            cursor = found.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []


def database_of(environment: str) -> str:
    return NAME.format(database=connection.settings_dict["NAME"]).replace("{env}", environment)


@contextmanager
def environments(portal: Portal, *names: str) -> Iterator[list[Environment]]:
    """Environments of these names, with empty databases that have all tables, dropped at the end."""
    template = connection.settings_dict["NAME"]
    host = quote(connection.settings_dict["HOST"], safe="")
    url = f"postgis://{connection.settings_dict['USER']}@{host}/{NAME.format(database=template)}"
    connection.close()  # a database that somebody is connected to is no template
    with psycopg.connect(**_address("postgres"), autocommit=True) as server:
        for name in names:
            _drop(server, name)
            server.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(database_of(name)), sql.Identifier(template)
                )
            )
        try:
            yield [Environment(portal, name, url) for name in names]
        finally:
            for name in names:
                _drop(server, name)


def _drop(server: "psycopg.Connection[Any]", name: str) -> None:
    server.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database_of(name)))
    )


def _django_address(database: str) -> dict[str, Any]:
    given = connection.settings_dict
    return {name: given[name] for name in ("HOST", "PORT", "USER", "PASSWORD")} | {"NAME": database}


def _address(database: str) -> dict[str, Any]:
    given = connection.settings_dict
    return {"host": given["HOST"], "port": given["PORT"] or None, "user": given["USER"], "dbname": database}
