"""The home page, the table of utilities, the error pages, and what every page keeps to."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from hcportal.middleware import ContentSecurityPolicy, content_security_policy
from hosting.models import HCIngestionRun
from hosting.views.wording import ago, instant
from tests.factories import (
    make_iso,
    make_published_run,
    make_run,
    make_source,
    make_summary,
    make_user,
    make_utility,
)
from utilities.models import Source, Utility

pytestmark = pytest.mark.django_db


def read_page(client: Client, address: str = "/", status: int = 200) -> str:
    """The page's HTML, spaces collapsed, thin spaces as plain ones."""
    answer = client.get(address)
    assert answer.status_code == status
    return re.sub(r"\s+", " ", answer.content.decode().replace("&thinsp;", " "))


def words(page: str) -> str:
    """What a person reads of it."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page))


def publish(source: Source, run: HCIngestionRun) -> None:
    Source.objects.filter(pk=source.pk).update(published_run=run, last_checked_at=timezone.now())


def test_an_empty_portal_says_what_to_run(client: Client) -> None:
    page = read_page(client)
    assert "No utilities yet" in page
    assert "bin/manage sync_catalog" in page
    assert "<table" not in page


def test_a_utility_is_shown_with_its_figures_and_their_meaning(client: Client) -> None:
    utility = make_utility(
        "ri_energy",
        utility_name="Rhode Island Energy",
        iso=make_iso(),
        last_ingested_at=timezone.now() - timedelta(days=3),
    )
    source = make_source(utility, redistribution="display_only")
    publish(source, make_run(source))
    make_summary(
        utility,
        total_feeders=1449,
        total_hosting_capacity_mw=Decimal("2345.67"),
        total_remaining_capacity_mw=Decimal("1234.56"),
        constrained_feeders_count=17,
    )
    page = words(read_page(client, "/utilities/"))
    for said in (
        "Rhode Island Energy",
        "ISO New England",
        "1,449",
        "2,345.7 MW",
        "1,234.6 MW",
        "not simultaneously available",
        "17",
        "3 days ago",
        "published",
        "display only",
    ):
        assert said in page, said


def test_a_utility_never_read_says_so_and_shows_no_zero(client: Client) -> None:
    make_source(make_utility("atlantis"))
    page = words(read_page(client, "/utilities/"))
    assert "Not yet read" in page
    assert "No source has been read yet" in page
    assert "0 MW" not in page
    assert "None" not in page


def test_unknown_sums_are_said_to_be_unknown(client: Client) -> None:
    utility = make_utility(last_ingested_at=timezone.now())
    make_summary(utility, total_feeders=2, constrained_feeders_count=0)
    page = words(read_page(client, "/utilities/"))
    assert page.count("not known") == 3, "hosting, remaining and constrained"


def test_a_known_zero_is_a_number(client: Client) -> None:
    utility = make_utility(last_ingested_at=timezone.now())
    make_summary(utility, total_remaining_capacity_mw=Decimal(0), total_hosting_capacity_mw=Decimal(0))
    assert words(read_page(client, "/utilities/")).count("0.0 MW") == 2


@pytest.mark.parametrize(
    ("last_run", "was_published", "said"),
    [
        ("failed", True, "last read failed, earlier figures stand"),
        ("failed", False, "last read failed"),
        ("held", True, "held for review, earlier figures stand"),
        ("running", False, "being read now"),
        ("completed", True, "published"),
        ("cancelled", False, "not yet read"),
    ],
)
def test_a_source_says_how_it_stands(client: Client, last_run: str, was_published: bool, said: str) -> None:
    source = make_source()
    if was_published:
        publish(source, make_run(source, started_at=datetime(2026, 9, 1, tzinfo=UTC)))
    make_run(source, last_run)
    assert f"> {said}<".replace("> ", ">") in read_page(client, "/utilities/")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"redistribution": "forbidden"}, "its terms forbid reading it"),
        ({"is_enabled": False}, "switched off"),
        ({"status": "unverified"}, "not yet verified"),
        ({"status": "unavailable"}, "not available"),
    ],
)
def test_a_source_without_runs_says_why(client: Client, given: dict[str, Any], said: str) -> None:
    make_source(**given)
    assert said in read_page(client, "/utilities/")


def test_a_source_not_heard_of_for_long_is_stale(client: Client) -> None:
    source = make_source(cadence="daily")
    publish(source, make_run(source))
    assert ">published<" in read_page(client, "/utilities/")
    Source.objects.update(last_checked_at=timezone.now() - timedelta(days=4))
    assert ">stale<" in read_page(client, "/utilities/")


def test_synthetic_utilities_are_badged_and_the_page_has_a_banner(client: Client) -> None:
    make_utility(utility_name="Rhode Island Energy")
    assert "made up for demonstration" not in read_page(client, "/utilities/")
    make_utility(utility_name="Demo Valley", is_synthetic=True)
    page = read_page(client, "/utilities/")
    assert "made up for demonstration" in page
    assert 'Demo Valley</a> <span class="badge synthetic">Synthetic' in page
    assert 'Rhode Island Energy</a> <span class="badge' not in page


def test_the_table_sorts_by_link_with_unknown_last(client: Client) -> None:
    for code, feeders in (("a", 5), ("b", None), ("c", 9)):
        utility = make_utility(code, last_ingested_at=timezone.now())
        if feeders:
            make_summary(utility, total_feeders=feeders)

    def order(query: str) -> list[str]:
        return re.findall(r'<tr id="(\w+)"', read_page(client, f"/utilities/{query}"))

    make_utility("_never_read")
    assert order("") == ["a", "b", "c", "_never_read"], "those with figures first"
    assert order("?sort=utility") == ["_never_read", "a", "b", "c"]
    assert order("?sort=nonsense") == order("")
    Utility.objects.filter(utility_code="_never_read").delete()
    assert order("?sort=-feeders") == ["c", "a", "b"]
    assert order("?sort=feeders") == ["a", "c", "b"]
    assert 'aria-sort="descending"><a href="?sort=feeders"' in read_page(client, "/utilities/?sort=-feeders")


@pytest.mark.parametrize("address", ["/", "/utilities/"])
def test_the_tables_ask_the_database_the_same_few_times_for_any_number_of_utilities(
    client: Client, address: str, django_assert_num_queries: Any
) -> None:
    for number in range(6):
        source = make_source(make_utility(iso=make_iso(), last_ingested_at=timezone.now()))
        make_run(source)
        make_summary(source.utility, total_feeders=number)
    with django_assert_num_queries(2):
        read_page(client, address)


def test_an_unknown_page_is_a_404_in_the_same_look(client: Client) -> None:
    page = read_page(client, "/no/such/page", 404)
    assert "There is no such page" in page
    assert "css/site.css" in page


def test_a_bug_shows_a_page_and_not_its_details(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("hosting.views.home.utilities_with_totals", broken)
    client.raise_request_exception = False
    page = read_page(client, "/", 500)
    assert "Something went wrong on our side" in page
    assert "secret" not in page


def test_home_is_read_only(client: Client) -> None:
    assert client.post("/").status_code == 405


def test_someone_signed_in_can_reach_the_admin_and_sign_out(client: Client) -> None:
    assert "Sign in" in read_page(client)
    client.force_login(make_user())
    page = read_page(client)
    assert 'href="/admin/"' in page
    assert "Sign out" in page


def test_pages_ask_nothing_of_other_hosts_and_hold_no_script_or_style(client: Client) -> None:
    make_source(make_utility(is_synthetic=True))
    for address, status in (("/", 200), ("/utilities/", 200), ("/nowhere", 404)):
        page = read_page(client, address, status)
        assert not re.search(r'(src|href|action)="(https?:)?//', page)
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", page)


def test_the_policy_is_sent_with_every_answer() -> None:
    answer = ContentSecurityPolicy(lambda _request: HttpResponse())(RequestFactory().get("/"))
    assert answer["Content-Security-Policy"] == content_security_policy()
    assert "unsafe" not in content_security_policy()


def test_times_are_told_in_the_utilitys_zone() -> None:
    told = instant(datetime(2026, 7, 1, 14, 30, tzinfo=UTC), "America/New_York")
    assert (told.local, told.exact) == ("2026-07-01 10:30 EDT", "2026-07-01T14:30:00Z")


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=3), "3 min ago"),
        (timedelta(hours=5), "5 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=40), "40 days ago"),
    ],
)
def test_how_long_ago(passed: timedelta, said: str) -> None:
    assert ago(passed) == said


def test_the_map_of_an_empty_portal_says_that_nothing_was_read_and_blames_no_utility(client: Client) -> None:
    words = client.get("/map/").context["map_config"]["words"]
    assert "No source has been read yet" in str(words["nothing_at_all"])
    make_summary(make_published_run().utility, total_feeders=1)
    words = client.get("/map/").context["map_config"]["words"]
    assert "No utility that is shown here" in str(words["nothing_at_all"])
