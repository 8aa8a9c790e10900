"""The cache of what was made for one data version. Where Redis does not answer, nothing is cached."""

import logging
from typing import Any, Final

import redis
from django.core.cache import cache

SECONDS_KEPT: Final = 7 * 24 * 3600  # a version that nobody asks for any more goes by itself

log = logging.getLogger(__name__)


def kept(key: str) -> Any:
    """What was kept under `key`, or None."""
    try:
        return cache.get(key)
    except redis.RedisError as error:
        log.warning("The map is served uncached: %s", error)
        return None


def keep(key: str, value: Any) -> None:
    """Keep `value`, if that is possible."""
    try:
        cache.set(key, value, SECONDS_KEPT)
    except redis.RedisError as error:
        log.warning("The map is served uncached: %s", error)
