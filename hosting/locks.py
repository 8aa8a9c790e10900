"""PostgreSQL advisory locks: free at once when their holder dies, unlike a lock with a time to live."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connection, connections

from hcportal.errors import SourceBusy
from utilities.models import Source

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper


def _number(kind: str, name: str) -> tuple[int, int]:
    """Two signed 32-bit numbers for a lock's kind and name."""
    return tuple(zlib.crc32(text.encode()) - 2**31 for text in (kind, name))  # type: ignore[return-value]


@contextmanager
def advisory_lock(kind: str, name: str) -> Iterator[None]:
    """Hold the lock, waiting for it if need be."""
    key = _number(kind, name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", key)
        try:
            yield
        finally:
            _let_go(cursor, key)


@contextmanager
def source_lock(source: Source) -> Iterator[None]:
    """Hold a source for one run, in the database that it was read from.

    Raises SourceBusy at once where another run has it.
    """
    key = _number("source", str(source.pk))
    with connections[source._state.db or DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        if not cursor.fetchone()[0]:
            raise SourceBusy(f"Another run of {source} is under way; see /admin/hosting/hcingestionrun/.")
        try:
            yield
        finally:
            _let_go(cursor, key)


def _let_go(cursor: "CursorWrapper", key: tuple[int, int]) -> None:
    """Give the lock back. A connection that answers no more has given it back by itself."""
    try:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)
    except (OperationalError, InterfaceError):
        cursor.db.close()


def is_busy(source: Source) -> bool:
    """True while some process holds the source, this one included."""
    return is_held("source", str(source.pk))


def is_held(kind: str, name: str) -> bool:
    """True while some process holds the lock, this one included."""
    classid, objid = (number % 2**32 for number in _number(kind, name))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND classid = %s AND objid = %s AND objsubid = 2"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
            (classid, objid),
        )
        return bool(cursor.fetchone()[0])
