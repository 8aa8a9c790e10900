"""What the page says of a flow: words, bands, age; and where and how wide it is drawn."""

from datetime import datetime

import pytest
from django.utils import timezone

from interregional.roster import BY_POINT_ID, INTERFACES, NEVER_SUMMED, Region
from interregional.rows import FlowNow
from interregional.views.drawing import PLACES, Arrow, drawing_of
from interregional.views.figures import Figure, Moment, Now, RegionFigure, spark
from tests.interregional.files import minutes, real_rows, utc

AT = utc("2026-07-01 12:00")


def flow(
    mw: float | None,
    used: float | None = None,
    reason: str | None = None,
    at: datetime = AT,
    point: int = 23316,
) -> FlowNow:
    return FlowNow(at, 1, "interface", point, "", "", "pjm", mw, 100, -50, None, used, reason, None, None, 1)


def figure(
    mw: float | None, *, region: str = "pjm", used: float | None = None, reason: str | None = None
) -> Figure:
    return Figure(flow(mw, used, reason), "A line", region)


@pytest.mark.parametrize(
    ("used", "band", "bar"),
    [
        (None, "none", 0),
        (0, "low", 0),
        (59.99, "low", 59.99),
        (60, "middle", 60),
        (89.99, "middle", 89.99),
        (90, "high", 90),
        (130, "high", 100),
    ],
)
def test_bands_are_below_60_below_90_and_the_rest(used: float | None, band: str, bar: float) -> None:
    found = figure(5, used=used)
    assert (found.band, found.bar) == (band, bar)


@pytest.mark.parametrize(
    ("mw", "region", "words"),
    [
        (5, "pjm", "into New York"),
        (-5, "quebec", "out to Quebec"),
        (-5, "unclassified", "out of New York"),
        (0, "ontario", "no flow"),
        (None, "pjm", "not known: a line is missing"),
        (5, "new_york", "forward"),
        (-5, "new_york", "in reverse"),
    ],
)
def test_a_direction_is_said_in_words(mw: float | None, region: str, words: str) -> None:
    assert figure(mw, region=region).words == words


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("no_limit_posted", "No limit posted"),
        ("closed_this_way", "Closed this way"),
        ("a_line_has_no_limit", "No limit posted for one of the lines"),
        ("line_missing", "A line has no value at this time"),
    ],
)
def test_why_there_is_no_share_of_a_limit_is_said(reason: str, words: str) -> None:
    assert figure(5, reason=reason).reason == words


@pytest.mark.parametrize(
    ("old", "ago", "stale"),
    [
        (-5, "just now", False),
        (0.5, "just now", False),
        (3, "3 min ago", False),
        (14.9, "14 min ago", False),
        (15.1, "15 min ago", True),
        (61, "1 h ago", True),
        (60 * 24 * 1_200, "1,200 days ago", True),
    ],
)
def test_an_age_is_said_and_old_after_a_quarter_of_an_hour(
    monkeypatch: pytest.MonkeyPatch, old: float, ago: str, stale: bool
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: AT + minutes(old))
    moment = Moment(AT)
    assert (moment.ago, moment.is_stale) == (ago, stale)
    assert moment.clock == ("08:00 ET" if old < 900 else "2026-07-01 08:00 ET")


def arrow(mw: float, point: int = 23316) -> Arrow:
    line = Figure(flow(mw, point=point), "A line", "pjm")
    drawn = drawing_of(Now(Moment(AT), [RegionFigure(flow(mw), "PJM", "pjm", lines=[line])], [], []))
    return drawn.arrows[0]


def test_an_arrow_is_as_wide_as_its_flow_and_points_where_it_goes() -> None:
    widths = [arrow(mw).width for mw in (0, 1, 500, 1_000, 2_000, 9_000)]
    assert widths == sorted(widths)
    assert len(set(widths)) == 5  # the widest is the widest
    assert arrow(-700).width == arrow(700).width
    outside, inside = PLACES[23316]
    assert arrow(700).head.startswith(f"M{inside[0]:.1f},{inside[1]:.1f}L")
    assert arrow(-700).head.startswith(f"M{outside[0]:.1f},{outside[1]:.1f}L")
    assert arrow(0).head == ""


def test_a_small_curve_breaks_off_where_rows_are_missing() -> None:
    rows = [flow(mw, at=AT + minutes(n)) for n, mw in ((0, 5), (5, 6), (20, 7), (25, None), (30, 8), (35, 9))]
    drawn = spark(rows, AT + minutes(35))
    assert drawn is not None
    assert drawn.curve.count("M") == 3
    assert drawn.curve.count("L") == 2
    assert spark([flow(None)], AT) is None


def test_net_imports_are_not_known_where_a_region_is_not() -> None:
    regions = [RegionFigure(flow(mw), "", "pjm") for mw in (100.0, -30.5)]
    assert Now(Moment(AT), regions, [], []).net_mw == 69.5
    unknown = Now(Moment(AT), [*regions, RegionFigure(flow(None), "", "quebec")], [], [])
    assert (unknown.net_mw, unknown.net_direction) == (None, "unknown")


def test_every_interface_is_of_its_region_and_lands_in_its_zone() -> None:
    """By Point ID: what the publisher's own description of the ties says."""
    regions = {
        Region.PJM: {23316, 325905, 325305, 325658},
        Region.NEW_ENGLAND: {23318, 325277, 325154},
        Region.ONTARIO: {23317},
        Region.QUEBEC: {23324, 325274, 625211, 325376},
        Region.NEW_YORK: {23312, 23314, 23315, 23319, 23320, 23326, 23330},
    }
    for region, points in regions.items():
        assert {i.point_id for i in INTERFACES if i.region is region} == points
    assert {i.point_id for i in INTERFACES if i.is_primary} == {23316, 23318, 23317, 23324}
    assert {i.point_id for i in INTERFACES if i.is_external and not i.is_summed} == NEVER_SUMMED == {325376}
    assert {i.point_id for i in INTERFACES if i.is_summed and not i.is_external} == set()
    zones = {i.point_id: i.landing_zone for i in INTERFACES if i.landing_zone and i.point_id != 625211}
    assert zones == {
        **dict.fromkeys((325905, 325658), "New York City"),
        **dict.fromkeys((325305, 325154, 325277), "Long Island"),
    }
    assert set(PLACES) == {i.point_id for i in INTERFACES if i.is_external} - NEVER_SUMMED


def test_every_interface_of_the_real_day_is_known_by_its_name() -> None:
    named = {int(fields[2]): fields[1] for fields in real_rows()}
    assert named == {point: BY_POINT_ID[point].name for point in named}
