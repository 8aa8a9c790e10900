"""DER, what they were before, and their addresses, which only the utility's stewards see."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from hosting.admin.big_tables import BigTableAdmin
from hosting.models import DER, DERAddress, DERVersion
from utilities.admin import decimal_column, json_column, utility_column

UTILITY = utility_column()
NAMEPLATE = decimal_column("nameplate_kw", "Nameplate", unit="kW")
JSON_COLUMNS = (json_column("technologies", "Technologies, kW"), json_column("costs", "Costs, US dollars"))


class DERColumnsAdmin(BigTableAdmin):
    """What DER and their past versions share."""

    list_filter = ("status", "is_hybrid", "utility")
    list_select_related = ("utility", "feeder__utility")
    search_fields = ("external_id__startswith", "queue_request_id", "feeder_reference", "feeder__external_id")
    heavy_columns = ("costs", "status_rationale")
    exclude = ("technologies", "costs")
    readonly_fields = JSON_COLUMNS


@admin.register(DER)
class DERAdmin(DERColumnsAdmin):
    list_display = (
        "external_id",
        "status",
        UTILITY,
        "feeder",
        "feeder_reference",
        "der_type",
        NAMEPLATE,
        "installed_on",
        "planned_on",
        "project_status",
    )


@admin.register(DERVersion)
class DERVersionAdmin(DERColumnsAdmin):
    list_display = (
        "external_id",
        "status",
        UTILITY,
        "feeder",
        "der_type",
        NAMEPLATE,
        "valid_from",
        "valid_to",
    )


@admin.register(DERAddress)
class DERAddressAdmin(BigTableAdmin):
    """Personal data: for superusers and the stewards of the DER's utility; a group alone is not enough."""

    list_display = ("der", utility_column("der__utility"), "street_address")
    list_select_related = ("der__utility",)
    search_fields = ("der__external_id__startswith", "street_address")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DERAddress]:
        found: QuerySet[DERAddress] = super().get_queryset(request)
        return found if request.user.is_superuser else found.filter(der__utility__stewards=request.user.pk)

    def has_view_permission(self, request: HttpRequest, obj: DERAddress | None = None) -> bool:
        user = request.user
        if user.is_superuser and user.is_active:
            return True
        if not (user.is_authenticated and super().has_view_permission(request, obj)):
            return False
        if obj is None:
            return user.stewarded_utilities.exists()
        return user.stewarded_utilities.filter(pk=obj.der.utility_id).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)
