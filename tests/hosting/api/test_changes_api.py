"""What changed between two days or runs: every row with its kind and both values, walked to the end."""

import csv
import io
import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from hosting.models import DERVersion
from hosting.rollback import roll_back
from tests import factories as make
from tests.conftest import Portal
from tests.hosting.test_as_of import State, changed, rows
from tests.hosting.test_gate import serve
from tests.layers import FREE, entry

pytestmark = pytest.mark.django_db(transaction=True)
HERE = "/api/v1/utilities/ours/changes"
Found = dict[str, tuple[str, Decimal | None, Decimal | None]]


def walked(client: Client, limit: int = 3, **given: Any) -> list[dict[str, Any]]:
    """All changes, page by page; each once and in order."""
    found: list[dict[str, Any]] = []
    asked: dict[str, Any] = given | {"limit": limit}
    answer = client.get(HERE, asked)
    while True:
        assert answer.status_code == 200, answer.content
        page = answer.json()
        found += page["results"]
        if page["next"] is None:
            break
        assert len(page["results"]) == limit
        answer = client.get(page["next"])
    keys = [(row["source"], row["key"], row["capacity_type"]) for row in found]
    assert keys == sorted(set(keys))
    return found


def expected(then: State, now: State) -> Found:
    """The model: what a diff of two states says of each feeder."""
    found: Found = {}
    for feeder in then.keys() | now.keys():
        was, is_now = then.get(feeder), now.get(feeder)
        if was != is_now:
            kind = "added" if was is None else "removed" if is_now is None else "changed"
            found[feeder] = (kind, was, is_now)
    return found


def since_(moment: str) -> dict[str, Any]:
    """The parameter, whose name is a word of Python."""
    return {"from": moment}


def told(changes: list[dict[str, Any]]) -> Found:
    def of(row: dict[str, Any], side: str) -> Decimal | None:
        return None if row[side] is None else Decimal(str(row[side]["hosting_capacity_mw"]))

    return {row["feeder_id_external"]: (row["kind"], of(row, "before"), of(row, "after")) for row in changes}


TODAY = datetime.now(UTC).date()


@pytest.mark.parametrize("seed", [TODAY.toordinal()])  # another each day; a failure names it
def test_changes_between_any_two_states_are_those_of_a_model(
    portal: Portal, client: Client, seed: int
) -> None:
    dice = random.Random(seed)
    source = portal.add(entry("ours", thresholds=FREE, redistribution="allowed"))
    beginning = timezone.now().isoformat()
    state: State = {f"F{n}": Decimal(n) for n in range(1, 11)}
    states: list[tuple[str, State, int]] = []
    for refresh in range(5):
        if refresh == 3:
            run = roll_back(source, source.runs.get(pk=states[0][2]), note="x")
            state = states[0][1]
        else:
            serve(portal, rows(state))
            run = portal.ingest(source)
        if run.status == "completed":
            states.append((timezone.now().isoformat(), state, run.pk))
        state = changed(state, dice)
    assert told(walked(client, to=states[0][0], **since_(beginning))) == expected({}, states[0][1])
    for n, (since, then, from_run) in enumerate(states):
        for until, now, to_run in states[n:]:
            wanted = expected(then, now)
            by_time = walked(client, to=until, **since_(since))
            assert told(by_time) == wanted
            assert walked(client, from_run=from_run, to_run=to_run) == by_time
            for kind in ("added", "changed", "removed"):
                some = told(walked(client, from_run=from_run, to_run=to_run, kind=kind))
                assert some == {feeder: what for feeder, what in wanted.items() if what[0] == kind}
            of_sections = walked(client, limit=50, from_run=from_run, to_run=to_run, dataset="sections")
            assert {row["feeder_id_external"] for row in of_sections} <= set(wanted)
    since, then, from_run = states[0]
    last = states[-1]
    assert told(walked(client, **since_(since))) == expected(then, last[1])
    assert told(walked(client, from_run=from_run)) == expected(then, last[1])
    file: Any = client.get(f"{HERE}?from_run={from_run}&format=csv")
    lines = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode())))
    moved = {
        line["feeder_id_external"]: (
            line["kind"],
            *(Decimal(line[s]) if line[s] else None for s in ("before", "after")),
        )
        for line in lines
        if line["column"] == "hosting_capacity_mw"
    }
    assert moved == expected(then, last[1])


