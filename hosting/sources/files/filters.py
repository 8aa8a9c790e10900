"""The `where` of a source that is a file: SQLite's expressions over the texts as published.

Numbers are texts too: `CAST(HC AS REAL) > 5`. A name that is no column is an error, not a text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from hcportal.errors import BadAnswer
from hosting.sources.files.texts import Row

_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION}


class Filter:
    """Says which rows of a batch pass."""

    def __init__(self, where: str, names: Sequence[str], named: str) -> None:
        self.where, self.named = where, named
        self._all = where.strip() in {"", "1=1"}
        if self._all:
            return
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        columns = ", ".join('"{}"'.format(name.replace('"', '""')) for name in names)
        marks = ", ".join("?" * len(names))
        self._insert = f"INSERT INTO batch VALUES ({marks})"  # noqa: S608 - marks only
        # Whatever the expression holds, it can read this table and nothing else.
        self._select = f"SELECT rowid FROM batch WHERE ({where}) ORDER BY rowid"  # noqa: S608
        try:
            self._database.execute(f"CREATE TABLE batch ({columns})")
            self._ask()
        except sqlite3.Error as problem:
            raise BadAnswer(f"{named}: the entry's where cannot be applied ({problem}): {where}") from problem

    def passing(self, rows: Sequence[Row]) -> Sequence[int]:
        """Positions of the rows that pass, in order."""
        if self._all:
            return range(len(rows))
        self._database.execute("DELETE FROM batch")
        self._database.executemany(self._insert, rows)
        first = self._database.execute("SELECT min(rowid) FROM batch").fetchone()[0] or 0
        try:
            return [number - first for number in self._ask()]
        except sqlite3.Error as problem:
            raise BadAnswer(
                f"{self.named}: the entry's where cannot be applied ({problem}): {self.where}"
            ) from problem

    def _ask(self) -> list[int]:
        self._database.set_authorizer(lambda action, *_: int(action not in _ALLOWED))
        try:
            return [number for (number,) in self._database.execute(self._select)]
        finally:
            self._database.set_authorizer(None)
