"""Rows become figures: what remains, what is refused and why, what identifies a row."""

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import functions as F

from hosting.lake import silver
from tests.hosting.lake.frames import SHAPE, bronze, column, figure, source, stage, staged

MW_TEXT = [{"hc": "5", "inst": "1.5", "queue": "0.25", "left": "4"}]
PARTS = {"installed_dg_mw": {"mw": "inst"}, "queued_dg_mw": {"mw": "queue"}}


def checks(spec: Any, rows: list[dict[str, Any]], **given: Any) -> list[str | None]:
    """The check that refused each figure, or None."""
    return column(spec, "reject_check", rows, **given)


def test_the_normaliser_check_of_the_specification() -> None:
    spec = source(
        figure(
            hosting_capacity_mw={"kw": "hosting"},
            installed_dg_mw={"kw": "installed"},
            constraining_metric={"metric": "why"},
            remaining="hosting_less_installed",
        )
    )
    [row] = staged(spec, [{"hosting": "5000", "installed": "1200", "why": "Thermal"}])
    assert row["reject_check"] is None
    assert row["hosting_capacity_mw"] == Decimal("5.0")
    assert row["installed_dg_mw"] == Decimal("1.2")
    assert row["remaining_capacity_mw"] == Decimal("3.8")
    assert row["remaining_basis"] == "hosting_less_installed"
    assert row["constraining_metric"] == "thermal"


@pytest.mark.parametrize(
    ("basis", "left"),
    [
        ("hosting", "5"),
        ("hosting_less_installed", "3.5"),
        ("hosting_less_queued", "4.75"),
        ("hosting_less_installed_and_queued", "3.25"),
        ("unknown", None),
    ],
)
def test_what_remains_follows_the_declared_basis_and_is_null_where_a_part_is_unknown(
    basis: str, left: str | None
) -> None:
    spec = source(figure(remaining=basis, **PARTS))
    parts = {"hosting": ["hc"], "unknown": []}.get(
        basis, ["hc"] + [name for name, word in (("inst", "installed"), ("queue", "queued")) if word in basis]
    )
    incomplete = [{**MW_TEXT[0], name: nothing} for name in parts for nothing in ("", None)]
    rows = staged(spec, MW_TEXT + incomplete)
    assert [row["reject_check"] for row in rows] == [None] * len(rows)
    assert [row["remaining_capacity_mw"] for row in rows] == [left and Decimal(left)] + [None] * len(
        incomplete
    )
    assert {row["remaining_basis"] for row in rows} == {basis}


def test_a_published_remainder_is_taken_as_it_is() -> None:
    spec = source(figure(remaining="published", remaining_capacity_mw={"mw": "left"}, **PARTS))
    rows = staged(spec, [*MW_TEXT, {**MW_TEXT[0], "left": ""}, {**MW_TEXT[0], "left": "-0.5"}])
    assert [row["remaining_capacity_mw"] for row in rows] == [Decimal(4), None, Decimal("-0.5")]
    assert [row["reject_check"] for row in rows] == [None, None, None]


def test_more_installed_than_hosting_leaves_less_than_nothing() -> None:
    spec = source(figure(remaining="hosting_less_installed", **PARTS))
    assert column(spec, "remaining_capacity_mw", [{**MW_TEXT[0], "inst": "7"}]) == [Decimal(-2)]


def test_a_figure_of_remaining_capacity_alone_has_its_status_from_that_field() -> None:
    reading = {"mw": {"field": "left", "withheld": ["X"]}}
    alone = {"capacity_type": "load", "remaining": "published", "remaining_capacity_mw": reading}
    rows = staged(source(alone), [{"left": "2"}, {"left": "X"}, {"left": ""}])
    assert [row["capacity_status"] for row in rows] == ["published", "withheld", "unknown"]
    assert {row["hosting_capacity_mw"] for row in rows} == {None}


def test_a_repeated_key_keeps_its_first_row() -> None:
    rows = [{"id": key, "hc": hc} for key, hc in (("A", "3"), ("B", "1"), ("A", "2"), ("A", "9"), ("B", "1"))]
    found = staged(source(), rows)
    assert [row["reject_check"] for row in found] == [None, None, "Q08", "Q08", "Q08"]
    assert found[2]["reject_reason"] == "its key stands in an earlier row"


