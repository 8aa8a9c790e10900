"""Rows and columns that are not all there, or say several things at once."""

from tests.hosting.lake.checks.cases import Row, counts, found, sections
from tests.hosting.lake.frames import figure, source


def of(feeders: int, each: int, first: int = 0) -> list[Row]:
    return [
        {"id": f"s{f}-{n}", "feeder": f"F{f}", "hc": str(1 + f + n / 10)}
        for f in range(first, first + feeders)
        for n in range(each)
    ]


def test_q09_counts_rows_a_feeder_and_flags_a_jump() -> None:
    spec = sections(figure(rollup="max"))
    assert counts("Q09", found(spec, of(4, 3), of(4, 3))) == [("I", 0)]
    assert counts("Q09", found(spec, of(4, 6), of(4, 3))) == [("W", 4), ("I", 0)]


def test_q10_holds_where_feeder_ids_are_those_of_sections() -> None:
    rows: list[Row] = [{"id": f"s{n}", "feeder": f"s{n}", "hc": str(n)} for n in range(100)]
    spec = sections(figure(rollup="max"))
    assert counts("Q10", found(spec, rows)) == [("B", 100)]
    assert counts("Q10", found(spec, [*rows[:99], {"id": "s99", "feeder": "F", "hc": "1"}])) == []


def test_q11_flags_several_ids_in_one_cell() -> None:
    spec = source(fields={"feeder_id": {"id": "feeder"}})
    names = ("F1, F2", "F1;F2", "F1|F2", "F1", "F 1", "12-KV/3", "F1,")
    rows: list[Row] = [{"feeder": name, "hc": "1"} for name in names]
    assert counts("Q11", found(spec, rows)) == [("W", 3)]


def test_q12_flags_a_column_that_is_empty_or_has_emptied() -> None:
    spec = source(fields={"county": {"text": "county"}})
    full: list[Row] = [{"hc": "1", "county": "Kent"} for _ in range(10)]
    some = [row | {"county": "" if n < 2 else "Kent"} for n, row in enumerate(full)]
    none = [row | {"county": ""} for row in full]
    assert counts("Q12", found(spec, none)) == [("W", 10)]
    assert counts("Q12", found(spec, some, full)) == [("W", 2)]
    assert counts("Q12", found(spec, some)) == counts("Q12", found(spec, full, some)) == []


def test_q13_says_that_sections_of_a_feeder_differ() -> None:
    rows = [*of(2, 3), {"id": "x", "feeder": "Z", "hc": "1"}, {"id": "y", "feeder": "Z", "hc": "1"}]
    assert counts("Q13", found(sections(figure(rollup="max")), rows)) == [("I", 2)]
    assert counts("Q13", found(sections(figure(rollup="max")), rows[-2:])) == []


def test_q35_flags_words_that_are_not_known() -> None:
    spec = source(figure(constraining_metric={"metric": "why"}))
    rows: list[Row] = [{"hc": "1", "why": why} for why in ("Thermal", "Pier Rule 7", "")]
    assert counts("Q35", found(spec, rows)) == [("W", 1)]
    assert counts("Q35", found(spec, [rows[0], rows[2]])) == []
