"""The description of the API: valid, complete, and true of what is answered."""

import copy
import json
from typing import Any

import jsonschema
import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, get_resolver

from hosting.api.openapi import description
from tests.factories import (
    make_feeder,
    make_published_run,
    make_record,
    make_run,
    make_source,
    make_summary,
    make_utility,
)
from tests.hosting.api.asking import GEO_JSON, JSON, get, problem

PATHS = {
    "/" + str(entry.pattern).replace("<slug:", "{").replace(">", "}"): entry.callback
    for entry in get_resolver().url_patterns
    if isinstance(entry, URLPattern) and str(entry.pattern).startswith("api/")
}
PAGES = {"/api/docs"}  # for people


def test_the_description_is_valid_and_made_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json")
    assert json.loads(capsys.readouterr().out)["openapi"] == "3.1.1"


def test_every_address_of_the_api_is_described() -> None:
    assert set(description()["paths"]) == set(PATHS) - PAGES


@pytest.mark.parametrize("path", sorted(set(PATHS) - PAGES))
def test_an_address_says_what_it_takes_what_it_answers_and_how_it_fails(path: str) -> None:
    operation = description()["paths"][path]["get"]
    view: Any = PATHS[path]
    said = (
        {p["name"]: p for p in operation["parameters"] if p["in"] == "query"}
        if "parameters" in operation
        else {}
    )
    assert set(said) == set(view.view_class.parameters_class().fields)
    assert [name for name, parameter in said.items() if not parameter.get("description")] == []
    assert operation["summary"]
    assert operation["tags"]
    versioned = {"304"} if view.view_class.is_versioned else set()
    coded = {"404"} if "{code}" in path else set()
    refused = {"403"} if view.view_class.may_refuse else set()
    assert set(operation["responses"]) == {"200", "400", "405", "406"} | versioned | coded | refused
    for status in set(operation["responses"]) - {"200", "304"}:
        assert list(operation["responses"][status]["content"]) == ["application/problem+json"]


def test_bounds_and_choices_are_those_that_refuse() -> None:
    operation = description()["paths"]["/api/v1/hosting-capacity/nearby"]["get"]
    said = {parameter["name"]: parameter for parameter in operation["parameters"]}
    assert said["lat"]["required"]
    assert (said["lat"]["schema"]["minimum"], said["lat"]["schema"]["maximum"]) == (-90, 90)
    assert said["capacity_type"]["schema"]["enum"] == ["generation", "load", "storage"]
    assert said["capacity_type"]["schema"]["default"] == "generation"
    assert "required" not in said["radius_km"]


def test_every_field_of_every_answer_says_what_it_means() -> None:
    silent = [
        f"{shape}.{name}"
        for shape, described in description()["components"]["schemas"].items()
        for name, field in described["properties"].items()
        if not field.get("description")
    ]
    assert silent == []


def closed(shape: Any) -> Any:
    """The same description, which no field may go beyond."""
    if isinstance(shape, dict):
        made = {key: closed(value) for key, value in shape.items()}
        return made | {"additionalProperties": False} if "properties" in made else made
    return [closed(part) for part in shape] if isinstance(shape, list) else shape


def conforms(path: str, answer: Any, status: str = "200", kind: str = JSON) -> None:
    """Raises where an answer holds what its description does not, or lacks what it promises."""
    document = closed(copy.deepcopy(description()))
    shape = document["paths"][path]["get"]["responses"][status]["content"][kind]["schema"]
    jsonschema.Draft202012Validator(
        {**shape, "components": document["components"]},
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    ).validate(answer)


@pytest.mark.django_db
def test_answers_hold_what_the_description_says_and_nothing_else(client: Client) -> None:
    utility = make_utility("alpha")
    source = make_published_run(make_source(utility, "feeders")).source
    make_run(source, status="failed", error_message="unreachable")
    shown = make_published_run(make_source(utility, "shown", redistribution="display_only")).source
    make_record(make_feeder(source.published_run), remaining_basis="hosting", constraining_metric="thermal")
    make_record(make_feeder(source.published_run), geometry=None, hosting_capacity_mw=None)
    make_record(make_feeder(shown.published_run))
    make_summary(utility, constraint_breakdown={"thermal": 1})
    one = "/api/v1/utilities/{code}"
    for path, query, kind in (
        ("/api/v1/utilities", "", JSON),
        (one, "", JSON),
        (f"{one}/hosting-capacity/summary", "", JSON),
        (f"{one}/hosting-capacity", "?limit=1", JSON),
        (f"{one}/hosting-capacity/geojson", "?limit=10", GEO_JSON),
        (f"{one}/ingestion-runs", "", JSON),
        ("/api/v1/hosting-capacity/ingestion-runs", "", JSON),
        ("/api/v1/hosting-capacity/nearby", "?lat=41.82&lon=-71.42", JSON),
        ("/api/v1/openapi.json", "", JSON),
    ):
        answer = get(client, path.replace("{code}", "alpha") + query, kind)
        assert path.endswith(".json") or answer.get("results") or answer.get("features") or path == one
        conforms(path, answer, kind=kind)
    said = problem(client, "/api/v1/utilities/alpha/hosting-capacity?limit=0&colour=red", 400)
    conforms(f"{one}/hosting-capacity", said, "400", "application/problem+json")


def test_the_closed_description_refuses_what_it_does_not_know() -> None:
    said = {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "No."}
    path = "/api/v1/utilities"
    conforms(path, said, "400", "application/problem+json")
    with pytest.raises(jsonschema.ValidationError):
        conforms(path, said | {"colour": "red"}, "400", "application/problem+json")
    with pytest.raises(jsonschema.ValidationError):
        conforms(path, {"title": "Bad Request"}, "400", "application/problem+json")
