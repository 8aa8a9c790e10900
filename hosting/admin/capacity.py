"""Feeders, their records and sections, what these were before, and sums."""

from typing import ClassVar

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from hosting.admin.big_tables import BigTableAdmin
from hosting.admin.maps import MapAdmin
from hosting.models import (
    Feeder,
    FeederAlias,
    HostingCapacityRecord,
    HostingCapacityRecordVersion,
    HostingCapacitySection,
    HostingCapacitySectionVersion,
    HostingCapacitySummary,
)
from utilities.admin import AnyModelAdmin, ReadOnlyAdmin, ReadOnlyInline, decimal_column, json_column

HOSTING = decimal_column("hosting_capacity_mw", "Hosting")
INSTALLED = decimal_column("installed_dg_mw", "Installed")
QUEUED = decimal_column("queued_dg_mw", "Queued")
REMAINING = decimal_column("remaining_capacity_mw", "Remaining")
CRITERIA = json_column("criteria", "Criteria, MW")
RAW = json_column("raw_attributes", "As published")

FIGURES = (
    ("capacity_type", "variant", "capacity_status"),
    ("hosting_capacity_mw", "constraining_metric"),
    ("installed_dg_mw", "queued_dg_mw", "installed_since_study_mw"),
    ("remaining_capacity_mw", "remaining_basis"),
    CRITERIA,
)
ABOUT_FEEDER = (("voltage_kv", "phase_config"), ("is_overhead", "is_network"))
WHERE_FROM = (("utility", "source"), ("ingestion_run", "key"), ("record_date", "der_date"), "valid_from")
PAST = ("valid_to", "ended_by_run")


class RecordInline(ReadOnlyInline):
    model = HostingCapacityRecord
    fk_name = "feeder"
    fields = readonly_fields = (
        "capacity_type",
        "variant",
        "capacity_status",
        HOSTING,
        INSTALLED,
        QUEUED,
        REMAINING,
        "constraining_metric",
        "record_date",
    )
    verbose_name_plural = _("current records")


class AliasInline(ReadOnlyInline):
    model = FeederAlias
    verbose_name_plural = _("other ids")


@admin.register(Feeder)
class FeederAdmin(BigTableAdmin):
    list_display = ("external_id", "name", "utility", "substation", "first_seen", "last_seen")
    list_filter = ("utility",)
    list_select_related = (
        "utility",
        "substation",
        "first_seen__source__utility",
        "last_seen__source__utility",
    )
    search_fields = ("external_id", "name", "substation__name", "aliases__external_id")
    inlines = (RecordInline, AliasInline)


@admin.register(FeederAlias)
class FeederAliasAdmin(AnyModelAdmin):
    """The one thing about feeders that people may know better than the publisher."""

    list_display = ("external_id", "feeder", "utility", "since", "until", "note")
    list_filter = ("feeder__utility",)
    list_select_related = ("feeder__utility",)
    search_fields = ("external_id", "feeder__external_id", "feeder__name", "note")
    autocomplete_fields = ("feeder",)

    @admin.display(description=_("utility"), ordering="feeder__utility")
    def utility(self, alias: FeederAlias) -> str:
        return str(alias.feeder.utility)


class RecordColumnsAdmin(MapAdmin, BigTableAdmin):
    """What records and their past versions share."""

    list_filter = (
        "capacity_type",
        "variant",
        "capacity_status",
        "constraining_metric",
        "grain",
        "remaining_basis",
        "utility",
    )
    list_select_related = ("utility",)
    search_fields = ("feeder_id_external", "feeder_name", "substation_name", "key")
    heavy_columns: ClassVar[tuple[str, ...]] = ("geometry", "raw_attributes", "criteria")
    readonly_fields = ("map", CRITERIA, RAW)
    figures = (*FIGURES, ("hosting_capacity_min_mw", "hosting_capacity_max_mw", "section_count"))
    names = (
        ("feeder_id_external", "feeder_name", "feeder"),
        ("substation_name", "substation", "county"),
        ("grain", "geometry_type"),
    )


