"""Bars and steps say the values they were given."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hosting.views.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Span, bars, steps

START = datetime(2026, 1, 1, tzinfo=UTC)
TEN_DAYS = timedelta(days=10)


def spans(*values: str | None) -> list[Span]:
    return [
        Span(START + n * TEN_DAYS, START + (n + 1) * TEN_DAYS, value and Decimal(value))  # type: ignore[arg-type]
        for n, value in enumerate(values)
    ]


def test_bars_are_in_proportion_and_the_binding_one_is_marked() -> None:
    found = bars([("voltage", Decimal(8)), ("thermal", Decimal(2)), ("protection", Decimal(0))], "thermal")
    assert [(bar.name, bar.width, bar.binds) for bar in found] == [
        ("protection", "0.0", False),
        ("thermal", "25.0", True),
        ("voltage", "100.0", False),
    ]


def test_a_negative_criterion_has_no_length_and_its_number() -> None:
    (bar,) = bars([("thermal", Decimal("-1.5"))], None)
    assert (bar.width, bar.said) == ("0.0", "\u22121.5")


def test_steps_go_level_and_then_up_at_the_change() -> None:
    chart = steps({"hosting": spans("5", "10")})
    assert chart
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    middle, low = LEFT + width / 2, TOP + height / 2
    assert chart.paths["hosting"] == (f"M{LEFT:.1f} {low:.1f}H{middle:.1f}V{TOP:.1f}H{WIDTH - RIGHT:.1f}")
    assert [tick.label for tick in chart.x_ticks] == ["2026-01-01", "2026-01-11"]
    assert [tick.label for tick in chart.y_ticks] == ["0", "5", "10"]


def test_what_was_not_known_is_a_gap_and_no_zero() -> None:
    chart = steps({"hosting": spans("5", None, "5")})
    assert chart
    path = chart.paths["hosting"]
    assert path.count("M") == 2
    assert len(set(re.findall(r"M[\d.]+ ([\d.]+)", path))) == 1, "both parts at the same height"


def test_below_zero_is_below_the_line() -> None:
    chart = steps({"remaining": spans("1", "-1")})
    assert chart
    assert [tick.label for tick in chart.y_ticks] == ["\u22121", "0", "0.5", "1"]


def test_nothing_known_is_no_chart() -> None:
    assert steps({"hosting": spans(None, None)}) is None
    assert steps({"hosting": []}) is None
    assert steps({"hosting": [Span(START, START, Decimal(1))]}) is None


def test_dates_that_would_overlap_are_left_out() -> None:
    changes = [
        Span(START + n * timedelta(days=1), START + (n + 1) * timedelta(days=1), Decimal(n))
        for n in range(40)
    ]
    chart = steps({"hosting": changes})
    assert chart
    places = [float(tick.at) for tick in chart.x_ticks]
    assert 3 <= len(places) <= 6
    assert all(later - earlier >= 100 for earlier, later in pairwise(places[1:]))
    assert chart.x_ticks[0].label == "2026-01-01"
