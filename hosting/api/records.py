"""A record as answers show it, and which records an answer is about."""

from typing import Any

from django.db.models import F, FloatField, Func, Q, QuerySet
from rest_framework import serializers

from hcportal.api.numbers import Megawatts
from hcportal.api.parameters import Parameters, Slug
from hosting.api.as_of import AS_OF, DayOrInstant
from hosting.api.fields import ExactNumber, TextOrNull, WordOrNull
from hosting.api.paging import IdPageParameters
from hosting.api.places import BoxField
from hosting.api.shown import cells, shown
from hosting.models import CapacityType, ConstrainingMetric, HostingCapacityRecord
from hosting.models.words import RemainingBasis

Rows = QuerySet[HostingCapacityRecord]


class FigureParameters(Parameters):
    """Which figure of a feeder is meant. Types and variants are never mixed in one answer."""

    capacity_type = serializers.ChoiceField(
        CapacityType.choices, default=CapacityType.GENERATION, help_text="What could be added; never mixed"
    )
    variant = Slug(
        default="default", max_length=40, help_text="Which of a source's figures, where it publishes several"
    )


class LeftParameters(FigureParameters):
    """Where something is left."""

    min_remaining_mw = Megawatts(
        default=None, help_text="Remaining capacity of at least this; unknown never matches"
    )


class RecordParameters(LeftParameters, IdPageParameters):
    """A utility's records."""

    bbox = BoxField(default=None, help_text="west,south,east,north in degrees: what intersects this box")
    max_remaining_mw = Megawatts(
        default=None, help_text="Remaining capacity of at most this; unknown never matches"
    )
    min_hosting_mw = Megawatts(
        default=None, help_text="Hosting capacity of at least this; unknown never matches"
    )
    constraint = serializers.ChoiceField(
        ConstrainingMetric.choices, default=None, help_text="The criterion that binds first"
    )
    as_of = DayOrInstant(default=None, help_text=AS_OF)


class RecordSerializer(serializers.ModelSerializer[HostingCapacityRecord]):
    """One record as API and GeoJSON have it: a figure with its meaning."""

    utility_code = serializers.CharField(read_only=True, help_text="Whose record it is")
    synthetic = serializers.BooleanField(read_only=True, help_text="Made for demonstration; no real utility")
    source = serializers.CharField(  # type: ignore[assignment]  # a field of that name
        source="source_code", read_only=True, help_text="Which of the utility's sources says so"
    )
    feeder_id_external = TextOrNull(help_text="As published; null for a cell, which has no feeder")
    feeder_name = TextOrNull(help_text="As published")
    substation_name = TextOrNull(help_text="As published")
    hosting_capacity_mw = ExactNumber(allow_null=True)
    hosting_capacity_min_mw = ExactNumber(allow_null=True)
    hosting_capacity_max_mw = ExactNumber(allow_null=True)
    installed_dg_mw = ExactNumber(allow_null=True)
    queued_dg_mw = ExactNumber(allow_null=True)
    installed_since_study_mw = ExactNumber(allow_null=True)
    remaining_capacity_mw = ExactNumber(allow_null=True)
    remaining_basis = WordOrNull(RemainingBasis.choices, help_text="How the remaining capacity came about")
    voltage_kv = ExactNumber(allow_null=True, help_text="Nominal voltage, as published")
    centroid_lat = serializers.FloatField(
        read_only=True, allow_null=True, help_text="Latitude of a point on the feeder"
    )
    centroid_lon = serializers.FloatField(read_only=True, allow_null=True, help_text="Its longitude")

    class Meta:
        model = HostingCapacityRecord
        fields = [
            "id",
            "utility_code",
            "synthetic",
            "source",
            "ingestion_run_id",
            "feeder_id_external",
            "feeder_name",
            "substation_name",
            "grain",
            "capacity_type",
            "variant",
            "hosting_capacity_mw",
            "hosting_capacity_min_mw",
            "hosting_capacity_max_mw",
            "capacity_status",
            "installed_dg_mw",
            "queued_dg_mw",
            "installed_since_study_mw",
            "remaining_capacity_mw",
            "remaining_basis",
            "constraining_metric",
            "voltage_kv",
            "record_date",
            "der_date",
            "centroid_lat",
            "centroid_lon",
        ]
        read_only_fields = fields
        extra_kwargs = {
            "id": {"help_text": "Survives refreshes"},
            "capacity_type": {"help_text": "What could be added"},
            "variant": {"help_text": "Which of the source's figures"},
            "capacity_status": {"help_text": "What the hosting capacity is; why it is null, or only a bound"},
            "constraining_metric": {
                "help_text": "The criterion that binds first; null where none was published"
            },
        }


# What stands under each name, over rows `with_columns`; in CSV too.
SHOWN = shown(RecordSerializer())
CELLS = cells(RecordSerializer())
NAMES = list(SHOWN)


def figures(given: dict[str, Any]) -> Rows:
    """All records of the capacity type and variant asked for, of today or `at` an instant."""
    return at_once(given).filter(capacity_type=given["capacity_type"], variant=given["variant"])


def at_once(given: dict[str, Any]) -> Rows:
    """All records as they are, or as they were `at` an instant (as_of.choose_instant)."""
    if given.get("at") is None:
        return HostingCapacityRecord.objects.all()
    return HostingCapacityRecord.objects.as_of(given["at"])


def matching(given: dict[str, Any], sources: list[int], utility: int | None = None) -> Rows:
    """The records of these sources that the filters let through. A null is neither below nor above.

    `utility`: whose sources these are, where they are one utility's; indexes begin with it.
    """
    rows = figures(given).filter(source__in=sources)
    if utility is not None:
        rows = rows.filter(utility=utility)
    for name, condition in {
        "min_remaining_mw": "remaining_capacity_mw__gte",
        "max_remaining_mw": "remaining_capacity_mw__lte",
        "min_hosting_mw": "hosting_capacity_mw__gte",
        "constraint": "constraining_metric",
        "after": "id__gt",
    }.items():
        if given.get(name) is not None:
            rows = rows.filter(**{condition: given[name]})
    if given.get("bbox") is not None:
        anywhere = Q()
        box = given["bbox"]
        for shape, inside in zip(box.shapes(), box.insides(), strict=True):
            meets = Q(geometry__intersects=shape)
            if inside is not None:
                # What lies inside with its whole box need not be read: 100 rows in 2 ms instead of 20.
                meets = Q(geometry__bboverlaps=shape) & (Q(geometry__contained=inside) | meets)
            anywhere |= meets
        rows = rows.filter(anywhere)
    return rows


def with_columns(rows: Rows) -> Rows:
    """What the serializer shows and the table does not have by that name."""
    return rows.annotate(
        utility_code=F("utility__utility_code"),
        synthetic=F("utility__is_synthetic"),
        source_code=F("source__code"),
        centroid_lat=Func(F("centroid"), function="ST_Y", output_field=FloatField()),
        centroid_lon=Func(F("centroid"), function="ST_X", output_field=FloatField()),
    )
