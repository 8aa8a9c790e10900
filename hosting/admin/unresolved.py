"""The work list of a utility's stewards: DER whose published reference leads to no feeder, and its file.

Street addresses are in neither.
"""

import json
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from rest_framework import serializers

from hosting.admin.big_tables import BigTableAdmin
from hosting.admin.ders import JSON_COLUMNS, NAMEPLATE, UTILITY
from hosting.admin.rights import may_list_unresolved, unresolved_for
from hosting.api.csv_rows import csv_of
from hosting.api.fields import ExactNumber, TextOrNull
from hosting.api.shown import cells
from hosting.models import UnresolvedDER
from hosting.models.unresolved import REFERENCES
from hosting.views.wording import instant
from utilities.admin import NOTHING
from utilities.models import Utility

COUNTED = 10_000  # on the first screen; beyond, "more than"


class UtilityFilter(admin.SimpleListFilter):
    """Utilities of which this person sees the list, by code."""

    title = _("utility")
    parameter_name = "utility"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:  # noqa: ARG002
        person: Any = request.user  # the admin asks nobody in who has not signed in
        offered = Utility.objects.all()
        if not person.has_perm("hosting.view_every_unresolvedder"):
            offered = person.stewarded_utilities.all()
        some = UnresolvedDER.objects.filter(utility=OuterRef("pk"))  # dozens of utilities have none
        return list(
            offered.filter(Exists(some)).order_by("utility_name").values_list("utility_code", "utility_name")
        )

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        code = self.value()
        if not code:
            return queryset
        # By its id: with a join in between, the index would not give the rows in the list's order.
        return queryset.filter(utility=Utility.objects.filter(utility_code=code).values("pk")[:1])


class ReferenceFilter(admin.SimpleListFilter):
    """What became of the published reference."""

    title = _("published reference")
    parameter_name = "reference"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:  # noqa: ARG002
        return [
            ("nowhere", _("Leads to no feeder")),
            ("in_part", _("A list, of which a part leads to none")),
            ("none", _("None published")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        chosen = REFERENCES.get(self.value() or "")
        return queryset if chosen is None else queryset.filter(chosen)


class UnresolvedSerializer(serializers.ModelSerializer[UnresolvedDER]):
    """The columns of the file."""

    utility_code = serializers.CharField(source="utility.utility_code")
    synthetic = serializers.BooleanField(source="utility.is_synthetic")
    source = serializers.CharField(source="source.code")  # type: ignore[assignment]  # a field of that name
    feeder_reference = TextOrNull()
    unresolved_references = TextOrNull()
    feeder = serializers.CharField(source="feeder.external_id")
    nameplate_kw = ExactNumber()
    der_type = TextOrNull()
    project_status = TextOrNull()
    queue_request_id = TextOrNull()
    since = serializers.DateTimeField(source="valid_from")

    class Meta:
        model = UnresolvedDER
        fields = [
            "id",
            "utility_code",
            "synthetic",
            "source",
            "external_id",
            "status",
            "feeder_reference",
            "unresolved_references",
            "feeder",
            "nameplate_kw",
            "der_type",
            "installed_on",
            "planned_on",
            "project_status",
            "queue_request_id",
            "ingestion_run_id",
            "since",
        ]


CELLS = cells(UnresolvedSerializer())


@admin.register(UnresolvedDER)
class UnresolvedDERAdmin(BigTableAdmin):
    """For the stewards of a DER's utility, admins and superusers."""

    change_list_template = "admin/unresolved_list.html"
    list_display = (
        "external_id",
        UTILITY,
        "state",
        "published",
        "not_known",
        "feeder",
        NAMEPLATE,
        "source__code",
        "run",
        "since",
    )
    list_filter = (UtilityFilter, "status", ReferenceFilter)
    list_select_related = ("utility", "feeder__utility", "source")
    search_fields = ("external_id__startswith", "feeder_reference", "queue_request_id")
    search_help_text = _("The beginning of an external id, or any part of a reference or queue id")
    ordering = ("utility_id", "status", "id")  # as der_unresolved has them
    sortable_by = ("external_id", "state", "nameplate_kw", "since")
    heavy_columns = (
        "costs",
        "status_rationale",
        "technologies",
        "as_published",
        "utility__config_json",
        "source__config_json",
    )

    exclude = ("technologies", "costs")
    readonly_fields = JSON_COLUMNS

    def get_urls(self) -> list[URLPattern]:
        file = path("csv/", self.admin_site.admin_view(self.csv_view), name="hosting_unresolvedder_csv")
        return [file, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[UnresolvedDER]:
        return unresolved_for(request.user).defer(*self.heavy_columns)

    def has_view_permission(self, request: HttpRequest, obj: UnresolvedDER | None = None) -> bool:
        if not may_list_unresolved(request.user):
            return False
        return obj is None or unresolved_for(request.user).filter(pk=obj.pk).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        query = request.GET.copy()
        query.pop("p", None)  # the file has all pages
        file = reverse("admin:hosting_unresolvedder_csv") + (f"?{query.urlencode()}" if query else "")
        return super().changelist_view(
            request, {**(extra_context or {}), "file": file, "title": self.opts.verbose_name_plural}
        )

    @method_decorator(require_safe)
    def csv_view(self, request: HttpRequest) -> HttpResponseBase:
        """All that the list has, filtered and searched alike, as PostgreSQL writes it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return HttpResponseRedirect(reverse("admin:hosting_unresolvedder_changelist") + "?e=1")
        pieces: Any = () if request.method == "HEAD" else csv_of(rows, CELLS)
        answer = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="ders-without-feeder.csv"'
        return answer

    @admin.display(description=_("reference as published"))
    def published(self, der: UnresolvedDER) -> str:
        return der.feeder_reference or str(_("none published"))

    @admin.display(description=_("leads nowhere"))
    def not_known(self, der: UnresolvedDER) -> str:
        if not der.unresolved_references:
            return NOTHING
        return ", ".join(map(str, json.loads(der.unresolved_references)))

    @admin.display(description=_("status"), ordering="status")
    def state(self, der: UnresolvedDER) -> SafeString:
        return format_html('<span title="{}">{}</span>', der.get_status_display(), der.status)

    @admin.display(description=_("since"), ordering="valid_from")
    def since(self, der: UnresolvedDER) -> SafeString:
        said = instant(der.valid_from, der.utility.timezone)
        return format_html(
            '<time datetime="{}" title="{}">{}</time>', said.exact, said.local, said.local[:10]
        )

    @admin.display(description=_("run"))
    def run(self, der: UnresolvedDER) -> SafeString:
        where = reverse("admin:hosting_hcingestionrun_change", args=[der.ingestion_run_id])
        return format_html('<a href="{}">{}</a>', where, der.ingestion_run_id)


def unresolved_in_short(person: Any) -> dict[str, Any] | None:
    """For the first screen: how many there are, counted no further than COUNTED; None for who sees none."""
    if not may_list_unresolved(person):
        return None
    found = unresolved_for(person).order_by().values("pk")[: COUNTED + 1].count()
    return {"number": min(found, COUNTED), "is_more": found > COUNTED}
