"""How a tile is served: compressed or not, from the cache, with a version, and refused with a sentence."""

import gzip
import threading
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from hosting.models import HostingCapacityRecord
from hosting.tiles import refusals
from hosting.tiles import tile as module
from tests.factories import (
    make_feeder,
    make_published_run,
    make_record,
    make_run,
    make_source,
    make_substation,
)
from tests.hosting.api.asking import problem
from tests.hosting.tiles.mvt import MVT, ask, decode, place, tile

TILE = place(-71.42, 41.82, 10)
ADDRESS = "/tiles/feeders/{}/{}/{}.mvt".format(*TILE)


@pytest.mark.django_db
def test_a_tile_comes_compressed_to_whom_takes_it_and_plain_to_others(client: Client) -> None:
    make_record(make_feeder(make_published_run()))
    for accepted in ("gzip", "br, gzip;q=0.5", "GZIP"):
        zipped = client.get(ADDRESS, headers={"accept-encoding": accepted})
        assert zipped["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in zipped["Vary"]
    for accepted in ("", "br", "gzip;q=0", "gzip; q=0.0, br"):
        plain = client.get(ADDRESS, headers={"accept-encoding": accepted})
        assert not plain.has_header("Content-Encoding")
        assert "Accept-Encoding" in plain["Vary"]
        assert plain["Content-Type"] == MVT
        assert plain.content == gzip.decompress(zipped.content)
    assert len(decode(plain.content, "feeders", *TILE)) == 1


@pytest.mark.django_db
def test_an_empty_tile_is_a_204(client: Client) -> None:
    nothing = client.get(ADDRESS)
    assert nothing.status_code == 204
    make_record(make_feeder(make_published_run()))
    elsewhere = client.get("/tiles/feeders/10/0/0.mvt")
    assert elsewhere.status_code == 204
    assert elsewhere.content == b""
    assert elsewhere["ETag"] != nothing["ETag"]
    for _twice in range(2):
        assert client.get("/tiles/feeders/10/0/0.mvt").status_code == 204


@pytest.mark.django_db
def test_a_tile_of_the_present_version_may_be_kept_for_good_and_any_other_not(client: Client) -> None:
    run = make_published_run()
    make_record(make_feeder(run))
    address = client.get("/tiles/feeders.json").json()["tiles"][0]
    version = address.rpartition("v=")[2]
    for asked, kept in ((version, True), ("another", False), (None, False)):
        given: dict[str, Any] = {"v": asked} if asked else {}
        answer = ask(client, "feeders", *TILE, **given)
        assert answer.status_code == 200
        for_good = answer["Cache-Control"] == "public, max-age=31536000, immutable"
        assert for_good is kept
        assert kept or answer["Cache-Control"] == "no-cache"
    make_published_run(run.source)
    assert ask(client, "feeders", *TILE, v=version)["Cache-Control"] == "no-cache"


@pytest.mark.django_db
def test_a_client_that_holds_the_version_gets_a_304_until_something_is_published(client: Client) -> None:
    run = make_published_run()
    record = make_record(make_feeder(run), remaining_capacity_mw=1)
    first = ask(client, "feeders", *TILE)
    for held in (first["ETag"], first["ETag"].removeprefix("W/"), f'"x", {first["ETag"]}', "*"):
        answer = client.get(ADDRESS, headers={"if-none-match": held})
        assert answer.status_code == 304
        assert answer.content == b""
        assert answer["ETag"] == first["ETag"]
        assert "Accept-Encoding" in answer["Vary"]
    make_run(run.source, status="held")
    make_run(run.source, status="failed")
    assert client.get(ADDRESS, headers={"if-none-match": first["ETag"]}).status_code == 304

    make_published_run(run.source)
    HostingCapacityRecord.objects.filter(pk=record.pk).update(remaining_capacity_mw=2)
    again = client.get(ADDRESS, headers={"if-none-match": first["ETag"], "accept-encoding": "gzip"})
    assert again.status_code == 200
    assert again["ETag"] != first["ETag"]
    (found,) = decode(gzip.decompress(again.content), "feeders", *TILE)
    assert found.attributes["r"] == 2.0


@pytest.mark.django_db
def test_a_publication_elsewhere_leaves_the_tiles_of_a_utility_as_they_are(client: Client) -> None:
    run = make_published_run()
    make_record(make_feeder(run))
    mine, all_of_them = (
        ask(client, "feeders", *TILE, utility=run.utility.utility_code),
        ask(client, "feeders", *TILE),
    )
    make_published_run()
    assert ask(client, "feeders", *TILE, utility=run.utility.utility_code)["ETag"] == mine["ETag"]
    assert ask(client, "feeders", *TILE)["ETag"] != all_of_them["ETag"]


@pytest.mark.django_db
def test_a_substation_that_changes_is_a_new_version_of_its_layer(client: Client) -> None:
    run = make_published_run()
    seen = [ask(client, "substations", *TILE)["ETag"]]
    station = make_substation(run.utility, "Elm")
    seen.append(ask(client, "substations", *TILE)["ETag"])
    assert [f.attributes["name"] for f in tile(client, "substations", *TILE)] == ["Elm"]
    station.delete()
    seen.append(ask(client, "substations", *TILE)["ETag"])
    assert seen[0] == seen[2] != seen[1]


@pytest.mark.django_db
def test_a_tile_is_made_once_and_then_costs_one_query(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    record = make_record(make_feeder(make_published_run()), remaining_capacity_mw=1)
    first = ask(client, "feeders", *TILE)
    HostingCapacityRecord.objects.filter(pk=record.pk).update(remaining_capacity_mw=2)
    with django_assert_num_queries(1):
        assert ask(client, "feeders", *TILE).content == first.content
    with django_assert_num_queries(1):
        assert client.get(ADDRESS, headers={"if-none-match": first["ETag"]}).status_code == 304
    cache.clear()
    assert ask(client, "feeders", *TILE).content != first.content


@pytest.mark.django_db
def test_without_redis_tiles_are_served_uncached(client: Client, settings: Settings) -> None:
    record = make_record(make_feeder(make_published_run()), remaining_capacity_mw=1)
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "unix:///nowhere/redis.sock"},
    }
    assert tile(client, "feeders", *TILE)[0].attributes["r"] == 1.0
    HostingCapacityRecord.objects.filter(pk=record.pk).update(remaining_capacity_mw=2)
    assert tile(client, "feeders", *TILE)[0].attributes["r"] == 2.0
    assert client.get("/tiles/feeders.json").json()["bounds"]
    assert client.get("/tiles/counts.json").json()["total"] == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/tiles/towns/3/1/1.mvt", 404, "There is no layer 'towns'. Layers are overview, feeders"),
        ("/tiles/towns.json", 404, "There is no layer 'towns'."),
        ("/tiles/overview/8/1/1.mvt", 404, "Layer overview has the zooms 0 to 7; 8 is none of them."),
        ("/tiles/feeders/7/1/1.mvt", 404, "zooms 8 to 14"),
        ("/tiles/feeders/15/1/1.mvt", 404, "zooms 8 to 14"),
        ("/tiles/sections/11/1/1.mvt", 404, "zooms 12 to 14"),
        ("/tiles/substations/3/1/1.mvt", 404, "zooms 4 to 14"),
        ("/tiles/feeders/-8/1/1.mvt", 404, "zooms 8 to 14"),
        ("/tiles/feeders/9/512/1.mvt", 404, "At zoom 9 x and y are 0 to 511; 512/1 is no tile."),
        ("/tiles/feeders/9/1/512.mvt", 404, "1/512 is no tile"),
        ("/tiles/feeders/9/-1/1.mvt", 404, "-1/1 is no tile"),
        ("/tiles/feeders/9/x/1.mvt", 404, "x/1 is no tile"),
        ("/tiles/feeders/9/1.0/1.mvt", 404, "1.0/1 is no tile"),
        (f"/tiles/feeders/9/{'9' * 5000}/1.mvt", 404, "is no tile"),
        ("/tiles/feeders/9/²/1.mvt", 404, "is no tile"),
        ("/tiles/feeders/9/1/1.mvt?capacity_type=wind", 400, "capacity_type: "),
        ("/tiles/feeders/9/1/1.mvt?variant=a%20b", 400, "variant: "),
        ("/tiles/feeders/9/1/1.mvt?utility=nobody", 404, "There is no utility 'nobody'."),
        ("/tiles/feeders/9/1/1.mvt?utility=%00", 400, "utility: "),
        ("/tiles/feeders/9/1/1.mvt?colour=red", 400, "colour: There is no such parameter."),
        ("/tiles/feeders/9/1/1.mvt?v=1&v=2", 400, "v: Give this parameter once."),
        ("/tiles/feeders.json?v=1", 400, "v: There is no such parameter."),
        ("/tiles/feeders.json?utility=nobody", 404, "There is no utility 'nobody'."),
        ("/tiles/counts.json?bbox=1,2,3", 400, "bbox: Give four numbers"),
        ("/tiles/counts.json?min_remaining_mw=much", 400, "min_remaining_mw: "),
        ("/tiles/counts.json?min_hosting_mw=NaN", 400, "min_hosting_mw: "),
        ("/tiles/counts.json?constraint=weather", 400, "constraint: "),
        ("/tiles/counts.json?utility=nobody", 404, "There is no utility 'nobody'."),
        ("/tiles/counts.json?max_remaining_mw=1", 400, "max_remaining_mw: There is no such parameter."),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_sentence(
    client: Client, address: str, status: int, words: str
) -> None:
    for _twice in range(2):
        assert words in problem(client, address, status)["detail"]


