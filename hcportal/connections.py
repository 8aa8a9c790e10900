"""The database connection of a process that was interrupted."""

from django.db import connection
from psycopg.pq import TransactionStatus


def forget_what_was_asked() -> None:
    """Take a new connection where an interruption came while the database was answering on the old one.

    That one takes no further statement until the answer is read, and nobody waits for it any more. Its locks
    go with it.
    """
    inner = connection.connection
    if inner is not None and inner.pgconn.transaction_status == TransactionStatus.ACTIVE:
        connection.close()
