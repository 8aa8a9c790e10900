"""The two endpoints: all interfaces, and New York's neighbours."""

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import orjson
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from hcportal.api.parameters import StrictView
from hcportal.api.shapes import CSV, JSON, Answers
from hcportal.api.versions import etag_of, not_modified, stamp
from interregional.api.parameters import (
    LONGEST_AT_5_MIN,
    InterfaceFlowParameters,
    InterregionalFlowParameters,
)
from interregional.api.shapes import InterfaceFlowSerializer, InterregionalFlowSerializer, listed
from interregional.defaults import ATTRIBUTION
from interregional.models import Interface
from interregional.rows import (
    BEGINNING,
    FIRST_PLACE,
    NEIGHBOUR_CODES,
    FlowNow,
    Interfaces,
    Question,
    State,
    batches,
    region_name,
    rows,
    start_of,
    state,
)

COLUMNS = [
    "timestamp",
    "point_id",
    "interface_name",
    "node_name",
    "region",
    "flow_mw",
    "direction",
    "positive_limit_mw",
    "negative_limit_mw",
    "utilization_percent",
    "utilization_reason",
    "kind",
]
OF_PERIODS = ["min_mw", "max_mw", "count"]


class CSVRenderer(JSONRenderer):
    """For negotiation: the view writes the rows, and what is wrong with a question is JSON."""

    media_type = CSV
    format = "csv"


class FlowView(StrictView, ABC):
    """What both endpoints share."""

    tag: ClassVar = "Interregional flows"
    is_versioned: ClassVar = True
    renderer_classes = [JSONRenderer, CSVRenderer]
    authentication_classes = []  # the same for everybody: nobody has to be asked for
    permission_classes = []
    default_limit: ClassVar = 1_000

    @abstractmethod
    def wanted(self) -> Interfaces:
        """Which rows an instant has."""

    def get(self, request: Request) -> HttpResponseBase:
        there = state()
        etag = etag_of(request, [*there.version, request.accepted_renderer.format])
        if unchanged := not_modified(request, etag):
            return unchanged
        asked = self._question(there.newest)
        if request.accepted_renderer.format == "csv":
            pieces = _csv(batches(asked, self.parameters["limit"]) if asked else [], asked)
            answer: HttpResponseBase = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
            answer["Content-Disposition"] = 'attachment; filename="flows.csv"'
        else:
            answer = HttpResponse(self._page(request, asked, there), content_type=JSON)
        answer["Vary"] = "Accept"
        stamp(answer, etag)
        return answer

    def _question(self, newest: datetime | None) -> Question | None:
        """None where nothing is stored at all."""
        given = self.parameters
        if newest is None:
            return None
        after_newest = newest + timedelta(microseconds=1)
        since = given["start_date"][0] if given["start_date"] else start_of(newest, given["resolution"])
        until = given["end_date"][1] if given["end_date"] else after_newest
        if given["resolution"] == "5min" and self.request.accepted_renderer.format == "csv":
            self._check_length(min(until, after_newest) - since)
        after = given["after"] or (BEGINNING, FIRST_PLACE)
        return Question(since, min(until, after_newest), self.wanted(), given["resolution"], after)

    def _check_length(self, length: timedelta) -> None:
        if length > LONGEST_AT_5_MIN and self.parameters["limit"] is None:
            raise serializers.ValidationError(
                {"start_date": "More than a year is too much for one file: ask year by year, or by hour."}
            )

    def _page(self, request: Request, asked: Question | None, there: State) -> bytes:
        limit = self.parameters["limit"] or self.default_limit
        found = rows(asked, limit + 1) if asked is not None else []
        names = COLUMNS + OF_PERIODS if asked is not None and asked.resolution != "5min" else COLUMNS
        shown = found[:limit]
        following = None
        if len(found) > limit:
            query = request.query_params.copy()
            query["after"] = f"{_exactly(shown[-1].timestamp)}~{shown[-1].place}"
            if "start_date" not in query and asked and there.newest:  # the rest, though newer rows come
                query["start_date"], query["end_date"] = _exactly(asked.since), _exactly(there.newest)
            following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
        said = {
            "results": [dict(zip(names, _values(row), strict=False)) for row in shown],
            "next": following,
            "synthetic": there.is_synthetic,
            "attribution": "Synthetic" if there.is_synthetic else ATTRIBUTION,
        }
        return orjson.dumps(said, option=orjson.OPT_UTC_Z)


class InterfaceFlows(FlowView):
    """Flows and limits of all interfaces, every five minutes.

    The latest instant without dates; with them, rows in order of time. Positive is into New York. A limit is
    null where none is posted; what a flow uses of it is null, with a reason, where there is nothing to
    compare it with.
    """

    parameters_class: ClassVar = InterfaceFlowParameters
    answers: ClassVar[Answers] = {JSON: listed(InterfaceFlowSerializer), CSV: {"type": "string"}}
    example: ClassVar = {"interfaces": "23316,23317", "limit": 10}

    def wanted(self) -> Interfaces:
        if self.parameters["interfaces"] is None and self.parameters["regions"] is None:
            return Interfaces(None, [])
        found = Interface.objects.all()
        if self.parameters["interfaces"] is not None:
            found = found.filter(pk__in=self.parameters["interfaces"])
        if self.parameters["regions"] is not None:
            found = found.filter(region__in=self.parameters["regions"])
        return Interfaces(list(found.values_list("pk", flat=True)), [])


class InterregionalFlows(FlowView):
    """New York's neighbours: the primary interface of each, and the sum of all lines to it.

    Rows of kind `interface` are the four primary interfaces, rows of kind `region` the totals, which hold
    them. HQ_IMPORT_EXPORT overlaps HQ - NY and is in no total. The latest instant without dates.
    """

    parameters_class: ClassVar = InterregionalFlowParameters
    answers: ClassVar[Answers] = {JSON: listed(InterregionalFlowSerializer), CSV: {"type": "string"}}
    example: ClassVar = {"limit": 8}
    default_limit: ClassVar = 100

    def wanted(self) -> Interfaces:
        regions = self.parameters["regions"] or NEIGHBOUR_CODES
        primary = Interface.objects.filter(is_primary=True, region__in=regions)
        return Interfaces(
            list(primary.values_list("pk", flat=True)), [code for code in NEIGHBOUR_CODES if code in regions]
        )


def _exactly(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _values(row: FlowNow) -> tuple[Any, ...]:
    """In the order of COLUMNS and OF_PERIODS."""
    name, label = (row.name, row.label) if row.kind == "interface" else (region_name(row.region),) * 2
    return (
        row.timestamp,
        row.point_id,
        name,
        label,
        row.region,
        row.flow_mw,
        row.direction,
        row.positive_limit_mw,
        row.negative_limit_mw,
        row.utilization_percent,
        row.utilization_reason,
        row.kind,
        row.min_mw,
        row.max_mw,
        row.number,
    )


def _csv(found: Iterable[list[FlowNow]], asked: Question | None) -> Iterator[bytes]:
    """The rows as CSV, batch by batch, with a line of names."""
    names = COLUMNS + OF_PERIODS if asked is not None and asked.resolution != "5min" else COLUMNS
    yield (",".join(names) + "\r\n").encode()
    for some in found:
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        for row in some:
            at, *values = _values(row)
            writer.writerow([f"{at:%Y-%m-%dT%H:%M:%SZ}", *map(_harmless, values[: len(names) - 1])])
        yield buffer.getvalue().encode()


def _harmless(value: Any) -> Any:
    """Names are the publisher's: none may be a formula to a spreadsheet."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")) else value
