"""What real servers were seen to answer, put to the client again through its own session."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from hcportal.errors import BadAnswer, FetchError, ServiceError
from hcportal.http import Client
from hosting.sources.arcgis import count_rows, fetch, open_layer
from hosting.sources.candidates import candidates
from hosting.sources.discovery import discover
from tests.hosting.sources.faulty import Asked, Faulty, Reply, error, every, first, rows_where
from tests.layers import entry
from tests.reference import reference
from utilities.spec import UtilitySpec
from utilities.spec_access import Discovery

Serve = Callable[[Faulty], Faulty]


def loaded(path: str) -> Any:
    return json.loads(reference(f"arcgis/{path}").read_text())


@pytest.mark.parametrize("number", range(14))
def test_every_refusal_that_was_seen_is_an_error_with_the_servers_words(
    client: Client, serve: Serve, number: int
) -> None:
    seen = loaded("errors/observed_error_bodies.json")
    assert len(seen) == 14, "the list grew: add its newcomers"
    body = seen[number]["body"]
    server = Faulty(10)
    server.faults.append(every("page", lambda *_: Reply(body)))
    said = body.get("error", body)
    with pytest.raises(FetchError) as caught:
        list(fetch(client, open_layer(client, serve(server).url)))
    cause: BaseException | None = caught.value
    while cause is not None and not isinstance(cause, ServiceError):
        cause = cause.__cause__
    assert isinstance(cause, ServiceError), "what the server said is the cause"
    for words in filter(None, [said.get("message"), *(said.get("details") or [])]):
        assert " ".join(words.split()) in str(caught.value)
    if said.get("code") in {400, 403, 404, 499}:
        assert cause.code == said["code"]


@pytest.mark.parametrize("kind", ["layer", "count", "ids"])
def test_a_refusal_at_any_question_is_never_taken_for_an_answer(
    client: Client, serve: Serve, kind: str
) -> None:
    for seen in loaded("errors/observed_error_bodies.json"):
        server = Faulty(10)
        server.statistics = kind != "ids"
        server.faults.append(every(kind, lambda *_, body=seen["body"]: Reply(body)))
        if kind == "ids" and seen["body"].get("error", {}).get("code") in {None, 400, 500}:
            continue  # those ids are read page by page then: tests of the plan
        with pytest.raises(FetchError):
            list(fetch(client, open_layer(client, serve(server).url)))


@pytest.mark.parametrize(
    ("file", "pages"),
    [
        ("fixtures__pagination__metadata_missing_supports_pagination", False),
        ("fixtures__pagination__metadata_supports_pagination_false", False),
        ("fixtures__pagination__query_limit_metadata", True),
    ],
)
def test_layers_with_and_without_pages_are_read_whole(
    client: Client, serve: Serve, file: str, pages: bool
) -> None:
    described = loaded(f"pagination/{file}.json")
    server = Faulty(2_500, max_record_count=described["maxRecordCount"])
    keep = ("geometryType", "fields", "extent")
    server.faults.append(
        every("layer", lambda _, reply: Reply({**described, **{key: reply.content[key] for key in keep}}))
    )
    layer = open_layer(client, serve(server).url)
    assert (layer.name, layer.supports_pagination) == (described["name"], pages)
    assert [n for page in fetch(client, layer) for n in page.object_ids] == list(range(1, 2_501))


def test_pages_that_were_cut_by_the_transfer_limit_lose_nothing(client: Client, serve: Serve) -> None:
    empty = loaded("pagination/fixtures__pagination__query_exceeded_transfer_limit_empty_features.json")
    short = loaded("pagination/fixtures__pagination__query_exceeded_transfer_limit_short_page.json")
    server = Faulty(0)
    names = {"NAME": "Gamma", "MW": None}
    known = [row["attributes"]["OBJECTID"] for row in short["features"]]
    server.rows = [rows_where(number, **names) for number in [*known, 103, 104]]
    for row in short["features"]:
        row["attributes"].setdefault("MW", None)
    server.faults += [first(1, "page", lambda: Reply(empty)), first(2, "page", lambda: Reply(short))]
    pages = list(fetch(client, open_layer(client, serve(server).url)))
    assert [number for page in pages for number in page.object_ids] == [*known, 103, 104]


def recorded(name: str, *, count: int | None = None) -> tuple[Faulty, list[int]]:
    """A recorded server and the ids it named; `count` instead of the one it gave."""
    described, counted, named, page = (
        loaded(f"recorded_servers/{name}__{name}-{part}.json")
        for part in ("metadata", "count-only", "ids-only", "0")
    )
    oid = next(field["name"] for field in described["fields"] if field["type"] == "esriFieldTypeOID")
    told: dict[str, Any] = {"layer": described, "ids": named, "count": counted}
    if count is not None:
        told["count"] = {"count": count}

    def answer(asked: Asked, _reply: Reply) -> Reply:
        if asked.kind != "page" or "where" not in asked.params:
            return Reply(told.get(asked.kind, {"layers": []})) if asked.kind != "stats" else error(400)
        bounds = re.search(r">=(\d+) AND \w+<=(\d+)", asked.params["where"])
        low, high = (int(bounds[1]), int(bounds[2])) if bounds else (1, 0)
        rows = [row for row in page["features"] if low <= int(row["attributes"][oid]) <= high]
        return Reply({**page, "features": rows, "spatialReference": {"wkid": 4326}})

    server = Faulty(1)
    server.faults.append(answer)
    return server, sorted(map(int, named["objectIds"]))


@pytest.mark.parametrize(("name", "count"), [("us-fl-polk", "338,142"), ("us-ca-carson", "30,551")])
def test_a_recorded_list_of_ids_that_is_shorter_than_the_count_is_not_taken_for_all(
    client: Client, serve: Serve, name: str, count: str
) -> None:
    server, _ids = recorded(name)
    layer = open_layer(client, serve(server).url)
    with pytest.raises(FetchError, match=count):
        list(fetch(client, layer))


@pytest.mark.parametrize(("name", "count"), [("us-fl-polk", 10), ("us-esri-test", None)])
def test_recorded_servers_are_read_by_the_ids_that_they_named(
    client: Client, serve: Serve, name: str, count: int | None
) -> None:
    server, ids = recorded(name, count=count)
    pages = list(fetch(client, open_layer(client, serve(server).url)))
    assert [number for page in pages for number in page.object_ids] == ids


def test_atcos_layer_says_what_it_is(client: Client, serve: Serve) -> None:
    described = loaded("services/atco/atco-electric-hosting-capacity-layer-0.esri.json")
    captured = loaded("services/atco/atco_captured_responses.json")
    server = Faulty(0)
    server.faults += [
        every("layer", lambda *_: Reply(described)),
        every("count", lambda *_: Reply(captured[0]["body"])),
    ]
    layer = open_layer(client, serve(server).url)
    assert (layer.name, layer.count) == ("Hosting Capacity (KW)", 880_623)
    assert layer.edited_at == datetime(2025, 10, 31, 19, 35, 39, 179_000, tzinfo=UTC)
    assert {"FEEDER", "PHASE", "DER_CAP_KW", "DATELOADED"} <= {field.name for field in layer.fields}
    assert layer.object_id_field == "OBJECTID"
    assert count_rows(client, layer) == 880_623


@pytest.mark.parametrize(
    "file",
    [
        f"services/sce/sce-drpep-{name}-featureserver.json"
        for name in ("ica-layer", "gna-layer", "distribution-circuits")
    ],
)
def test_sces_services_list_their_layers(client: Client, serve: Serve, file: str) -> None:
    described = loaded(file)
    server = Faulty(3)
    server.faults.append(every("service", lambda *_: Reply(described)))
    found = discover(client, serve(server).url.removesuffix("/0"))
    whole = [entry for entry in described["layers"] + described["tables"] if not entry.get("subLayerIds")]
    assert [layer.url.rpartition("/")[2] for layer in found.layers] == [str(one["id"]) for one in whole]
    if len(whole) > 1:
        with pytest.raises(BadAnswer, match="add the number of a layer"):
            open_layer(client, server.url.removesuffix("/0"))


def test_sces_catalogue_of_services_gives_candidates(client: Client, serve: Serve) -> None:
    listed = loaded("services/sce/sce-drpep-arcgis-services-catalog.json")
    server = Faulty(0)
    server.faults.append(lambda *_: Reply(listed))
    root = serve(server).url.partition("/lines/")[0]
    spec = UtilitySpec.model_validate(entry("scratch", f"{root}/Hosted/ICA_Layer/FeatureServer")).sources[0]
    rule = Discovery(strategy="services", directory=root, like="ICA_*")
    found = candidates(client, spec, rule)
    expected = [one["name"] for one in listed["services"] if one["name"].startswith("Hosted/ICA_")]
    assert expected
    assert {one.url for one in found} == {
        one.get("url") or f"{root}/{one['name']}/{one['type']}"
        for one in listed["services"]
        if one["name"] in expected and one["type"] in {"FeatureServer", "MapServer"}
    }
