"""Sums hold what readers may see, and change with it."""

from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from hosting.models import HostingCapacitySummary
from hosting.summaries import summarise
from tests.factories import make_feeder, make_record
from tests.hosting.views.reading import make_published, read
from tests.layers import entry
from utilities.models import Redistribution, Source

pytestmark = pytest.mark.django_db


def make_summed(code: str = "once_read", **given: Any) -> Source:
    """The published source of a utility with one feeder that can take 1234.5 MW, summed."""
    run = make_published(code, **given)
    make_record(make_feeder(run), hosting_capacity_mw=Decimal("1234.5"))
    summarise(run.utility_id)
    return Source.objects.get(pk=run.source_id)


def total(source: Source) -> Decimal | None:
    found = HostingCapacitySummary.objects.filter(utility=source.utility_id).first()
    return found.total_hosting_capacity_mw if found else None


@pytest.mark.parametrize("redistribution", Redistribution)
def test_sums_count_a_source_unless_its_terms_forbid_it(redistribution: Redistribution) -> None:
    source = make_summed(redistribution=redistribution)
    assert total(source) == (None if redistribution == "forbidden" else Decimal("1234.5"))


def test_what_has_become_forbidden_is_in_no_sum_and_on_no_page_after_a_sync(client: Client) -> None:
    source = make_summed(is_synthetic=True)
    assert "1,234.5" in read(client, "/")
    Source.objects.filter(pk=source.pk).update(redistribution="forbidden")
    call_command("sync_catalog", stdout=StringIO())
    assert Source.objects.get(pk=source.pk).in_catalog, "made like a generated one, the sync leaves it alone"
    assert total(source) is None
    for page in ("/", "/utilities/", "/utilities/once_read/", "/api/v1/utilities/once_read"):
        assert "1,234.5" not in read(client, page)
        assert "1234.5" not in read(client, page)
    assert "once_read" not in client.get("/").content.decode()


def test_the_sums_of_a_source_that_comes_back_to_the_catalog_come_back(
    tmp_path: Path, settings: Settings
) -> None:
    source = make_summed("ours")
    call_command("sync_catalog", stdout=StringIO())
    assert total(source) is None, "it has no entry"
    given = entry("ours", "https://gis.example.org/FeatureServer") | {"synthetic": False}
    (tmp_path / "ours.yaml").write_text(yaml.safe_dump(given))
    Source.objects.filter(pk=source.pk).update(code=given["sources"][0]["code"])
    settings.HCP_CATALOG = [tmp_path]
    call_command("sync_catalog", stdout=StringIO())
    assert total(source) == Decimal("1234.5")


def test_new_sums_have_a_new_etag(client: Client) -> None:
    source = make_summed()
    address = "/api/v1/utilities/once_read/hosting-capacity/summary"
    held = {"if-none-match": client.get(address)["ETag"]}
    assert client.get(address, headers=held).status_code == 304
    Source.objects.filter(pk=source.pk).update(redistribution="forbidden")
    summarise(source.utility_id)
    answer = client.get(address, headers=held)
    assert answer.status_code == 200
    assert answer.json()["results"] == []
