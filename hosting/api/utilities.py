"""Utilities and their sums."""

from typing import Any, ClassVar

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import F, FilteredRelation, Max, Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.utils.translation import gettext_noop
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from hcportal.api.parameters import Parameters, StrictView
from hcportal.api.versions import etag_of, not_modified, stamp, unless_held
from hosting.api import as_of
from hosting.api.answers import CSV, JSON, Answers, listed
from hosting.api.csv_few import csv_file
from hosting.api.csv_rows import CSV_SHAPE, CSVRenderer
from hosting.api.fields import ExactNumber
from hosting.api.forms import ROWS_A_PAGE, FormatFirst, FormParameters, rows_a_form
from hosting.api.missing import no_such_utility
from hosting.api.paging import PageParameters, page
from hosting.models import CapacityType, HostingCapacitySummary
from hosting.summaries import sums_at
from utilities.models import Utility

NOT_SIMULTANEOUS = gettext_noop(
    "Totals are sums over feeders and are not simultaneously available: "
    "capacity used on one feeder can reduce what its neighbours can take."
)


def utilities_with_totals() -> QuerySet[Utility]:
    """Every utility with the totals of its default generation summary, null where there is none."""
    return (
        Utility.objects.select_related("iso")
        .annotate(
            default_summary=FilteredRelation(
                "summaries",
                condition=Q(summaries__capacity_type=CapacityType.GENERATION, summaries__variant="default"),
            )
        )
        .annotate(
            total_feeders=F("default_summary__total_feeders"),
            total_hosting_capacity_mw=F("default_summary__total_hosting_capacity_mw"),
            total_remaining_capacity_mw=F("default_summary__total_remaining_capacity_mw"),
            constrained_feeders_count=F("default_summary__constrained_feeders_count"),
        )
    )


class UtilitySerializer(serializers.ModelSerializer[Utility]):
    """A utility with its totals."""

    iso_code = serializers.CharField(
        source="iso.code", default=None, allow_null=True, read_only=True, help_text="null where none is known"
    )
    synthetic = serializers.BooleanField(
        source="is_synthetic", read_only=True, help_text="Made for demonstration; no real utility"
    )
    total_feeders = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="Feeders, or cells where the publisher names no feeder"
    )
    total_remaining_capacity_mw = ExactNumber(allow_null=True, help_text="Not simultaneously available")

    class Meta:
        model = Utility
        fields = [
            "utility_code",
            "utility_name",
            "synthetic",
            "parent_company",
            "iso_code",
            "states",
            "data_source_type",
            "last_ingested_at",
            "total_feeders",
            "total_remaining_capacity_mw",
        ]
        read_only_fields = fields
        extra_kwargs = {
            "utility_code": {"help_text": "In addresses"},
            "utility_name": {"help_text": "As the catalog has it"},
            "parent_company": {"help_text": "Empty where there is none or none is known"},
            "data_source_type": {"help_text": "How it publishes"},
            "last_ingested_at": {"help_text": "When readers last got something new; null: never"},
        }


class SummarySerializer(serializers.ModelSerializer[HostingCapacitySummary]):
    """Sums over a utility's feeders for one capacity type and variant."""

    utility_code = serializers.CharField(
        source="utility.utility_code", read_only=True, help_text="Whose sums they are"
    )
    utility_name = serializers.CharField(
        source="utility.utility_name", read_only=True, help_text="As the catalog has it"
    )
    synthetic = serializers.BooleanField(
        source="utility.is_synthetic", read_only=True, help_text="Made for demonstration; no real utility"
    )
    total_hosting_capacity_mw = ExactNumber(allow_null=True, help_text="Not simultaneously available")
    total_installed_dg_mw = ExactNumber(allow_null=True, help_text="DER with permission to operate")
    total_remaining_capacity_mw = ExactNumber(allow_null=True, help_text="Not simultaneously available")
    avg_utilization_pct = ExactNumber(
        allow_null=True,
        help_text="Mean of installed / hosting x 100 over feeders with both and hosting above 0",
    )
    constraint_breakdown = serializers.DictField(
        child=serializers.IntegerField(), read_only=True, help_text="Constraining metric to number of feeders"
    )

    class Meta:
        model = HostingCapacitySummary
        fields = [
            "utility_code",
            "utility_name",
            "synthetic",
            "capacity_type",
            "variant",
            "total_feeders",
            "total_hosting_capacity_mw",
            "total_installed_dg_mw",
            "total_remaining_capacity_mw",
            "avg_utilization_pct",
            "constrained_feeders_count",
            "constraint_breakdown",
            "computed_at",
        ]
        read_only_fields = fields
        extra_kwargs = {
            "capacity_type": {"help_text": "What could be added"},
            "variant": {"help_text": "Which of the source's figures"},
            "computed_at": {"help_text": "When the sums were made"},
        }


