"""What the map said on an earlier day: figures of that day under a banner, and why there are none."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from hosting.models import HostingCapacityRecord, HostingCapacityRecordVersion
from tests.factories import make_feeder, make_record, make_run, make_section
from tests.hosting.views.reading import get, make_published, read

pytestmark = pytest.mark.django_db
JUNE = datetime(2025, 6, 1, tzinfo=UTC)
AUGUST = datetime(2025, 8, 1, tzinfo=UTC)


@pytest.fixture
def record() -> HostingCapacityRecord:
    """A feeder with 3 MW in June and July 2025 and 5 MW since."""
    run = make_published("ours")
    found = make_record(make_feeder(run, "F1"), valid_from=AUGUST)
    columns = [f.attname for f in HostingCapacityRecordVersion._meta.concrete_fields]
    was: dict[str, Any] = {name: getattr(found, name) for name in columns if hasattr(found, name)}
    HostingCapacityRecordVersion.objects.create(
        **was | {"id": None, "hosting_capacity_mw": Decimal(3), "valid_from": JUNE},
        record_id=found.pk,
        valid_to=AUGUST,
        ended_by_run=make_run(run.source),
    )
    return found


def test_a_day_is_picked_and_shown_under_a_banner(client: Client, record: HostingCapacityRecord) -> None:
    now = get(client, "/feeders/ours/f1/")
    assert 'type="date" name="as_of"' in now
    assert "As of" not in read(client, "/feeders/ours/f1/")
    html = get(client, "/feeders/ours/f1/?as_of=2025-06-30")
    assert 'value="2025-06-30"' in html
    said = read(client, "/feeders/ours/f1/?as_of=2025-06-30")
    assert "As of 30 June 2025." in said
    assert "not what it says now" in said
    assert "3 MW" in said
    assert "5 MW" not in said
    assert "until 2025-07-31 20:00 EDT" in said
    assert 'href="/feeders/ours/f1/">Today' in html
    later = read(client, "/feeders/ours/f1/?as_of=2025-08-02")
    assert "5 MW" in later
    assert "hold still" in later


def test_before_the_first_day_it_is_said_when_that_was(client: Client, record: HostingCapacityRecord) -> None:
    said = read(client, "/feeders/ours/f1/?as_of=2024-01-01", 404)
    assert "Nothing was shown of this feeder on that day" in said
    assert "Its first figures here are of 31 May 2025" in said  # there it was still May
    assert "?as_of=2025-05-31" in get(client, "/feeders/ours/f1/?as_of=2024-01-01", 404)
    assert "3 MW" in read(client, "/feeders/ours/f1/?as_of=2025-05-31")


def test_a_day_to_come_and_what_is_no_day(client: Client, record: HostingCapacityRecord) -> None:
    assert "That day is to come" in read(client, "/feeders/ours/f1/?as_of=2999-01-01", 404)
    for said in ("soon", "", "2025-02-30", "%00", "1999-01-01"):
        assert "As of" not in read(client, f"/feeders/ours/f1/?as_of={said}")


def test_a_feeder_that_is_gone_still_has_its_past(client: Client, record: HostingCapacityRecord) -> None:
    record.delete()
    assert "Nothing is published of it at present" in read(client, "/feeders/ours/f1/", 404)
    assert "3 MW" in read(client, "/feeders/ours/f1/?as_of=2025-06-30")


def test_what_terms_forbid_is_shown_of_no_day(client: Client, record: HostingCapacityRecord) -> None:
    source = record.source
    source.redistribution = "forbidden"
    source.save()
    said = read(client, "/feeders/ours/f1/?as_of=2025-06-30", 404)
    assert "3 MW" not in said
    assert "No earlier state of it is kept." in said


def test_sections_of_that_day_are_listed(client: Client, record: HostingCapacityRecord) -> None:
    assert record.feeder is not None
    make_section(record.feeder, key="s1", valid_from=JUNE, hosting_capacity_mw=Decimal("1.25"))
    make_section(record.feeder, key="s2", valid_from=AUGUST)
    said = read(client, "/feeders/ours/f1/?as_of=2025-06-30")
    assert "1 section;" in said
    assert "s1 1.25 MW" in said
    assert "s2" not in said
