"""A feeder's DER on its page: totals, by technology, since the study, and one page of rows.

Addresses of people are never read here.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db import connection
from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When
from django.db.models.expressions import Expression, OrderBy
from django.db.models.functions import NullIf
from django.http import QueryDict
from django.urls import reverse

from hosting.api.access import BOUNDED_ROWS
from hosting.api.ders import ders_of
from hosting.models import DER, DERStatus, HostingCapacityRecord
from hosting.views import amounts
from hosting.views.amounts import Amount
from hosting.visible import visible
from utilities.models import Redistribution, Source

PAGE = 50
SORTS: dict[str, Expression | F] = {
    "status": F("status"),
    "technology": NullIf(F("der_type"), Value("")),
    "nameplate": F("nameplate_kw"),
    # The date that the table shows.
    "date": Case(When(status=DERStatus.INSTALLED, then=F("installed_on")), default=F("planned_on")),
}
HIGHEST_FIRST = {"nameplate", "date"}
_BY_TECHNOLOGY = """
SELECT d.status, t.key, count(*), sum(t.value::numeric)
FROM ({ders}) d
CROSS JOIN jsonb_each_text(CASE jsonb_typeof(d.technologies) WHEN 'object' THEN d.technologies END) t
WHERE t.value ~ '^[0-9.]+$'
GROUP BY d.status, t.key ORDER BY d.status, sum(t.value::numeric) DESC, t.key
"""


@dataclass(frozen=True)
class Part:
    """One technology of the DER of one status."""

    name: str
    count: int
    mw: Amount


@dataclass(frozen=True)
class Total:
    """The DER of one status together."""

    status: str
    count: int
    mw: Amount
    unrated: int  # whose nameplate is not known
    parts: list[Part]
    since: int = 0  # installed after the study's date
    since_mw: Amount | None = None


@dataclass(frozen=True)
class Ders:
    """The feeder's DER: totals by status, one page of rows, and whether the utility publishes any at all."""

    totals: list[Total]
    page: "Page[DER]"
    rows: list[dict[str, Any]]
    sort: str  # a name of SORTS, with a minus where the highest is first; empty: by status, the largest first
    knows_queue: bool  # of any DER on this page
    utility_has_any: bool
    csv: str  # the address of all of them as a file; empty where terms keep them back
    is_cut: bool  # the file has as many as terms that are not known let leave


def ders(record: HostingCapacityRecord, given: QueryDict) -> Ders:
    """What is installed on the feeder and what waits; a `ders_sort` that there is not changes nothing."""
    mine = visible(ders_of(record.feeder_id))
    totals = _totals(record, mine)
    sort = given.get("ders_sort", "")
    sort = sort if sort.removeprefix("-") in SORTS else ""
    ordered = mine.order_by(*_order(sort))
    any_at_all = bool(totals) or visible(DER.objects.filter(utility=record.utility_id)).exists()
    page = Paginator(ordered, PAGE).get_page(given.get("ders"))
    rows = [{"der": der, "nameplate": amounts.kilowatts(der.nameplate_kw)} for der in page]
    knows_queue = any(der.queue_position for der in page)
    return Ders(totals, page, rows, sort, knows_queue, any_at_all, *_file(record, mine))


def _order(sort: str) -> list[Any]:
    """What is not known comes last, whichever way; rows that are equal keep their places between pages."""
    usual = ["status", F("nameplate_kw").desc(nulls_last=True), "external_id", "pk"]
    if not sort:
        return usual
    column = OrderBy(SORTS[sort.removeprefix("-")], descending=sort.startswith("-"), nulls_last=True)
    return [column, *usual]


def _totals(record: HostingCapacityRecord, mine: QuerySet[DER]) -> list[Total]:
    later = Q(status=DERStatus.INSTALLED, installed_on__gt=record.record_date)
    if record.record_date is None:
        later = Q(pk=None)
    counted = (
        mine.order_by("status")
        .values("status")
        .annotate(
            n=Count("pk"),
            kw=Sum("nameplate_kw"),
            rated=Count("nameplate_kw"),
            since=Count("pk", filter=later),
            since_kw=Sum("nameplate_kw", filter=later),
        )
    )
    parts: dict[str, list[Part]] = {}
    found = list(counted)
    if found:
        for status, name, count, kilowatts in _by_technology(mine):
            parts.setdefault(status, []).append(Part(name, count, amounts.amount(kilowatts / 1000)))
    return [
        Total(
            DERStatus(one["status"]).label,
            one["n"],
            _megawatts(one["kw"]),
            one["n"] - one["rated"],
            parts.get(one["status"], []),
            one["since"],
            _megawatts(one["since_kw"]),
        )
        for one in found
    ]


def _by_technology(mine: QuerySet[DER]) -> list[tuple[Any, ...]]:
    sql, parameters = mine.order_by().values("status", "technologies").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_BY_TECHNOLOGY.format(ders=sql), parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _megawatts(kilowatts: Any) -> Amount:
    return amounts.amount(None if kilowatts is None else kilowatts / 1000)


def _file(record: HostingCapacityRecord, mine: QuerySet[DER]) -> tuple[str, bool]:
    """Where all of it is as CSV, as far as the terms of its sources let it leave."""
    held = Source.objects.filter(pk__in=mine.order_by().values("source"))
    terms = set(held.values_list("redistribution", flat=True))
    if record.feeder is None or not terms & {Redistribution.ALLOWED, Redistribution.UNKNOWN}:
        return "", False
    is_cut = Redistribution.UNKNOWN in terms
    query = {"format": "csv"} | ({"limit": BOUNDED_ROWS} if is_cut else {})
    address = reverse("api-ders", args=[record.utility.utility_code, record.feeder.slug])
    return f"{address}?{urlencode(query)}", is_cut
