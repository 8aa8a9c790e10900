"""What there is to take away: the manifest and the page say the same, and every file they name is one."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import make_feeder, make_published_run, make_record, make_source, make_utility
from tests.hosting.api.asking import body, get
from tests.hosting.views.reading import get as page
from tests.hosting.views.reading import words
from utilities.models import Source

pytestmark = pytest.mark.django_db
FIGURES = {"figures": [{"capacity_type": "generation"}, {"capacity_type": "load", "variant": "strict"}]}


def publish(code: str, quality: Any = None, **given: Any) -> Source:
    source = make_source(
        make_utility(code), "circuits", config_json=FIGURES, attribution="A Utility", **given
    )
    run = make_published_run(source, completed_at=timezone.now(), records_fetched=12, quality=quality)
    make_record(make_feeder(run, "F1"))
    return source


def test_every_file_named_is_served_and_holds_the_rows(client: Client) -> None:
    publish("alpha")
    (entry,) = get(client, "/api/v1/manifest")["results"]
    assert (entry["utility_code"], entry["rows"], entry["redistribution"]) == ("alpha", 12, "allowed")
    assert entry["citation"].startswith("A Utility: Hosting capacity by section, as published 20")
    assert [file["form"] for file in entry["files"]] == ["csv", "geojson", "feeders.csv"] * 2
    for file in entry["files"]:
        answer: Any = client.get(file["url"])
        assert answer.status_code == 200, file
        assert (b"F1" in body(answer)) is ("capacity_type=load" not in file["url"]), file


def test_terms_that_keep_rows_back_name_no_file_and_say_why(client: Client) -> None:
    publish("alpha", redistribution="display_only")
    publish("beta", redistribution="unknown")
    publish("gamma", redistribution="forbidden")
    shown, unknown = get(client, "/api/v1/manifest")["results"]
    assert (shown["files"], "not be passed on" in shown["terms"]) == ([], True)
    assert [file["form"] for file in unknown["files"]] == ["json", "json"]
    for file in unknown["files"]:
        assert client.get(file["url"]).status_code == 200
    said = words(page(client, "/data/"))
    assert "not be passed on as rows or files" in said
    assert "Gamma" not in said


def test_the_page_has_the_same_files_and_the_version_changes_with_a_publication(client: Client) -> None:
    source = publish("alpha")
    html = page(client, "/data/")
    for file in get(client, "/api/v1/manifest")["results"][0]["files"]:
        assert file["url"].removeprefix("http://testserver").replace("&", "&amp;") in html
    assert 'href="/data/" aria-current="page"' in html
    assert "generation: csv · geojson · feeders.csv load strict: csv · geojson · feeders.csv" in words(html)
    etag = client.get("/api/v1/manifest")["ETag"]
    assert client.get("/api/v1/manifest", headers={"if-none-match": etag}).status_code == 304
    make_published_run(source)
    assert client.get("/api/v1/manifest", headers={"if-none-match": etag}).status_code == 200


def test_the_page_has_each_utilitys_score_and_leads_to_where_it_is_explained(client: Client) -> None:
    source = publish("alpha", quality={"score": 80.4, "parts": {}})
    make_published_run(
        make_source(source.utility, "other", config_json=FIGURES), quality={"score": 90, "parts": {}}
    )
    publish("beta")
    publish("gamma", quality={"score": 12, "parts": {}}, redistribution="forbidden")
    html = page(client, "/data/")
    assert html.count('<a href="/quality/#utility-alpha">85<') == 2, "the mean of both, with each"
    assert html.count("not judged") == 1
    assert "utility-gamma" not in html
    assert '<tr id="utility-alpha">' in page(client, "/quality/")
    assert 'id="utility-beta"' not in page(client, "/quality/")


def test_an_empty_portal_says_what_to_run(client: Client) -> None:
    assert get(client, "/api/v1/manifest") == {"results": []}
    assert "Nothing is published yet" in words(page(client, "/data/"))


def test_both_ask_the_database_the_same_few_times_however_many_sources(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        publish(f"u{number}")
    with django_assert_max_num_queries(3):
        client.get("/api/v1/manifest")
    with django_assert_max_num_queries(3):
        client.get("/data/")
