"""Answers in pieces."""

from collections.abc import Generator, Iterator


class Started:
    """Pieces of which the first is there: an error in the query itself can still become a proper answer.

    Closing it, which the server does for every answer, read or not, closes the cursor.
    """

    def __init__(self, pieces: Generator[bytes, None, None]) -> None:
        self.first, self.rest = next(pieces), pieces

    def __iter__(self) -> Iterator[bytes]:
        yield self.first
        yield from self.rest

    def close(self) -> None:
        self.rest.close()
