"""What the checks noticed."""

from django.contrib import admin

from hosting.admin.big_tables import BigTableAdmin
from hosting.models import DataQualitySummary, FeederQuality, Finding, QuarantinedRow
from utilities.admin import ReadOnlyAdmin, json_column, utility_column


@admin.register(Finding)
class FindingAdmin(BigTableAdmin):
    list_display = ("check_id", utility_column(), "severity", "message", "count", "run", "feeder")
    list_filter = ("severity", "check_id", "utility")
    list_select_related = ("utility", "run__source__utility", "feeder__utility")
    search_fields = ("=check_id", "message", "feeder__external_id")
    heavy_columns = ("examples",)
    exclude = ("examples",)
    readonly_fields = (json_column("examples", "Examples"),)


@admin.register(QuarantinedRow)
class QuarantinedRowAdmin(BigTableAdmin):
    list_display = (
        "key",
        utility_column("source__utility"),
        "object_id",
        "check_id",
        "reason",
        "source",
        "run",
    )
    list_filter = ("check_id", "source__utility")
    list_select_related = ("source__utility", "run__source__utility")
    search_fields = ("key__startswith", "object_id__startswith", "reason")
    heavy_columns = ("attributes",)
    exclude = ("attributes",)
    readonly_fields = (json_column("attributes", "As published"),)


@admin.register(DataQualitySummary)
class QualitySummaryAdmin(ReadOnlyAdmin):
    list_display = (
        "source",
        utility_column(),
        "dataset",
        "run",
        "row_count",
        "score",
        "quarantined_rows",
        "unresolved_references",
        "refresh_date",
        "computed_at",
    )
    list_filter = ("dataset", "utility")
    list_select_related = ("utility", "source__utility", "run__source__utility")
    search_fields = ("utility__utility_code", "utility__utility_name", "source__code")
    date_hierarchy = "computed_at"
    exclude = ("null_shares", "score_parts")
    readonly_fields = (
        json_column("null_shares", "Shares of nulls"),
        json_column("score_parts", "Parts of the score"),
    )


@admin.register(FeederQuality)
class FeederQualityAdmin(BigTableAdmin):
    list_display = ("feeder", utility_column("source__utility"), "source", "score", "run")
    list_filter = ("source__utility",)
    list_select_related = ("feeder__utility", "source__utility", "run__source__utility")
    search_fields = ("feeder__external_id__startswith",)
    exclude = ("score_parts", "checks")
    readonly_fields = (json_column("score_parts", "Parts of the score"), json_column("checks", "Checks"))