class UtilityParameters(PageParameters, FormParameters):
    """The page, and the form."""

    limit = rows_a_form()


class UtilityList(StrictView):
    """All utilities, in order of their code.

    Totals are those of generation, variant `default`: sums over feeders, not simultaneously available.
    As CSV (`format=csv`, or `Accept: text/csv`) all of them come in one file.
    """

    tag: ClassVar = "Utilities"
    is_versioned: ClassVar = True
    answers: ClassVar[Answers] = {JSON: listed(UtilitySerializer), CSV: CSV_SHAPE}
    example: ClassVar = {"limit": 10}
    parameters_class: ClassVar = UtilityParameters
    renderer_classes = [JSONRenderer, CSVRenderer]
    content_negotiation_class = FormatFirst

    def get(self, request: Request) -> HttpResponseBase:
        limit, after = self.parameters["limit"], self.parameters["after"]
        found = utilities_with_totals().filter(utility_code__gt=after).order_by("utility_code")
        if request.accepted_renderer.format == "csv":
            return _file(request, UtilitySerializer(found[:limit], many=True).data)
        limit = limit or ROWS_A_PAGE
        rows: list[dict[str, Any]] = list(UtilitySerializer(found[: limit + 1], many=True).data)
        return unless_held(request, page(request, rows, limit, "utility_code"))


def _file(request: Request, rows: Any) -> HttpResponseBase:
    etag = etag_of(request, [CSV, rows])
    if unchanged := not_modified(request, etag):
        return unchanged
    answer = HttpResponse(csv_file(UtilitySerializer.Meta.fields, rows), content_type=f"{CSV}; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="utilities.csv"'
    stamp(answer, etag)
    return answer


class UtilityDetail(StrictView):
    """One utility."""

    tag: ClassVar = "Utilities"
    is_versioned: ClassVar = True
    answers: ClassVar[Answers] = {JSON: UtilitySerializer}

    def get(self, request: Request, code: str) -> HttpResponseBase:
        utility = utilities_with_totals().filter(utility_code=code).first()
        if utility is None:
            raise no_such_utility(code)
        return unless_held(request, UtilitySerializer(utility).data)


class SummaryParameters(Parameters):
    """Which day's sums."""

    as_of = as_of.DayOrInstant(default=None, help_text=as_of.AS_OF)


class UtilitySummary(StrictView):
    """A utility's sums, one object for each capacity type and variant that it publishes.

    Sums are no rows, and are given of `display_only` sources too; what is `forbidden` is in none. With
    `as_of` they are over the records that held then.
    """

    is_versioned: ClassVar = True
    answers: ClassVar[Answers] = {
        JSON: listed(
            SummarySerializer,
            withheld=False,
            note=serializers.CharField(help_text="What the totals are not"),
            **as_of.described(),
        )
    }
    parameters_class: ClassVar = SummaryParameters

    def get(self, request: Request, code: str) -> HttpResponseBase:
        published = ArrayAgg("sources__published_run", order_by="sources__published_run")
        # Sums are made anew without a publication too: where a source leaves, or its terms change.
        made = Max("summaries__computed_at")
        utility = Utility.objects.filter(utility_code=code).annotate(published=published, made=made).first()
        if utility is None:
            raise no_such_utility(code)
        at = as_of.instant_of(self.parameters["as_of"], utility.timezone)
        etag = etag_of(
            request, [utility.published, str(utility.made), utility.utility_name, utility.is_synthetic]
        )
        if unchanged := not_modified(request, etag):
            return unchanged
        found: Any = utility.summaries.order_by("capacity_type", "variant")
        sources: list[int] = []
        if at is not None:
            found = sums_at(utility, at)
            sources = [source.pk for source in utility.sources.filter(in_catalog=True)]
        rows = SummarySerializer(found, many=True).data
        said = as_of.said_of(at, sources)
        answer = Response({"results": rows, "next": None, "note": NOT_SIMULTANEOUS} | said)
        stamp(answer, etag)
        return answer
