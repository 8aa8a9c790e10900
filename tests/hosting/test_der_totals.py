"""Counts of each feeder's DER: unknown is not none, and a DER of several feeders counts on each."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from hosting.der_totals import refresh_der_totals
from hosting.models import DER, DERStatus, Feeder, FeederDERTotals
from tests.factories import make_der, make_feeder, make_published_run, make_source, make_utility
from utilities.models import Source

pytestmark = pytest.mark.django_db
COLUMNS = ("installed_count", "installed_kw", "planned_count", "planned_kw")


@pytest.fixture
def feeder() -> Feeder:
    return make_feeder(make_published_run(make_source(make_utility("alpha"), "ders")), "f1")


def totals(utility_id: int) -> dict[str, tuple[Any, ...]]:
    refresh_der_totals(utility_id)
    mine = FeederDERTotals.objects.filter(feeder__utility=utility_id)
    return {row[0]: row[1:] for row in mine.values_list("feeder__external_id", *COLUMNS)}


def test_each_status_is_counted_apart_and_nothing_listed_is_none(feeder: Feeder) -> None:
    make_feeder(feeder.last_seen, "f2")
    make_der(feeder, nameplate_kw=Decimal("7.6"))
    make_der(feeder, nameplate_kw=Decimal(5000))
    make_der(feeder, status=DERStatus.PLANNED, nameplate_kw=Decimal("0.015"))
    assert totals(feeder.utility_id) == {
        "f1": (2, Decimal("5007.6"), 1, Decimal("0.015")),
        "f2": (0, 0, 0, 0),
    }


def test_a_status_of_which_no_list_was_read_is_unknown_and_not_zero(feeder: Feeder) -> None:
    make_der(feeder)
    assert totals(feeder.utility_id)["f1"] == (1, Decimal("7.6"), None, None)
    Source.objects.update(config_json={"code": "ders", "ders": {"status": "planned"}})
    assert totals(feeder.utility_id)["f1"] == (1, Decimal("7.6"), 0, 0)  # an empty list was read


def test_a_utility_without_der_has_no_totals_and_loses_those_it_had(feeder: Feeder) -> None:
    assert totals(feeder.utility_id) == {}
    der = make_der(feeder)
    assert totals(feeder.utility_id)
    der.delete()
    assert totals(feeder.utility_id) == {}


def test_a_sum_of_unknown_nameplates_is_unknown(feeder: Feeder) -> None:
    make_der(feeder, nameplate_kw=None)
    assert totals(feeder.utility_id)["f1"][:2] == (1, None)
    make_der(feeder, nameplate_kw=Decimal(3))
    assert totals(feeder.utility_id)["f1"][:2] == (2, 3)


def test_a_der_of_several_feeders_counts_on_each_and_one_of_none_on_none(feeder: Feeder) -> None:
    second, third = make_feeder(feeder.last_seen, "f2"), make_feeder(feeder.last_seen, "f3")
    make_der(feeder, further_feeder_ids=[second.pk, third.pk, feeder.pk], nameplate_kw=Decimal(10))
    lost = make_der(feeder, nameplate_kw=Decimal(99))
    DER.objects.filter(pk=lost.pk).update(feeder=None)
    assert totals(feeder.utility_id) == dict.fromkeys(("f1", "f2", "f3"), (1, 10, None, None))


def test_another_utilitys_der_stay_out(feeder: Feeder) -> None:
    make_der(feeder)
    other = make_der(make_feeder(make_published_run(make_source(make_utility("beta")))))
    assert list(totals(feeder.utility_id)) == ["f1"]
    assert not FeederDERTotals.objects.filter(feeder=other.feeder).exists()


@pytest.mark.parametrize(
    ("hidden", "counted"),
    [({"redistribution": "forbidden"}, False), ({"in_catalog": False}, False)]
    + [({"redistribution": terms}, True) for terms in ("display_only", "unknown")],
)
def test_what_readers_may_not_see_is_not_counted(feeder: Feeder, hidden: Any, counted: bool) -> None:
    make_der(feeder)
    assert totals(feeder.utility_id)
    Source.objects.update(**hidden)
    assert bool(totals(feeder.utility_id)) is counted


def test_a_refresh_that_changes_nothing_writes_nothing(feeder: Feeder) -> None:
    der = make_der(feeder)
    make_der(make_feeder(feeder.last_seen, "f2"))

    def places() -> list[str]:
        """Where each row lies: a row that is written anew lies elsewhere."""
        with connection.cursor() as cursor:
            refresh_der_totals(feeder.utility_id)
            cursor.execute("SELECT ctid::text FROM hosting_feederdertotals ORDER BY feeder_id")
            return [row[0] for row in cursor.fetchall()]

    first = places()
    assert places() == first
    DER.objects.filter(pk=der.pk).update(nameplate_kw=1)
    changed = places()
    assert changed[0] != first[0]
    assert changed[1:] == first[1:]
