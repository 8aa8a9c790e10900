"""The card of a chosen feeder or cell: a piece of page, without a frame, that the map puts beside itself."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from hosting.classes import class_of
from hosting.models import HostingCapacityRecord
from hosting.views import amounts, meaning
from hosting.views.chosen import (
    Asked,
    bounds_of,
    choose,
    feeder_address,
    feeder_name,
    find_feeder,
    readable_records,
    record_name,
    records_of,
    renamed,
)
from hosting.views.quality import mark_of

Records = list[HostingCapacityRecord]
BIGGEST_ID = 2**63 - 1


@require_safe
def map_card(request: HttpRequest) -> HttpResponse:
    """`/map/card?feeder=<utility>/<slug>`, `?feeder_id=` or `?record=`; a 404 says why there is none."""
    records, missing = _records(request)
    if not records:
        return render(request, "map/card_missing.html", {"missing": missing}, status=404)
    asked = Asked.read(request.GET)
    record = choose(records, asked)
    return render(request, "map/card.html", _context(records, record, asked))


def _records(request: HttpRequest) -> tuple[Records, str]:
    """The records that are asked for, or none and the reason."""
    given = request.GET
    if "record" in given:
        number = _whole(given["record"])
        found = HostingCapacityRecord.objects.filter(pk=number) if number else None
        first = readable_records(found).first() if found is not None else None
        if first is None:
            return [], _("This place is no longer published. Choose another on the map.")
        return (records_of(first.feeder) if first.feeder else [first]), ""
    feeder = None
    if "feeder" in given:
        code, _slash, slug = given["feeder"].partition("/")
        feeder = find_feeder(utility__utility_code=code, slug=slug) or renamed(code, slug)
    elif number := _whole(given.get("feeder_id", "")):
        feeder = find_feeder(pk=number)
    if feeder is None:
        return [], _(
            "There is no feeder of this name. It may have been misspelt; the table lists all of them."
        )
    records = records_of(feeder)
    if not records:
        return [], _("Nothing is published of feeder %(name)s at present.") % {"name": feeder_name(feeder)}
    return records, ""


def _whole(text: str) -> int:
    """The id in an address, 0 where it is none."""
    is_number = text.isascii() and text.isdigit() and len(text) < 20
    return int(text) if is_number and int(text) <= BIGGEST_ID else 0


def _context(records: Records, record: HostingCapacityRecord | None, asked: Asked) -> dict[str, Any]:
    """What the template says; `record` is None where the feeder has no figure of the type asked for."""
    one = record or records[0]
    feeder = one.feeder
    pks = [each.pk for each in records]
    context: dict[str, Any] = {
        "name": record_name(one),
        "feeder": feeder,
        "utility": one.utility,
        "row": record,
        "selection": f"{one.utility.utility_code}/{feeder.slug}" if feeder else "",
        "record_id": one.pk,
        "bounds": bounds_of(HostingCapacityRecord.objects.filter(pk__in=pks)),
        "link": feeder_address(one),
        "asked_type": amounts.figure_name(asked.capacity_type, asked.variant),
        "there_is": sorted({amounts.figure_name(each.capacity_type, each.variant) for each in records}),
    }
    return context | (_figures(record, asked) if record else {})


def _figures(record: HostingCapacityRecord, asked: Asked) -> dict[str, Any]:
    config = meaning.figure_config(meaning.config_of(record), record.capacity_type, record.variant)
    hosting, remaining = amounts.hosting(record), amounts.remaining(record)
    is_hosting = asked.figure == "hosting"
    shown = record.hosting_capacity_mw if is_hosting else record.remaining_capacity_mw
    return {
        "large": hosting if is_hosting else remaining,
        "large_class": class_of(shown, record.capacity_status),
        "large_name": _("Hosting capacity") if is_hosting else _("Remaining capacity"),
        "is_hosting": is_hosting,
        "type_word": amounts.figure_name(record.capacity_type, record.variant).lower(),
        "hosting": hosting,
        "remaining": remaining,
        "basis": amounts.basis(record.remaining_basis),
        "grain": meaning.grain_said(record, config.get("rollup")),
        "published": meaning.published_on(record),
        "studied": meaning.day(record.record_date),
        "limit": amounts.limit(record.constraining_metric),
        "installed": amounts.amount(record.installed_dg_mw),
        "queued": amounts.amount(record.queued_dg_mw),
        "standing": meaning.sources_standing({record.source_id})[record.source_id],
        "findings": len(meaning.findings_of(record)),
        "mark": mark_of(record),
    }
