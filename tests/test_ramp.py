"""The colours of capacity, by the script that holds them: docs/check_ramp.py."""

import pytest

from docs import check_ramp

THEMES = check_ramp.themes(check_ramp.TOKENS.read_text())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_class_can_be_told_from_land_and_water_and_from_its_neighbours(theme: str) -> None:
    measured = list(check_ramp.measure(theme, THEMES[theme]))
    assert len(measured) == 2 * 5 + 3 * 3 + 1
    assert [one for one in measured if not one.holds] == []


def test_a_colour_that_only_the_water_swallows_does_not_hold() -> None:
    colours = THEMES["light"] | {"map-water": THEMES["light"]["cap-1"]}
    assert {one.what for one in check_ramp.measure("light", colours) if not one.holds} >= {
        "light: contrast of cap-1 with water"
    }


def test_two_colours_that_only_differ_in_hue_do_not_hold() -> None:
    colours = THEMES["light"] | {"cap-2": THEMES["light"]["cap-1"]}
    assert any(not one.holds for one in check_ramp.measure("light", colours))
