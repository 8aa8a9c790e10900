"""What programs read, against values computed from the files."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils import timezone

from interregional.ingest import load_file
from interregional.models import FlowRun, FlowSource
from interregional.nyiso import read
from interregional.store import store
from tests.interregional.files import (
    REAL_DAY,
    as_file,
    day_like_the_real_one,
    minutes,
    real_day,
    real_rows,
    row,
    utc,
)

pytestmark = pytest.mark.django_db
FLOWS, NEIGHBOURS = "/api/interface-flows", "/api/interregional-flows"
PJM, NEW_ENGLAND = (23316, 325905, 325305, 325658), (23318, 325277, 325154)
DAY = f"start_date={REAL_DAY}&end_date={REAL_DAY}"


@pytest.fixture
def real(tmp_path: Path) -> None:
    load(tmp_path, real_day())


def load(folder: Path, body: bytes) -> None:
    path = folder / "file.csv"
    path.write_bytes(body)
    assert load_file(path).status == "completed"


def ask(client: Client, address: str, **headers: str) -> Any:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200, answer.content
    return answer.json()


def every(client: Client, address: str) -> list[dict[str, Any]]:
    """The rows of all pages."""
    found: list[dict[str, Any]] = []
    following: str | None = address
    while following:
        answer = ask(client, following)
        found += answer["results"]
        following = answer["next"] and "{0.path}?{0.query}".format(urlsplit(answer["next"]))
    return found


def published() -> dict[tuple[str, int], dict[str, Any]]:
    """(instant, Point ID) to the row that the file makes."""
    found = {}
    for stamp, name, point_id, flow, positive, negative in real_rows():
        at = datetime.strptime(stamp + " -0500", "%m/%d/%Y %H:%M %z").astimezone(UTC)
        limits = [None if text in {"9999", "-9999"} else float(text) for text in (positive, negative)]
        found[f"{at:%Y-%m-%dT%H:%M:%SZ}", int(point_id)] = {
            "interface_name": name,
            "flow_mw": float(flow),
            "positive_limit_mw": limits[0],
            "negative_limit_mw": limits[1],
        }
    return found


def test_every_row_of_the_real_day_is_answered_once_whatever_the_page(client: Client, real: None) -> None:
    expected = published()
    for limit in (97, 1_000, 10_000):
        found = every(client, f"{FLOWS}?{DAY}&limit={limit}")
        keys = [(f["timestamp"], f["point_id"]) for f in found]
        assert len(keys) == len(set(keys)) == 5_202
        assert [key[0] for key in keys] == sorted(key[0] for key in keys)
        for key, values in zip(keys, found, strict=True):
            assert {name: values[name] for name in expected[key]} == expected[key]


def test_use_of_a_limit_is_of_the_direction_of_the_flow_and_null_with_a_reason(
    client: Client, real: None
) -> None:
    for found in every(client, f"{FLOWS}?{DAY}&limit=10000"):
        flow, positive, negative = (found[k] for k in ("flow_mw", "positive_limit_mw", "negative_limit_mw"))
        limit = positive if flow > 0 else negative if flow < 0 else 1
        if limit is None:
            assert (found["utilization_percent"], found["utilization_reason"]) == (None, "no_limit_posted")
        else:
            assert found["utilization_percent"] == pytest.approx(100 * abs(flow / limit), abs=0.006)
            assert found["utilization_reason"] is None
        external = found["region"] != "new_york"
        assert found["direction"] == (
            ("import" if flow > 0 else "export" if flow < 0 else "none") if external else None
        )


def test_more_than_all_of_a_limit_is_said_and_a_closed_direction_is_a_reason(
    client: Client, tmp_path: Path
) -> None:
    at = utc("2026-07-01 12:00")
    lines = as_file([row(at, 23316, "130"), row(at, 23317, "5"), row(at, 23318, "0"), row(at, 23324, "0")])
    text = lines.replace(b"23317,5,100,-100", b"23317,5,0,-100").replace(b"23324,0,100,-100", b"23324,0,0,0")
    load(tmp_path, text)
    said = {
        f["point_id"]: (f["utilization_percent"], f["utilization_reason"])
        for f in ask(client, FLOWS)["results"]
    }
    assert said == {
        23316: (130.0, None),
        23317: (None, "closed_this_way"),
        23318: (0.0, None),
        23324: (None, "closed_this_way"),
    }


def test_without_dates_the_latest_instant_is_answered(client: Client, real: None) -> None:
    found = ask(client, FLOWS)["results"]
    assert len(found) == 18
    assert {f["timestamp"] for f in found} == {"2017-11-23T04:55:00Z"}
    neighbours = ask(client, NEIGHBOURS)["results"]
    assert [(f["kind"], f["region"]) for f in neighbours] == [
        *(("interface", region) for region in ("pjm", "new_england", "ontario", "quebec")),
        *(("region", region) for region in ("pjm", "new_england", "ontario", "quebec")),
    ]
    assert [f["interface_name"] for f in neighbours[:4]] == [
        "SCH - PJ - NY",
        "SCH - NE - NY",
        "SCH - OH - NY",
        "SCH - HQ - NY",
    ]


def test_the_pages_of_the_latest_instant_are_of_that_instant_though_a_newer_one_comes(
    client: Client, tmp_path: Path
) -> None:
    at = utc("2026-07-01 12:00")
    load(tmp_path, as_file([row(at, point) for point in PJM]))
    first = ask(client, f"{FLOWS}?limit=3")
    load(tmp_path, as_file([row(at + minutes(5), point) for point in PJM]))
    rest = every(client, "{0.path}?{0.query}".format(urlsplit(first["next"])))
    assert {f["timestamp"] for f in [*first["results"], *rest]} == {"2026-07-01T12:00:00Z"}
    assert sorted(f["point_id"] for f in [*first["results"], *rest]) == sorted(PJM)


@pytest.mark.parametrize(("resolution", "begins", "count"), [("hour", "12:00", 2), ("day", "04:00", 3)])
def test_without_dates_the_latest_hour_or_day_is_answered_as_far_as_it_has_come(
    client: Client, tmp_path: Path, resolution: str, begins: str, count: int
) -> None:
    at = utc("2026-07-01 12:05")
    before = [at - minutes(60), at - minutes(5)]
    load(tmp_path, as_file([row(time, point, 10) for time in (*before, at) for point in PJM]))
    found = every(client, f"{FLOWS}?resolution={resolution}&limit=3")
    assert [(f["timestamp"], f["count"]) for f in found] == [(f"2026-07-01T{begins}:00Z", count)] * 4


def test_regional_totals_are_the_sums_of_their_lines(client: Client, real: None) -> None:
    flows: dict[tuple[str, int], Decimal] = {
        (k[0], k[1]): Decimal(str(v["flow_mw"])) for k, v in published().items()
    }
    totals = [f for f in every(client, f"{NEIGHBOURS}?{DAY}&limit=1000") if f["kind"] == "region"]
    assert len(totals) == 4 * 289
    by_region = {"pjm": PJM, "new_england": NEW_ENGLAND, "ontario": (23317,), "quebec": (23324, 325274)}
    for total in totals:
        lines = [flows[total["timestamp"], point_id] for point_id in by_region[total["region"]]]
        assert total["flow_mw"] == float(sum(lines))
    pjm = totals[0]
    assert (pjm["positive_limit_mw"], pjm["negative_limit_mw"]) == (
        1950 + 660 + 660 + 315,
        -(1350 + 660 + 660 + 315),
    )


def test_a_region_without_one_of_its_lines_has_no_value_and_says_why(client: Client, tmp_path: Path) -> None:
    at = utc("2026-07-01 12:00")
    load(
        tmp_path,
        as_file(
            [row(at, point, 10) for point in PJM] + [row(at + minutes(5), point, 10) for point in PJM[:3]]
        ),
    )
    found = {
        f["timestamp"]: f
        for f in ask(client, f"{NEIGHBOURS}?start_date=2026-07-01")["results"]
        if f["kind"] == "region"
    }
    assert found["2026-07-01T12:00:00Z"]["flow_mw"] == 40
    later = found["2026-07-01T12:05:00Z"]
    assert (later["flow_mw"], later["direction"], later["utilization_reason"]) == (None, None, "line_missing")


def test_a_region_whose_only_line_is_missing_stays_and_net_imports_are_not_known(
    client: Client, tmp_path: Path
) -> None:
    at = utc("2026-07-01 12:00")
    load(tmp_path, as_file([row(at, 23316, 10), row(at, 23317, 10), row(at + minutes(5), 23316, 10)]))
    total = {f["region"]: f for f in ask(client, NEIGHBOURS)["results"] if f["kind"] == "region"}
    assert (total["pjm"]["flow_mw"], total["ontario"]["flow_mw"]) == (10, None)
    assert total["ontario"]["utilization_reason"] == "line_missing"
    page = client.get("/interregional/").content.decode()
    assert 'id="region-ontario"' in page
    assert "not known: a line has no value at this time" in page
    hour = ask(client, f"{NEIGHBOURS}?start_date=2026-07-01&regions=ontario&resolution=hour")["results"]
    assert [(f["flow_mw"], f["count"], f["positive_limit_mw"]) for f in hour] == [(10, 1, 100)] * 2
    assert {f["utilization_percent"] for f in hour} == {10}


def test_a_limit_that_forces_the_other_way_closes_this_one(client: Client, tmp_path: Path) -> None:
    at = utc("2026-07-01 12:00")
    load(tmp_path, as_file([row(at, 23316, 5)]).replace(b",100,-100", b",-50,-100"))
    found = ask(client, FLOWS)["results"][0]
    assert (found["utilization_percent"], found["utilization_reason"]) == (None, "closed_this_way")


def test_a_region_has_no_limit_where_one_of_its_lines_has_none(client: Client, tmp_path: Path) -> None:
    at = utc("2026-07-01 12:00")
    body = as_file([row(at, point, 10) for point in NEW_ENGLAND]).replace(b"325154,10,100", b"325154,10,9999")
    load(tmp_path, body)
    total = next(f for f in ask(client, NEIGHBOURS)["results"] if f["kind"] == "region")
    assert (total["positive_limit_mw"], total["negative_limit_mw"]) == (None, -300)
    assert total["utilization_reason"] == "a_line_has_no_limit"


@pytest.mark.parametrize("day", [date(2024, 11, 3), date(2025, 3, 9)])
def test_a_bare_date_is_a_new_york_day_of_its_own_length(client: Client, tmp_path: Path, day: date) -> None:
    load(tmp_path, as_file(day_like_the_real_one(day)))
    marks = {f["timestamp"] for f in every(client, f"{FLOWS}?start_date={day}&end_date={day}&limit=10000")}
    assert len(marks) == {11: 300, 3: 276}[day.month]
    hours = every(client, f"{FLOWS}?start_date={day}&end_date={day}&interfaces=23316&resolution=hour")
    assert len(hours) == {11: 25, 3: 23}[day.month]
    assert {f["count"] for f in hours} == {12}
    days = every(client, f"{FLOWS}?start_date={day}&end_date={day}&interfaces=23316&resolution=day")
    assert [f["count"] for f in days] == [len(marks)]


def test_hours_and_days_are_means_with_their_extremes(client: Client, real: None) -> None:
    flows = [v["flow_mw"] for k, v in published().items() if k[1] == 23318]
    found = ask(client, f"{FLOWS}?{DAY}&interfaces=23318&resolution=day")["results"][0]
    assert found["timestamp"] == "2017-11-22T05:00:00Z"
    assert found["flow_mw"] == pytest.approx(sum(flows) / len(flows), abs=1e-4)
    assert (found["min_mw"], found["max_mw"], found["count"]) == (min(flows), max(flows), 289)
    total = ask(client, f"{NEIGHBOURS}?{DAY}&regions=ontario&resolution=day")["results"]
    assert [f["kind"] for f in total] == ["interface", "region"]
    assert total[0]["flow_mw"] == total[1]["flow_mw"]


@pytest.mark.parametrize(
    ("word", "point_id"),
    [("23316", 23316), ("SCH - PJ - NY", 23316), ("sch - pjm - ny", 23316), ("CENTRAL EAST - VC", 23330)],
)
def test_an_interface_is_known_by_its_id_and_by_any_of_its_names(
    client: Client, real: None, word: str, point_id: int
) -> None:
    assert [f["point_id"] for f in ask(client, f"{FLOWS}?interfaces={word}")["results"]] == [point_id]


def test_instants_with_offsets_are_instants(client: Client, real: None) -> None:
    wanted = ["2017-11-22T17:00:00Z", "2017-11-22T17:05:00Z"]
    for start, end in (
        ("12:00:00-05:00", "12:05-05:00"),
        ("17:00Z", "17:05Z"),
        ("18:00+01:00", "18:05%2B01:00"),
    ):
        found = ask(
            client, f"{FLOWS}?start_date=2017-11-22T{start}&end_date=2017-11-22T{end}&interfaces=23316"
        )
        assert [f["timestamp"] for f in found["results"]] == wanted


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("start_date=2017-11-22T12:00", "start_date"),
        ("start_date=yesterday", "start_date"),
        ("start_date=2017-02-30", "start_date"),
        ("start_date=0001-01-01", "start_date"),
        ("end_date=2017-11-22", "start_date"),
        ("start_date=2017-11-23&end_date=2017-11-22", "end_date"),
        ("interfaces=PJM", "interfaces"),
        ("interfaces=", "interfaces"),
        ("regions=texas", "regions"),
        ("resolution=week", "resolution"),
        ("limit=0", "limit"),
        ("limit=100000", "limit"),
        ("after=x", "after"),
        ("format=xml", "format"),
        ("interface=23316", "interface"),
        ("limit=1&limit=2", "limit"),
    ],
)
def test_what_cannot_be_is_refused_by_name(client: Client, real: None, query: str, parameter: str) -> None:
    for accept in ("application/json", "text/csv"):
        answer = client.get(f"{FLOWS}?{query}", headers={"accept": accept})
        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"
        assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


def test_more_than_a_year_of_stamps_is_no_one_file_and_is_by_hour(client: Client, real: None) -> None:
    address = f"{FLOWS}?format=csv&start_date=2016-01-01"
    answer = client.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert "ask year by year, or by hour" in answer.json()["detail"]
    for more in ("resolution=hour", "limit=5"):
        assert client.get(f"{address}&{more}").status_code == 200


@pytest.mark.parametrize("address", [FLOWS, NEIGHBOURS])
def test_both_addresses_stand_with_and_without_a_version(client: Client, real: None, address: str) -> None:
    assert ask(client, address)["results"] == ask(client, address.replace("/api/", "/api/v1/"))["results"]


@pytest.mark.parametrize("as_said", [{"format": "csv"}, {"accept": "text/csv"}])
def test_all_rows_come_as_csv(client: Client, real: None, as_said: dict[str, str]) -> None:
    address = f"{FLOWS}?{DAY}" + ("&format=csv" if "format" in as_said else "")
    answer = client.get(address, headers={"accept": as_said.get("accept", "*/*")})
    assert answer["Content-Type"].startswith("text/csv")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    found = list(csv.DictReader(io.StringIO(text)))
    expected = published()
    assert len(found) == 5_202
    for line in found:
        values = expected[line["timestamp"], int(line["point_id"])]
        assert float(line["flow_mw"]) == values["flow_mw"]
        assert (float(line["positive_limit_mw"]) if line["positive_limit_mw"] else None) == values[
            "positive_limit_mw"
        ]


def test_a_name_is_no_formula_in_csv(client: Client, tmp_path: Path) -> None:
    load(tmp_path, as_file([row(utc("2026-07-01 12:00"), 5, 1, name="=1+1")]))
    answer = client.get(f"{FLOWS}?format=csv")
    assert "'=1+1" in b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]


def test_an_unchanged_answer_is_not_sent_again_and_a_changed_one_is(client: Client, tmp_path: Path) -> None:
    at = utc("2026-07-01 12:00")
    load(tmp_path, as_file([row(at)]))
    first = client.get(FLOWS)
    held = {"if-none-match": first["ETag"]}
    assert client.get(FLOWS, headers=held).status_code == 304
    assert client.get(f"{FLOWS}?format=csv", headers=held).status_code == 200
    path = tmp_path / "file.csv"
    assert load_file(path).status == "unchanged"
    assert client.get(FLOWS, headers=held).status_code == 304
    load(tmp_path, as_file([row(at, flow=2)]))
    again = client.get(FLOWS, headers=held)
    assert again.status_code == 200
    assert json.loads(again.content)["results"][0]["flow_mw"] == 2


def test_a_run_that_ends_after_a_later_one_changes_answers_too(client: Client, tmp_path: Path) -> None:
    """The hourly file, asked for before a poll and slower than it, revises a row of this instant."""
    at = utc("2026-07-01 12:00")
    slower = FlowRun.objects.create(source=FlowSource.objects.get(code="P-32"), started_at=at)
    load(tmp_path, as_file([row(at)]))
    held = {"if-none-match": client.get(FLOWS)["ETag"]}
    store(slower, [read(as_file([row(at, flow=2)]))], asked_at=at)
    again = client.get(FLOWS, headers=held)
    assert again.status_code == 200
    assert json.loads(again.content)["results"][0]["flow_mw"] == 2


def test_the_part_that_changes_is_sent_again_when_its_flows_have_become_old(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = timezone.now().replace(second=0, microsecond=0)
    load(tmp_path, as_file([row(at)]))
    first = client.get("/interregional/now")
    held = {"if-none-match": first["ETag"]}
    assert client.get("/interregional/now", headers=held).status_code == 304
    monkeypatch.setattr(timezone, "now", lambda: at + minutes(16))
    again = client.get("/interregional/now", headers=held)
    assert again.status_code == 200
    assert "state-line stale" in again.content.decode()


def test_every_date_that_is_described_is_taken_and_no_region_that_is_not(client: Client, real: None) -> None:
    described = client.get("/api/v1/openapi.json").json()["paths"]["/api/interregional-flows"]["get"]
    schemas = {parameter["name"]: parameter["schema"] for parameter in described["parameters"]}
    for region in schemas["regions"]["items"]["enum"]:
        assert client.get(f"{NEIGHBOURS}?regions={region}").status_code == 200
    assert client.get(f"{NEIGHBOURS}?regions=new_york").status_code == 400
    place = urlsplit(ask(client, f"{NEIGHBOURS}?{DAY}&limit=1")["next"]).query.rpartition("after=")[2]
    assert re.fullmatch(schemas["after"]["pattern"], unquote(place))
    for text, taken in (("2026-02-28", True), ("2026-07-01T12:00Z", True), ("2026-02-30", False)):
        assert bool(re.fullmatch(schemas["start_date"]["pattern"], text)) is taken
        assert (client.get(f"{NEIGHBOURS}?start_date={text}").status_code == 200) is taken


def test_with_nothing_stored_the_answer_is_an_empty_list(client: Client, db: None) -> None:
    for address in (FLOWS, NEIGHBOURS, f"{FLOWS}?{DAY}", f"{FLOWS}?{DAY}&resolution=day"):
        assert ask(client, address)["results"] == []
    assert client.get(f"{FLOWS}?format=csv").status_code == 200


def test_years_without_rows_between_two_days_cost_nothing_and_hide_nothing(
    client: Client, tmp_path: Path
) -> None:
    load(tmp_path, as_file([row(utc("2005-07-01 12:00")), row(utc("2026-07-01 12:00"))]))
    found = ask(client, f"{FLOWS}?start_date=2002-01-01")["results"]
    assert [f["timestamp"][:4] for f in found] == ["2005", "2026"]
    found = ask(client, f"{FLOWS}?start_date=2002-01-01&resolution=day&interfaces=23316&limit=1")
    assert len(found["results"]) == 1
    assert found["next"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("range=1y", "range is 24h"),
        ("from=2017-11-23&to=2017-11-22", "comes after"),
        ("from=yesterday", "written as"),
        ("from=2000-01-01&to=2017-11-22", "At most a year"),
    ],
)
def test_a_range_that_cannot_be_is_said_on_the_page_and_refused_as_series(
    client: Client, real: None, query: str, said: str
) -> None:
    page = client.get(f"/interregional/?{query}")
    assert page.status_code == 400
    assert said in page.content.decode()
    answer = client.get(f"/interregional/series.json?{query}")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_the_part_that_changes_is_not_sent_again_while_nothing_has(client: Client, real: None) -> None:
    for address in ("/interregional/now", "/interregional/series.json?range=24h"):
        first = client.get(address)
        assert first.status_code == 200
        assert client.get(address, headers={"if-none-match": first["ETag"]}).status_code == 304


def test_a_lines_past_is_a_picture_too_with_limits_as_steps_and_gaps_as_gaps(
    client: Client, tmp_path: Path
) -> None:
    at = utc("2026-07-01 12:00")
    times = [at, at + minutes(5), at + minutes(30), at + minutes(35)]
    body = as_file([row(time, flow=number) for number, time in enumerate(times)])
    load(tmp_path, body.replace(b"08:35,LINE 23316,23316,3,100", b"08:35,LINE 23316,23316,3,50"))
    answer = client.get("/interregional/line/23316.svg")
    assert answer["Content-Type"] == "image/svg+xml"
    parts = ElementTree.fromstring(answer.content).iter("{http://www.w3.org/2000/svg}path")
    drawn = [part.attrib["d"] for part in parts]
    into, out, flow = drawn[-3:]
    assert [len(re.findall(move, flow)) for move in "MLH"] == [2, 2, 0]
    assert [len(re.findall(move, into)) for move in "MLH"] == [2, 2, 2]
    last = re.search(r"M([\d.]+),([\d.]+)H([\d.]+)L([\d.]+),([\d.]+)$", into)
    assert last is not None
    assert last[3] == last[4] > last[1]
    assert float(last[5]) > float(last[2])  # the lower limit is lower down
    assert len({y for _, y in re.findall(r"([\d.]+),([\d.]+)", out)}) == 1
    assert client.get("/interregional/line/1.svg").status_code == 404
    assert client.get("/interregional/line/23316.svg?range=1y").status_code == 400
    held = {"if-none-match": answer["ETag"]}
    assert client.get("/interregional/line/23316.svg", headers=held).status_code == 304


def test_the_charts_rows_are_one_click_away_as_csv(client: Client, real: None) -> None:
    page = client.get(f"/interregional/?from={REAL_DAY}&to={REAL_DAY}").content.decode()
    address = re.search(r'href="(/api/v1/interface-flows[^"]*)">CSV<', page)
    assert address is not None
    answer = client.get(unescape(address[1]))
    assert b"".join(answer.streaming_content).count(b"\r\n") == 5_203  # type: ignore[attr-defined]


def test_series_have_an_empty_place_where_stamps_are_missing(client: Client, tmp_path: Path) -> None:
    at = utc("2026-07-01 12:00")
    load(tmp_path, as_file([row(at, flow=1), row(at + minutes(5), flow=2), row(at + minutes(30), flow=3)]))
    found = client.get("/interregional/series.json").json()
    assert found["lines"]["23316"]["flow"] == [1, 2, None, 3]
    assert [x - found["x"][0] for x in found["x"]] == [0, 300, 600, 1800]