def test_a_row_refused_for_another_reason_does_not_take_the_key_from_a_sound_one() -> None:
    rows = [{"id": "A", "hc": "many"}, {"id": "A", "hc": "2"}, {"id": "A", "hc": "3"}]
    assert checks(source(), rows) == ["Q27", None, "Q08"]


def test_a_row_without_feeder_or_key_is_refused_unless_it_is_a_cell() -> None:
    spec = source(fields={"feeder_id": {"id": "feeder"}})
    rows: list[dict[str, Any]] = [
        {"id": "1", "feeder": "F", "hc": "1"},
        {"id": "2", "feeder": " ", "hc": "1"},
        {"id": None, "feeder": "F", "hc": "1"},
        {"id": "x" * 201, "feeder": "F", "hc": "1"},
        {"id": "4", "feeder": "f" * 121, "hc": "1"},
    ]
    assert checks(spec, rows) == [None, "Q10", "Q10", "Q10", "Q10"]
    cells = source(grain="cell", fields={"feeder_id": {"id": "feeder"}})
    assert checks(cells, rows[:3]) == [None, None, "Q10"]


def test_the_lowest_capacity_must_not_be_above_the_highest() -> None:
    spec = source(
        figure(hosting_capacity_min_mw={"mw": "low"}, hosting_capacity_max_mw={"mw": "high"}),
    )
    rows = [
        {"hc": "2", "low": low, "high": high} for low, high in (("1", "2"), ("2", "2"), ("3", "2"), ("3", ""))
    ]
    assert checks(spec, rows) == [None, None, "Q15", None]


@pytest.mark.parametrize(
    ("basis", "check"),
    [
        ("hosting", None),
        ("published", None),
        ("unknown", "Q18"),
        ("hosting_less_installed", "Q18"),
        ("hosting_less_queued", "Q18"),
    ],
)
def test_a_negative_capacity_is_refused_unless_it_is_what_remains(basis: str, check: str | None) -> None:
    extra = {"remaining_capacity_mw": {"mw": "left"}} if basis == "published" else {}
    spec = source(figure(remaining=basis, **PARTS, **extra))
    rows = [{"hc": "-0.5", "inst": "0", "queue": "0", "left": "-0.5"}, {"hc": "0", "inst": "0", "queue": "0"}]
    assert checks(spec, rows) == [check, None]


def test_more_cannot_remain_than_there_is() -> None:
    spec = source(figure(remaining="published", remaining_capacity_mw={"mw": "left"}))
    rows = [{"hc": "2", "left": left} for left in ("1.99", "2", "2.00001", "")] + [{"hc": "", "left": "9"}]
    assert checks(spec, rows) == [None, None, "Q31", None, None]


@pytest.mark.parametrize("name", ["record_date", "der_date"])
def test_a_date_before_2015_or_in_the_future_is_refused(name: str) -> None:
    today = datetime.now(UTC).date()
    days = [date(2014, 12, 31), date(2015, 1, 1), today, today + timedelta(days=3)]
    spec = source(fields={name: {"date": "day"}})
    rows: list[dict[str, Any]] = [{"hc": "1", "day": day.isoformat()} for day in days]
    assert checks(spec, [*rows, {"hc": "1", "day": None}]) == ["Q41", None, None, "Q41", None]


def test_a_row_needs_a_shape_where_the_source_declares_one() -> None:
    rows: list[dict[str, Any]] = [{"hc": "1"}, {"hc": "1", "geometry": None}]
    assert checks(source(), rows) == [None, "Q49"]
    assert checks(source(geometry="none"), rows) == [None, None]


