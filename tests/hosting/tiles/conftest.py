"""No test finds what another one left in the cache."""

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def empty_cache(settings: object) -> None:
    cache.clear()
