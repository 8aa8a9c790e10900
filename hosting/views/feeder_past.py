"""A feeder as it was on an earlier day: the figures that readers saw then, under a banner that says so."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from rest_framework.serializers import ValidationError

from hosting.api.as_of import FIRST, instant_of
from hosting.models import (
    Feeder,
    HostingCapacityRecord,
    HostingCapacityRecordState,
    HostingCapacitySection,
)
from hosting.views import amounts, feeder_lists, meaning
from hosting.views.chosen import Asked, feeder_name
from hosting.views.sorting import with_changed
from hosting.views.wording import instant
from hosting.visible import visible

MOST_SECTIONS = 50  # the weakest; the API has all of them


def day_asked(request: HttpRequest) -> date | None:
    """The day that the address asks for; what is no day is as if it were not there."""
    try:
        found = date.fromisoformat(request.GET.get("as_of", ""))
    except ValueError:
        return None
    return found if found >= FIRST else None


def past_page(request: HttpRequest, feeder: Feeder, day: date) -> HttpResponse:
    """The page of a feeder on a day: its figures then, or that there were none and since when there are."""
    utility = feeder.utility
    context: dict[str, Any] = {
        "section": "feeders",
        "feeder": feeder,
        "name": feeder_name(feeder),
        "utility": utility,
        "has_synthetic": utility.is_synthetic,
        "day": day,
        "day_said": date_format(day, "j F Y"),
        "today": timezone.now().date(),
        "now_query": with_changed(request.GET, ("as_of",)),
        "hidden": {name: request.GET[name] for name in ("capacity_type", "variant") if name in request.GET},
    }
    try:
        at = instant_of(day, utility.timezone)
    except ValidationError:
        return render(request, "feeders/past.html", context | {"is_to_come": True}, status=404)
    assert at is not None  # noqa: S101 - a day was given
    rows = list(
        visible(HostingCapacityRecord.objects.as_of(at).filter(feeder=feeder))
        .select_related("source", "ingestion_run", "utility", "feeder")
        .defer("geometry", "raw_attributes", "centroid")
        .order_by("capacity_type", "variant", F("record_date").desc(nulls_last=True), "id")
    )
    if not rows:
        shown = context | {"first": _first(feeder)}
        return render(request, "feeders/past.html", shown, status=404)
    asked = Asked.read(request.GET)
    wanted = (asked.capacity_type, asked.variant)
    row = next((one for one in rows if (one.capacity_type, one.variant) == wanted), rows[0])
    return render(request, "feeders/past.html", context | _figures(row, rows, request, at))


def _figures(row: Any, rows: list[Any], request: HttpRequest, at: datetime) -> dict[str, Any]:
    figure = meaning.figure_config(row.ingestion_run.config_json, row.capacity_type, row.variant)
    sections = visible(
        HostingCapacitySection.objects.as_of(at).filter(
            feeder=row.feeder_id, capacity_type=row.capacity_type, variant=row.variant
        )
    ).defer("geometry", "criteria")
    weakest = sections.order_by(F("hosting_capacity_mw").asc(nulls_last=True), "key")[:MOST_SECTIONS]
    zone = row.utility.timezone
    return {
        "row": row,
        "figure_name": amounts.figure_name(row.capacity_type, row.variant),
        "figures": feeder_lists.figures(row, figure),
        "limit": amounts.limit(row.constraining_metric),
        "since": instant(row.valid_from, zone),
        "until": instant(row.valid_to, zone) if row.valid_to else None,
        "choices": _choices(rows, row, request),
        "sections": [
            {
                "key": one.key,
                "hosting": amounts.hosting(one, pad=True),
                "remaining": amounts.remaining(one, pad=True),
                "limit": amounts.limit(one.constraining_metric),
            }
            for one in weakest
        ],
        "section_count": sections.count(),
        "voltage": amounts.kilovolts(row.voltage_kv),
    }


def _choices(rows: list[Any], chosen: Any, request: HttpRequest) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        pair = (row.capacity_type, row.variant)
        query = with_changed(request.GET, capacity_type=pair[0], variant=pair[1])
        is_chosen = pair == (chosen.capacity_type, chosen.variant)
        choice = {"name": amounts.figure_name(*pair), "link": f"?{query}", "is_chosen": is_chosen}
        found.setdefault(pair, choice)
    return list(found.values())


def _first(feeder: Feeder) -> date | None:
    """The first day, there, on which something of the feeder was shown; None where it never was."""
    rows = visible(HostingCapacityRecordState.objects.filter(feeder=feeder))
    began = rows.order_by("valid_from").values_list("valid_from", flat=True).first()
    return None if began is None else began.astimezone(ZoneInfo(feeder.utility.timezone)).date()
