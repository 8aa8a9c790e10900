"""A fetch brings exactly the layer's object ids, or fails with a message that names the cause."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import shapely

from hcportal.errors import (
    BadAnswer,
    FetchError,
    IncompleteFetch,
    MissingField,
    ServiceError,
    SourceChanged,
    Unreachable,
)
from hcportal.http import Client, token_from_environment
from hosting.sources.arcgis import Page, PageSize, fetch, open_layer
from hosting.sources.discovery import discover
from tests.hosting.sources.faulty import (
    Asked,
    Faulty,
    Reply,
    error,
    every,
    first,
    rows_where,
    web_page,
)

Serve = Callable[[Faulty], Faulty]


def read(client: Client, server: Faulty, **options: Any) -> list[Page]:
    return list(fetch(client, open_layer(client, server.url), **options))


def ids(pages: list[Page]) -> list[int]:
    return [number for page in pages for number in page.object_ids]


def whole(server: Faulty) -> list[int]:
    return sorted(row["attributes"][server.oid] for row in server.rows)


def test_a_layer_comes_whole_in_order_of_its_object_ids(client: Client, serve: Serve) -> None:
    server = serve(Faulty(2_500))
    heard: list[tuple[int, int]] = []
    pages = read(client, server, progress=lambda done, total: heard.append((done, total)))
    assert ids(pages) == whole(server)
    assert [len(page.object_ids) for page in pages] == [1_000, 1_000, 500]
    assert heard == [(0, 2_500), (1_000, 2_500), (2_000, 2_500), (2_500, 2_500)]


def test_every_scalar_is_text_and_null_stays_null(client: Client, serve: Serve) -> None:
    server = serve(Faulty(0))
    server.rows = [
        rows_where(1, NAME=None, MW=12345678.0),
        rows_where(2, NAME=True, MW=1e-7),
        rows_where(3, MW=0),
    ]
    (page,) = read(client, server)
    assert page.attributes == [
        '{"OBJECTID":"1","NAME":null,"MW":"12345678.0"}',
        '{"OBJECTID":"2","NAME":"true","MW":"1e-7"}',
        '{"OBJECTID":"3","NAME":"section 3","MW":"0"}',
    ]


def test_a_page_keeps_its_body_and_its_places(client: Client, serve: Serve) -> None:
    server = serve(Faulty(3))
    (page,) = read(client, server)
    assert len(orjson.loads(page.raw)["features"]) == 3
    assert [shapely.from_wkb(wkb) for wkb in page.wkb] == [
        shapely.LineString(row["geometry"]["paths"][0]) for row in server.rows
    ]


def test_each_request_names_order_columns_and_reference_system(client: Client, serve: Serve) -> None:
    server = serve(Faulty(10))
    read(client, server, fields=["MW"])
    (asked,) = server.asked("page")
    assert asked.params["outFields"] == "OBJECTID,MW"
    assert asked.params["orderByFields"] == "OBJECTID ASC"
    assert (asked.params["outSR"], asked.params["returnTrueCurves"]) == ("4326", "false")


def test_a_filter_holds_for_the_plan_and_for_the_pages(client: Client, serve: Serve) -> None:
    server = serve(Faulty(2_500))
    assert ids(read(client, server, where="OBJECTID>2100")) == list(range(2_101, 2_501))


def test_a_dry_run_brings_the_first_rows_only(client: Client, serve: Serve) -> None:
    server = serve(Faulty(2_500))
    assert ids(read(client, server, limit=30)) == list(range(1, 31))
    assert len(server.asked("page")) == 1


def test_rows_without_geometry_are_asked_for_without_it(client: Client, serve: Serve) -> None:
    server = serve(Faulty(5))
    (page,) = read(client, server, geometry=False)
    assert page.wkb == [None] * 5
    assert server.asked("page")[0].params["returnGeometry"] == "false"


def test_an_empty_layer_has_no_pages(client: Client, serve: Serve) -> None:
    assert read(client, serve(Faulty(0))) == []


def test_the_layer_says_what_it_is(client: Client, serve: Serve) -> None:
    server = Faulty(7, max_record_count=500)
    server.edited = 1_761_939_339_179
    layer = open_layer(client, serve(server).url)
    assert (layer.name, layer.count, layer.max_record_count, layer.wkid) == ("lines", 7, 500, 3857)
    assert layer.edited_at == datetime(2025, 10, 31, 19, 35, 39, 179_000, tzinfo=UTC)
    assert layer.object_id_field == "OBJECTID"
    assert orjson.loads(layer.description)["fields"] == server.fields
    assert open_layer(client, server.url.removesuffix("/0")) == layer


# --- Servers that give less, more or other than they say ----------------------------------------------------


@pytest.mark.parametrize("flag", [True, False])
def test_a_server_that_gives_less_than_it_advertises(client: Client, serve: Serve, flag: bool) -> None:
    server = Faulty(4_100, max_record_count=2_000)
    server.gives, server.flag = 500, flag
    pages = read(client, serve(server))
    assert ids(pages) == whole(server)
    # It is asked for 500 from then on.
    assert len(server.asked("page")) <= 10


def test_a_small_advertised_page_is_kept_to(client: Client, serve: Serve) -> None:
    server = serve(Faulty(900, max_record_count=250))
    assert ids(read(client, server)) == whole(server)
    assert len(server.asked("page")) == 4


def test_order_is_asked_for_where_a_server_has_none_of_its_own(client: Client, serve: Serve) -> None:
    server = Faulty(3_000)
    server.keeps_order = False
    assert ids(read(client, serve(server))) == whole(server)


def test_an_empty_page_with_the_transfer_limit_flag_is_asked_for_again(client: Client, serve: Serve) -> None:
    server = serve(Faulty(2_000))
    server.faults.append(first(2, "page", lambda: Reply({"features": [], "exceededTransferLimit": True})))
    assert ids(read(client, server)) == whole(server)


def test_a_server_without_pages_is_read_by_ids(client: Client, serve: Serve) -> None:
    server = Faulty(2_500)
    server.pagination = False
    assert ids(read(client, serve(server))) == whole(server)
    assert not any("resultOffset" in asked.params for asked in server.log)


def test_rows_dropped_in_silence_are_fetched_by_their_ids(client: Client, serve: Serve) -> None:
    server = serve(Faulty(3_000))

    def drop(asked: Asked, reply: Reply) -> Reply | None:
        if "objectIds" not in asked.params:
            reply.content["features"] = [
                row for row in reply.content["features"] if row["attributes"]["OBJECTID"] % 27
            ]
        return reply

    server.faults.append(every("page", drop))
    pages = read(client, server)
    assert ids(pages) == whole(server)
    # The bodies of all requests that the page was made of.
    assert [len(body["features"]) for body in orjson.loads(pages[0].raw)] == [963, 37]


def test_rows_that_are_never_given_fail_the_fetch_by_name(client: Client, serve: Serve) -> None:
    server = serve(Faulty(1_500))

    def drop(asked: Asked, reply: Reply) -> Reply | None:
        features = reply.content["features"]
        reply.content["features"] = [
            row for row in features if row["attributes"]["OBJECTID"] not in {7, 1_203}
        ]
        return reply

    server.faults.append(every("page", drop))
    with pytest.raises(IncompleteFetch, match=r"lists rows and does not give them; OBJECTID 7\. Nothing"):
        read(client, server)


def test_rows_sent_twice_or_unasked_are_taken_once(client: Client, serve: Serve) -> None:
    server = serve(Faulty(1_500))

    def repeat(asked: Asked, reply: Reply) -> Reply | None:
        reply.content["features"] += [*reply.content["features"][:5], rows_where(999_999)]
        return reply

    server.faults.append(every("page", repeat))
    assert ids(read(client, server)) == whole(server)


def test_a_count_above_the_ids_fails_the_fetch(client: Client, serve: Serve) -> None:
    server = serve(Faulty(100))
    server.rows.append(rows_where(100))
    with pytest.raises(IncompleteFetch, match="counts 101 rows and names 100 different object ids"):
        read(client, server)


def test_a_count_that_is_too_low_loses_nothing(client: Client, serve: Serve) -> None:
    server = Faulty(1_500)
    server.edited = 1_700_000_000_000
    server.faults.append(every("count", lambda *_: Reply({"count": 0})))
    assert ids(read(client, serve(server))) == whole(server)


def test_a_text_that_is_declared_unique_is_no_object_id(client: Client, serve: Serve) -> None:
    server = Faulty(30)
    serve(server)
    server.faults.append(
        every(
            "layer",
            lambda _, reply: Reply({**reply.content, "objectIdField": "", "uniqueIdField": {"name": "NAME"}}),
        )
    )
    assert open_layer(client, server.url).object_id_field == "OBJECTID"


# --- Servers that stumble -----------------------------------------------------------------------------------

STUMBLES: dict[str, Callable[[], Reply]] = {
    "an error object in HTTP 200": lambda: error(500, None),
    "an error without a code": lambda: Reply({"error": {"message": "", "details": ["try harder"]}}),
    "the billing's way to say no": lambda: Reply({"code": 200, "message": None, "status": "failure"}),
    "HTTP 500": lambda: Reply({}, status=500, body=b"oops"),
    "HTTP 500 with an error object": lambda: Reply({"error": {"code": 500}}, status=500),
    "HTTP 503": lambda: Reply({}, status=503),
    "HTTP 504 as a web page": lambda: Reply(body=b"<html>", status=504),
    "a web page in HTTP 200": web_page,
    "an empty body": lambda: Reply(body=b""),
    "half of the JSON": lambda: Reply(body=b'{"features": [{"attri'),
    "a connection that ends in mid-body": lambda: Reply({"features": ["x" * 9_000]}, cut=4_000),
    "a connection that ends at once": lambda: Reply({"features": []}, cut=0),
    "HTTP 429 with Retry-After": lambda: Reply({}, status=429, headers={"Retry-After": "0"}),
    "429 in HTTP 200 with words": lambda: error(429, "Too many requests, retry after 0.01 sec."),
}


@pytest.mark.parametrize("stumble", STUMBLES)
def test_one_stumble_of_each_kind_of_request_is_survived(client: Client, serve: Serve, stumble: str) -> None:
    server = serve(Faulty(1_500))
    server.faults.append(first(1, None, STUMBLES[stumble]))
    assert ids(read(client, server)) == whole(server)


def test_three_429_in_a_row_are_waited_out_metadata_included(client: Client, serve: Serve) -> None:
    server = serve(Faulty(1_500))
    server.faults.append(first(3, None, lambda: Reply({}, status=429, headers={"Retry-After": "0"})))
    assert ids(read(client, server)) == whole(server)
    assert max(asked.at_once for asked in server.asked("page")) == 1  # halved, and halved again


def test_an_error_after_two_429_is_still_tried_once_more(client: Client, serve: Serve) -> None:
    server = serve(Faulty(10))
    server.faults.append(first(3, "count", lambda: error(500)))
    server.faults.append(first(2, "count", lambda: Reply({}, status=429)))
    assert ids(read(client, server)) == whole(server)


def test_retry_after_is_honoured(client: Client, serve: Serve) -> None:
    server = serve(Faulty(10))
    server.faults.append(first(1, "count", lambda: Reply({}, status=429, headers={"Retry-After": "1"})))
    read(client, server)
    refused, again, *_ = server.asked("count")
    assert again.began - refused.began >= 1


def test_a_server_that_wants_us_to_wait_for_an_hour_is_left_alone(client: Client, serve: Serve) -> None:
    server = serve(Faulty(10))
    server.faults.append(first(9, "layer", lambda: Reply({}, status=503, headers={"Retry-After": "3600"})))
    with pytest.raises(Unreachable, match="HTTP 503"):
        open_layer(client, server.url)
    assert len(server.asked("layer")) == 1


def test_pages_that_are_too_large_for_the_server_are_halved_until_they_pass(
    client: Client, serve: Serve
) -> None:
    server = serve(Faulty(3_000))
    server.faults.append(
        every("page", lambda asked, reply: error(500) if len(reply.content["features"]) > 300 else None)
    )
    size = PageSize(1_000)
    assert ids(read(client, server, page_size=size)) == whole(server)
    assert size.rows == 250  # what the next fetch of this layer may begin with
    assert len(server.asked("page")) < 30


def test_a_web_page_for_every_large_answer_is_eased_by_smaller_ones(client: Client, serve: Serve) -> None:
    server = serve(Faulty(1_000))
    server.faults.append(
        every("page", lambda asked, reply: web_page() if len(reply.content["features"]) > 600 else None)
    )
    assert ids(read(client, server)) == whole(server)


def test_answers_beyond_the_size_limit_are_eased_by_smaller_ones(serve: Serve) -> None:
    server = serve(Faulty(1_000))
    with Client(allow_loopback=True, backoff=0.01, max_bytes=60_000) as client:
        assert ids(read(client, server)) == whole(server)


def bad_row(number: int) -> Callable[[Asked, Reply], Reply | None]:
    def fault(asked: Asked, reply: Reply) -> Reply | None:
        found = {row["attributes"]["OBJECTID"] for row in reply.content["features"]}
        return error(500, "Error performing query operation") if number in found else None

    return fault


def test_a_row_that_cannot_be_read_is_found_and_named(client: Client, serve: Serve) -> None:
    server = serve(Faulty(2_000))
    server.faults.append(every("page", bad_row(1_234)))
    with pytest.raises(
        IncompleteFetch, match=r"a row that cannot be read, OBJECTID 1234: .* query operation"
    ):
        read(client, server)


def test_the_loss_of_a_row_can_be_accepted_by_name(client: Client, serve: Serve) -> None:
    server = serve(Faulty(2_000))
    server.faults.append(every("page", bad_row(1_234)))
    rows = ids(read(client, server, unreadable={1_234}))
    assert rows == [number for number in whole(server) if number != 1_234]


def test_a_server_that_fails_altogether_is_not_blamed_on_a_row(client: Client, serve: Serve) -> None:
    server = serve(Faulty(2_000))

    def break_down(asked: Asked, reply: Reply) -> Reply | None:
        return error(500, "down") if len(server.log) > 5 else None

    server.faults.append(break_down)
    with pytest.raises(ServiceError, match="error 500: down"):
        read(client, server)


# --- Servers that refuse ------------------------------------------------------------------------------------


def test_a_wrong_filter_is_not_asked_twice(client: Client, serve: Serve) -> None:
    server = serve(Faulty(10))
    layer = open_layer(client, server.url)
    server.faults.append(
        every(
            "count", lambda *_: error(400, "Cannot perform query.", details=["'where' parameter is invalid"])
        )
    )
    with pytest.raises(
        ServiceError, match=r"error 400: Cannot perform query.; 'where' parameter is invalid"
    ) as e:
        list(fetch(client, layer, where="NOPE"))
    assert e.value.code == 400
    assert len(server.asked("count")) == 2  # one to open the layer, one now


def test_a_forbidden_layer_names_the_likely_causes(client: Client, serve: Serve) -> None:
    server = serve(Faulty(10))
    server.faults.append(
        every("layer", lambda *_: Reply({"error": {"code": 403, "messageCode": "GWM_0003"}}))
    )
    with pytest.raises(ServiceError, match="firewall, a missing Referer, or a layer for members"):
        open_layer(client, server.url)
    assert len(server.asked("layer")) == 1


def test_an_expired_token_is_renewed_once(client: Client, serve: Serve) -> None:
    server = serve(Faulty(10))
    given: list[bool] = []

    def token(renew: bool) -> str:
        given.append(renew)
        return "fresh" if any(given) else "stale"

    server.faults.append(
        lambda asked, reply: error(498, "Invalid token.") if asked.params.get("token") != "fresh" else None
    )
    client.know("127.0.0.1", token=token)
    assert ids(read(client, server)) == whole(server)
    assert given.count(True) == 1
    assert {asked.method for asked in server.log} == {"POST"}
    assert not any("token" in asked.path for asked in server.log)


def test_a_token_that_stays_refused_fails(
    client: Client, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(Faulty(10))
    server.faults.append(lambda *_: error(499, "Token Required"))
    with pytest.raises(ServiceError, match="it wants a token"):
        open_layer(client, server.url)
    monkeypatch.setenv("A_TOKEN", "s3cret")
    client.know("127.0.0.1", token=token_from_environment("A_TOKEN"))
    with pytest.raises(ServiceError, match="error 499") as caught:
        open_layer(client, server.url)
    assert "s3cret" not in str(caught.value)


# --- Layers that are edited, odd or not what they were ------------------------------------------------------


def edit_after_pages(server: Faulty, pages: int, change: Callable[[], object]) -> None:
    def fault(asked: Asked, reply: Reply) -> Reply | None:
        if asked.kind == "page" and len(server.asked("page")) == pages:
            change()
        return None

    server.faults.append(fault)


def test_rows_added_meanwhile_are_read_as_well(client: Client, serve: Serve) -> None:
    server = serve(Faulty(2_500))
    edit_after_pages(server, 2, lambda: server.rows.append(rows_where(2_501)))
    assert ids(read(client, server)) == list(range(1, 2_502))


def test_an_edited_layer_is_read_once_more(client: Client, serve: Serve) -> None:
    server = Faulty(2_500)
    server.edited = 1_700_000_000_000
    serve(server)

    def change() -> None:
        server.edited = 1_700_000_100_000
        server.rows[0]["attributes"]["NAME"] = "renamed"
        server.rows.append(rows_where(2_501))

    edit_after_pages(server, 3, change)
    kept: list[Page] = []
    for page in fetch(client, open_layer(client, server.url), on_restart=kept.clear):
        kept.append(page)
    assert ids(kept) == list(range(1, 2_502))
    assert '"renamed"' in kept[0].attributes[0]


def test_an_edited_layer_fails_where_pages_cannot_be_taken_back(client: Client, serve: Serve) -> None:
    server = Faulty(2_500)
    server.edited = 1_700_000_000_000
    serve(server)
    edit_after_pages(server, 3, lambda: setattr(server, "edited", 1_700_000_100_000))
    with pytest.raises(SourceChanged, match="was edited while it was read"):
        read(client, server)


def test_a_layer_that_is_edited_all_the_time_fails(client: Client, serve: Serve) -> None:
    server = Faulty(2_500)
    server.edited = 1_700_000_000_000
    serve(server)

    def fault(asked: Asked, reply: Reply) -> Reply | None:
        server.edited = (server.edited or 0) + 1
        return None

    server.faults.append(fault)
    with pytest.raises(SourceChanged, match="twice"):
        read(client, server, on_restart=lambda: None)


def test_rows_removed_meanwhile_are_a_change_and_not_a_loss(client: Client, serve: Serve) -> None:
    server = serve(Faulty(2_500))
    edit_after_pages(server, 1, server.rows.pop)
    kept: list[Page] = []
    for page in fetch(client, open_layer(client, server.url), on_restart=kept.clear):
        kept.append(page)
    assert ids(kept) == list(range(1, 2_500))


def test_the_object_id_is_the_declared_field_and_not_one_that_is_called_so(
    client: Client, serve: Serve
) -> None:
    server = Faulty(0, oid="FID")
    server.rows = [rows_where(5, FID=number) for number in range(1, 1_501)]
    server.fields = [
        {"name": "FID", "alias": "Id", "type": "esriFieldTypeOID"},
        {"name": "OBJECTID", "alias": "Id", "type": "esriFieldTypeInteger"},
    ]
    pages = read(client, serve(server))
    assert ids(pages) == list(range(1, 1_501))
    assert pages[0].attributes[0] == '{"FID":"1","OBJECTID":"5"}'  # two fields with one alias


def test_object_ids_may_come_as_floats(client: Client, serve: Serve) -> None:
    server = serve(Faulty(1_500))
    for row in server.rows:
        row["attributes"]["OBJECTID"] = float(row["attributes"]["OBJECTID"])
    assert ids(read(client, server)) == list(range(1, 1_501))


@pytest.mark.parametrize("statistics", [True, False])
def test_ids_that_do_not_come_all_at_once_are_asked_for_in_parts(
    client: Client, serve: Serve, statistics: bool
) -> None:
    server = Faulty(6_000, max_record_count=1_500)
    server.statistics = statistics

    def too_many(asked: Asked, reply: Reply) -> Reply | None:
        return error(500, "timeout") if len(reply.content["objectIds"]) > 2_000 else None

    server.faults.append(every("ids", too_many))
    assert ids(read(client, serve(server))) == whole(server)


def test_a_list_of_ids_that_is_cut_off_is_noticed(client: Client, serve: Serve) -> None:
    server = serve(Faulty(6_000))

    def cut(asked: Asked, reply: Reply) -> Reply | None:
        reply.content["objectIds"] = reply.content["objectIds"][:2_000]
        return reply

    server.faults.append(every("ids", cut))
    assert ids(read(client, server)) == whole(server)


def without_ids(count: int) -> Faulty:
    server = Faulty(count, oid=None)
    server.fields = server.fields[1:]
    return server


def test_a_layer_without_object_ids_is_read_by_offset(client: Client, serve: Serve) -> None:
    server = serve(without_ids(2_300))
    pages = read(client, server)
    assert ids(pages) == list(range(2_300))
    assert pages[-1].attributes[-1] == '{"NAME":"section 2300","MW":"287.5"}'
    assert {asked.params["orderByFields"] for asked in server.asked("page")} == {"NAME,MW"}


def test_short_and_empty_pages_with_the_flag_do_not_end_a_read_by_offset(
    client: Client, serve: Serve
) -> None:
    server = without_ids(2_300)
    server.gives = 400
    server.faults.append(first(2, "page", lambda: Reply({"features": [], "exceededTransferLimit": True})))
    assert ids(read(client, serve(server))) == list(range(2_300))


def test_a_read_by_offset_that_ends_early_fails(client: Client, serve: Serve) -> None:
    server = without_ids(2_300)

    def stop(asked: Asked, reply: Reply) -> Reply | None:
        return Reply({"features": []}) if asked.params.get("resultOffset") == "2000" else None

    server.faults.append(every("page", stop))
    with pytest.raises(IncompleteFetch, match="counts 2,300 rows and gave 2,000"):
        read(client, serve(server))


def test_a_field_that_the_layer_lost_is_named_with_its_likely_successor(client: Client, serve: Serve) -> None:
    server = serve(Faulty(10))
    with pytest.raises(MissingField, match="no field Mw; did the publisher rename it to MW"):
        read(client, server, fields=["Mw"])
    assert not server.asked("page")


def test_a_field_that_the_server_does_not_send_is_no_column_of_nulls(client: Client, serve: Serve) -> None:
    server = serve(Faulty(10))
    layer = open_layer(client, server.url)
    server.fields = server.fields[:2]
    for row in server.rows:
        del row["attributes"]["MW"]
    with pytest.raises(MissingField, match="lists the field MW and does not send it"):
        list(fetch(client, layer))


def test_true_curves_are_an_error_that_names_the_row(client: Client, serve: Serve) -> None:
    server = serve(Faulty(10))
    server.rows[6]["geometry"] = {"curvePaths": [[[0, 0], {"c": [[1, 1], [2, 0]]}]]}
    with pytest.raises(BadAnswer, match="OBJECTID 7: it has true curves"):
        read(client, server)


def test_another_reference_system_than_asked_for_is_refused(client: Client, serve: Serve) -> None:
    server = serve(Faulty(10))

    def ignore(asked: Asked, reply: Reply) -> Reply | None:
        reply.content["spatialReference"] = {"wkid": 102100, "latestWkid": 3857}
        return reply

    server.faults.append(every("page", ignore))
    with pytest.raises(BadAnswer, match="asked for EPSG:4326 and sends 3857"):
        read(client, server)


def test_an_address_that_is_no_layer_says_what_is_wanted(client: Client, serve: Serve) -> None:
    server = serve(Faulty(10))
    with pytest.raises(BadAnswer, match="must end in FeatureServer/0"):
        open_layer(client, server.url.replace("FeatureServer/0", ""))


def test_a_service_of_several_layers_lists_them(client: Client, serve: Serve) -> None:
    server = serve(Faulty(10))
    layers = [{"id": 0, "name": "feeders"}, {"id": 3, "name": "sections"}]
    server.faults.append(every("service", lambda *_: Reply({"layers": layers})))
    with pytest.raises(BadAnswer, match=r"0 \(feeders\), 3 \(sections\)"):
        open_layer(client, server.url.removesuffix("/0"))


# --- Politeness ---------------------------------------------------------------------------------------------


def test_never_more_than_four_requests_at_a_time(client: Client, serve: Serve) -> None:
    server = serve(Faulty(1_000, max_record_count=20))
    assert ids(read(client, server)) == whole(server)
    assert 2 <= max(asked.at_once for asked in server.log) <= 4


def test_threads_of_one_client_keep_to_four_together(client: Client, serve: Serve) -> None:
    server = serve(Faulty(10))
    server.work = 0.05
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda _: client.get_json(server.url), range(24)))
    assert max(asked.at_once for asked in server.log) == 4


def test_pages_are_not_read_ahead_without_bounds(client: Client, serve: Serve) -> None:
    server = serve(Faulty(1_000, max_record_count=20))
    pages = fetch(client, open_layer(client, server.url))
    next(pages)
    time.sleep(0.3)
    assert len(server.asked("page")) <= 6
    pages.close()
    time.sleep(0.1)
    asked = len(server.log)
    time.sleep(0.2)
    assert len(server.log) == asked


# --- Answers of another shape than ArcGIS defines -----------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("fields", ["a"], "a field without a name"),
        ("fields", [{"name": None}], "a field without a name"),
        ("fields", {}, "fields is a JSON dict, no list"),
        ("fields", 7, "fields is a JSON int"),
        ("maxRecordCount", "many", "maxRecordCount is 'many', no number"),
        ("maxRecordCount", [1], r"maxRecordCount is \[1\], no number"),
        ("maxIdsCount", "many", "maxIdsCount is 'many', no number"),
        ("editingInfo", {"lastEditDate": 1e300}, "description of .* is not as ArcGIS defines it"),
        ("editingInfo", "x", "editingInfo is a JSON str, no dict"),
        ("advancedQueryCapabilities", [], "advancedQueryCapabilities is a JSON list, no dict"),
        ("extent", [], "extent is a JSON list, no dict"),
        ("extent", {"spatialReference": "x"}, "spatialReference is a JSON str, no dict"),
        ("extent", {"spatialReference": {"wkid": "x"}}, "wkid is 'x', no number"),
        ("capabilities", 5, "description of .* is not as ArcGIS defines it"),
        ("objectIdField", ["OBJECTID"], "description of .* is not as ArcGIS defines it"),
    ],
)
def test_a_layer_that_describes_itself_strangely_is_a_bad_answer(
    client: Client, serve: Serve, key: str, value: Any, reason: str
) -> None:
    server = serve(Faulty(3))
    server.faults.append(every("layer", lambda _, reply: Reply({**reply.content, key: value})))
    with pytest.raises(BadAnswer, match=reason):
        open_layer(client, server.url)


@pytest.mark.parametrize("content", [{"layers": 5}, {"layers": [5]}, {"layers": [{"name": "no number"}]}])
def test_a_service_that_describes_itself_strangely_is_a_bad_answer(
    client: Client, serve: Serve, content: Any
) -> None:
    server = serve(Faulty(3))
    server.faults.append(every("service", lambda *_: Reply(content)))
    with pytest.raises(BadAnswer, match="description of"):
        open_layer(client, server.url.removesuffix("/0"))
    with pytest.raises(BadAnswer, match="description of"):
        discover(client, server.url.removesuffix("/0"))


def test_limits_may_be_numbers_in_text(client: Client, serve: Serve) -> None:
    server = serve(Faulty(30))
    limits = {"maxIdsCount": "12", "maxRecordCount": "10"}
    server.faults.append(every("layer", lambda _, reply: Reply({**reply.content, **limits})))
    layer = open_layer(client, server.url)
    assert (layer.max_ids, layer.max_record_count) == (12, 10)
    assert ids(read(client, server)) == whole(server)


def test_an_edit_date_beyond_all_dates_is_a_bad_answer_at_the_end_too(client: Client, serve: Serve) -> None:
    server = Faulty(3)
    server.edited = 1_700_000_000_000
    layer = open_layer(client, serve(server).url)
    server.edited = 10**300
    with pytest.raises(BadAnswer, match="description of"):
        list(fetch(client, layer))


PLACE = {"paths": [[[0, 0], [1, 1]]]}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"features": {"a": 1}}, "features that are no list of objects"),
        ({"features": [None]}, "features that are no list of objects"),
        ({"features": [rows_where(1), "x"]}, "features that are no list of objects"),
        ({"features": [{"attributes": [1], "geometry": PLACE}]}, "answer of .* is not as ArcGIS defines it"),
        ({"features": [{"attributes": {"OBJECTID": []}, "geometry": PLACE}]}, "rows without OBJECTID"),
        ({"spatialReference": "x"}, "answer of .* is not as ArcGIS defines it"),
        ({"objectIdFieldName": [], "features": [{"attributes": {"N": 1}}]}, "not as ArcGIS defines it"),
        ({"fields": ["a"]}, "answer of .* is not as ArcGIS defines it"),
        ({"fieldAliases": [{}]}, "answer of .* is not as ArcGIS defines it"),
        ({"features": [{**rows_where(1), "geometry": "x"}]}, "OBJECTID 1: geometry is a JSON str, no object"),
        ({"features": [{**rows_where(1), "geometry": ["x"]}]}, "OBJECTID 1: geometry is a JSON list"),
        ({"features": [{**rows_where(1), "geometry": {"paths": 5}}]}, "OBJECTID 1: geometry is not as Esri"),
    ],
)
def test_rows_of_a_strange_shape_are_a_bad_answer(
    client: Client, serve: Serve, answer: dict[str, Any], reason: str
) -> None:
    server = serve(Faulty(1))
    server.faults.append(every("page", lambda _, reply: Reply({**reply.content, **answer})))
    with pytest.raises(BadAnswer, match=reason):
        read(client, server)


def test_nul_in_what_a_layer_says_of_itself_is_left_out(client: Client, serve: Serve) -> None:
    server = serve(Faulty(1))
    server.fields[1]["alias"] = "Na\0me"
    nul = {"name": "li\0nes", "geometryType": "esriGeometry\0Polyline"}
    server.faults.append(every("layer", lambda _, reply: Reply({**reply.content, **nul})))
    layer = open_layer(client, server.url)
    assert (layer.name, layer.geometry_type, layer.fields[1].alias) == (
        "lines",
        "esriGeometryPolyline",
        "Name",
    )


def test_a_field_with_nul_in_its_name_is_a_bad_answer(client: Client, serve: Serve) -> None:
    server = serve(Faulty(1))
    server.fields[1]["name"] = "NA\0ME"
    with pytest.raises(BadAnswer, match=r"a field called 'NA\\x00ME'") as caught:
        open_layer(client, server.url)
    assert "\0" not in str(caught.value)


def test_a_servers_words_are_kept_short_and_plain(client: Client, serve: Serve) -> None:
    server = serve(Faulty(1))
    server.faults.append(every("layer", lambda *_: error(400, "No\0\x1b[31mway\n" + "x" * 9_000)))
    with pytest.raises(ServiceError, match=r"error 400: No \[31mway x{100}") as caught:
        open_layer(client, server.url)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 700


def test_keys_of_a_strange_geometry_are_kept_short_and_plain(client: Client, serve: Serve) -> None:
    server = serve(Faulty(1))
    server.rows[0]["geometry"] = {"\0": 1, "x" * 9_000: 1}
    with pytest.raises(BadAnswer, match="geometry of unknown kind") as caught:
        read(client, server)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("refusal", [{"status": []}, {"error": {"code": 400, "message": {"a": 1}}}])
def test_a_refusal_of_a_strange_shape_has_a_name(
    client: Client, serve: Serve, refusal: dict[str, Any]
) -> None:
    server = serve(Faulty(1))
    server.faults.append(every("layer", lambda *_: Reply(refusal)))
    with pytest.raises(FetchError):
        open_layer(client, server.url)


def test_a_refusal_nested_without_end_has_a_name(client: Client, serve: Serve) -> None:
    server = serve(Faulty(1))
    deep = b'{"error": {"code": 400, "message": ' + b"[" * 1_000 + b"]" * 1_000 + b"}}"
    server.faults.append(every("layer", lambda *_: Reply(body=deep)))
    with pytest.raises(FetchError):
        open_layer(client, server.url)