@pytest.mark.django_db
def test_only_reading_is_allowed(client: Client) -> None:
    assert client.post(ADDRESS).status_code == 405
    make_record(make_feeder(make_published_run()))
    head = client.head(ADDRESS)
    assert head.status_code == 200
    assert head.content == b""
    assert head.has_header("ETag")


@pytest.mark.django_db
def test_no_tile_asks_who_the_reader_is(client: Client) -> None:
    make_record(make_feeder(make_published_run()))
    answer = ask(client, "feeders", *TILE)
    assert "Cookie" not in answer["Vary"]
    assert not answer.cookies


@pytest.mark.django_db(transaction=True)
def test_a_tile_that_takes_too_long_is_given_up(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    make_record(make_feeder(make_published_run()))
    monkeypatch.setattr(refusals, "LONGEST_SECONDS", 0.2)
    locked, done = threading.Event(), threading.Event()

    def hold_the_records() -> None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN; LOCK TABLE hosting_hostingcapacityrecord IN ACCESS EXCLUSIVE MODE")
            locked.set()
            done.wait(20)
            cursor.execute("ROLLBACK")
        connection.close()

    holder = threading.Thread(target=hold_the_records)
    holder.start()
    try:
        assert locked.wait(10)
        for address in (ADDRESS, "/tiles/counts.json", "/tiles/feeders.json"):
            assert "This took longer than 0.2 s" in problem(client, address, 503)["detail"]
    finally:
        done.set()
        holder.join()
    assert len(tile(client, "feeders", *TILE)) == 1  # the failure was not kept


@pytest.mark.django_db(transaction=True)
def test_readers_who_come_at_once_have_a_tile_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    make_record(make_feeder(make_published_run()))
    made: list[Any] = []
    really = module._made

    def counting(*given: Any) -> bytes:
        made.append(given)
        return really(*given)

    monkeypatch.setattr(module, "_made", counting)
    answers: list[bytes] = []

    def read() -> None:
        answers.append(ask(Client(), "feeders", *TILE).content)
        connection.close()

    with connection.cursor() as cursor:
        # All of them come to the lock before any may begin.
        cursor.execute("BEGIN; LOCK TABLE hosting_hostingcapacityrecord IN ACCESS EXCLUSIVE MODE")
        readers = [threading.Thread(target=read) for _ in range(8)]
        for reader in readers:
            reader.start()
        for _ in range(200):
            cursor.execute(
                "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
                " WHERE NOT l.granted AND d.datname = current_database()"
            )
            if cursor.fetchone()[0] == 8:
                break
            cursor.execute("SELECT pg_sleep(0.02)")
        cursor.execute("ROLLBACK")
    for reader in readers:
        reader.join()
    assert len(answers) == 8
    assert len(set(answers)) == 1
    assert len(made) == 1


@pytest.mark.django_db
def test_sources_that_are_not_published_yet_change_no_version(client: Client) -> None:
    make_record(make_feeder(make_published_run()))
    before = ask(client, "feeders", *TILE)["ETag"]
    make_run(make_source())
    make_published_run(make_source(redistribution="forbidden"))
    assert ask(client, "feeders", *TILE)["ETag"] == before
