"""What PostgreSQL is told about a query of the API."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def planned(*, sorting: bool = True) -> Iterator[None]:
    """A transaction whose queries are answered by one process, which is right for the few rows of an answer.

    PostgreSQL expects shapes to be so costly that it starts a worker for a page: 40 ms for 1 ms of work.
    Without `sorting` an order comes from an index, where there is one for it.
    """
    wanted = "SET LOCAL max_parallel_workers_per_gather = 0"
    if not sorting:
        wanted += "; SET LOCAL enable_sort = off"
    with transaction.atomic(savepoint=False):
        with connection.cursor() as cursor:
            cursor.execute(wanted)
        yield
