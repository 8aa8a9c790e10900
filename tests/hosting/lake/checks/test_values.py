"""Figures that cannot be what they say: each check finds the bad rows, and none of the good ones."""

from typing import Any

import pytest

from tests.hosting.lake.checks.cases import Row, counts, found
from tests.hosting.lake.frames import figure, source

KV = {"voltage_kv": {"kv": "kv"}}
PARTS = {"installed_dg_mw": {"mw": "inst"}, "queued_dg_mw": {"mw": "queue"}}
PUBLISHED = PARTS | {"remaining": "published", "remaining_capacity_mw": {"mw": "left"}}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[Row], list[Row]]] = {
    # check: figure, fields, rows that it finds, rows that it does not
    "Q16": (
        {"hosting_capacity_max_mw": {"mw": "max"}},
        {},
        [{"hc": "3", "max": "2"}],
        [{"hc": "2", "max": "2"}, {"hc": "9", "max": ""}],
    ),
    "Q17": (
        {"substation_capacity_mw": {"mw": "sub"}},
        {},
        [{"hc": "3", "sub": "2.9"}],
        [{"hc": "2", "sub": "2"}, {"hc": "9", "sub": None}],
    ),
    "Q18": ({"remaining": "hosting"}, {}, [{"hc": "-2.5"}], [{"hc": "0"}, {"hc": ""}]),
    "Q25": (
        {},
        KV,
        [{"hc": "41", "kv": "13.2"}, {"hc": "151", "kv": "34.5"}],
        [
            {"hc": "40", "kv": "15"},
            {"hc": "150", "kv": "34.5"},
            {"hc": "400", "kv": "69"},
            {"hc": "99", "kv": ""},
        ],
    ),
    "Q32": (
        PUBLISHED,
        {},
        [{"hc": "5", "inst": "1", "queue": "1", "left": "2.7"}],
        [
            {"hc": "5", "inst": "1", "queue": "1", "left": "2.8"},
            {"hc": "5", "inst": "", "queue": "1", "left": "1"},
        ],
    ),
    "Q34": (
        PARTS,
        {},
        [{"hc": "5", "inst": "5.1", "queue": "0"}],
        [{"hc": "5", "inst": "5", "queue": "9"}, {"hc": "", "inst": "5", "queue": "9"}],
    ),
    "Q36": (
        {"criteria": {"thermal": {"mw": "t"}, "voltage": {"mw": "v"}}},
        {},
        [{"hc": "3", "t": "2", "v": "4"}, {"hc": "1", "t": "2", "v": "4"}],
        [{"hc": "2", "t": "2", "v": "4"}, {"hc": "3", "t": "", "v": "4"}],
    ),
    "Q37": (
        {},
        {"map_colour": {"text": "colour"}},
        [{"hc": "0.3", "colour": "0.00 TO 0.29 BROWN-95"}, {"hc": "0.1", "colour": "0.30 TO 0.49 RED"}],
        [
            {"hc": "0.2", "colour": "0.00 TO 0.29 BROWN-95"},
            {"hc": "0.295", "colour": "0.00 TO 0.29 BROWN-95"},
            {"hc": "7", "colour": "COLOR1"},
        ],
    ),
    "Q38": (
        {},
        {"phase_config": {"phases": "ph"}},
        [{"hc": "0", "ph": "1"}, {"hc": "0", "ph": "AB"}],
        [{"hc": "0", "ph": "ABC"}, {"hc": "0.1", "ph": "1"}, {"hc": "", "ph": "1"}],
    ),
    "Q39": (
        {},
        {"is_network": {"flag": "net"}},
        [{"hc": "1", "net": "Network"}],
        [{"hc": "", "net": "Network"}, {"hc": "1", "net": "Radial"}, {"hc": "1", "net": ""}],
    ),
}
SEVERITY = {"Q34": "I"}


@pytest.mark.parametrize("check", CASES)
def test_the_check_finds_what_is_wrong_and_nothing_else(check: str) -> None:
    of_figure, fields, bad, good = CASES[check]
    spec = source(figure(**of_figure), fields=fields)
    assert counts(check, found(spec, bad + good)) == [(SEVERITY.get(check, "W"), len(bad))]
    assert counts(check, found(spec, good)) == []


def test_q19_keeps_back_a_placeholder_that_the_entry_does_not_declare() -> None:
    rows = [{"hc": hc} for hc in ("-9999", "-1.0", "999999", "3", "-9998")]
    assert counts("Q19", found(source(), rows)) == [("E", 3)]
    assert counts("Q18", found(source(), rows)) == [("E", 1)]
    declared = figure(
        hosting_capacity_mw={"mw": {"field": "hc", "not_studied": ["-9999"], "unknown": ["-1", "999999"]}}
    )
    assert counts("Q19", found(source(declared), rows)) == []
    left = figure(remaining="hosting")
    assert counts("Q19", found(source(left), rows)) == [("E", 2)]  # what remains may be -1


def test_q21_speaks_of_many_zeros_and_of_more_than_before() -> None:
    half: list[Row] = [{"hc": "0" if n < 10 else str(n)} for n in range(20)]
    more: list[Row] = [{"hc": "0" if n < 11 else str(n)} for n in range(20)]
    few: list[Row] = [{"hc": "0" if n < 2 else str(n)} for n in range(20)]
    risen: list[Row] = [{"hc": "0" if n < 4 else str(n)} for n in range(20)]
    assert counts("Q21", found(source(), more)) == [("W", 11)]
    assert counts("Q21", found(source(), half)) == []
    assert counts("Q21", found(source(), risen, few)) == [("W", 4)]
    assert counts("Q21", found(source(), few, few)) == []


def test_q22_speaks_of_a_ceiling_and_not_of_a_declared_one_or_a_slope() -> None:
    ceiling: list[Row] = [{"hc": str(min(n, 10))} for n in range(1, 24)]
    slope: list[Row] = [{"hc": str(n)} for n in range(1, 24)]
    assert counts("Q22", found(source(), ceiling)) == [("W", 14)]
    assert counts("Q22", found(source(), slope)) == []
    declared = figure(hosting_capacity_mw={"mw": {"field": "hc", "at_least": 10}})
    assert counts("Q22", found(source(declared), ceiling)) == []


def test_q23_speaks_where_a_fifth_of_the_figures_equal_the_cap_of_their_voltage() -> None:
    capped: list[Row] = [{"hc": "3" if n < 4 else str(n / 7), "kv": "13.2"} for n in range(20)]
    other: list[Row] = [{"hc": "6" if n < 4 else str(n / 7), "kv": "13.2"} for n in range(20)]
    assert counts("Q23", found(source(fields=KV), capped)) == [("I", 4)]
    assert counts("Q23", found(source(fields=KV), other)) == []