@admin.register(HostingCapacityRecord)
class RecordAdmin(RecordColumnsAdmin):
    list_display = (
        "__str__",
        "utility",
        "capacity_type",
        "variant",
        "capacity_status",
        HOSTING,
        INSTALLED,
        QUEUED,
        REMAINING,
        "constraining_metric",
        "substation_name",
        "record_date",
    )
    heavy_columns = (*RecordColumnsAdmin.heavy_columns, "geometry_3857", "centroid")
    fieldsets = (
        (None, {"fields": RecordColumnsAdmin.names}),
        (_("Figures"), {"fields": RecordColumnsAdmin.figures}),
        (_("Where"), {"fields": ("map",)}),
        (_("The feeder"), {"fields": ABOUT_FEEDER}),
        (_("Where from"), {"fields": WHERE_FROM}),
        (_("As published"), {"classes": ("collapse",), "fields": (RAW,)}),
    )


@admin.register(HostingCapacityRecordVersion)
class RecordVersionAdmin(RecordColumnsAdmin):
    list_display = (
        "__str__",
        "utility",
        "capacity_type",
        "variant",
        "capacity_status",
        HOSTING,
        REMAINING,
        "valid_from",
        "valid_to",
    )
    fieldsets = (
        (None, {"fields": (*RecordColumnsAdmin.names, "record_id", PAST)}),
        (_("Figures"), {"fields": RecordColumnsAdmin.figures}),
        (_("Where"), {"fields": ("map",)}),
        (_("The feeder"), {"fields": ABOUT_FEEDER}),
        (_("Where from"), {"fields": WHERE_FROM}),
        (_("As published"), {"classes": ("collapse",), "fields": (RAW,)}),
    )


class SectionColumnsAdmin(MapAdmin, BigTableAdmin):
    """What sections and their past versions share."""

    list_filter = ("capacity_type", "capacity_status", "constraining_metric", "utility")
    list_select_related = ("utility", "feeder__utility")
    search_fields = ("key__startswith", "feeder__external_id__startswith")
    search_help_text = _("Start of the row's key or of the feeder's id")
    heavy_columns: ClassVar[tuple[str, ...]] = ("geometry", "criteria")
    readonly_fields = ("map", CRITERIA)


@admin.register(HostingCapacitySection)
class SectionAdmin(SectionColumnsAdmin):
    list_display = (
        "key",
        "feeder",
        "utility",
        "capacity_type",
        "variant",
        "capacity_status",
        HOSTING,
        REMAINING,
        "constraining_metric",
    )
    heavy_columns = (*SectionColumnsAdmin.heavy_columns, "geometry_3857")
    fieldsets = (
        (None, {"fields": ("feeder",)}),
        (_("Figures"), {"fields": FIGURES}),
        (_("Where"), {"fields": ("map",)}),
        (_("The section"), {"fields": ABOUT_FEEDER}),
        (_("Where from"), {"fields": WHERE_FROM}),
    )


@admin.register(HostingCapacitySectionVersion)
class SectionVersionAdmin(SectionColumnsAdmin):
    list_display = (
        "key",
        "feeder",
        "utility",
        "capacity_type",
        "capacity_status",
        HOSTING,
        REMAINING,
        "valid_from",
        "valid_to",
    )
    fieldsets = (
        (None, {"fields": ("feeder", "section_id", PAST)}),
        (_("Figures"), {"fields": FIGURES}),
        (_("Where"), {"fields": ("map",)}),
        (_("The section"), {"fields": ABOUT_FEEDER}),
        (_("Where from"), {"fields": WHERE_FROM}),
    )


@admin.register(HostingCapacitySummary)
class SummaryAdmin(ReadOnlyAdmin):
    list_display = (
        "utility",
        "capacity_type",
        "variant",
        "total_feeders",
        decimal_column("total_hosting_capacity_mw", "Hosting, sum"),
        decimal_column("total_remaining_capacity_mw", "Remaining, not simultaneously available"),
        "constrained_feeders_count",
        "computed_at",
    )
    list_filter = ("capacity_type", "variant", "utility")
    list_select_related = ("utility",)
    search_fields = ("utility__utility_code", "utility__utility_name")
    date_hierarchy = "computed_at"
