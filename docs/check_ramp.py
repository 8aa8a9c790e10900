"""Holds the colours of capacity to what a reader must be able to tell apart: python docs/check_ramp.py

Reads the tokens of static/css/tokens.css and checks, in the light and in the dark theme:

* each of the four classes has a contrast of at least 3:1 with what it is drawn on, the land and the water
  (WCAG 2.1, 1.4.11);
* neighbouring classes differ by a CIEDE2000 of at least 10, as seen by full colour vision and by simulated
  protanopia and deuteranopia (Machado, Oliveira and Fernandes 2009);
* lightness goes one way from the lowest class to the highest, so that the order is seen without any hue;
* unknown, thin and grey, has at least 3:1 on both too.

Prints a line for each figure; exit status 1 if one does not hold.
"""

import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from coloraide import Color

TOKENS = Path(__file__).resolve().parent.parent / "static/css/tokens.css"
CLASSES = ("cap-1", "cap-2", "cap-3", "cap-4")
GROUNDS = ("map-land", "map-water")  # lines cross rivers and harbours
LEAST_CONTRAST = 3.0
LEAST_DIFFERENCE = 10.0
VISIONS = ("", "protan", "deutan")  # full vision, then what CSS Color's filters call these


class Measured(NamedTuple):
    """One figure and the least it may be."""

    what: str
    figure: float
    least: float

    @property
    def holds(self) -> bool:
        return self.figure >= self.least


def themes(css: str) -> dict[str, dict[str, Color]]:
    """Token to colour for each theme, from `--name: light-dark(#…, #…);` lines."""
    found = re.findall(r"--([\w-]+):\s*light-dark\((#\w+),\s*(#\w+)\)", css)
    return {
        "light": {name: Color(light) for name, light, _dark in found},
        "dark": {name: Color(dark) for name, _light, dark in found},
    }


def measure(theme: str, colours: dict[str, Color]) -> Iterator[Measured]:
    """Every figure of one theme."""
    for ground in GROUNDS:
        for name in (*CLASSES, "cap-unknown"):
            yield Measured(
                f"{theme}: contrast of {name} with {ground.removeprefix('map-')}",
                colours[name].contrast(colours[ground], method="wcag21"),
                LEAST_CONTRAST,
            )
    for lower, higher in pairwise(CLASSES):
        for vision in VISIONS:
            one, other = (_seen(colours[name], vision) for name in (lower, higher))
            yield Measured(
                f"{theme}: {lower} to {higher}, {vision or 'full vision'}",
                one.delta_e(other, method="2000"),
                LEAST_DIFFERENCE,
            )
    lightness = [colours[name].convert("lab-d65")["l"] for name in CLASSES]
    steps = [later - earlier for earlier, later in pairwise(lightness)]
    direction = -1 if theme == "light" else 1  # away from the land, from little to much
    yield Measured(f"{theme}: smallest step of lightness", min(direction * step for step in steps), 5.0)


def _seen(colour: Color, vision: str) -> Color:
    return colour.filter(vision, method="machado") if vision else colour


def main() -> int:
    """Print all figures; 1 if one does not hold."""
    failed = 0
    for theme, colours in themes(TOKENS.read_text()).items():
        for measured in measure(theme, colours):
            failed += not measured.holds
            mark = "holds" if measured.holds else "DOES NOT HOLD"
            sys.stdout.write(
                f"{measured.what:48} {measured.figure:6.2f}  at least {measured.least:4.1f}  {mark}\n"
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
