"""What flows now, in words and numbers as the page shows them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from interregional.clock import NEW_YORK
from interregional.models import Interface
from interregional.publishers import STALE_AFTER
from interregional.roster import NEIGHBOURS, Region
from interregional.rows import FlowNow, region_name

BANDS = ((90.0, "high"), (60.0, "middle"))


@dataclass(frozen=True)
class Figure:
    """One flow: of a region, or of a line."""

    row: FlowNow
    name: str
    region: str
    landing_zone: str = ""
    is_summed: bool = True
    spark: "Spark | None" = None

    @property
    def anchor(self) -> str:
        return f"line-{self.row.point_id}" if self.row.point_id else f"region-{self.region}"

    @property
    def size_mw(self) -> float | None:
        """Without the sign, which the words say."""
        return None if self.row.flow_mw is None else abs(self.row.flow_mw)

    @property
    def direction(self) -> str:
        """import, export, none, unknown; within New York forward or reverse."""
        flow = self.row.flow_mw
        if flow is None:
            return "unknown"
        inside = self.region == Region.NEW_YORK
        if flow == 0:
            return "none"
        return ("forward" if flow > 0 else "reverse") if inside else ("import" if flow > 0 else "export")

    @property
    def words(self) -> str:
        """Where it flows."""
        is_known = self.region != Region.UNCLASSIFIED
        return {
            "import": _("into New York"),
            "export": _("out to %(where)s") % {"where": region_name(self.region)}
            if is_known
            else _("out of New York"),
            "forward": _("forward"),
            "reverse": _("in reverse"),
            "none": _("no flow"),
            "unknown": _("not known: a line is missing"),
        }[self.direction]

    @property
    def band(self) -> str:
        """How much of the limit is used: low, middle, high; or none where there is nothing to compare
        with."""
        used = self.row.utilization_percent
        return "none" if used is None else next((name for least, name in BANDS if used >= least), "low")

    @property
    def bar(self) -> float:
        """Length of the bar, 0 to 100; the number beside it is never cut."""
        return min(self.row.utilization_percent or 0.0, 100.0)

    @property
    def reason(self) -> str:
        """Why there is no share of a limit."""
        return {
            None: "",
            "no_limit_posted": _("No limit posted"),
            "closed_this_way": _("Closed this way"),
            "a_line_has_no_limit": _("No limit posted for one of the lines"),
            "line_missing": _("A line has no value at this time"),
        }[self.row.utilization_reason]

    @property
    def out_limit_mw(self) -> float | None:
        """The limit of exports, without its sign."""
        return None if self.row.negative_limit_mw is None else abs(self.row.negative_limit_mw)


@dataclass(frozen=True)
class RegionFigure(Figure):
    """A region with its lines."""

    lines: list[Figure] = field(default_factory=list)

    @property
    def lines_words(self) -> str:
        number = len(self.lines)
        return ngettext("%(number)d line", "%(number)d lines", number) % {"number": number}


@dataclass(frozen=True)
class Moment:
    """When it was so, as the page says it."""

    at: datetime

    @property
    def clock(self) -> str:
        there = self.at.astimezone(NEW_YORK)
        today = timezone.now().astimezone(NEW_YORK).date()
        return f"{there:%H:%M} ET" if there.date() == today else f"{there:%Y-%m-%d %H:%M} ET"

    @property
    def exact(self) -> str:
        return self.at.strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def in_new_york(self) -> str:
        return f"{self.at.astimezone(NEW_YORK):%Y-%m-%d %H:%M %Z}"

    @property
    def age(self) -> timedelta:
        """At least 0: stamps run ahead of the clock by up to five minutes."""
        return max(timezone.now() - self.at, timedelta(0))

    @property
    def ago(self) -> str:
        minutes = self.age // timedelta(minutes=1)
        if minutes < 1:
            return _("just now")
        if minutes < 60:
            return _("%(minutes)d min ago") % {"minutes": minutes}
        if minutes < 48 * 60:
            return _("%(hours)d h ago") % {"hours": minutes // 60}
        return _("%(days)s days ago") % {"days": f"{minutes // 1440:,}"}

    @property
    def is_stale(self) -> bool:
        return self.age > STALE_AFTER


@dataclass(frozen=True)
class Now:
    """All of one instant."""

    moment: Moment
    regions: list[RegionFigure]
    inside: list[Figure]
    others: list[Figure]  # of no region that is known

    @property
    def net_mw(self) -> float | None:
        """Positive is into New York; None where a region is not known."""
        flows = [figure.row.flow_mw for figure in self.regions]
        return None if not flows or None in flows else round(sum(f for f in flows if f is not None), 2)

    @property
    def net_size_mw(self) -> float | None:
        return None if self.net_mw is None else abs(self.net_mw)

    @property
    def net_direction(self) -> str:
        net = self.net_mw
        return "unknown" if net is None else "import" if net > 0 else "export" if net < 0 else "none"

    @property
    def net_words(self) -> str:
        return {
            "import": _("net into New York"),
            "export": _("net out of New York"),
            "none": _("imports and exports are equal"),
            "unknown": _("not known: a line has no value at this time"),
        }[self.net_direction]

    @property
    def lines(self) -> list[Figure]:
        """Those that cross the border, region by region."""
        return [line for region in self.regions for line in region.lines]


def now_of(found: Sequence[FlowNow], past: Iterable[FlowNow]) -> Now:
    """`found`: all rows of one instant; `past`: rows of the regions before it, for the small curves."""
    known = {interface.point_id: interface for interface in Interface.objects.all()}
    by_region: dict[str, list[FlowNow]] = {}
    for row in past:
        by_region.setdefault(row.region, []).append(row)
    lines = [_line(row, known[row.point_id]) for row in found if row.point_id is not None]
    totals = {row.region: row for row in found if row.kind == "region"}
    regions = [
        RegionFigure(
            totals[code],
            region_name(code),
            code,
            spark=spark(by_region.get(code, []), found[0].timestamp),
            lines=[line for line in lines if line.region == code],
        )
        for code in NEIGHBOURS
        if code in totals
    ]
    return Now(
        Moment(found[0].timestamp),
        regions,
        [line for line in lines if line.region == Region.NEW_YORK],
        [line for line in lines if line.region == Region.UNCLASSIFIED],
    )


def _line(row: FlowNow, interface: Interface) -> Figure:
    return Figure(row, interface.label, interface.region, interface.landing_zone, interface.is_summed)


WIDTH, HEIGHT = 240, 36
SPARK_SPAN = timedelta(hours=24)


class Spark(NamedTuple):
    """A small curve and its line at zero, as SVG paths."""

    zero: str
    curve: str


def spark(rows: Sequence[FlowNow], until: datetime) -> Spark | None:
    """The 24 hours up to an instant, zero in it, broken where rows are missing."""
    flows = [row.flow_mw for row in rows if row.flow_mw is not None]
    if not flows:
        return None
    low, high = min(0.0, *flows), max(0.0, *flows)
    scale = (HEIGHT - 4) / ((high - low) or 1)
    words, before = [], None
    for row in rows:
        if row.flow_mw is None:
            before = None
            continue
        x = WIDTH * (1 - (until - row.timestamp) / SPARK_SPAN)
        y = 2 + (high - row.flow_mw) * scale
        broken = before is None or row.timestamp - before > timedelta(minutes=10)
        words.append(f"{'M' if broken else 'L'}{x:.1f},{y:.1f}")
        before = row.timestamp
    zero = 2 + high * scale
    return Spark(f"M0,{zero:.1f}H{WIDTH}", "".join(words))
