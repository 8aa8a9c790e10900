"""A portal whose publishers are servers of the test."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pytest_django import Settings

from interregional.defaults import CURRENT, DAILY
from interregional.models import FlowSource
from tests.interregional.publisher import Publisher, publisher


@dataclass
class Publishers:
    """Two that are asked in this order; the second has the months' zips too."""

    first: Publisher
    second: Publisher


@pytest.fixture
def publishers(settings: Settings, db: None) -> Iterator[Publishers]:
    """Publishers that the sources of the portal point to."""
    settings.HCP_ALLOW_LOOPBACK = True
    with publisher() as first, publisher() as second:
        FlowSource.objects.filter(code=CURRENT).update(
            url_templates=[f"{first.url}/current.csv", f"{second.url}/current.csv"]
        )
        FlowSource.objects.filter(code=DAILY).update(
            url_templates=[f"{first.url}/{{YYYY}}/{{MM}}/{{DD}}.csv", f"{second.url}/{{YYYYMMDD}}.csv"],
            archive_templates=[f"{second.url}/{{YYYYMM01}}.zip"],
        )
        yield Publishers(first, second)
