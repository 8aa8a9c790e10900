"""Several processes of pytest at a time do not touch each other."""

import os
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from hcportal.celery import app
from tests.conftest import Portal

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")


@pytest.mark.django_db
def test_a_worker_has_a_database_a_queue_and_folders_of_its_own() -> None:
    number = 2 + int(WORKER.removeprefix("gw")) if WORKER else 1
    assert connection.settings_dict["NAME"] == "test_hcportal" + (f"_{WORKER}" if WORKER else "")
    with app.connection_for_write() as queue:
        channel: Any = queue.default_channel
        assert channel.client.connection_pool.connection_kwargs["db"] == number
    assert cache._cache.get_client(None, write=True).connection_pool.connection_kwargs["db"] == number  # type: ignore[attr-defined]
    for folder in (settings.HCP_LAKE, settings.HCP_PACE, settings.HCP_RECORDED):
        assert not WORKER or WORKER in str(folder)


def test_a_process_that_a_test_starts_uses_the_same_queue_and_cache(portal: Portal) -> None:
    script = "import django; django.setup(); from django.conf import settings as s;"
    script += "print(s.CELERY_BROKER_URL, s.CACHES['default']['LOCATION'], s.DATABASES['default']['NAME'])"
    said = portal.python("-c", script)
    assert said.stdout.split() == [
        settings.CELERY_BROKER_URL,
        settings.CACHES["default"]["LOCATION"],
        connection.settings_dict["NAME"],
    ], said.stderr
