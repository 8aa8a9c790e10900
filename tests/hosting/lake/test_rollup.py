"""From sections to feeders: by the declared rule, the same whatever order the rows came in."""

import random
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from hosting.lake import rollup
from tests.hosting.lake.frames import SHAPE, figure, source, stage
from utilities.spec import SourceSpec


def sections(*figures: dict[str, Any], **fields: Any) -> SourceSpec:
    return source(*figures, grain="section", fields={"feeder_id": {"id": "feeder"}} | fields)


def rolled(spec: SourceSpec, rows: list[dict[str, Any]], **types: Any) -> dict[str, dict[str, Any]]:
    """Feeder (with capacity type and variant where the source has several figures) to its record."""
    passed = stage(spec, rows, **types).where("reject_check IS NULL")
    records = rollup.feeders(passed, spec).toArrow().to_pylist()
    single = len(spec.figures) == 1
    found = {
        row["feeder_id"] if single else f"{row['feeder_id']} {row['capacity_type']} {row['variant']}": row
        for row in records
    }
    assert len(found) == len(records)
    return found


def one(spec: SourceSpec, rows: list[dict[str, Any]], **types: str) -> dict[str, Any]:
    [record] = rolled(spec, [{"feeder": "F", **row} for row in rows], **types).values()
    return record


ROWS = [
    {"id": "a", "feeder": "F", "hc": "2", "why": "thermal"},
    {"id": "b", "feeder": "F", "hc": "5", "why": "voltage"},
    {"id": "c", "feeder": "F", "hc": "0", "why": "protection"},
    {"id": "d", "feeder": "F", "hc": "", "why": "islanding"},
    {"id": "e", "feeder": "G", "hc": "7", "why": ""},
]


@pytest.mark.parametrize(("rule", "headline", "why"), [("min", "0", "protection"), ("max", "5", "voltage")])
def test_the_headline_is_one_section_s_figure_by_the_declared_rule(
    rule: str, headline: str, why: str
) -> None:
    spec = sections(figure(rollup=rule, remaining="hosting", constraining_metric={"metric": "why"}))
    found = rolled(spec, ROWS)
    record = found["F"]
    assert record["hosting_capacity_mw"] == record["remaining_capacity_mw"] == Decimal(headline)
    assert record["constraining_metric"] == why
    assert (record["hosting_capacity_min_mw"], record["hosting_capacity_max_mw"]) == (Decimal(0), Decimal(5))
    assert record["capacity_status"] == "published"
    assert (record["section_count"], record["key"], record["grain"]) == (4, "F", "section")
    assert found["G"]["constraining_metric"] is None
    assert (record["geometry"], record["raw_attributes"], record["criteria"]) == (None, None, None)


def test_two_figures_of_one_row_roll_up_by_their_own_rules_and_never_into_each_other() -> None:
    spec = sections(
        figure(rollup="max", remaining="hosting"),
        figure(rollup="min", capacity_type="load", hosting_capacity_mw={"kw": "load"}, remaining="hosting"),
    )
    rows = [{"feeder": "F", "hc": "1", "load": "9000"}, {"feeder": "F", "hc": "2", "load": "4000"}]
    found = rolled(spec, rows)
    assert {name: row["hosting_capacity_mw"] for name, row in found.items()} == {
        "F generation default": Decimal(2),
        "F load default": Decimal(4),
    }
    assert {row["remaining_basis"] for row in found.values()} == {"hosting"}


def test_equals_are_settled_by_their_key_in_whatever_order_they_come() -> None:
    rows = [{"id": key, "hc": "3", "why": word} for key, word in (("b", "voltage"), ("a", "thermal"))]
    for rule in ("min", "max"):
        spec = sections(figure(rollup=rule, constraining_metric={"metric": "why"}))
        metrics = {one(spec, order)["constraining_metric"] for order in (rows, rows[::-1])}
        assert metrics == {"thermal" if rule == "min" else "voltage"}


def test_what_remains_is_taken_from_the_headline_and_published_remainders_by_the_same_rule() -> None:
    rows = [
        {"hc": "5", "inst": "1.5", "left": "2"},
        {"hc": "3", "inst": "1.5", "left": "0.5"},
        {"hc": "", "inst": "1.5", "left": ""},
    ]
    installed = {"installed_dg_mw": {"mw": "inst"}}
    less = sections(figure(rollup="max", remaining="hosting_less_installed", **installed))
    assert one(less, rows)["remaining_capacity_mw"] == Decimal("3.5")
    less = sections(figure(rollup="min", remaining="hosting_less_installed", **installed))
    assert one(less, rows)["remaining_capacity_mw"] == Decimal("1.5")
    for rule, left in (("max", "2"), ("min", "0.5")):
        spec = sections(
            figure(rollup=rule, remaining="published", remaining_capacity_mw={"mw": "left"}, **installed)
        )
        assert one(spec, rows)["remaining_capacity_mw"] == Decimal(left)
    unknown = sections(figure(rollup="max", remaining="unknown", **installed))
    assert one(unknown, rows)["remaining_capacity_mw"] is None
    assert one(unknown, rows)["installed_dg_mw"] == Decimal("1.5")


