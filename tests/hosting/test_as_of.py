"""Every published state can be read again: models and API against a simple model, over random refreshes."""

import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from hosting.models import (
    DER,
    DERState,
    DERVersion,
    HostingCapacityRecord,
    HostingCapacityRecordState,
    HostingCapacitySection,
    HostingCapacitySectionState,
)
from hosting.models.states import STATES
from hosting.rollback import roll_back
from tests import factories as make
from tests.conftest import Portal
from tests.hosting.test_gate import serve
from tests.layers import FREE, entry

pytestmark = pytest.mark.django_db(transaction=True)
State = dict[str, Decimal]
HERE = "/api/v1/utilities/ours/hosting-capacity"


def rows(state: State) -> list[dict[str, Any]]:
    """Two sections of each feeder; the second carries the figure."""
    return [
        {
            "section": f"{feeder}-{n}",
            "feeder": feeder,
            "mw": float(mw) if n else 0.001,
            "paths": place(feeder),
        }
        for feeder, mw in state.items()
        for n in (0, 1)
    ]


def place(feeder: str) -> list[Any]:
    return [[[-71.5, 41.5 + int(feeder[1:]) / 1000], [-71.4, 41.5]]]


def changed(state: State, dice: random.Random) -> State:
    """Some feeders go, some come (perhaps again), some move."""
    after = {feeder: mw for feeder, mw in state.items() if dice.random() > 0.15}
    for feeder in list(after):
        if dice.random() < 0.3:
            after[feeder] = Decimal(dice.randint(1, 9999)) / 1000
    for _ in range(dice.randint(0, 3)):
        after[f"F{dice.randint(1, 30)}"] = Decimal(dice.randint(1, 9999)) / 1000
    return after or {"F1": Decimal(1)}


def records_at(instant: datetime) -> State:
    found = HostingCapacityRecord.objects.as_of(instant).values_list("key", "hosting_capacity_mw")
    pairs = list(found)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def api(client: Client, path: str, **given: Any) -> dict[str, Any]:
    answer: Any = client.get(f"/api/v1/utilities/ours/{path}", given)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert answer.status_code == 200, body
    found: dict[str, Any] = json.loads(body)
    return found


TODAY = datetime.now(UTC).date()


@pytest.mark.parametrize("seed", [TODAY.toordinal()])  # another each day; a failure names it
def test_every_state_is_read_again_as_the_model_has_it(portal: Portal, client: Client, seed: int) -> None:
    dice = random.Random(seed)
    source = portal.add(entry("ours", thresholds=FREE, redistribution="allowed"))
    beginning = timezone.now()
    state: State = {f"F{n}": Decimal(n) for n in range(1, 11)}
    told: list[tuple[datetime, State, int]] = []  # an instant at which this held, and the run
    for refresh in range(6):
        if refresh == 4:
            back = dice.randrange(3)
            run = roll_back(source, source.runs.get(pk=told[back][2]), note="x")
            state = told[back][1]
        else:
            serve(portal, rows(state))
            run = portal.ingest(source)
        assert run.status in ("completed", "unchanged"), run.error_message
        told.append((timezone.now(), state, run.pk))
        state = changed(state, dice)
    assert records_at(beginning) == {}
    for instant, then, pk in told:
        assert records_at(instant) == then
        sections = HostingCapacitySection.objects.as_of(instant)
        assert set(sections.values_list("key", flat=True)) == {f"{f}-{n}" for f in then for n in (0, 1)}
        shapes = HostingCapacityRecord.objects.as_of(instant).exclude(geometry=None)
        assert shapes.count() == len(then)
        after = HostingCapacityRecordState.objects.after_run(pk).values_list("key", "hosting_capacity_mw")
        assert dict(after) == then
        in_sections = HostingCapacitySectionState.objects.after_run(pk)
        assert in_sections.count() == 2 * len(then)
        # The API: pages walked to the end, GeoJSON, CSV and sums.
        given = {"as_of": instant.astimezone(UTC).isoformat(), "limit": 4}
        walked: State = {}
        page = api(client, "hosting-capacity", **given)
        assert datetime.fromisoformat(page["as_of"]) == instant
        while True:
            for row in page["results"]:
                assert row["feeder_id_external"] not in walked
                walked[row["feeder_id_external"]] = Decimal(str(row["hosting_capacity_mw"]))
                assert row["centroid_lat"] is not None
            if page["next"] is None:
                break
            page = client.get(page["next"]).json()
        assert walked == then
        collection = api(client, "hosting-capacity/geojson", as_of=given["as_of"])
        assert len(collection["features"]) == len(then)
        assert datetime.fromisoformat(collection["as_of"]) == instant
        [sums] = api(client, "hosting-capacity/summary", as_of=given["as_of"])["results"]
        assert sums["total_feeders"] == len(then)
        assert Decimal(str(sums["total_hosting_capacity_mw"])) == sum(then.values())
        file: Any = client.get(f"{HERE}?format=csv&as_of={instant.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}")
        assert b"".join(file.streaming_content).count(b"\n") == len(then) + 1
        assert datetime.fromisoformat(file["X-As-Of"]) == instant
    # Filters work on a day that has passed.
    instant, then, _run = told[0]
    page = api(client, "hosting-capacity", as_of=instant.isoformat(), min_hosting_mw=5)
    assert {row["feeder_id_external"] for row in page["results"]} == {f for f, mw in then.items() if mw >= 5}
    box = "-71.6,41.5035,-71.45,41.5055"
    page = api(client, "hosting-capacity", as_of=instant.isoformat(), bbox=box)
    now = api(client, "hosting-capacity", bbox=box)
    assert {"F4", "F5"} <= {row["feeder_id_external"] for row in page["results"]}
    assert "as_of" not in now


