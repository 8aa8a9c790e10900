"""What PostgreSQL is told about a query of the API."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def planned() -> Iterator[None]:
    """A transaction whose queries are answered by one process, which is right for the few rows of an answer.

    PostgreSQL expects shapes to be so costly that it starts a worker for a page: 40 ms for 1 ms of work.
    """
    with transaction.atomic(savepoint=False):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        yield
