"""A feeder's page: its figures first, what they mean beside them, where they are from one click away."""

from hashlib import sha256
from typing import Any

from django.contrib.gis.db.models.functions import AsGeoJSON
from django.db.models import F, FloatField, Func, Max, Value
from django.db.models.functions import Greatest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe
from django.views.decorators.vary import vary_on_cookie

from hosting.models import DERStatus, HCIngestionRun, HostingCapacityRecord
from hosting.views import amounts, feeder_ders, feeder_lists, meaning, sentence
from hosting.views.chosen import (
    Asked,
    choose,
    feeder_address,
    feeder_name,
    find_feeder,
    records_of,
    renamed,
)
from hosting.views.feeder_past import day_asked, past_page
from hosting.views.provenance import provenance
from hosting.views.quality import mark_of
from hosting.views.sorting import columns, with_changed
from utilities.models import Source

FORM = "3"  # raise it when the page's form changes: an ETag of the old form must not match
DETAIL = 1200  # a shape is drawn with vertices no closer than this part of its size


def _version(request: HttpRequest, code: str, slug: str) -> str | None:
    """Changes with whatever the page says: the runs of the utility, its sources' terms, and the day.

    None, which means no ETag, for someone signed in (the page's head is theirs) and where nothing is known.
    """
    if request.user.is_authenticated:
        return None
    sources = list(
        Source.objects.filter(utility__utility_code=code)
        .order_by("pk")
        .annotate(last=Max("runs"))
        .values_list("pk", "published_run", "redistribution", "in_catalog", "is_enabled", "last")
    )
    if not sources:
        return None
    latest = HCIngestionRun.objects.filter(pk__in=[row[-1] for row in sources]).order_by("pk")
    status = list(latest.values_list("pk", "status"))
    said = repr([FORM, request.get_full_path(), sources, status, timezone.now().date(), slug])
    return f'"{sha256(said.encode()).hexdigest()[:32]}"'


@require_safe
@cache_control(private=True, no_cache=True)
@vary_on_cookie
@condition(etag_func=_version)
def feeder_page(request: HttpRequest, code: str, slug: str) -> HttpResponse:
    """`/feeders/<utility>/<slug>/`; 404 with a hint where the feeder is gone or goes by another name."""
    feeder = find_feeder(utility__utility_code=code, slug=slug)
    if feeder is not None and (day := day_asked(request)) is not None:
        return past_page(request, feeder, day)
    records = records_of(feeder) if feeder else []
    if feeder is None or not records:
        missing = {"feeder": feeder, "now": renamed(code, slug), "section": "feeders"}
        return render(request, "feeders/missing.html", missing, status=404)
    asked = Asked.read(request.GET)
    record = choose(records, asked)
    return render(request, "feeders/feeder.html", _context(request, records, record or records[0], asked))