def test_each_figure_of_a_row_stands_or_falls_by_itself() -> None:
    spec = source(
        figure(),
        figure(variant="strict", hosting_capacity_mw={"kw": "strict"}, remaining="hosting"),
        figure(
            capacity_type="load",
            hosting_capacity_mw={"mw": "load"},
            criteria={"thermal": {"kw": "t"}, "over-voltage": {"kw": "v"}},
            remaining="hosting",
        ),
    )
    rows = staged(
        spec,
        [
            {"hc": "5", "strict": "2500", "load": "7.5", "t": "8000", "v": "7500"},
            {"hc": "5", "strict": "lots", "load": "", "t": "", "v": None},
        ],
    )
    assert [(row["row_no"], row["capacity_type"], row["variant"]) for row in rows] == [
        (number, *pair)
        for number in (0, 1)
        for pair in (("generation", "default"), ("generation", "strict"), ("load", "default"))
    ]
    assert [row["hosting_capacity_mw"] for row in rows] == [
        Decimal(5), Decimal("2.5"), Decimal("7.5"), Decimal(5), None, None,
    ]  # fmt: skip
    assert [row["remaining_capacity_mw"] for row in rows] == [
        None, Decimal("2.5"), Decimal("7.5"), None, None, None,
    ]  # fmt: skip
    assert [row["reject_check"] for row in rows] == [None, None, None, None, "Q27", None]
    assert rows[2]["criteria"] == '{"over-voltage":7.50000,"thermal":8.00000}'
    assert [row["criteria"] for row in rows if row is not rows[2]] == [None] * 5


def test_a_criterion_that_is_no_number_refuses_the_figure() -> None:
    spec = source(figure(criteria={"thermal": {"kw": "t"}}))
    assert checks(spec, [{"hc": "1", "t": "n/k"}]) == ["Q27"]


def test_a_key_of_several_fields_is_all_of_them_in_the_declared_order() -> None:
    spec = source(key=["line", "phase"])
    rows = [{"hc": "1", "line": "7.0", "phase": "A"}, {"hc": "1", "line": "7", "phase": "B"}]
    rows += [{"hc": "1", "line": "7", "phase": " B "}, {"hc": "1", "line": "7", "phase": ""}]
    found = staged(spec, rows)
    assert [row["key"] for row in found] == ["7|A", "7|B", "7|B", None]
    assert [row["reject_check"] for row in found] == [None, None, "Q08", "Q10"]


def test_keys_of_several_fields_differ_where_a_field_holds_what_separates_them() -> None:
    parts = [("a|b", "c"), ("a", "b|c"), ("a|", "b"), ("a", "|b"), ("a~", "b"), ("a~|b", "c"), ("a", "~b|c")]
    rows = [{"hc": "1", "line": line, "phase": phase} for line, phase in parts]
    found = staged(source(key=["line", "phase"]), rows)
    assert [row["reject_check"] for row in found] == [None] * len(parts)
    assert len({row["key"] for row in found}) == len(parts)
    assert [row["key"] for row in found[:2]] == ["a~|b|c", "a|b~|c"]
    assert column(source(key=["line"]), "key", rows[:1]) == ["a|b"]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("\0", ""),
        ("a\0\0b\0", "ab"),
        ("\0\\\0", "\\"),
        ("\\\0\\\\\0\0\\u0000", "\\\\\\\\u0000"),
        ('"\0"\n\0', '""\n'),
        (r"\u0000", r"\u0000"),
    ],
)
def test_no_nul_is_left_and_nothing_else_is_lost(said: str, kept: str) -> None:
    rows = bronze([{"hc": "1", "note": said}]).select(silver.without_nul(F.col("attributes")).alias("a"))
    [row] = rows.toArrow().to_pylist()
    assert json.loads(row["a"])["note"] == kept


def test_a_shape_is_a_key_where_the_source_says_so() -> None:
    other = SHAPE[:-1] + b"\x01"
    rows: list[dict[str, Any]] = [
        {"hc": "1"},
        {"hc": "2", "geometry": other},
        {"hc": "3"},
        {"hc": "4", "geometry": None},
    ]
    found = staged(source(key="geometry"), rows)
    assert [row["reject_check"] for row in found] == [None, None, "Q08", "Q10"]
    assert found[1]["key"] == hashlib.sha256(other).hexdigest()


