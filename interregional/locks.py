"""One run at a time of a source, and one writer of flows: PostgreSQL's advisory locks, free when their holder
dies."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from hcportal.errors import SourceBusy
from interregional.models import FlowSource


def _number(name: str) -> int:
    return zlib.crc32(name.encode()) - 2**31


KIND = _number("interregional")


@contextmanager
def source_lock(source: FlowSource, *, wait: bool = False) -> Iterator[None]:
    """Hold a source for one run. Raises SourceBusy at once where another run has it, unless told to wait."""
    key = (KIND, _number(source.code))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_{'' if wait else 'try_'}advisory_lock(%s, %s)", key)
        if not wait and not cursor.fetchone()[0]:
            raise SourceBusy(f"Another run of {source} is under way; see /admin/interregional/flowrun/.")
        try:
            yield
        finally:
            if connection.is_usable():  # a lost connection has lost its locks too
                with connection.cursor() as again:
                    again.execute("SELECT pg_advisory_unlock(%s, %s)", key)


def lock_writing() -> None:
    """Inside a transaction: no other one writes flows until it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", (KIND, _number("writing")))
