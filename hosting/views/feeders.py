"""The feeders as a table: the same selection as the map's, as rows."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from hosting.models import ConstrainingMetric, HostingCapacityRecord
from hosting.views import amounts, meaning
from hosting.views.chosen import feeder_address, record_name
from hosting.views.map import map_context
from hosting.views.selection import (
    HIGHEST_FIRST,
    SORTS,
    Rows,
    Selection,
    place_said,
    read_selection,
    view_of,
)
from hosting.views.sorting import columns, with_changed
from hosting.views.terms import terms
from hosting.visible import visible_sources

PAGE = 100
COUNTED = 100_000  # beyond, "more than"
# Columns that are left out of a page on which nothing of them is known, and what they are called.
OPTIONAL = {
    "substation": gettext_lazy("substation"),
    "installed": gettext_lazy("installed"),
    "queued": gettext_lazy("queued"),
    "limit": gettext_lazy("what limits it"),
    "voltage": gettext_lazy("voltage"),
    "studied": gettext_lazy("date of the study"),
}
COLUMNS = (
    "utility__utility_code",
    "utility__utility_name",
    "utility__is_synthetic",
    "feeder__slug",
    "feeder__external_id",
    "feeder__name",
    "feeder_name",
    "feeder_id_external",
    "key",
    "substation_name",
    "capacity_type",
    "variant",
    "grain",
    "capacity_status",
    "remaining_basis",
    "hosting_capacity_mw",
    "remaining_capacity_mw",
    "installed_dg_mw",
    "queued_dg_mw",
    "constraining_metric",
    "voltage_kv",
    "record_date",
)


@dataclass(frozen=True)
class Counted:
    """How many there are, up to COUNTED."""

    number: int
    is_more: bool

    @property
    def said(self) -> str:
        number = amounts.plain(self.number, 0)
        return _("more than %(number)s") % {"number": number} if self.is_more else number


@require_safe
def feeders_table(request: HttpRequest) -> HttpResponse:
    """`/feeders/`: a page of the selection; a 400 with a form to put right where a parameter cannot be."""
    selection = read_selection(request.GET)
    offered = map_context()
    given = selection.given
    utility = next((one for one in offered["map_utilities"] if one["code"] == given["utility"]), None)
    context = {
        "section": "feeders",
        "given": given,
        "faults": selection.faults,
        "left_out": selection.left_out,
        "utilities": offered["map_utilities"],
        "types": offered["map_types"],
        "limits": [(word, amounts.limit(word)) for word in ConstrainingMetric.values],
        "utility": utility,
        "variants": (utility or {}).get("figures", {}).get(given["capacity_type"], []),
        "figure_name": amounts.figure_name(given["capacity_type"], given["variant"]),
        "place": place_said(given["bbox"]),
        "without_place": with_changed(request.GET, ("bbox", "page")),
        "substation": given["substation"],
        "without_substation": with_changed(request.GET, ("substation", "page")),
        "on_map": _on_map(selection),
        "columns": columns(
            SORTS, selection.sort, request.GET, highest_first=HIGHEST_FIRST, without=("page",)
        ),
    }
    if selection.faults:
        return render(request, "feeders/table.html", context, status=400)
    return render(request, "feeders/table.html", context | _rows(request, selection, utility))


def _rows(request: HttpRequest, selection: Selection, utility: dict[str, Any] | None) -> dict[str, Any]:
    passing = _count(selection.passing())
    total = _count(selection.everything()) if selection.has_filters else passing
    last = max(1, -(-passing.number // PAGE))
    page = min(selection.given["page"], last)
    sorted_by = selection.sort.removeprefix("-")
    pks = selection.page_of((page - 1) * PAGE, PAGE) if passing.number else []
    by_pk = HostingCapacityRecord.objects.select_related("utility", "feeder").only(*COLUMNS).in_bulk(pks)
    rows = [_row(by_pk[pk]) for pk in pks if pk in by_pk]  # one may be gone since
    known = [name for name in OPTIONAL if name == sorted_by or any(_is_known(row, name) for row in rows)]
    return {
        "rows": rows,
        "shown": known,
        "not_known": [str(OPTIONAL[name]) for name in OPTIONAL if name not in known],
        "passing": passing,
        "total": total,
        "hidden": Counted(total.number - passing.number, total.is_more),
        "first": (page - 1) * PAGE + 1,
        "page": page,
        "last": last,
        "previous": with_changed(request.GET, page=str(page - 1)) if page > 1 else "",
        "next": with_changed(request.GET, page=str(page + 1)) if page < last else "",
        "without_filters": with_changed(
            request.GET, ("min_remaining_mw", "min_hosting_mw", "constraint", "at_least", "page")
        ),
        "has_filters": selection.has_filters,
        "has_synthetic": any(row["record"].utility.is_synthetic for row in rows),
        "file": _file(selection, utility),
    }


def _count(rows: Rows) -> Counted:
    """Counts no further than is worth the wait."""
    number = rows.order_by().values("pk")[: COUNTED + 1].count()
    return Counted(min(number, COUNTED), number > COUNTED)


def _is_known(row: dict[str, Any], name: str) -> bool:
    if name == "limit":
        return bool(row["record"].constraining_metric)
    said = row[name]
    return said.is_known if isinstance(said, amounts.Amount) else bool(said)


def _row(record: HostingCapacityRecord) -> dict[str, Any]:
    return {
        "record": record,
        "name": record_name(record),
        "id": "" if record_name(record) == record.feeder_id_external else record.feeder_id_external,
        "substation": record.substation_name,
        "link": feeder_address(record),
        "remaining": amounts.remaining(record, pad=True),
        "hosting": amounts.hosting(record, pad=True),
        "installed": amounts.amount(record.installed_dg_mw, pad=True),
        "queued": amounts.amount(record.queued_dg_mw, pad=True),
        "limit": amounts.limit(record.constraining_metric),
        "voltage": amounts.kilovolts(record.voltage_kv),
        "studied": meaning.day(record.record_date),
    }


def _on_map(selection: Selection) -> str:
    """The map of the same selection; it has one lower bound, that of the figure that colours it."""
    given = selection.given
    bound = f"min_{given['figure']}_mw"
    query = {
        "utility": given["utility"],
        "capacity_type": "" if given["capacity_type"] == "generation" else given["capacity_type"],
        "variant": "" if given["variant"] == "default" else given["variant"],
        "figure": "" if given["figure"] == "remaining" else given["figure"],
        bound: "" if given[bound] is None else str(given[bound]),
        "constraint": given["constraint"] or "",
        **view_of(given["bbox"]),
    }
    said = "&".join(f"{name}={value}" for name, value in query.items() if value)
    return reverse("map") + (f"?{said}" if said else "")


def _file(selection: Selection, utility: dict[str, Any] | None) -> dict[str, str]:
    """The address of the same rows as CSV, or why there is none."""
    if utility is None:
        return {"why": _("Choose a utility to get its rows as CSV.")}
    if selection.given["substation"]:  # the API has no such filter: its file would hold other rows than these
        return {"why": _("A CSV holds all substations of a utility. Take the choice of one away to get it.")}
    sources = list(visible_sources().filter(utility__utility_code=utility["code"]).order_by("pk"))
    refused = [terms(source) for source in sources if not terms(source).lets_all_leave]
    if refused:
        return {"why": _("No CSV of all rows. %(why)s") % {"why": refused[0].sentence}}
    given = selection.given
    query = {
        name: str(given[name])
        for name in ("capacity_type", "variant", "min_remaining_mw", "min_hosting_mw", "constraint")
        if given[name] is not None
    }
    if given["bbox"]:
        box = given["bbox"]
        query["bbox"] = f"{box.west},{box.south},{box.east},{box.north}"
    said = "&".join(f"{name}={value}" for name, value in query.items())
    return {"address": f"{reverse('api-utilities')}/{utility['code']}/hosting-capacity?format=csv&{said}"}
