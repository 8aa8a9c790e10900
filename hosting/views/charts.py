"""Bars and steps as numbers for SVG: templates draw them, nothing is computed in the browser."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from hosting.views.amounts import plain

WIDTH, HEIGHT = 560, 190  # of the drawing, in its own units
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 10, 26
LABEL = 104  # width of a date, at the size that a phone needs


@dataclass(frozen=True)
class Bar:
    """One criterion: `width` in percent of the longest."""

    name: str
    said: str
    width: str
    binds: bool


@dataclass(frozen=True)
class Span:
    """A value from one instant until another; None is a gap."""

    since: datetime
    until: datetime
    value: Decimal | None


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    at: str
    label: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Steps:
    """A step chart: a path for each series by its name."""

    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    floor: int = HEIGHT - BOTTOM
    paths: dict[str, str] = field(default_factory=dict)
    x_ticks: list[Tick] = field(default_factory=list)
    y_ticks: list[Tick] = field(default_factory=list)


def bars(values: Sequence[tuple[str, Decimal]], binding: str | None) -> list[Bar]:
    """The criteria, the smallest first: it binds. `values` are names with MW."""
    longest = max((value for _name, value in values), default=Decimal(0))
    return [
        Bar(name, plain(value), f"{_share(value, longest) * 100:.1f}", binding == name)
        for name, value in sorted(values, key=lambda one: (one[1], one[0]))
    ]


def _share(value: Decimal, longest: Decimal) -> float:
    return max(0.0, float(value / longest)) if longest > 0 else 0.0


def steps(series: dict[str, list[Span]]) -> Steps | None:
    """The chart of some series over the same time; None where nothing is known or no time has passed."""
    spans = [span for each in series.values() for span in each]
    known = [span.value for span in spans if span.value is not None]
    if not known:
        return None
    begin, end = min(span.since for span in spans), max(span.until for span in spans)
    if end <= begin:
        return None
    low, high = min(Decimal(0), *known), _nice(max(*known, Decimal("0.01")))
    scale = _Scale(begin, end, float(low), float(high))
    drawn = {name: each for name, each in series.items() if any(span.value is not None for span in each)}
    return Steps(
        paths={name: _path(each, scale) for name, each in drawn.items()},
        x_ticks=_days([span.since for span in spans], scale),
        y_ticks=[Tick(f"{scale.y(float(value)):.1f}", plain(value)) for value in _levels(low, high)],
    )


@dataclass(frozen=True)
class _Scale:
    begin: datetime
    end: datetime
    low: float
    high: float

    def x(self, moment: datetime) -> float:
        return LEFT + (moment - self.begin) / (self.end - self.begin) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return TOP + (self.high - value) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)


def _path(spans: list[Span], scale: _Scale) -> str:
    """Horizontal lines joined by vertical ones; a gap where nothing is known."""
    drawn: list[str] = []
    pen_is_down = False
    for span in sorted(spans, key=lambda one: one.since):
        if span.value is None:
            pen_is_down = False
            continue
        y = f"{scale.y(float(span.value)):.1f}"
        drawn.append(f"V{y}" if pen_is_down else f"M{scale.x(span.since):.1f} {y}")
        drawn.append(f"H{scale.x(span.until):.1f}")
        pen_is_down = True
    return "".join(drawn)


def _nice(value: Decimal) -> Decimal:
    """The next of 1, 2, 5 and 10 times a power of ten."""
    power = Decimal(10) ** value.adjusted()
    return next(power * step for step in (1, 2, 5, 10) if power * step >= value)


def _levels(low: Decimal, high: Decimal) -> list[Decimal]:
    levels = [Decimal(0), high / 2, high]
    return [low, *levels] if low < 0 else levels


def _days(moments: list[datetime], scale: _Scale) -> list[Tick]:
    """Dates of the changes, as many as stand apart; those at an edge begin or end there."""
    ticks: list[Tick] = []
    free_from = 0.0
    for moment in sorted(set(moments)):
        x = scale.x(moment)
        anchor, begins = "middle", x - LABEL / 2
        if begins < 0:
            anchor, begins = "start", x
        elif begins + LABEL > WIDTH:
            anchor, begins = "end", x - LABEL
        if begins >= free_from:
            ticks.append(Tick(f"{x:.1f}", f"{moment:%Y-%m-%d}", anchor))
            free_from = begins + LABEL
    return ticks
