"""The DER of one feeder, installed and planned: a question in one query. Street addresses are never read."""

from typing import Any, ClassVar

from django.db.models import F, Q, QuerySet
from django.http import Http404, HttpResponseBase
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hosting.api.access import Access, access_to
from hosting.api.answers import CSV, JSON, Answers, listed
from hosting.api.csv_rows import CSV_SHAPE, csv_answer, csv_of
from hosting.api.fields import ExactNumber, TextOrNull
from hosting.api.forms import ROWS_A_PAGE, FormParameters, TabularView, rows_a_form
from hosting.api.paging import IdPageParameters, page
from hosting.api.shown import cells, shown
from hosting.models import DER, DERStatus, Feeder, FeederDERTotals


class DERParameters(IdPageParameters, FormParameters):
    """DER of one status, or all."""

    status = serializers.ChoiceField(
        DERStatus.choices, default=None, help_text="Only those installed, or only those planned"
    )
    limit = rows_a_form()


class DERSerializer(serializers.ModelSerializer[DER]):
    """A distributed energy resource as its utility published it."""

    utility_code = serializers.CharField(source="utility.utility_code", help_text="Whose list it is in")
    synthetic = serializers.BooleanField(
        source="utility.is_synthetic", help_text="Made for demonstration; no real utility"
    )
    source = serializers.CharField(  # type: ignore[assignment]  # a field of that name
        source="source.code", help_text="Which of the utility's sources says so"
    )
    der_type = TextOrNull(help_text="As published")
    technologies = serializers.DictField(
        child=serializers.FloatField(), help_text="Technology to its part of the nameplate, in kW"
    )
    nameplate_kw = ExactNumber(allow_null=True, help_text="Rated AC output in kW")
    project_status = TextOrNull(help_text="As published")
    status_rationale = TextOrNull(help_text="As published")
    queue_request_id = TextOrNull(help_text="As published")
    queue_position = TextOrNull(help_text="As published; some utilities publish a time here")
    costs = serializers.DictField(
        child=serializers.FloatField(), allow_null=True, help_text="Published cost field to US dollars"
    )
    feeder_reference = TextOrNull(help_text="What the publisher wrote for the feeder")

    class Meta:
        model = DER
        fields = [
            "id",
            "utility_code",
            "synthetic",
            "source",
            "ingestion_run_id",
            "external_id",
            "status",
            "der_type",
            "technologies",
            "nameplate_kw",
            "is_hybrid",
            "installed_on",
            "planned_on",
            "completed_on",
            "project_status",
            "status_rationale",
            "queue_request_id",
            "queue_position",
            "costs",
            "feeder_reference",
        ]
        read_only_fields = fields
        extra_kwargs = {
            "id": {"help_text": "Survives refreshes"},
            "ingestion_run_id": {"help_text": "The run that last changed it"},
            "external_id": {"help_text": "As published; one project may be installed and planned"},
            "status": {"help_text": "Whether it may operate or is in the queue"},
            "is_hybrid": {"help_text": "Several technologies, or said to be; null where neither is known"},
            "installed_on": {"help_text": "Permission to operate"},
            "planned_on": {"help_text": "When it is meant to operate"},
            "completed_on": {"help_text": "When it was completed"},
        }


class DERTotalsSerializer(serializers.Serializer[Any]):
    """All DER of the feeder together, also those whose rows may not leave."""

    installed_count = serializers.IntegerField(allow_null=True, help_text="null: no list of them was read")
    installed_kw = ExactNumber(allow_null=True, help_text="Their nameplates together")
    planned_count = serializers.IntegerField(allow_null=True, help_text="null: no list of them was read")
    planned_kw = ExactNumber(allow_null=True, help_text="Their nameplates together")


SHOWN, CELLS = shown(DERSerializer()), cells(DERSerializer())
NAMES, TOTALS = list(SHOWN), list(DERTotalsSerializer().fields)


class FeederDERs(TabularView):
    """A feeder's DER, installed and planned, in order of their id.

    Those of which the reference leads to this feeder, alone or among others. `totals` are of all of them,
    whatever is asked for. No street address is in any answer.
    """

    answers: ClassVar[Answers] = {
        JSON: listed(
            DERSerializer,
            withheld=True,
            totals=DERTotalsSerializer(help_text="All of the feeder's, whatever is asked for"),
        ),
        CSV: CSV_SHAPE,
    }
    example: ClassVar = {"limit": 10}
    parameters_class: ClassVar = DERParameters

    def get(self, request: Request, code: str, slug: str) -> HttpResponseBase:
        found = Feeder.objects.filter(utility__utility_code=code, slug=slug).values_list("pk", flat=True)
        feeder = found.first()
        leading = ders_of(feeder)
        access = access_to(code, leading, bulk=self.is_unbounded)
        if feeder is None:
            raise Http404(f"There is no feeder '{slug}' of {code}. /api/v1/feeders lists feeders.")
        may_leave = leading.filter(source__in=access.sources)
        if access.withheld and not may_leave.exists():
            raise exceptions.PermissionDenied(" ".join(left_out["reason"] for left_out in access.withheld))
        rows = self._asked_for(may_leave)
        return self.in_form(
            access,
            page=lambda: self._page(request, rows, feeder, access),
            file=lambda: csv_answer(
                None if request.method == "HEAD" else csv_of(rows[: self.parameters["limit"]], CELLS),
                f"{code}-{slug}-ders",
                access,
            ),
        )

    def _asked_for(self, rows: QuerySet[DER]) -> QuerySet[DER]:
        status, after = self.parameters["status"], self.parameters["after"]
        if status is not None:
            rows = rows.filter(status=status)
        if after is not None:
            rows = rows.filter(id__gt=after)
        # Not by the key's own index: PostgreSQL takes lists of feeders for common, and would read a million
        # DER in order of their id until a hundred fit.
        return rows.order_by(F("id") + 0)

    def _page(self, request: Request, rows: QuerySet[DER], feeder: int, access: Access) -> Response:
        limit = self.parameters["limit"] or ROWS_A_PAGE
        found = rows[: limit + 1].values_list(*SHOWN.values())
        listed_rows = [dict(zip(NAMES, row, strict=True)) for row in found]
        totals = FeederDERTotals.objects.filter(feeder=feeder).values(*TOTALS).first()
        answer = page(request, listed_rows, limit, "id") | {"totals": totals or dict.fromkeys(TOTALS)}
        return Response(answer | access.note())


def ders_of(feeder: int | None) -> QuerySet[DER]:
    """The DER whose reference leads to a feeder, alone or among others."""
    return DER.objects.filter(Q(feeder=feeder) | Q(further_feeder_ids__contains=[feeder]))
