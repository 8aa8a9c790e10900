"""What there is to ingest is told of every utility, and why not where nothing is scheduled."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from pytest_django import DjangoAssertNumQueries, Settings

from hcportal.errors import UnknownName
from hosting.listing import Listed, utilities
from hosting.management.commands.ingest_hosting_capacity import chosen_sources
from hosting.models import RunStatus
from tests.factories import NOON, make_run
from utilities.models import Source
from utilities.sync import sync_catalog

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def catalog(settings: Settings) -> None:
    settings.HCP_CATALOG = []
    sync_catalog()


def listed() -> dict[str, Listed]:
    return {one.utility.utility_code: one for one in utilities()}


def test_a_utility_is_listed_with_what_its_sources_carry(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(2):
        found = listed()
    comed, peco = found["comed"], found["peco"]
    assert comed.capacity_types == ("generation", "load", "storage")
    assert (comed.grains, comed.scheduled, comed.why_not) == (("feeder",), 2, "")
    assert (peco.capacity_types, peco.grains) == (("load",), ("cell",))
    assert (comed.last_run_at, comed.last_run_status) == (None, "")


def test_each_reason_for_scheduling_nothing_is_said() -> None:
    Source.objects.filter(utility__utility_code="dte").update(is_enabled=False)
    Source.objects.filter(utility__utility_code="cmp").update(redistribution="forbidden")
    found = listed()
    reasons = {code: found[code].why_not for code in ("pseg_li", "versant", "georgia", "gmp")}
    assert reasons == {
        "pseg_li": "behind a login",
        "versant": "not machine-readable",
        "georgia": "its terms forbid it",
        "gmp": "no service found",
    }
    assert found["smeco"].why_not == "fields not verified"
    assert found["potomac_edison"].why_not == "The unit of RemainNum is not stated"
    assert found["dte"].why_not == "switched off in the admin"
    assert found["cmp"].why_not == "its terms forbid it"
    assert all(bool(one.scheduled) != bool(one.why_not) for one in found.values())


def test_the_last_run_is_the_latest_of_any_source() -> None:
    first, second = Source.objects.filter(utility__utility_code="bge").order_by("code")
    make_run(first, status=RunStatus.FAILED)
    last = make_run(second, status=RunStatus.HELD)
    bge = listed()["bge"]
    assert (bge.last_run_at, bge.last_run_status) == (last.started_at, "held")


def test_the_last_probe_is_the_latest_of_any_source_and_counts_those_that_fit() -> None:
    first, second = Source.objects.filter(utility__utility_code="bge").order_by("code")
    assert (listed()["bge"].probed_at, listed()["bge"].fitting) == (None, 0)
    for source, at, missing in ((first, NOON, []), (second, NOON - timedelta(days=1), ["MAP_NAME"])):
        source.probed_at, source.probe_reached, source.probe_missing = at, True, missing
        source.save()
    assert (listed()["bge"].probed_at, listed()["bge"].fitting) == (NOON, 1)


def test_the_command_lists_every_utility_on_a_line() -> None:
    out = StringIO()
    call_command("ingest_hosting_capacity", list_utilities=True, stdout=out)
    lines = out.getvalue().splitlines()
    assert len(lines) == 1 + len(listed())
    [line] = [line for line in lines if line.startswith("georgia ")]
    assert line.split()[-4:] == ["its", "terms", "forbid", "it"]


def test_a_utility_that_publishes_nothing_is_refused_with_the_reason() -> None:
    with pytest.raises(UnknownName, match=r"no source that can be fetched \(behind a login\)"):
        chosen_sources("puget", None, None)
