"""The lake that this installation's settings describe, with locks that hold across its processes."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from hosting.lake.store import Lake
from hosting.locks import advisory_lock


@contextmanager
def _table_lock(table: str) -> Iterator[None]:
    with advisory_lock("lake table", table):
        yield


def open_lake() -> Lake:
    """The lake of this environment (HCP_ENV, HCP_LAKE, HCP_SPARK_REMOTE)."""
    return Lake(
        root=settings.HCP_LAKE, env=settings.HCP_ENV, remote=settings.HCP_SPARK_REMOTE, lock=_table_lock
    )
