"""Substations, their load, and divisions."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from hosting.admin.big_tables import BigTableAdmin
from hosting.admin.maps import MapAdmin
from hosting.models import DivisionBoundary, Substation, SubstationLoadProfile
from utilities.admin import ReadOnlyAdmin, decimal_column, utility_column


@admin.register(Substation)
class SubstationAdmin(MapAdmin, BigTableAdmin):
    list_display = (
        "name",
        utility_column(),
        "division",
        decimal_column("voltage_kv", "Voltage", unit="kV"),
        decimal_column("installed_dg_mw", "Installed"),
        decimal_column("queued_dg_mw", "Queued"),
    )
    list_filter = ("utility",)
    list_select_related = ("utility",)
    search_fields = ("name", "external_id", "division")
    exclude = ("geometry", "geometry_3857")
    readonly_fields = ("map",)


@admin.register(SubstationLoadProfile)
class LoadProfileAdmin(BigTableAdmin):
    list_display = (
        "substation",
        utility_column("substation__utility"),
        "month",
        "hour",
        decimal_column("low_kw", "Low", unit="kW"),
        decimal_column("high_kw", "High", unit="kW"),
    )
    list_filter = ("month", "substation__utility")
    list_select_related = ("substation__utility",)
    search_fields = ("substation__name",)


@admin.register(DivisionBoundary)
class DivisionBoundaryAdmin(MapAdmin, ReadOnlyAdmin):
    list_display = ("name", utility_column())
    list_filter = ("utility",)
    list_select_related = ("utility",)
    search_fields = ("name", "utility__utility_name")
    exclude = ("geometry",)
    readonly_fields = ("map",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[DivisionBoundary]:
        found: QuerySet[DivisionBoundary] = super().get_queryset(request)
        return found.defer("geometry")
