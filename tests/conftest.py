"""What tests of the whole share: a portal of their own, with its own lake and catalog."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from django.conf import settings
from django.db import connection
from pytest_django import Settings

from hosting.models import HCIngestionRun
from hosting.pipeline import ingest
from tests.peers.koop import koop
from tests.workers import pytest_collection_modifyitems, pytest_configure, pytest_xdist_auto_num_workers
from utilities.models import Source
from utilities.sync import sync_catalog

__all__ = ["koop", "pytest_collection_modifyitems", "pytest_configure", "pytest_xdist_auto_num_workers"]

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Portal:
    """A portal under test: where its files lie, and the two things most tests do."""

    folder: Path

    def add(self, entry: dict[str, Any]) -> Source:
        """Write a catalog entry, sync it, and give its first source."""
        (self.folder / "catalog" / f"{entry['code']}.yaml").write_text(yaml.safe_dump(entry))
        sync_catalog(include_synthetic=True)
        return self.source(entry["code"])

    def source(self, utility: str) -> Source:
        found = Source.objects.filter(utility__utility_code=utility).first()
        assert found is not None
        return found

    def environment(self) -> dict[str, str]:
        """For another process of this portal: its database, lake and catalog."""
        database = connection.settings_dict
        return {
            **os.environ,
            "DATABASE_URL": "postgis://{USER}@{host}/{NAME}".format(
                **database, host=quote(database["HOST"], safe="")
            ),
            "REDIS_URL": settings.CACHES["default"]["LOCATION"],
            "DJANGO_SETTINGS_MODULE": "hcportal.settings",
            "HCP_VAR": str(self.folder),
            "HCP_CATALOG": str(self.folder / "catalog"),
            "HCP_ALLOW_LOOPBACK": "1",
            "PYTHONPATH": str(ROOT),
        }

    def python(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run Python in another process of this portal; its output and exit status."""
        return subprocess.run(
            [sys.executable, *words],
            env=self.environment(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def ingest(self, source: Source, **options: Any) -> HCIngestionRun:
        """Ingest as the portal does; the run as the database has it."""
        source.refresh_from_db()
        run = ingest(source, **options)
        run.refresh_from_db()
        return run


@pytest.fixture
def portal(settings: Settings, tmp_path: Path, transactional_db: None) -> Iterator[Portal]:
    """A portal with an empty database, an empty lake and a catalog folder of its own; loopback is allowed."""
    (tmp_path / "catalog").mkdir()
    settings.HCP_CATALOG = [tmp_path / "catalog"]
    settings.HCP_LAKE = str(tmp_path / "lake")
    settings.HCP_RECORDED = tmp_path / "recorded"
    settings.HCP_ALLOW_LOOPBACK = True
    yield Portal(tmp_path)
    connection.close()  # and with it whatever lock a failed test left
