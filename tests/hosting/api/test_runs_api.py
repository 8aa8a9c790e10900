"""Runs as the API tells of them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from tests.factories import make_run, make_source, make_utility
from tests.hosting.api.asking import get, pages, problem

pytestmark = pytest.mark.django_db

ALL = "/api/v1/hosting-capacity/ingestion-runs"
OF_ALPHA = "/api/v1/utilities/alpha/ingestion-runs"


def test_a_run_has_the_fields_of_the_specification(client: Client) -> None:
    run = make_run(
        make_source(make_utility("alpha"), "feeders"),
        status="failed",
        completed_at=datetime(2026, 10, 1, 12, 5, tzinfo=UTC),
        records_fetched=0,
        error_message="The server does not answer.",
    )
    expected = {
        "id": run.pk,
        "utility_code": "alpha",
        "source": "feeders",
        "started_at": "2026-10-01T12:00:00Z",
        "completed_at": "2026-10-01T12:05:00Z",
        "status": "failed",
        "records_fetched": 0,
        "records_written": None,
        "error_message": "The server does not answer.",
    }
    for address in (ALL, OF_ALPHA):
        assert get(client, address) == {"results": [expected], "next": None}


def test_the_newest_come_first_and_each_once(client: Client, django_assert_num_queries: Any) -> None:
    alpha, beta = make_source(make_utility("alpha")), make_source(make_utility("beta"))
    runs = [make_run(source, status=status) for source in (alpha, beta) for status in ("completed", "held")]
    newest = [run.pk for run in reversed(runs)]
    assert [row["id"] for rows in pages(client, f"{ALL}?limit=3") for row in rows] == newest
    assert [row["id"] for rows in pages(client, f"{OF_ALPHA}?limit=1") for row in rows] == newest[2:]
    assert [row["id"] for row in get(client, f"{ALL}?status=held")["results"]] == newest[::2]
    assert get(client, f"{OF_ALPHA}?status=running")["results"] == []
    with django_assert_num_queries(1):
        get(client, ALL)
    with django_assert_num_queries(2):
        get(client, OF_ALPHA)


def test_a_utility_without_runs_and_an_unknown_one(client: Client) -> None:
    make_utility("alpha")
    assert get(client, OF_ALPHA) == {"results": [], "next": None}
    problem(client, OF_ALPHA.replace("alpha", "atlantis"), 404)


@pytest.mark.parametrize("query", ["status=done", "after=x", "limit=0", "utility=alpha"])
def test_bad_parameters_are_named(client: Client, query: str) -> None:
    said = problem(client, f"{ALL}?{query}", 400)
    assert [error["parameter"] for error in said["errors"]] == [query.partition("=")[0]]