def lists(**given: Any) -> Any:
    """Sections of the feeders that cross a cell, in the shape of the first listed field."""
    plain = {
        "lists": {"fields": ["who", "hc", "why"]},
        "fields": {"feeder_id": {"id": "who"}},
        "grain": "section",
        "geometry": "polygon",
        "key": "geometry",
    }
    criterion = {"constraining_metric": {"metric": "why"}, "rollup": "max"}
    return source(figure(**criterion), **(plain | given))


def test_a_cell_with_a_list_of_feeders_becomes_a_row_for_each_with_its_own_value() -> None:
    rows = staged(lists(), [{"who": "A, B,C", "hc": "9.9,9.9, 5.31", "why": "Thermal,,Voltage"}])
    found = {
        row["feeder_id"]: (row["hosting_capacity_mw"], row["constraining_metric"], row["reject_check"])
        for row in rows
    }
    assert found == {
        "A": (Decimal("9.9"), "thermal", None),
        "B": (Decimal("9.9"), None, None),
        "C": (Decimal("5.31"), "voltage", None),
    }
    shape = hashlib.sha256(SHAPE).hexdigest()
    assert {row["key"] for row in rows} == {f"{shape}|A", f"{shape}|B", f"{shape}|C"}


def test_a_single_value_beside_a_list_holds_for_all_and_lists_that_do_not_match_are_refused() -> None:
    rows = [
        {"id": "1", "who": "A,B", "hc": "2", "why": None},
        {"id": "2", "who": "A,B", "hc": "1,2,3", "why": None},
        {"id": "3", "who": "A", "hc": "1,2", "why": None},
        {"id": "4", "who": None, "hc": "4", "why": None},
        {"id": "5", "who": "A", "hc": "5", "why": None},
    ]
    found = staged(lists(key=["id", "who"]), rows)
    assert [(row["row_no"], row["hosting_capacity_mw"], row["reject_check"]) for row in found] == [
        (0, Decimal(2), None),
        (0, Decimal(2), None),
        (1, Decimal(1), "Q11"),
        (1, Decimal(2), "Q11"),
        (2, Decimal(1), "Q11"),
        (3, Decimal(4), "Q10"),
        (4, Decimal(5), None),
    ]
    assert found[2]["reject_reason"] == "its lists have different lengths: who, hc, why"


@pytest.mark.parametrize("separator", [";", "|", " / ", ".", "^", "\\"])
def test_a_separator_is_taken_as_it_is_written(separator: str) -> None:
    spec = lists(lists={"fields": ["who", "hc"], "separator": separator})
    rows = staged(spec, [{"who": f"A{separator}B", "hc": f"1{separator}2", "why": ""}])
    assert [(row["feeder_id"], row["hosting_capacity_mw"]) for row in rows] == [
        ("A", Decimal(1)),
        ("B", Decimal(2)),
    ]


def test_identical_rows_of_a_source_without_a_key_are_all_kept_under_keys_that_come_again() -> None:
    spec = source(key="none")
    rows = [{"id": "1", "hc": "5"}, {"id": "1", "hc": "5"}, {"id": "1", "hc": "6"}, {"id": "1", "hc": "5"}]
    other_way_round = [rows[2], rows[0], rows[1], rows[3]]
    first, again = staged(spec, rows), staged(spec, other_way_round)
    assert [row["reject_check"] for row in first] == [None] * 4
    keys = [row["key"] for row in first]
    assert len(set(keys)) == 4
    assert {row["key"] for row in again} == set(keys)


def test_a_section_carries_no_raw_attributes_and_a_feeder_does() -> None:
    feeder = staged(source(), [{"hc": "1"}])
    assert feeder[0]["raw_attributes"] == '{"id": "0", "hc": "1"}'
    [section] = staged(source(figure(rollup="max"), grain="section"), [{"hc": "1"}])
    assert section["raw_attributes"] is None


def test_a_stage_frame_has_the_types_of_its_table() -> None:
    from hosting.lake import tables

    found = stage(source(), [{"hc": "1"}]).select(*tables.SCHEMAS[tables.STAGE].names).toArrow().schema
    wanted = tables.SCHEMAS[tables.STAGE]
    assert [(field.name, str(field.type)) for field in found] == [
        (field.name, str(field.type)) for field in wanted
    ]
