"""What tests of the whole share: a portal of their own, with its own lake and catalog."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import connection
from pytest_django import Settings

from hosting.models import HCIngestionRun
from hosting.pipeline import ingest
from tests.peers.koop import koop
from utilities.models import Source
from utilities.sync import sync_catalog

__all__ = ["koop"]


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
