"""The utilities endpoints, their parameters, paging and errors."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from hosting.models import HostingCapacitySummary
from tests.factories import make_iso, make_run, make_source, make_summary, make_utility
from tests.hosting.api.asking import get, problem

pytestmark = pytest.mark.django_db

LIST = "/api/v1/utilities"


def test_an_empty_portal_answers_an_empty_list(client: Client) -> None:
    assert get(client, LIST) == {"results": [], "next": None}


def test_a_utility_has_the_fields_of_the_specification_and_says_if_it_is_synthetic(client: Client) -> None:
    utility = make_utility(
        "ri_energy",
        utility_name="Rhode Island Energy",
        parent_company="PPL",
        iso=make_iso(),
        last_ingested_at=datetime(2026, 10, 1, 12, tzinfo=UTC),
    )
    make_summary(utility, total_feeders=449, total_remaining_capacity_mw=Decimal("1234.56700"))
    expected = {
        "utility_code": "ri_energy",
        "utility_name": "Rhode Island Energy",
        "synthetic": False,
        "parent_company": "PPL",
        "iso_code": "isone",
        "states": ["RI"],
        "data_source_type": "arcgis_feature",
        "last_ingested_at": "2026-10-01T12:00:00Z",
        "total_feeders": 449,
        "total_remaining_capacity_mw": 1234.567,
    }
    assert get(client, f"{LIST}/ri_energy") == expected
    assert get(client, LIST) == {"results": [expected], "next": None}


def test_all_utilities_come_in_one_file(client: Client) -> None:
    for number in range(101):  # more than a page
        make_utility(f"u{number:03}", utility_name="Ünity, Inc.", states=["MA", "RI"])
    evil = make_utility("z", utility_name="=1+1", is_synthetic=True)
    make_summary(evil, total_feeders=3, total_remaining_capacity_mw=Decimal("1.50000"))
    answer: Any = client.get(f"{LIST}?format=csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["utility_code"] for row in rows] == [*(f"u{number:03}" for number in range(101)), "z"]
    assert (rows[0]["utility_name"], rows[0]["states"]) == ("Ünity, Inc.", "MA RI")
    assert (rows[0]["synthetic"], rows[0]["total_feeders"]) == ("false", "")
    assert (rows[-1]["utility_name"], rows[-1]["synthetic"]) == ("'=1+1", "true")
    assert float(rows[-1]["total_remaining_capacity_mw"]) == 1.5
    assert list(rows[0]) == list(get(client, f"{LIST}?limit=1")["results"][0])
    assert client.get(f"{LIST}?format=csv&limit=2&after=u099").content.count(b"\n") == 3
    again = client.get(f"{LIST}?format=csv", headers={"if-none-match": answer["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "address",
    [
        LIST,
        f"{LIST}?format=csv",
        f"{LIST}/alpha",
        f"{LIST}/alpha/ingestion-runs",
        "/api/v1/hosting-capacity/ingestion-runs",
    ],
)
def test_an_answer_that_is_held_already_is_not_sent_again(client: Client, address: str) -> None:
    source = make_source(make_utility("alpha"))
    first = client.get(address)
    held = client.get(address, headers={"if-none-match": first["ETag"]})
    assert (held.status_code, held.content, held["ETag"]) == (304, b"", first["ETag"])
    make_summary(source.utility, total_feeders=7)
    make_run(source)
    again = client.get(address, headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again["Cache-Control"]) == (200, "no-cache")
    assert again["ETag"] != first["ETag"]


def test_totals_are_null_where_nothing_is_known(client: Client) -> None:
    make_utility("never_read", is_synthetic=True)
    read = make_utility("read")
    make_summary(read, total_feeders=3, total_remaining_capacity_mw=None)
    never_read, read_row = get(client, LIST)["results"]
    assert never_read["synthetic"] is True
    assert never_read["iso_code"] is None
    assert never_read["total_feeders"] is None
    assert never_read["total_remaining_capacity_mw"] is None
    assert read_row["total_feeders"] == 3
    assert read_row["total_remaining_capacity_mw"] is None


def test_totals_are_those_of_generation_and_the_default_variant(client: Client) -> None:
    utility = make_utility("pepco")
    make_summary(utility, variant="max", total_feeders=9, total_remaining_capacity_mw=Decimal(900))
    make_summary(utility, capacity_type="load", total_feeders=7, total_remaining_capacity_mw=Decimal(700))
    row = get(client, f"{LIST}/pepco")
    assert (row["total_feeders"], row["total_remaining_capacity_mw"]) == (None, None)
    make_summary(utility, total_feeders=5, total_remaining_capacity_mw=Decimal(0))
    row = get(client, f"{LIST}/pepco")
    assert (row["total_feeders"], row["total_remaining_capacity_mw"]) == (5, 0)
    assert len(get(client, LIST)["results"]) == 1, "a summary must not repeat its utility"


def test_megawatts_leave_as_exact_json_numbers(client: Client) -> None:
    utility = make_utility("exact")
    make_summary(utility, total_remaining_capacity_mw=Decimal("0.10001"))
    assert b'"total_remaining_capacity_mw":0.10001' in client.get(f"{LIST}/exact").content
    HostingCapacitySummary.objects.update(total_remaining_capacity_mw=Decimal("98765.43210"))
    assert b'"total_remaining_capacity_mw":98765.4321}' in client.get(f"{LIST}/exact").content


def test_paging_to_the_end_meets_every_utility_once(client: Client) -> None:
    codes = sorted(make_utility(f"u{number:02}").utility_code for number in range(7))
    seen: list[str] = []
    address: str | None = f"{LIST}?limit=3"
    pages = 0
    while address:
        answer = get(client, address)
        assert len(answer["results"]) <= 3
        seen += [row["utility_code"] for row in answer["results"]]
        address = answer["next"]
        pages += 1
    assert seen == codes
    assert pages == 3


def test_the_last_full_page_has_no_next(client: Client) -> None:
    for number in range(4):
        make_utility(f"u{number}")
    assert get(client, f"{LIST}?limit=2&after=u1")["next"] is None


def test_a_utility_that_comes_between_two_pages_repeats_none(client: Client) -> None:
    for code in ("b", "c", "d"):
        make_utility(code)
    first = get(client, f"{LIST}?limit=2")
    make_utility("a")
    assert [row["utility_code"] for row in get(client, first["next"])["results"]] == ["d"]


def test_a_list_is_one_query(client: Client, django_assert_num_queries: Any) -> None:
    for number in range(5):
        make_summary(make_utility(f"u{number}", iso=make_iso()))
    with django_assert_num_queries(1):
        assert len(get(client, LIST)["results"]) == 5
    with django_assert_num_queries(1):
        get(client, f"{LIST}/u1")
    with django_assert_num_queries(2):
        get(client, f"{LIST}/u1/hosting-capacity/summary")


def test_summaries_come_one_for_each_capacity_type_and_variant(client: Client) -> None:
    utility = make_utility("pepco", utility_name="Pepco", is_synthetic=True)
    make_summary(
        utility,
        total_feeders=2,
        total_hosting_capacity_mw=Decimal("7.50000"),
        total_installed_dg_mw=Decimal("1.20000"),
        total_remaining_capacity_mw=None,
        avg_utilization_pct=Decimal("16.000"),
        constrained_feeders_count=1,
        constraint_breakdown={"thermal": 2},
    )
    make_summary(utility, variant="strict")
    make_summary(utility, capacity_type="load")
    answer = get(client, f"{LIST}/pepco/hosting-capacity/summary")
    assert "not simultaneously available" in answer["note"]
    assert answer["next"] is None
    assert [(row["capacity_type"], row["variant"]) for row in answer["results"]] == [
        ("generation", "default"),
        ("generation", "strict"),
        ("load", "default"),
    ]
    assert all(row["synthetic"] is True for row in answer["results"])
    assert answer["results"][0] == {
        "utility_code": "pepco",
        "utility_name": "Pepco",
        "synthetic": True,
        "capacity_type": "generation",
        "variant": "default",
        "total_feeders": 2,
        "total_hosting_capacity_mw": 7.5,
        "total_installed_dg_mw": 1.2,
        "total_remaining_capacity_mw": None,
        "avg_utilization_pct": 16.0,
        "constrained_feeders_count": 1,
        "constraint_breakdown": {"thermal": 2},
        "computed_at": "2026-10-01T12:00:00Z",
    }


def test_a_utility_never_read_has_no_summaries(client: Client) -> None:
    make_utility("never_read")
    assert get(client, f"{LIST}/never_read/hosting-capacity/summary")["results"] == []


@pytest.mark.parametrize("rest", ["", "/hosting-capacity/summary"])
def test_an_unknown_utility_is_a_404_that_names_it(client: Client, rest: str) -> None:
    assert "'atlantis'" in problem(client, f"{LIST}/atlantis{rest}", 404)["detail"]


@pytest.mark.parametrize("address", ["/api", "/api/", "/api/v1", "/api/v1/utilities/", "/api/v2/utilities"])
def test_an_unknown_address_is_a_404_and_never_a_redirect(client: Client, address: str) -> None:
    assert address in problem(client, address, 404)["detail"]


@pytest.mark.parametrize(
    "query", ["color=red", "format=xml", "limit=2&limti=3", "Limit=2", "after=a&after=b", "=1"]
)
def test_unknown_and_repeated_parameters_are_refused(client: Client, query: str) -> None:
    problem(client, f"{LIST}?{query}", 400)


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=-1", "limit=ten", "limit=", "after=%00"])
def test_values_out_of_range_are_refused_with_the_parameters_name(client: Client, query: str) -> None:
    said = problem(client, f"{LIST}?{query}", 400)
    assert [error["parameter"] for error in said["errors"]] == [query.partition("=")[0]]


def test_every_wrong_parameter_is_named_at_once(client: Client) -> None:
    said = problem(client, f"{LIST}?limit=0&colour=red", 400)
    assert {error["parameter"] for error in said["errors"]} == {"limit", "colour"}
    assert "limit, after, format" in said["detail"]


def test_an_endpoint_without_parameters_refuses_all(client: Client) -> None:
    make_utility("ri_energy")
    assert "takes none" in problem(client, f"{LIST}/ri_energy?limit=3", 400)["detail"]
    sums = f"{LIST}/ri_energy/hosting-capacity/summary"
    assert "takes as_of" in problem(client, f"{sums}?limit=3", 400)["detail"]


def test_a_method_that_is_not_allowed_is_a_problem_too(client: Client) -> None:
    problem(client, LIST, 405, method="post")


def test_a_format_that_is_not_served_is_a_problem_too(client: Client) -> None:
    answer = client.get(LIST, headers={"accept": "application/xml"})
    assert (answer.status_code, answer["Content-Type"]) == (406, "application/problem+json")


def test_a_bug_is_a_problem_without_its_details(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("hosting.api.utilities.utilities_with_totals", broken)
    client.raise_request_exception = False
    said = problem(client, LIST, 500)
    assert "secret" not in str(said)
