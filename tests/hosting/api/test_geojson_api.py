"""GeoJSON: the same rows with their geometry, streamed, bounded where terms are unknown."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from psycopg.pq import TransactionStatus

from hosting.api import geojson
from hosting.api.streaming import Started
from hosting.models import HostingCapacityRecord
from tests.factories import line, make_published_run, make_source, make_utility
from tests.hosting.api.asking import GEO_JSON, body, get, problem
from tests.hosting.api.test_records_api import add
from utilities.models import Source

pytestmark = pytest.mark.django_db

ROWS = "/api/v1/utilities/alpha/hosting-capacity"
FEATURES = f"{ROWS}/geojson"


@pytest.fixture
def source() -> Source:
    """The one published source of alpha."""
    return make_published_run(make_source(make_utility("alpha"), "feeders")).source


def collection(client: Client, query: str = "") -> Any:
    return get(client, FEATURES + query, GEO_JSON)


def test_a_feature_is_the_row_and_its_geometry(client: Client, source: Source) -> None:
    add(
        source,
        'quoted "\\ ünï',
        geometry=line((-71.12345678, 41), (-71.2, 41.00000049)),
        hosting_capacity_mw=0.10001,
        remaining_capacity_mw=0,
        constraining_metric="thermal",
    )
    add(source, "no place", geometry=None, hosting_capacity_mw=None)
    add(source, "large", hosting_capacity_mw=9876543.21)
    found = collection(client)
    assert (found["type"], found["numberReturned"], found["next"]) == ("FeatureCollection", 3, None)
    rows = get(client, ROWS)["results"]
    assert [feature["properties"] for feature in found["features"]] == rows
    assert [list(feature["properties"]) for feature in found["features"]] == [list(row) for row in rows]
    assert [(feature["type"], feature["id"]) for feature in found["features"]] == [
        ("Feature", row["id"]) for row in rows
    ]
    assert found["features"][0]["geometry"] == {
        "type": "MultiLineString",
        "coordinates": [[[-71.123457, 41], [-71.2, 41]]],
    }
    assert found["features"][1]["geometry"] is None


def test_nothing_is_an_empty_collection(client: Client) -> None:
    make_utility("alpha")
    assert collection(client) == {
        "type": "FeatureCollection",
        "features": [],
        "numberReturned": 0,
        "next": None,
    }


@pytest.mark.parametrize("number", [1, 2, 99, 100, 101, 300])
@pytest.mark.parametrize("limit", [None, 1, 100, 101])
@pytest.mark.parametrize("piece", [1, 5_000, 256_000])
def test_every_feature_comes_once_whatever_the_pieces(
    client: Client,
    source: Source,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    limit: int | None,
    piece: int,
) -> None:
    monkeypatch.setattr(geojson, "BYTES_A_PIECE", piece)
    first = add(source, "f0")
    for count in range(1, number):
        first.pk, first.key = None, f"k{count}"
        first.save(force_insert=True)
    seen: list[int] = []
    address: str | None = FEATURES + (f"?limit={limit}" if limit else "")
    requests = 0
    while address and requests < 5:
        found = get(client, address, GEO_JSON)
        assert len(found["features"]) == found["numberReturned"]
        seen += [feature["id"] for feature in found["features"]]
        address = found["next"]
        requests += 1
    assert requests == (min(5, -(-number // limit)) if limit else 1)
    assert seen == sorted(set(seen))
    assert len(seen) == (min(number, 5 * limit) if limit else number)


def test_filters_are_those_of_the_rows(client: Client, source: Source) -> None:
    add(source, "unknown", remaining_capacity_mw=None)
    add(source, "zero", remaining_capacity_mw=0, constraining_metric="thermal")
    add(source, "far", remaining_capacity_mw=0, geometry=line((10, 10), (11, 11)))
    for query in (
        "?max_remaining_mw=1",
        "?constraint=thermal",
        "?bbox=-72,41,-71,42",
        "?min_remaining_mw=0&bbox=9,9,12,12",
    ):
        rows = get(client, ROWS + query)["results"]
        assert 0 < len(rows) < 3
        assert [feature["properties"] for feature in collection(client, query)["features"]] == rows


@pytest.mark.parametrize(
    ("query", "bounded"),
    [
        ("", False),
        ("?constraint=thermal", False),
        ("?limit=1000", True),
        ("?limit=1001", False),
        ("?bbox=-71.6,41.5,-71.1,42", True),
        ("?bbox=-71.7,41.5,-71.1,42", False),
        ("?bbox=-180,-90,180,90", False),
        ("?bbox=-180,-90,180,90&limit=5", True),
        ("?bbox=179.9,50,-179.9,50.2", True),
    ],
)
def test_unknown_terms_allow_bounded_answers_only(
    client: Client, source: Source, query: str, bounded: bool
) -> None:
    add(source, "f")
    Source.objects.update(redistribution="unknown")
    if bounded:
        collection(client, query)
    else:
        detail = problem(client, FEATURES + query, 403)["detail"]
        assert "alpha/feeders is not exported in bulk" in detail
        assert "limit of at most 1000" in detail


def test_unknown_terms_beside_allowed_ones_are_left_out_of_bulk(client: Client, source: Source) -> None:
    add(source, "open")
    add(make_published_run(make_source(source.utility, "other", redistribution="unknown")).source, "unsure")
    bulk = collection(client)
    assert [feature["properties"]["feeder_id_external"] for feature in bulk["features"]] == ["open"]
    assert [(w["source"], w["records"]) for w in bulk["withheld"]] == [("other", 1)]
    bounded = collection(client, "?limit=10")
    assert len(bounded["features"]) == 2
    assert "withheld" not in bounded


def test_clients_may_ask_for_geojson_by_name(client: Client, source: Source) -> None:
    for accepted in ("application/geo+json", "application/json", "*/*"):
        answer = client.get(FEATURES, headers={"accept": accepted})
        assert (answer.status_code, answer["Content-Type"]) == (200, GEO_JSON)
        assert body(answer)
    assert client.get(FEATURES, headers={"accept": "text/csv"}).status_code == 406


def test_an_error_on_the_way_does_not_look_like_an_end(
    client: Client, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_given: Any) -> Iterator[tuple[int, bytes]]:
        yield 1, b'{"long": "' + geojson.BYTES_A_PIECE * b"." + b'"}'
        raise DatabaseError("the server went away")

    monkeypatch.setattr(geojson, "_features", breaks)
    answer: Any = client.get(FEATURES)
    pieces: list[bytes] = []
    with pytest.raises(DatabaseError):
        pieces.extend(answer.streaming_content)
    assert pieces
    with pytest.raises(json.JSONDecodeError):
        json.loads(b"".join(pieces))


def test_an_error_before_the_first_feature_is_a_problem(
    client: Client, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_given: Any) -> Iterator[tuple[int, bytes]]:
        raise DatabaseError("the server went away")

    monkeypatch.setattr(geojson, "_features", breaks)
    client.raise_request_exception = False
    assert "went away" not in str(problem(client, FEATURES, 500))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("read", [0, 1, 2])
def test_a_client_that_goes_leaves_the_connection_as_it_was(source: Source, read: int) -> None:
    first = add(source, "f0")
    for count in range(1200):
        first.pk, first.key = None, f"k{count}"
        first.save(force_insert=True)
    request: Any = None  # only the address of a next page would need it
    rows = HostingCapacityRecord.objects.all()
    answer = Started(geojson._collection(request, {}, rows, None))
    pieces = iter(answer)
    for _ in range(read):
        assert b'"Feature"' in next(pieces)
    under_way = connection.connection.info
    assert under_way.transaction_status == TransactionStatus.ACTIVE
    answer.close()
    assert under_way.transaction_status == TransactionStatus.IDLE
    assert HostingCapacityRecord.objects.count() == 1201


def test_one_query_writes_all_features(client: Client, source: Source) -> None:
    for number in range(5):
        add(source, f"f{number}")
    with CaptureQueriesContext(connection) as captured:
        body(client.get(FEATURES))
    selects = [query["sql"] for query in captured if "SELECT" in query["sql"]]
    assert len(selects) == 2
    with CaptureQueriesContext(connection) as captured:
        client.head(FEATURES)
    assert len(captured) == 1
