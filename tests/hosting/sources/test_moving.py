"""Names that move: the newest service whose fields fit is read, and what was not chosen is told with why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from hcportal.errors import FetchError
from hcportal.http import Client
from hosting.sources.candidates import date_in, quarters, without_date
from hosting.sources.layer import Layer
from hosting.sources.moving import ENTRY, LAST, NEWEST, find, find_by, rules_of
from tests.hosting.sources.faulty import Asked, Faulty, Reply, error
from tests.layers import entry
from utilities.spec import SourceSpec, UtilitySpec
from utilities.spec_access import Discovery

Serve = Callable[[Faulty], Faulty]


def publisher(serve: Serve, known: dict[str, dict[str, Any]], **answers: Any) -> Faulty:
    """A server with services by name; a service's `fields` (default: those of the entry) and rows.

    `answers` are for other paths, by their last part (`services`, `search`).
    """
    server = Faulty(3)

    def fault(asked: Asked, reply: Reply) -> Reply | None:
        last = asked.path.rpartition("/")[2]
        if last in answers:
            return answers[last] if isinstance(answers[last], Reply) else Reply(answers[last])
        name = asked.path.partition("/services/")[2].split("/")[0]
        service = known.get(name)
        if service is None:
            return error(404, f"Service {name}/FeatureServer not found")
        if asked.kind == "service":
            return Reply({"layers": service.get("layers", [{"id": 0, "name": "Sections"}]), "tables": []})
        if asked.kind == "layer":
            names = service.get("fields", ["section", "feeder", "mw"])
            fields = [{"name": n, "alias": n, "type": "esriFieldTypeString"} for n in names]
            return Reply({**reply.content, "name": name, "fields": [server.fields[0], *fields]})
        return Reply({"count": service.get("rows", 3)}) if asked.kind == "count" else None

    server.faults.append(fault)
    return serve(server)


def root(server: Faulty) -> str:
    return server.url.partition("/lines/")[0]


def source(server: Faulty, name: str = "HC_MAR2026", **given: Any) -> SourceSpec:
    spec = entry("scratch", f"{root(server)}/{name}/FeatureServer", **given)
    return UtilitySpec.model_validate(spec).sources[0]


def fits(layer: Layer) -> str:
    return "" if "mw" in {field.name for field in layer.fields} else "lacks the mapped field 'mw'"


def services(server: Faulty, *names: str) -> Discovery:
    return Discovery(strategy="services", directory=root(server), like="HC_*")


LISTED = {
    "services": [
        {"name": "HC_DEC2025", "type": "FeatureServer"},
        {"name": "HC_SEP2026", "type": "FeatureServer"},
        {"name": "HC_032026", "type": "FeatureServer"},
        {"name": "HC_JUN2026", "type": "FeatureServer"},
        {"name": "HC_AUG2026", "type": "GeocodeServer"},
        {"name": "Other_SEP2026", "type": "FeatureServer"},
    ]
}


def test_the_newest_service_of_a_catalogue_whose_fields_fit_is_read(client: Client, serve: Serve) -> None:
    known: dict[str, dict[str, Any]] = {
        "HC_SEP2026": {"fields": ["other"]},
        "HC_JUN2026": {},
        "HC_032026": {},
        "HC_DEC2025": {},
    }
    server = publisher(serve, known, services=LISTED)
    found = find(client, source(server), services(server), fits)
    told = found.told()
    assert found.layer.url == f"{root(server)}/HC_JUN2026/FeatureServer/0"
    assert (told["strategy"], told["chosen"]["dated"]) == ("services", "2026-06-01")
    assert told["chosen"]["because"] == NEWEST
    assert told["at"].startswith("20")
    assert [(one["name"], one["rejected"]) for one in told["rejected"]] == [
        ("HC_SEP2026", "lacks the mapped field 'mw'"),
        ("HC_032026", "older"),
        ("HC_DEC2025", "older"),
    ]
    assert not [asked for asked in server.log if "Other" in asked.path or "DEC2025" in asked.path]


def test_an_empty_and_a_missing_service_are_passed_over(client: Client, serve: Serve) -> None:
    server = publisher(serve, {"HC_SEP2026": {"rows": 0}, "HC_032026": {}}, services=LISTED)
    found = find(client, source(server), services(server), fits)
    assert found.layer.url.endswith("/HC_032026/FeatureServer/0")
    reasons = {one["name"]: one["rejected"] for one in found.rejected}
    assert reasons["HC_SEP2026"] == "it has no rows"
    assert "renamed or removed" in reasons["HC_JUN2026"]


def item(server: Faulty, title: str, modified: int, service: str = "", **given: Any) -> dict[str, Any]:
    url = f"{root(server)}/{service or title}/FeatureServer"
    return {
        "title": title,
        "type": "Feature Service",
        "owner": "grid",
        "url": url,
        "modified": modified,
    } | given


def test_an_owners_items_are_taken_by_the_day_they_were_modified(client: Client, serve: Serve) -> None:
    server = publisher(serve, {"HC_Summer": {}, "HC_Autumn": {}, "HC_Copy": {}})
    items = [
        item(server, "HC_Copy", 1_790_000_000_000, owner="somebody else"),
        item(server, "HC_Summer", 1_780_000_000_000),
        item(server, "HC_Web_Map", 1_795_000_000_000, url="https://www.example.com/map.html"),
    ]
    second = [item(server, "Autumn figures", 1_789_000_000_000, service="HC_Autumn")]
    pages = {"1": {"results": items, "nextStart": 101}, "101": {"results": second, "nextStart": -1}}
    server.faults.append(
        lambda asked, _reply: Reply(pages[asked.params["start"]]) if asked.path.endswith("/search") else None
    )
    portal = root(server).replace("/arcgis/rest/services", "/sharing/rest")
    rule = Discovery(strategy="owner", directory=portal, owner="grid", like="HC_*")
    found = find(client, source(server), rule, fits)
    assert found.layer.url.endswith("/HC_Autumn/FeatureServer/0")
    assert found.chosen["modified"].startswith("2026-09-")
    assert [one["name"] for one in found.rejected] == ["HC_Summer"]
    [query, _] = [asked.params["q"] for asked in server.log if asked.path.endswith("/search")]
    assert query.startswith("owner:grid AND ")


def test_a_layer_whose_number_moved_is_found_by_its_name(client: Client, serve: Serve) -> None:
    layers = [{"id": 0, "name": "Tiles"}, {"id": 2, "name": "ICA Sections 2026"}]
    server = publisher(serve, {"HC_JUN2026": {"layers": layers}}, services=LISTED)
    rule = services(server).model_copy(update={"layer_like": "ICA Sections*"})
    found = find(client, source(server), rule, fits)
    assert found.layer.url.endswith("/HC_JUN2026/FeatureServer/2")


@pytest.mark.parametrize("trouble", [error(499), Reply({"services": []})], ids=["refused", "nothing listed"])
def test_where_nothing_is_found_the_last_that_was_read_is(
    client: Client, serve: Serve, trouble: Reply
) -> None:
    server = publisher(serve, {"HC_FEB2026": {}, "HC_MAR2026": {}}, services=trouble)
    last = f"{root(server)}/HC_FEB2026/FeatureServer/0"
    found = find(client, source(server), services(server), fits, last_url=last)
    assert (found.layer.url, found.chosen["because"]) == (last, LAST)
    assert bool(found.trouble) == (trouble.content != {"services": []})
    entrys = find(client, source(server), services(server), fits, last_url=last.replace("FEB", "OCT"))
    assert (entrys.layer.name, entrys.chosen["because"]) == ("HC_MAR2026", ENTRY)


def test_where_nothing_fits_the_error_says_what_was_tried(client: Client, serve: Serve) -> None:
    server = publisher(serve, {"HC_SEP2026": {"fields": ["other"]}}, services=LISTED)
    with pytest.raises(FetchError) as caught:
        find(client, source(server), services(server), fits)
    said = str(caught.value)
    assert "HC_SEP2026: lacks the mapped field 'mw'" in said
    assert "HC_JUN2026: " in said
    assert "HC_MAR2026" in said


def test_no_more_than_eight_candidates_are_opened(client: Client, serve: Serve) -> None:
    names = [f"HC_{year}" for year in range(2010, 2027)]
    listed = {"services": [{"name": name, "type": "FeatureServer"} for name in names]}
    server = publisher(serve, {"HC_MAR2026": {}}, services=listed)
    found = find(client, source(server), services(server), fits)
    assert found.chosen["because"] == ENTRY
    assert [one["rejected"] for one in found.rejected].count("older; not tried") == len(names) - 8


# --- The Exelon family --------------------------------------------------------------------------------------


def test_a_dated_name_of_the_exelon_family_is_looked_for_beside_it(client: Client, serve: Serve) -> None:
    server = publisher(serve, {"HC_SEP2026": {}, "HC_MAR2026": {}}, services=LISTED)
    spec = source(server)
    rules = rules_of(spec, "exelon")
    assert [(rule.strategy, rule.like) for rule in rules] == [("services", "HC_*"), ("quarterly", "HC_*")]
    assert find_by(client, spec, rules, fits).layer.name == "HC_SEP2026"
    assert [rule.strategy for rule in rules_of(spec, "arcgis_feature")] == ["static"]
    assert [rule.strategy for rule in rules_of(source(server, "HC"), "exelon")] == ["static"]


def test_quarterly_names_fall_back_to_earlier_ones_where_nothing_is_listed(
    client: Client, serve: Serve
) -> None:
    today = datetime.now(UTC).date()
    first, second, third, *_ = [c.name for c in quarters("https://x/HC/FeatureServer", "HC_*", today)]
    server = publisher(serve, {second: {"fields": ["other"]}, third: {}}, services=error(403))
    spec = source(server, "HC_MAR2021")
    found = find_by(client, spec, rules_of(spec, "exelon"), fits)
    assert found.layer.name == third
    assert (found.strategy, found.chosen["because"]) == ("quarterly", NEWEST)
    assert [one["name"] for one in found.rejected[:2]] == [first, second]


def test_where_no_quarter_answers_the_entrys_own_address_is_read(client: Client, serve: Serve) -> None:
    server = publisher(serve, {"HC_MAR2021": {}}, services=error(403))
    spec = source(server, "HC_MAR2021")
    found = find_by(client, spec, rules_of(spec, "exelon"), fits)
    assert (found.layer.name, found.chosen["because"]) == ("HC_MAR2021", ENTRY)


def test_quarters_go_back_over_the_turn_of_the_year() -> None:
    found = quarters("https://host/rest/services/HC_MAR2026/FeatureServer", "HC_*", date(2026, 5, 2))
    assert [candidate.url.split("/")[-2] for candidate in found][:4] == [
        "HC_JUN2026",
        "HC_MAR2026",
        "HC_DEC2025",
        "HC_SEP2025",
    ]


@pytest.mark.parametrize(
    ("name", "day", "like"),
    [
        ("ComEd_PV_Hosting_Capacity_MAR2026", date(2026, 3, 1), "ComEd_PV_Hosting_Capacity_*"),
        ("Hosting_Capacity_March_2026", date(2026, 3, 1), "Hosting_Capacity_*"),
        ("HC_032026", date(2026, 3, 1), "HC_*"),
        ("ICA_20260304", date(2026, 3, 4), "ICA_*"),
        ("HC_03042026", date(2026, 3, 4), "HC_*"),
        ("HC_Q3_2026", date(2026, 9, 1), "HC_*"),
        ("HC_2026Q1", date(2026, 3, 1), "HC_*"),
        ("RI_2025_HCA", date(2025, 1, 1), None),
        ("HC_20260231", None, "HC_*"),
        ("Marchmont_Feeders", None, None),
        ("HC_12345678", None, "HC_*"),
    ],
)
def test_dates_in_names(name: str, day: date | None, like: str | None) -> None:
    assert (date_in(name), without_date(name)) == (day, like)