def test_a_feeder_without_any_number_is_unknown_and_says_why_where_its_sections_agree() -> None:
    reading = {"mw": {"field": "hc", "not_studied": ["NA"], "withheld": ["X"], "at_least": 10}}
    spec = sections(figure(hosting_capacity_mw=reading, rollup="max", remaining="hosting"))
    statuses = {
        ("NA", "NA"): "not_studied",
        ("X", "X"): "withheld",
        ("NA", "X"): "unknown",
        ("", "NA"): "unknown",
        ("NA", "4"): "published",
        ("X", "10"): "at_least",
        ("4", "12"): "at_least",
    }
    rows = [
        {"id": f"{number}-{end}", "feeder": str(number), "hc": text}
        for number, pair in enumerate(statuses)
        for end, text in enumerate(pair)
    ]
    found = rolled(spec, rows)
    assert [found[str(n)]["capacity_status"] for n in range(len(statuses))] == list(statuses.values())
    assert [found[str(n)]["remaining_capacity_mw"] for n in range(4)] == [None] * 4
    lowest = sections(figure(hosting_capacity_mw=reading, rollup="min"))
    assert rolled(lowest, rows)["6"]["capacity_status"] == "published"


def test_the_range_of_a_feeder_is_as_wide_as_the_ranges_of_its_sections() -> None:
    spec = sections(
        figure(
            rollup="max",
            hosting_capacity_min_mw={"mw": "low"},
            hosting_capacity_max_mw={"mw": "high"},
        )
    )
    rows = [
        {"hc": "2", "low": "0.5", "high": "3"},
        {"hc": "4", "low": "", "high": "6"},
        {"hc": "1", "low": "0.75", "high": ""},
        {"hc": "", "low": "", "high": ""},
    ]
    record = one(spec, rows)
    assert record["hosting_capacity_mw"] == Decimal(4)
    assert (record["hosting_capacity_min_mw"], record["hosting_capacity_max_mw"]) == (
        Decimal("0.5"),
        Decimal(6),
    )
    plain = one(spec, [{"hc": hc, "low": "", "high": ""} for hc in ("2", "4")])
    assert (plain["hosting_capacity_min_mw"], plain["hosting_capacity_max_mw"]) == (Decimal(2), Decimal(4))


@pytest.mark.parametrize(
    ("rule", "left", "status", "why"),
    [("min", "0.5", "published", "thermal"), ("max", "10", "at_least", "voltage")],
)
def test_a_feeder_of_remaining_capacity_alone_is_described_by_the_section_it_comes_from(
    rule: str, left: str, status: str, why: str
) -> None:
    reading = {"mw": {"field": "left", "withheld": ["X"], "at_least": 10}}
    alone = {
        "capacity_type": "load",
        "remaining": "published",
        "remaining_capacity_mw": reading,
        "constraining_metric": {"metric": "why"},
        "rollup": rule,
    }
    rows = [
        {"left": "0.5", "why": "thermal"},
        {"left": "10", "why": "voltage"},
        {"left": "", "why": "protection"},
        {"left": "X", "why": ""},
    ]
    record = one(sections(alone), rows)
    assert (record["remaining_capacity_mw"], record["capacity_status"]) == (Decimal(left), status)
    assert (record["hosting_capacity_mw"], record["constraining_metric"]) == (None, why)
    assert one(sections(alone), rows[2:])["capacity_status"] == "unknown"
    assert one(sections(alone), rows[3:])["capacity_status"] == "withheld"


def test_phases_flags_dates_names_and_voltages_of_a_feeder() -> None:
    spec = sections(
        figure(rollup="max"),
        phase_config={"phases": "ph"},
        is_overhead={"flag": "oh"},
        is_network={"flag": "net"},
        record_date={"date": "day"},
        voltage_kv={"kv": "kv"},
        feeder_name={"text": "name"},
        county={"text": "county"},
    )
    rows: list[dict[str, Any]] = [
        {
            "hc": "1",
            "ph": "A",
            "oh": "Y",
            "net": "N",
            "day": "2024-01-01",
            "kv": "4.16",
            "name": "",
            "county": "K",
        },
        {"hc": "1", "ph": "ABC", "oh": "N", "net": "N", "day": "2024-06-01", "kv": "12.47", "name": "Main"},
        {"hc": "1", "ph": "", "oh": "", "net": "", "day": "", "kv": "", "name": None, "county": "B"},
    ]
    record = one(spec, rows)
    assert (record["phase_config"], record["is_overhead"], record["is_network"]) == ("3-phase", None, False)
    assert (record["record_date"], record["voltage_kv"]) == (date(2024, 6, 1), Decimal("12.47"))
    assert (record["feeder_name"], record["county"]) == ("Main", "B")
    alone = one(spec, rows[:1])
    assert (alone["phase_config"], alone["is_overhead"], alone["feeder_name"]) == ("single-phase", True, None)
    nothing = one(spec, rows[2:])
    assert (nothing["phase_config"], nothing["is_overhead"], nothing["is_network"]) == (None, None, None)


def test_the_digest_changes_with_one_shape_and_not_with_the_order_of_the_rows() -> None:
    spec = sections(figure(rollup="max"))
    rows: list[dict[str, Any]] = [
        {"id": str(n), "hc": str(n), "geometry": SHAPE[:-1] + bytes([n])} for n in range(20)
    ]
    whole = one(spec, rows)
    shuffled = random.Random(3).sample(rows, len(rows))
    again = one(spec, shuffled)
    assert again["geometry_digest"] == whole["geometry_digest"]
    assert again == whole
    moved = [*rows[:-1], rows[-1] | {"geometry": SHAPE[:-1] + b"\xff"}]
    assert one(spec, moved)["geometry_digest"] != whole["geometry_digest"]
    assert one(spec, rows[1:])["geometry_digest"] != whole["geometry_digest"]
    twice = [*rows, rows[0] | {"id": "x"}]
    assert one(spec, twice)["geometry_digest"] != whole["geometry_digest"]
