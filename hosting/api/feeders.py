"""Feeders of all utilities by what they can take, with the DER that each has: a question in one query."""

from decimal import Decimal
from typing import Any, ClassVar

from django.db.models import F, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan
from django.http import HttpResponseBase
from django.urls import reverse
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hcportal.api.numbers import Megawatts
from hcportal.api.parameters import Slug
from hosting.api.access import Access, access_to, access_to_all
from hosting.api.answers import CSV, JSON, Answers, listed
from hosting.api.csv_rows import CSV_SHAPE, csv_answer, csv_of
from hosting.api.fields import ExactNumber, TextOrNull, WordOrNull
from hosting.api.forms import ROWS_A_PAGE, FormParameters, TabularView, rows_a_form
from hosting.api.paging import next_page
from hosting.api.records import FigureParameters, Rows, figures
from hosting.api.shown import cells, shown
from hosting.models import HostingCapacityRecord
from hosting.models.records import BELOW_ALL, BY_HIGHEST, HIGHEST_HOSTING_MW, LOWEST_HOSTING_MW
from hosting.models.words import RemainingBasis
from utilities.models import Utility


class Place(serializers.RegexField):
    """Where a row stands in the order: its highest hosting capacity, or `unknown`, and its id."""

    def __init__(self, **kwargs: Any) -> None:
        form = r"^(unknown|-?[0-9]{1,7}(\.[0-9]{1,5})?):[0-9]{1,18}\Z"
        super().__init__(form, trim_whitespace=False, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        given = super().run_validation(data)
        if given is None:
            return None
        megawatts, _, identity = str(given).partition(":")
        return (BELOW_ALL if megawatts == "unknown" else Decimal(megawatts), int(identity))


class FeederParameters(FigureParameters, FormParameters):
    """Feeders of all utilities or of one."""

    min_hosting_mw = Megawatts(
        default=None,
        help_text="Highest hosting capacity of at least this, itself included; unknown never matches",
    )
    utility = Slug(default=None, max_length=40, help_text="Code of a utility; all of them without it")
    limit = rows_a_form()
    after = Place(default=None, help_text="Where the last row already read stands; `next` carries it")


class FeederSerializer(serializers.ModelSerializer[HostingCapacityRecord]):
    """A feeder with one figure, and its DER counted."""

    utility_code = serializers.CharField(source="utility.utility_code", help_text="Whose feeder it is")
    synthetic = serializers.BooleanField(
        source="utility.is_synthetic", help_text="Made for demonstration; no real utility"
    )
    source = serializers.CharField(  # type: ignore[assignment]  # a field of that name
        source="source.code", help_text="Which of the utility's sources says so"
    )
    slug = serializers.CharField(source="feeder.slug", help_text="The feeder's name in addresses")
    feeder_name = TextOrNull(help_text="As published")
    substation_name = TextOrNull(help_text="As published")
    max_hosting_capacity_mw = ExactNumber(
        allow_null=True, help_text="Of its strongest section, or of the feeder where no other is published"
    )
    min_hosting_capacity_mw = ExactNumber(
        allow_null=True, help_text="Of its weakest section, or of the feeder where no other is published"
    )
    remaining_capacity_mw = ExactNumber(allow_null=True)
    remaining_basis = WordOrNull(RemainingBasis.choices, help_text="How the remaining capacity came about")
    installed_der_count = serializers.IntegerField(
        source="feeder.der_totals.installed_count",
        allow_null=True,
        help_text="DER with permission to operate; null where no list of them was read",
    )
    installed_der_kw = ExactNumber(
        source="feeder.der_totals.installed_kw", allow_null=True, help_text="Their nameplates together"
    )
    planned_der_count = serializers.IntegerField(
        source="feeder.der_totals.planned_count",
        allow_null=True,
        help_text="DER in the queue; null where no list of them was read",
    )
    planned_der_kw = ExactNumber(
        source="feeder.der_totals.planned_kw", allow_null=True, help_text="Their nameplates together"
    )

    class Meta:
        model = HostingCapacityRecord
        fields = [
            "id",
            "utility_code",
            "synthetic",
            "source",
            "feeder_id_external",
            "slug",
            "feeder_name",
            "substation_name",
            "capacity_type",
            "variant",
            "max_hosting_capacity_mw",
            "min_hosting_capacity_mw",
            "capacity_status",
            "remaining_capacity_mw",
            "remaining_basis",
            "installed_der_count",
            "installed_der_kw",
            "planned_der_count",
            "planned_der_kw",
            "record_date",
        ]
        read_only_fields = fields
        extra_kwargs = {
            "id": {"help_text": "The record's, which survives refreshes"},
            "feeder_id_external": {"help_text": "The feeder's id, as published; leading zeros matter"},
            "capacity_type": {"help_text": "What could be added"},
            "variant": {"help_text": "Which of the source's figures"},
            "capacity_status": {"help_text": "What the hosting capacity is; why it is null, or only a bound"},
        }


class LinkedFeederSerializer(FeederSerializer):
    """A feeder with one figure, its DER counted, and where more is said of it."""

    url = serializers.URLField(help_text="The feeder's page")
    ders_url = serializers.URLField(help_text="Its DER, in this API")

    class Meta(FeederSerializer.Meta):
        fields = [*FeederSerializer.Meta.fields, "url", "ders_url"]


SHOWN, CELLS = shown(FeederSerializer()), cells(FeederSerializer())
NAMES = list(SHOWN)


class FeederList(TabularView):
    """Feeders with a hosting capacity of at least so much, those with the most first.

    One row for each feeder, or more where several sources publish figures of it. Without `min_hosting_mw` all
    feeders come, those of unknown capacity last. Cells, which have no feeder, are in no row. DER that lead to
    several feeders count on each of them.
    """

    answers: ClassVar[Answers] = {JSON: listed(LinkedFeederSerializer, withheld=True), CSV: CSV_SHAPE}
    example: ClassVar = {"min_hosting_mw": 5, "limit": 10}
    parameters_class: ClassVar = FeederParameters

    def get(self, request: Request) -> HttpResponseBase:
        access = self._access()
        return self.in_form(
            access, page=lambda: self._page(request, access), file=lambda: self._csv(request, access)
        )

    def _access(self) -> Access:
        code = self.parameters["utility"]
        rows = figures(self.parameters).filter(feeder__isnull=False)
        if code is None:
            asked = "/".join(self.parameters[name] for name in ("capacity_type", "variant"))
            return access_to_all(rows, bulk=self.is_unbounded, whole=f"feeders/{asked}")
        if not Utility.objects.filter(utility_code=code).exists():
            raise exceptions.ValidationError({"utility": f"There is no utility '{code}'."})
        return access_to(code, rows, bulk=self.is_unbounded)

    def _page(self, request: Request, access: Access) -> Response:
        limit = self.parameters["limit"] or ROWS_A_PAGE
        rows = highest_first(self.parameters, access)[: limit + 1]
        found = [dict(zip(NAMES, row, strict=True)) for row in rows.values_list(*SHOWN.values())]
        following = None
        if len(found) > limit:
            last = found[limit - 1]
            highest = last["max_hosting_capacity_mw"]
            following = next_page(request, f"{'unknown' if highest is None else highest}:{last['id']}")
        root = request.build_absolute_uri("/").rstrip("/")
        results = [row | _addresses(root, row) for row in found[:limit]]
        return Response({"results": results, "next": following} | access.note())

    def _csv(self, request: Request, access: Access) -> HttpResponseBase:
        rows = highest_first(self.parameters, access)[: self.parameters["limit"]]
        pieces = None if request.method == "HEAD" else csv_of(rows, CELLS)
        return csv_answer(pieces, f"{self.parameters['utility'] or 'all'}-feeders", access)


def highest_first(given: dict[str, Any], access: Access) -> Rows:
    """Records of feeders by their highest hosting capacity, then by id, the order of an index."""
    rows: QuerySet[Any] = (
        figures(given)
        .filter(source__in=access.sources, feeder__isnull=False)
        .annotate(
            highest=BY_HIGHEST,
            max_hosting_capacity_mw=HIGHEST_HOSTING_MW,
            min_hosting_capacity_mw=LOWEST_HOSTING_MW,
        )
    )
    if access.utility is not None:
        rows = rows.filter(utility=access.utility)
    if given["min_hosting_mw"] is not None:
        rows = rows.filter(highest__gte=given["min_hosting_mw"], highest__gt=BELOW_ALL)
    if given["after"] is not None:
        rows = rows.filter(TupleLessThan(Tuple(F("highest"), F("id")), given["after"]))
    return rows.order_by("-highest", "-id")


def _addresses(root: str, row: dict[str, Any]) -> dict[str, str]:
    code, slug = row["utility_code"], row["slug"]
    return {
        "url": root + reverse("feeder", args=[code, slug]),
        "ders_url": root + reverse("api-ders", args=[code, slug]),
    }
