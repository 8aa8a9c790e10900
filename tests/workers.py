"""Several processes of pytest at a time: how many, what each has for itself, in which order they take files.

Servers are shared. The database is each one's own by pytest-django (`test_hcportal_gw0`), a Redis database,
the lake and the folders that processes of one machine share are by this module.
"""

import os
import sys

import pytest
from django.conf import settings

from hcportal.services import paths

MOST = 8  # Redis has 16 databases, and each worker takes one


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One for each processor where all tests are meant; 0, this process alone, where files are named, as
    workers cost more than they give there. And where a Redis is given: its databases may be somebody's.
    """
    if config.args_source is pytest.Config.ArgsSource.ARGS or os.environ.get("REDIS_URL"):
        return 0
    return min(len(os.sched_getaffinity(0)), MOST)


def pytest_configure(config: pytest.Config) -> None:
    """A Redis database and, for a worker, folders of its own, before anything reads the settings."""
    if os.environ.get("REDIS_URL"):
        return
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    # One for queue and cache, as a REDIS_URL says it to the processes that tests start.
    database = 2 + int(worker.removeprefix("gw")) if worker else 1
    settings.CACHES["default"]["LOCATION"] = paths.redis_url(database)
    settings.CELERY_BROKER_URL = paths.celery_redis_url(database)
    if worker:
        folder = settings.VAR_DIR / worker
        settings.HCP_LAKE = str(folder / "lake")
        settings.HCP_PACE = folder / "pace"
        settings.HCP_RECORDED = folder / "recorded"
        # A worker is started by -c, in which pyspark would take itself for the documentation's examples.
        sys.modules["__main__"].__spec__ = pytest.__spec__


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Workers take files with slow tests first, so that none is left with one of them at the end."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)
