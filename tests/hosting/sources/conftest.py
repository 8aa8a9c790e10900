"""Fixtures for readers: an impatient client, servers that misbehave, Koop that does not."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from hcportal.http import Client
from tests.hosting.sources.faulty import Faulty, serving
from tests.peers.koop import koop  # noqa: F401 - a fixture


@pytest.fixture
def client() -> Iterator[Client]:
    """Talks to loopback, waits hundredths of seconds where others wait seconds."""
    with Client(allow_loopback=True, backoff=0.01, read_timeout=5, pause=0) as client:
        yield client


@pytest.fixture
def serve() -> Iterator[Callable[[Faulty], Faulty]]:
    """`serve(Faulty(...))` starts a server that lives as long as the test."""
    with ExitStack() as stack:
        yield lambda faulty: stack.enter_context(serving(faulty))
