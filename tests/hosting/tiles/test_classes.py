"""The classes of a figure are the same in Python, in SQL and for the ORM, and as specified."""

from decimal import Decimal

import pytest
from django.db import connection

from hosting.classes import BREAKS_MW, CLASSES, class_case, class_of, class_sql
from hosting.models import CapacityStatus, HostingCapacityRecord
from tests.factories import make_record

EXPECTED = {
    "-3": "zero",
    "0": "zero",
    "0.00001": "up_to_05",
    "0.5": "up_to_05",
    "0.50001": "over_05",
    "2": "over_05",
    "2.00001": "over_2",
    "5": "over_2",
    "5.00001": "over_5",
    "400": "over_5",
}
WITHOUT = {
    CapacityStatus.WITHHELD: "withheld",
    CapacityStatus.NOT_STUDIED: "not_studied",
    CapacityStatus.UNKNOWN: "unknown",
    CapacityStatus.PUBLISHED: "unknown",
    CapacityStatus.AT_LEAST: "unknown",
}


def test_the_breaks_are_the_specification_s() -> None:
    assert BREAKS_MW == (0.5, 2, 5)
    assert set(CLASSES) == {*EXPECTED.values(), *WITHOUT.values()}


@pytest.mark.django_db
def test_a_figure_has_one_class_however_it_is_asked_for() -> None:
    cases: dict[int, str] = {}
    for mw, name in EXPECTED.items():
        assert class_of(Decimal(mw), "published") == class_of(float(mw), "at_least") == name
        cases[make_record(remaining_capacity_mw=Decimal(mw)).pk] = name
    for status, name in WITHOUT.items():
        assert class_of(None, status) == name
        cases[make_record(remaining_capacity_mw=None, capacity_status=status).pk] = name
    # A figure that is there is shown, also where another one of the row is withheld.
    assert class_of(Decimal(1), "withheld") == "over_05"
    cases[make_record(remaining_capacity_mw=1, capacity_status="withheld").pk] = "over_05"

    by_orm = HostingCapacityRecord.objects.annotate(shown=class_case("remaining_capacity_mw"))
    assert dict(by_orm.values_list("id", "shown")) == cases
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, {class_sql('remaining_capacity_mw')} FROM hosting_hostingcapacityrecord")
        assert dict(cursor.fetchall()) == cases
