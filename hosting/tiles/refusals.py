"""Requests that are not answered, in the API's form of errors (RFC 9457); those that take too long too."""

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, ParamSpec

from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.http import HttpResponse
from psycopg.errors import QueryCanceled

from hcportal.api.problems import problem

LONGEST_SECONDS: Final = (
    10  # several times what the slowest statement took; nothing may hold the server longer
)

log = logging.getLogger(__name__)
Given = ParamSpec("Given")


class Refused(Exception):
    """A request that is not answered; the message is for the person who reads it."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def refusing(view: Callable[Given, HttpResponse]) -> Callable[Given, HttpResponse]:
    """A view whose Refused becomes problem+json."""

    @functools.wraps(view)
    def answering(*args: Given.args, **kwargs: Given.kwargs) -> HttpResponse:
        try:
            return view(*args, **kwargs)
        except Refused as refused:
            return problem(refused.status, str(refused))

    return answering


@contextmanager
def limited_cursor(also: str = "true", given: tuple[Any, ...] = ()) -> Iterator[tuple[CursorWrapper, bool]]:
    """A cursor in a transaction that PostgreSQL ends after a while, and the value of the expression `also`.

    One round trip sets it up. Raises Refused (503) where a statement took too long.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true), set_config('jit', 'off', true), " + also,
                (f"{LONGEST_SECONDS}s", *given),
            )
            yield cursor, cursor.fetchone()[2]
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        log.warning("A statement of the map took longer than %s s", LONGEST_SECONDS)
        raise Refused(
            503,
            f"This took longer than {LONGEST_SECONDS} s and was given up. Ask for less at once: "
            "a deeper zoom, a smaller box, one utility.",
        ) from error
