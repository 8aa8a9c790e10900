"""A line's past as a picture, for readers without scripts; charts.js draws the same for the others."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from hcportal.api.problems import problem
from hcportal.api.versions import etag_of, not_modified, stamp
from interregional.clock import NEW_YORK
from interregional.models import Interface
from interregional.rows import FlowNow, Interfaces, Question, batches, start_of, state
from interregional.views.series import NoRange, Span, longest_step, span_of

WIDTH, HEIGHT = 480.0, 168.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 8.0, 8.0, 28.0
MARKS: Final = 4  # times below the picture


@dataclass(frozen=True)
class Picture:
    """Paths on WIDTH by HEIGHT, and what is written beside them: (x or y, words)."""

    flow: str
    limits: list[str]
    zero: float
    levels: list[tuple[float, float]]
    times: list[tuple[float, str]]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    foot: float = HEIGHT - 8


@require_safe
def picture(request: HttpRequest, point_id: int) -> HttpResponseBase:
    """`/interregional/line/23316.svg`: the same stretch of time as the page with the same query."""
    interface = get_object_or_404(Interface, point_id=point_id)
    there = state()
    try:
        span = span_of(request, there.newest)
    except NoRange as wrong:
        return problem(400, str(wrong))
    etag = etag_of(request, there.version)  # type: ignore[arg-type]  # asks for no more than Django's has
    if unchanged := not_modified(request, etag):  # type: ignore[arg-type]
        return unchanged
    question = Question(span.since, span.until, Interfaces([interface.pk], []), span.resolution)
    drawn = picture_of(span, [row for some in batches(question) for row in some])
    answer = render(request, "interregional/picture.svg", {"picture": drawn}, content_type="image/svg+xml")
    stamp(answer, etag)
    return answer


def picture_of(span: Span, rows: list[FlowNow]) -> Picture:
    """The flow as a line, its limits as steps, both broken where rows are missing; zero is always in it."""
    values = [
        value
        for row in rows
        for value in (row.flow_mw, row.positive_limit_mw, row.negative_limit_mw)
        if value is not None
    ]
    high, low = max([0.0, *values]), min([0.0, *values])
    scale = (HEIGHT - TOP - BOTTOM) / ((high - low) or 1)
    length = span.until - span.since

    def x(at: datetime) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max((at - span.since) / length, 0), 1)

    def y(value: float) -> float:
        return TOP + (high - value) * scale

    def path(points: Iterable[tuple[datetime, float | None]], *, steps: bool) -> str:
        words: list[str] = []
        before: datetime | None = None
        for at, value in points:
            if value is None:
                before = None
                continue
            broken = before is None or at - before > longest_step(span.resolution)
            across = f"H{x(at):.1f}" if steps and not broken else ""
            words.append(f"{across}{'M' if broken else 'L'}{x(at):.1f},{y(value):.1f}")
            before = at
        return "".join(words)

    form, whole = ("%H:%M", "hour") if length <= timedelta(days=2.2) else ("%b %-d", "day")
    marks = [start_of(span.since + length * (number + 0.6) / MARKS, whole) for number in range(MARKS)]
    return Picture(
        path(((row.timestamp, row.flow_mw) for row in rows), steps=False),
        [
            path(((row.timestamp, row.positive_limit_mw) for row in rows), steps=True),
            path(((row.timestamp, row.negative_limit_mw) for row in rows), steps=True),
        ],
        y(0),
        [(y(value), value) for value in sorted({high, 0.0, low})],
        [(x(mark), f"{mark.astimezone(NEW_YORK):{form}}") for mark in marks],
    )
