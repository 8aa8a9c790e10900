"""/api/docs: the description of the API as people read it."""

import re
from html import unescape

import pytest
from django.test import Client

from hosting.api.openapi import description
from tests.factories import make_feeder, make_published_run, make_record, make_source, make_utility
from tests.hosting.api.asking import body
from tests.hosting.test_pages import read_page, words

pytestmark = pytest.mark.django_db
PAGE = "/api/docs"


def examples(page: str) -> list[str]:
    """The addresses that the page asks its reader to open."""
    return [unescape(found) for found in re.findall(r'class="open" href="([^"]*)"', page)]


def test_every_address_parameter_and_field_stands_on_the_page(client: Client) -> None:
    page = words(read_page(client, PAGE))
    document = description()
    for path, operations in document["paths"].items():
        assert f"GET {path}" in page
        for parameter in operations["get"].get("parameters", []):
            assert parameter["in"] == "path" or parameter["name"] in page
    for name, shape in document["components"]["schemas"].items():
        assert name in page
        assert [field for field in shape["properties"] if field not in page] == []


def test_bounds_choices_and_defaults_stand_beside_a_parameter(client: Client) -> None:
    page = words(read_page(client, PAGE))
    assert "whole number, 1 to 1,000" in page
    assert "generation load storage" in page
    assert "generation where it is not given" in page
    assert "at_least At least: the study stopped at this value" in page
    assert "number, −180 to 180" in page


def test_what_it_asks_to_open_has_an_answer(client: Client) -> None:
    make_record(make_feeder(make_published_run(make_source(make_utility("alpha")))))
    found = examples(read_page(client, PAGE))
    assert len(found) == len(description()["paths"])
    assert "/api/v1/utilities/alpha/hosting-capacity?min_remaining_mw=2&limit=10" in found
    for address in found:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert body(answer)


def test_it_asks_for_no_rows_of_a_source_that_may_not_leave(client: Client) -> None:
    shown = make_source(make_utility("alpha"), redistribution="display_only")
    make_record(make_feeder(make_published_run(shown)))
    found = examples(read_page(client, PAGE))
    assert found
    assert [address for address in found if "alpha" in address] == []


def test_nothing_on_it_needs_another_policy_or_another_host(client: Client) -> None:
    page = read_page(client, PAGE)
    assert re.findall(r"<script(?![^>]*\bsrc=\"/)", page) == []
    assert " style=" not in page
    assert re.findall(r'(?:src|href)="(?!/|#)[^"]*"', page) == []
