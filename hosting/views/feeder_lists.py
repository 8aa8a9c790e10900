"""What a feeder's page lists: its figures, its past and its sections."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from hosting.models import (
    HostingCapacityRecord,
    HostingCapacityRecordVersion,
    HostingCapacitySection,
)
from hosting.views import amounts, charts, meaning
from hosting.views.amounts import Amount
from hosting.views.provenance import Config, made_from
from hosting.views.wording import instant
from hosting.visible import visible

PAGE = 50
MOST_VERSIONS = 300
SECTION_SORTS = {
    "hosting": "hosting_capacity_mw",
    "remaining": "remaining_capacity_mw",
    "limit": "constraining_metric",
    "voltage": "voltage_kv",
    "section": "key",
}


@dataclass(frozen=True)
class Figure:
    """One figure of the row on top: what it is called, what it is, and how it came about."""

    name: str
    amount: Amount
    basis: str
    date: str
    made: str


def figures(record: HostingCapacityRecord, figure: Config) -> list[Figure]:
    """What is left, what can be hosted, its range, what is there and what waits, each with its meaning."""
    published = meaning.published_on(record).local[:10]
    studied = meaning.day(record.record_date)
    date = _("studied %(day)s") % {"day": studied} if studied else _("published %(day)s") % {"day": published}
    der_day = meaning.day(record.der_date)
    der_date = _("as of %(day)s") % {"day": der_day} if der_day else date
    rollup = figure.get("rollup")
    sections = record.section_count
    lowest = _("weakest section") if sections else _("as published")
    highest = _("strongest section") if sections else _("as published")

    def one(name: str, column: str, said: Amount, basis: str, when: str) -> Figure:
        return Figure(name, said, basis, when, made_from(figure, record, column))

    found = [
        one(
            _("Remaining"),
            "remaining_capacity_mw",
            amounts.remaining(record),
            amounts.basis(record.remaining_basis),
            date,
        ),
        one(
            _("Hosting"),
            "hosting_capacity_mw",
            amounts.hosting(record),
            meaning.grain_said(record, rollup),
            date,
        ),
        one(
            _("Hosting, lowest"),
            "hosting_capacity_min_mw",
            amounts.hosting(record, "hosting_capacity_min_mw"),
            lowest,
            date,
        ),
        one(
            _("Hosting, highest"),
            "hosting_capacity_max_mw",
            amounts.hosting(record, "hosting_capacity_max_mw"),
            highest,
            date,
        ),
        one(
            _("Installed"),
            "installed_dg_mw",
            amounts.amount(record.installed_dg_mw),
            _("has permission to operate"),
            der_date,
        ),
        one(_("Queued"), "queued_dg_mw", amounts.amount(record.queued_dg_mw), _("has applied"), der_date),
    ]
    if record.installed_since_study_mw is not None:
        since = amounts.amount(record.installed_since_study_mw)
        said = _("not in the study yet")
        found.append(one(_("Installed since"), "installed_since_study_mw", since, said, der_date))
    return found


def criteria(record: HostingCapacityRecord) -> list[charts.Bar]:
    """The criteria's bars, the one that binds marked; empty where they were not published one by one."""
    values: list[tuple[str, Decimal]] = []
    for name, value in (record.criteria or {}).items():
        try:
            values.append((str(name), Decimal(str(value))))
        except InvalidOperation:
            continue  # null: this criterion was not published here
    return charts.bars(values, record.constraining_metric)


@dataclass(frozen=True)
class Past:
    """What a record was, the latest first, and the chart of it (none where nothing ever changed)."""

    rows: list[Any]
    chart: charts.Steps | None
    is_cut: bool


def past(record: HostingCapacityRecord) -> Past:
    """Current figures and those before, of the same row of the source."""
    same = {"source": record.source_id, "key": record.key}
    same |= {"capacity_type": record.capacity_type, "variant": record.variant}
    versions = list(
        HostingCapacityRecordVersion.objects.filter(**same)
        .defer("geometry", "raw_attributes", "criteria")
        .order_by("-valid_to", "-pk")[: MOST_VERSIONS + 1]
    )
    rows: list[Any] = [record, *versions[:MOST_VERSIONS]]
    now = timezone.now()
    series = {
        name: [
            charts.Span(row.valid_from, getattr(row, "valid_to", now), getattr(row, column)) for row in rows
        ]
        for name, column in (("hosting", "hosting_capacity_mw"), ("remaining", "remaining_capacity_mw"))
    }
    zone = record.utility.timezone
    said = [
        {
            "since": instant(row.valid_from, zone),
            "hosting": amounts.hosting(row, pad=True),
            "remaining": amounts.remaining(row, pad=True),
            "limit": amounts.limit(row.constraining_metric),
            "is_now": row is record,
        }
        for row in rows
    ]
    return Past(said, charts.steps(series) if versions else None, len(versions) > MOST_VERSIONS)


@dataclass(frozen=True)
class Sections:
    """One page of the feeder's sections."""

    page: "Page[HostingCapacitySection]"
    rows: list[dict[str, Any]]
    sort: str
    knows_voltage: bool  # of any section on this page
    knows_phases: bool


def sections(record: HostingCapacityRecord, given: QueryDict) -> Sections:
    """The sections with this figure, the weakest first unless `sort` says otherwise; unknown ones last."""
    found: QuerySet[HostingCapacitySection] = visible(
        HostingCapacitySection.objects.filter(
            feeder=record.feeder, capacity_type=record.capacity_type, variant=record.variant
        )
    )
    sort = given.get("sort", "")
    sort = sort if sort.removeprefix("-") in SECTION_SORTS else "hosting"
    column = F(SECTION_SORTS[sort.removeprefix("-")])
    order = column.desc(nulls_last=True) if sort.startswith("-") else column.asc(nulls_last=True)
    ordered = found.defer("geometry", "geometry_3857", "criteria").order_by(order, "key", "pk")
    page = Paginator(ordered, PAGE).get_page(given.get("sections"))
    rows: list[dict[str, Any]] = [
        {
            "section": row,
            "hosting": amounts.hosting(row, pad=True),
            "remaining": amounts.remaining(row, pad=True),
            "limit": amounts.limit(row.constraining_metric),
            "voltage": amounts.kilovolts(row.voltage_kv),
        }
        for row in page
    ]
    knows_voltage = any(row["voltage"] for row in rows)
    return Sections(page, rows, sort, knows_voltage, any(row["section"].phase_config for row in rows))