def _context(
    request: HttpRequest, records: list[HostingCapacityRecord], record: HostingCapacityRecord, asked: Asked
) -> dict[str, Any]:
    feeder = record.feeder
    figure = meaning.figure_config(meaning.config_of(record), record.capacity_type, record.variant)
    standing = meaning.sources_standing({record.source_id})[record.source_id]
    sections = feeder_lists.sections(record, request.GET)
    ders = feeder_ders.ders(record, request.GET)
    kept = record.source.redistribution in {"allowed", "unknown"}
    return {
        "section": "feeders",
        "feeder": feeder,
        "name": feeder_name(feeder) if feeder else record.feeder_name,
        "utility": record.utility,
        "has_synthetic": record.utility.is_synthetic,
        "row": record,
        "aliases": [alias.external_id for alias in feeder.aliases.order_by("pk")] if feeder else [],
        "standing": standing,
        "sentences": sentence.sentences(record, standing),
        "asked_type": amounts.figure_name(asked.capacity_type, asked.variant),
        "is_other": asked.is_said
        and (record.capacity_type, record.variant) != (asked.capacity_type, asked.variant),
        "choices": _choices(records, record),
        "figure_name": amounts.figure_name(record.capacity_type, record.variant),
        "figures": feeder_lists.figures(record, figure),
        "meaning": figure.get("meaning", ""),
        "contains": figure.get("study_contains", ()),
        "basis_sentence": sentence.basis(record),
        "limit": amounts.limit(record.constraining_metric),
        "voltage": amounts.kilovolts(record.voltage_kv),
        "bars": feeder_lists.criteria(record),
        "past": feeder_lists.past(record),
        "ders": ders,
        "today": timezone.now().date(),
        "hidden": {name: request.GET[name] for name in ("capacity_type", "variant") if name in request.GET},
        "der_status": DERStatus,
        "sections": sections,
        "columns": columns(
            feeder_lists.SECTION_SORTS,
            sections.sort,
            request.GET,
            without=("sections",),
            anchor="#sections",
        ),
        "sections_query": with_changed(request.GET, ("sections",)),
        "ders_columns": columns(
            feeder_ders.SORTS,
            ders.sort,
            request.GET,
            highest_first=feeder_ders.HIGHEST_FIRST,
            without=("ders",),
            anchor="#ders",
            parameter="ders_sort",
        ),
        "ders_query": with_changed(request.GET, ("ders",)),
        "findings": meaning.findings_of(record),
        "mark": mark_of(record),
        "from": provenance(record),
        "raw": _raw(record) if kept else None,
        "raw_is_refused": not kept,
        "shape": _shape(record),
        "on_map": _on_map(record),
    }


def _choices(records: list[HostingCapacityRecord], chosen: HostingCapacityRecord) -> list[dict[str, Any]]:
    """The figures that there are, each once, with their addresses."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for record in records:
        pair = (record.capacity_type, record.variant)
        found.setdefault(
            pair,
            {
                "name": amounts.figure_name(*pair),
                "link": feeder_address(record),
                "is_chosen": pair == (chosen.capacity_type, chosen.variant),
            },
        )
    return list(found.values())


def _raw(record: HostingCapacityRecord) -> dict[str, Any] | None:
    """The row as it was published, where it is kept with the record: not for records made from sections."""
    raw: dict[str, Any] | None = (
        HostingCapacityRecord.objects.filter(pk=record.pk).values_list("raw_attributes", flat=True).get()
    )
    return raw


def _shape(record: HostingCapacityRecord) -> str:
    """The record's shape as GeoJSON, coarse enough for a small map; empty where none was published."""
    size = Greatest(
        Func(F("geometry"), function="ST_XMax", output_field=FloatField())
        - Func(F("geometry"), function="ST_XMin", output_field=FloatField()),
        Func(F("geometry"), function="ST_YMax", output_field=FloatField())
        - Func(F("geometry"), function="ST_YMin", output_field=FloatField()),
    )
    geometry = HostingCapacityRecord._meta.get_field("geometry")
    coarse = Func(
        F("geometry"), size / DETAIL, Value(True), function="ST_Simplify", output_field=geometry.clone()
    )
    drawn = HostingCapacityRecord.objects.filter(pk=record.pk, geometry__isnull=False)
    return drawn.annotate(drawn=AsGeoJSON(coarse, precision=5)).values_list("drawn", flat=True).first() or ""


def _on_map(record: HostingCapacityRecord) -> str:
    """The map with this feeder and figure chosen."""
    figure = "hosting" if record.remaining_capacity_mw is None else ""
    query = {
        "utility": record.utility.utility_code,
        "capacity_type": "" if record.capacity_type == "generation" else record.capacity_type,
        "variant": "" if record.variant == "default" else record.variant,
        "figure": figure,
        "feeder": f"{record.utility.utility_code}/{record.feeder.slug}" if record.feeder else "",
    }
    said = "&".join(f"{name}={value}" for name, value in query.items() if value)
    return f"{reverse('map')}?{said}"
