"""The past of every interface, as columns for the charts: one list of instants, and for each line its
values."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from hcportal.api.problems import problem
from hcportal.api.versions import etag_of, not_modified, stamp
from interregional.clock import day_bounds
from interregional.rows import STEP, Interfaces, Question, batches, state

RANGES: Final = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
LONGEST: Final = timedelta(days=367)  # two million rows, a second or two
BY_STAMP, BY_HOUR = (
    timedelta(days=2, hours=2),
    timedelta(days=62),
)  # longer stretches are shown by hour, by day


class NoRange(ValueError):
    """What was asked for is no stretch of time; the message says what is wrong."""


@dataclass(frozen=True)
class Span:
    """What the charts show. `name` is 24h, 7d, 30d or custom; the dates are those of a custom one."""

    name: str
    since: datetime
    until: datetime
    first: date | None = None
    last: date | None = None

    @property
    def resolution(self) -> str:
        length = self.until - self.since
        return "5min" if length <= BY_STAMP else "hour" if length <= BY_HOUR else "day"

    @property
    def as_csv(self) -> str:
        """The same rows of all interfaces, from the API."""
        last = self.until - timedelta(microseconds=1)
        since, until = (f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (self.since, last))
        return (
            f"/api/v1/interface-flows?start_date={since}&end_date={until}"
            f"&resolution={self.resolution}&format=csv"
        )

    @property
    def query(self) -> str:
        return f"from={self.first}&to={self.last}" if self.name == "custom" else f"range={self.name}"


def span_of(request: HttpRequest, newest: datetime | None) -> Span:
    """The stretch that an address asks for, 24 hours up to the newest row by default. Raises NoRange."""
    newest = newest or datetime.now(UTC)
    first, last = request.GET.get("from"), request.GET.get("to")
    if first or last:
        try:
            days = date.fromisoformat(first or last or ""), date.fromisoformat(last or first or "")
            since, until = day_bounds(days[0])[0], day_bounds(days[1])[1]
        except (ValueError, OverflowError):
            raise NoRange("Dates are written as 2026-07-01.") from None
        if since >= until:
            raise NoRange("The first day comes after the last one.")
        if until - since > LONGEST:
            raise NoRange("At most a year is shown at once; the API has more.")
        return Span("custom", since, until, *days)
    name = request.GET.get("range", "24h")
    if name not in RANGES:
        raise NoRange("The range is 24h, 7d, 30d, or two dates.")
    return Span(name, newest - RANGES[name], newest + timedelta(microseconds=1))


def longest_step(resolution: str) -> timedelta:
    """Rows further apart than this have a gap between them."""
    return timedelta(minutes=10) if resolution == "5min" else STEP[resolution] * 1.5


@require_safe
def series(request: HttpRequest) -> HttpResponseBase:
    """`/interregional/series.json`: {"x": [seconds], "lines": {point_id: {"flow": [], "in": [], "out":
    []}}}."""
    there = state()
    try:
        span = span_of(request, there.newest)
    except NoRange as wrong:
        return problem(400, str(wrong))
    etag = etag_of(request, there.version)  # type: ignore[arg-type]  # asks for no more than Django's has
    if unchanged := not_modified(request, etag):  # type: ignore[arg-type]
        return unchanged
    answer = HttpResponse(orjson.dumps(columns(span)), content_type="application/json")
    stamp(answer, etag)
    return answer


def columns(span: Span) -> dict[str, Any]:
    """Values at each instant, null where a line has none; two instants far apart have an empty one
    between."""
    wanted = Interfaces(None, [])
    step = STEP[span.resolution]
    longest = longest_step(span.resolution)
    x: list[int] = []
    lines: dict[str, dict[str, list[float | None]]] = {}
    before: datetime | None = None
    for some in batches(Question(span.since, span.until, wanted, span.resolution)):
        for row in some:
            if row.timestamp != before:
                if before is not None and row.timestamp - before > longest:
                    x.append(int((before + step).timestamp()))
                x.append(int(row.timestamp.timestamp()))
                before = row.timestamp
            line = lines.setdefault(str(row.point_id), {"flow": [], "in": [], "out": []})
            for name, value in (
                ("flow", row.flow_mw),
                ("in", row.positive_limit_mw),
                ("out", row.negative_limit_mw),
            ):
                values = line[name]
                values += [None] * (len(x) - 1 - len(values))
                values.append(value)
    for line in lines.values():
        for values in line.values():
            values.extend([None] * (len(x) - len(values)))
    return {
        "x": x,
        "lines": lines,
        "resolution": span.resolution,
        "since": int(span.since.timestamp()),
        "until": int(span.until.timestamp()),
    }
