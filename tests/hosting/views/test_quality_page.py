"""The page of all checks, and how utilities and feeders stand under them."""

import pytest
from django.test import Client

from hosting.lake.checks.registry import CHECKS
from hosting.models import FeederQuality, HostingCapacityRecord
from tests.factories import make_feeder, make_finding, make_published_run, make_record
from tests.hosting.views.reading import read

pytestmark = pytest.mark.django_db
QUALITY = {"score": 83.4, "parts": {"completeness": 70, "values": 100}}


def judged(quality: object = QUALITY) -> HostingCapacityRecord:
    """A record of a run that readers see, and that the checks judged."""
    return make_record(make_feeder(make_published_run(quality=quality)))


def test_every_check_is_explained(client: Client) -> None:
    page = read(client, "/quality/")
    for check in CHECKS.values():
        assert check.title in page
    assert "nothing was judged" in page


def test_a_utility_stands_with_its_score_and_findings(client: Client) -> None:
    record = judged()
    make_finding(record.ingestion_run, check_id="Q40", severity="W", message="3 figures have no date.")
    page = read(client, "/quality/")
    assert record.utility.utility_name in page
    assert "83" in page
    page = read(client, f"/utilities/{record.utility.utility_code}/")
    assert "83 of 100" in page
    assert "3 figures have no date." in page


def test_a_feeder_has_its_mark_and_the_checks_behind_it(client: Client) -> None:
    record = judged()
    assert record.feeder is not None
    address = f"/feeders/{record.utility.utility_code}/{record.feeder.slug}/"
    assert "Quality mark 100 of 100" in read(client, address)
    FeederQuality.objects.create(
        feeder=record.feeder,
        source=record.source,
        run=record.ingestion_run,
        score="61.00",
        checks={"Q40": 4},
    )
    page = read(client, address)
    assert "Quality mark 61 of 100" in page
    assert CHECKS["Q40"].title in page
    assert "4 rows" in page
    assert "quality 61 of 100" in read(client, f"/map/card?record={record.pk}")


def test_a_feeder_of_a_run_that_nobody_judged_has_no_mark(client: Client) -> None:
    record = judged(None)
    assert record.feeder is not None
    address = f"/feeders/{record.utility.utility_code}/{record.feeder.slug}/"
    assert "Quality mark" not in read(client, address)
    assert "quality" not in read(client, f"/map/card?record={record.pk}")