def test_a_bare_date_is_the_end_of_that_day_where_the_utility_is(client: Client) -> None:
    utility = make.make_utility("ours", timezone="America/Los_Angeles")
    run = make.make_published_run(make.make_source(utility))
    late = datetime(2026, 7, 1, 6, 59, tzinfo=UTC)  # 23:59 of 30 June in Los Angeles
    make.make_record(make.make_feeder(run, "A"), valid_from=late, hosting_capacity_mw=1)
    make.make_record(make.make_feeder(run, "B"), valid_from=late + timedelta(minutes=1))

    def feeders(day: str) -> list[str]:
        rows_ = api(client, "hosting-capacity", as_of=day)["results"]
        return [row["feeder_id_external"] for row in rows_]

    assert feeders("2026-06-29") == []
    assert feeders("2026-06-30") == ["A"]
    assert feeders("2026-07-01") == ["A", "B"]
    there = api(client, "hosting-capacity", as_of="2026-06-30")["as_of"]
    assert there == "2026-06-30T23:59:59.999999-07:00"
    begun = (timezone.now() - timedelta(hours=8)).date().isoformat()  # there, it may not have ended
    assert datetime.fromisoformat(api(client, "hosting-capacity", as_of=begun)["as_of"]) <= timezone.now()


REFUSED = {
    "Give a day": (
        "yesterday", "2026-02-30", "20260630", "2026-W27-1", "2026-06-30T12:00:00 00:00", "",
        "２０２６-06-30", "2026-06-30T12:00:00+99:00", "2026-06-30 12:00:00Z", "2026-06-30T24:30Z",
        "2026-06-30T12Z",
    ),
    "no offset": ("2026-06-30T12:00:00", "2026-06-30T12:00"),
    "to come": ("2999-01-01", "2999-01-01T00:00:00Z", "9999-12-31", "9999-12-31T23:59:59-23:59"),
    "before 2000-01-01": ("1999-12-31", "0001-01-01T00:00:00+23:59"),
}  # fmt: skip


@pytest.mark.parametrize("path", ["hosting-capacity", "hosting-capacity/geojson", "hosting-capacity/summary"])
def test_what_is_no_day_and_no_instant_is_refused(client: Client, path: str) -> None:
    make.make_utility("ours")
    for why, texts in REFUSED.items():
        for said in texts:
            answer = client.get(f"/api/v1/utilities/ours/{path}", {"as_of": said})
            assert answer.status_code == 400, said
            assert why in answer.json()["errors"][0]["detail"], (said, answer.content)
            assert answer.json()["errors"][0]["parameter"] == "as_of"
    assert client.get(f"/api/v1/utilities/nobody/{path}", {"as_of": "2026-06-30"}).status_code == 404


def test_sources_without_identity_are_named_where_an_earlier_day_is_asked_for(client: Client) -> None:
    utility = make.make_utility("ours")
    whole = make.make_source(utility, "cells", grain="cell", config_json={"code": "cells", "key": "none"})
    make.make_published_run(whole)
    make.make_published_run(make.make_source(utility, "lines"))
    assert api(client, "hosting-capacity", as_of="2026-06-30")["without_history"] == ["cells"]
    assert "without_history" not in api(client, "hosting-capacity")


def test_ders_have_states_too() -> None:
    feeder = make.make_feeder()
    der = make.make_der(feeder, external_id="D", address="1 Main Street")
    run = make.make_run(feeder.last_seen.source)
    was = {f.attname: getattr(der, f.attname) for f in DER._meta.concrete_fields if f.attname != "id"}
    since = make.NOON - timedelta(days=9)
    DERVersion.objects.create(
        **was | {"nameplate_kw": 3, "valid_from": since}, der_id=der.pk, valid_to=make.NOON, ended_by_run=run
    )
    assert DER.objects.as_of(since - timedelta(seconds=1)).count() == 0
    assert DER.objects.as_of(since).get().nameplate_kw == 3
    assert DER.objects.as_of(make.NOON).get().nameplate_kw == Decimal("7.6")
    assert not any("address" in field.name for field in DERState._meta.concrete_fields)


def test_a_naive_instant_is_an_error() -> None:
    with pytest.raises(ValueError, match="is naive"):
        HostingCapacityRecord.objects.as_of(datetime(2026, 6, 30))  # noqa: DTZ001 that is the point


def test_the_views_have_the_columns_of_their_models_and_are_made_again_after_a_migration() -> None:
    from hosting import state_views

    class Plan:
        app_label = "hosting"

    for again in (False, True):
        if again:
            state_views.drop(plan=[(Plan, False)])
            state_views.create()
        for model in STATES:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT * FROM {model._meta.db_table} LIMIT 0")
                assert cursor.description is not None
                columns = {column.name for column in cursor.description}
            assert columns == {field.column for field in model._meta.concrete_fields}


def test_states_are_read_by_the_indexes_of_both_tables() -> None:
    feeder = make.make_feeder()
    make.make_record(feeder)
    rows_ = HostingCapacityRecord.objects.as_of(make.NOON).filter(feeder=feeder)
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        plan = rows_.explain()
        cursor.execute("RESET enable_seqscan")
    assert "record_feeder" in plan
    assert "record_past_feeder" in plan
    assert "Seq Scan" not in plan