def test_a_shape_that_moved_is_named_without_its_values(portal: Portal, client: Client) -> None:
    source = portal.add(entry("ours", thresholds=FREE, redistribution="allowed"))
    serve(portal, rows({"F1": Decimal(1), "F2": Decimal(2)}))
    first = portal.ingest(source)
    moved = rows({"F1": Decimal(1), "F2": Decimal(2)})
    moved[0]["paths"] = [[[-71.9, 41.9], [-71.8, 41.8]]]
    serve(portal, moved)
    portal.ingest(source)
    [change] = walked(client, from_run=first.pk)
    assert (change["kind"], change["columns"]) == ("changed", ["geometry"])
    assert (change["before"], change["after"]) == ({}, {})


def test_changes_of_ders_say_no_address(client: Client) -> None:
    utility = make.make_utility("ours")
    run = make.make_published_run(make.make_source(utility))
    feeder = make.make_feeder(run)
    der = make.make_der(feeder, external_id="=D", address="1 Main Street", nameplate_kw=Decimal("7.600"))
    since = make.NOON - timedelta(days=9)
    was = {f.attname: getattr(der, f.attname) for f in der._meta.concrete_fields if f.attname != "id"}
    DERVersion.objects.create(
        **was | {"nameplate_kw": 3, "valid_from": since},
        der_id=der.pk,
        valid_to=make.NOON,
        ended_by_run=make.make_run(run.source),
    )
    [change] = walked(client, dataset="ders", **since_(since.isoformat()))
    assert (change["key"], change["kind"], change["columns"]) == ("=D", "changed", ["nameplate_kw"])
    assert (change["before"], change["after"]) == ({"nameplate_kw": 3}, {"nameplate_kw": 7.6})
    file: Any = client.get(HERE, {"dataset": "ders", "from": since.isoformat(), "format": "csv"})
    text = b"".join(file.streaming_content).decode()
    assert "'=D" in text
    assert "Main Street" not in text + json.dumps(change)


def test_what_makes_no_sense_is_refused(client: Client) -> None:
    utility = make.make_utility("ours")
    source = make.make_source(utility, "a")
    first, second = make.make_run(source), make.make_published_run(source)
    held = make.make_run(source, "held")
    other = make.make_published_run(make.make_source(utility, "b"))
    foreign = make.make_published_run()
    secret = make.make_published_run(make.make_source(utility, "c", redistribution="display_only"))
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({}, "from", "Since when?"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "from", "comes after"),
        ({"from": "2026-02-02", "from_run": first.pk}, "from", "do not go together"),
        ({"from": "soon"}, "from", "Give a day"),
        ({"from": "2026-01-01", "to": "2999-01-01"}, "to", "to come"),
        ({"to_run": second.pk}, "from_run", "From which run?"),
        ({"from_run": second.pk, "to_run": first.pk}, "from_run", "comes after"),
        ({"from_run": held.pk}, "from_run", "readers never saw"),
        ({"from_run": first.pk, "to_run": other.pk}, "to_run", "different sources"),
        ({"from_run": foreign.pk}, "from_run", "no such run"),
        ({"from_run": secret.pk}, "from_run", "no such run"),
        ({"from_run": 0}, "from_run", "greater than or equal to 1"),
        ({"from": "2026-01-01", "after": "!"}, "after", "no mark"),
        ({"from": "2026-01-01", "after": "W10="}, "after", "no mark"),
        ({"from": "2026-01-01", "after": "WzEsImEiLCJiIl0="}, "after", "another dataset"),
        ({"from": "2026-01-01", "colour": "red"}, "colour", "no such parameter"),
    ]
    for given, parameter, why in wrong:
        answer = client.get(HERE, given)
        assert answer.status_code == 400, (given, answer.content)
        [error] = answer.json()["errors"]
        assert error["parameter"] == parameter
        assert why in error["detail"], error
    assert client.get("/api/v1/utilities/nobody/changes", {"from": "2026-01-01"}).status_code == 404


def test_rows_that_may_not_leave_do_not(client: Client) -> None:
    utility = make.make_utility("ours")
    source = make.make_source(utility, redistribution="display_only")
    make.make_record(make.make_feeder(make.make_published_run(source)))
    assert client.get(HERE, {"from": "2026-01-01"}).status_code == 403
    make.make_published_run(make.make_source(utility))
    answer = client.get(HERE, {"from": "2026-01-01"})
    assert answer.json()["results"] == []
    assert answer.json()["withheld"][0]["records"] == 1
