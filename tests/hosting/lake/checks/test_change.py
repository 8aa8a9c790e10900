"""What a refresh changes at once, beside what is published."""

from tests.hosting.lake.checks.cases import Row, counts, found, sections
from tests.hosting.lake.frames import figure, source

DG = figure(installed_dg_mw={"mw": "inst"})


def feeders(**changed: str) -> list[Row]:
    return [
        {"id": f"F{n}", "hc": changed.get(f"F{n}", str(n + 1)), "inst": changed.get(f"dg{n}", "1")}
        for n in range(12)
    ]


def test_q56_holds_a_total_that_jumped() -> None:
    lenient = {"max_total_change": 0.15}
    spec = source(DG, thresholds=lenient)
    assert counts("Q56", found(spec, feeders(F11="24"), feeders())) == [("B", 12)]  # 78 MW become 90
    assert counts("Q56", found(spec, feeders(F11="23"), feeders())) == []


def test_q56_adds_no_sections_up() -> None:
    """The figures of a feeder's sections count once, by its rule."""
    spec = sections(figure(rollup="max"))
    then: list[Row] = [
        {"id": f"{n}-{s}", "feeder": f"F{n}", "hc": str(10 + s)} for n in range(12) for s in range(2)
    ]
    low = [{**row, "hc": "1"} if row["hc"] == "10" else row for row in then]
    assert counts("Q56", found(spec, low, then)) == []


def test_q56_holds_where_most_feeders_changed() -> None:
    spec = source(DG)
    seven = {f"F{n}": str(n + 1.1) for n in range(7)}
    six = {f"F{n}": str(n + 1.1) for n in range(6)}
    [held] = [one for one in found(spec, feeders(**seven), feeders()) if one.check_id == "Q56"]
    assert (held.severity, held.count) == ("B", 7)
    assert held.examples[0] == {
        "feeder": "F0",
        "figure": "generation (default)",
        "was_mw": 1.0,
        "now_mw": 1.1,
    }
    assert counts("Q56", found(spec, feeders(**six), feeders())) == []


def test_q56_compares_the_feeders_own_figure_where_its_sections_repeat_it() -> None:
    """Sections keep no such figure once they are published; its record does."""
    spec = sections(figure(rollup="feeder_max", hosting_capacity_max_mw={"mw": "own"}))

    def rows(own: float, section: float = 1) -> list[Row]:
        return [
            {"id": f"{n}-{s}", "feeder": f"F{n}", "hc": str(section + s), "own": str(own + n)}
            for n in range(12)
            for s in range(2)
        ]

    [held] = [one for one in found(spec, rows(4.5), rows(4)) if one.check_id == "Q56"]
    assert (held.severity, held.count) == ("B", 12)
    assert (held.examples[0]["was_mw"], held.examples[0]["now_mw"]) == (4, 4.5)
    assert counts("Q56", found(spec, rows(4, section=1.1), rows(4))) == []


def test_q57_names_feeders_that_went_came_and_have_another_id() -> None:
    then = feeders()
    now = [*then[:-1], {"id": "F11-new", "hc": "12", "inst": "1"}]
    noticed = [one for one in found(source(DG), now, then) if one.check_id == "Q57"]
    assert [(one.severity, one.count, one.examples) for one in noticed] == [
        ("W", 1, [{"feeder": "F11"}]),
        ("W", 1, [{"feeder": "F11-new"}]),
        ("W", 1, [{"feeder": "F11", "now": "F11-new"}]),
    ]
    assert counts("Q57", found(source(DG), then, then)) == []


def test_q58_names_feeders_that_moved_though_nothing_was_connected() -> None:
    then = feeders()
    moved = {"F11": "6.9", "F1": "3.1"}  # by 5.1 MW, and by 55 %
    assert counts("Q58", found(source(DG), feeders(**moved), then)) == [("W", 2)]
    connected = feeders(**moved, dg11="6", dg1="2")
    assert counts("Q58", found(source(DG), connected, then)) == []
    assert counts("Q58", found(source(DG), feeders(F11="7", F1="2.9"), then)) == []
