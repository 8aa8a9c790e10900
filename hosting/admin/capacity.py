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
from utilities.admin import (
    AnyModelAdmin,
    ReadOnlyAdmin,
    ReadOnlyInline,
    count_column,
    decimal_column,
    json_column,
    page_link,
    utility_column,
)

UTILITY = utility_column()
HOSTING = decimal_column("hosting_capacity_mw", "Hosting")
LOWEST = decimal_column("hosting_capacity_min_mw", "Lowest")
HIGHEST = decimal_column("hosting_capacity_max_mw", "Highest")
INSTALLED = decimal_column("installed_dg_mw", "Installed")
SINCE_STUDY = decimal_column("installed_since_study_mw", "Installed since the study")
QUEUED = decimal_column("queued_dg_mw", "Queued")
REMAINING = decimal_column("remaining_capacity_mw", "Remaining")
VOLTAGE = decimal_column("voltage_kv", "Voltage", unit="kV")
CRITERIA = json_column("criteria", "Criteria, MW")
RAW = json_column("raw_attributes", "As published")

FIGURES = (
    (HOSTING, "capacity_status", "constraining_metric"),
    ("capacity_type", "variant"),
    (INSTALLED, QUEUED, SINCE_STUDY),
    (REMAINING, "remaining_basis"),
    CRITERIA,
)
ABOUT_FEEDER = ((VOLTAGE, "phase_config", "is_overhead", "is_network"),)
WHERE_FROM = (
    (UTILITY, "source", "ingestion_run"),
    ("record_date", "der_date", "valid_from"),
    "key",
)
PAST = ("valid_to", "ended_by_run")
COMPUTED = ("map", UTILITY, HOSTING, INSTALLED, SINCE_STUDY, QUEUED, REMAINING, VOLTAGE, CRITERIA)
LABELS = {
    "feeder_id_external": _("Feeder id, as published"),
    "record_date": _("Date of the study"),
    "der_date": _("Date of the DER figures"),
    "is_overhead": _("Overhead"),
    "is_network": _("Network"),
    "phase_config": _("Phases"),
    "ingestion_run": _("Last changed by"),
    "capacity_status": _("What the figure is"),
    "section_count": _("Sections"),
}


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
        page_link("All of it"),
    )
    verbose_name_plural = _("current records")


class AliasInline(ReadOnlyInline):
    model = FeederAlias
    verbose_name_plural = _("other ids")


@admin.register(Feeder)
class FeederAdmin(BigTableAdmin):
    list_display = ("external_id", "name", UTILITY, "substation", "first_seen", "last_seen")
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

    list_display = ("external_id", "feeder", utility_column("feeder__utility"), "since", "until", "note")
    list_filter = ("feeder__utility",)
    list_select_related = ("feeder__utility",)
    search_fields = ("external_id", "feeder__external_id", "feeder__name", "note")
    autocomplete_fields = ("feeder",)


class RecordColumnsAdmin(MapAdmin, BigTableAdmin):
    """What records and their past versions share."""

    list_filter: ClassVar[tuple[str, ...]] = (
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
    readonly_fields = (*COMPUTED, LOWEST, HIGHEST, RAW)
    labels = LABELS
    figures = (*FIGURES, (LOWEST, HIGHEST, "section_count"))
    names: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("feeder_id_external", "feeder_name", "feeder"),
        ("substation_name", "substation", "county"),
        ("grain", "geometry_type"),
    )


@admin.register(HostingCapacityRecord)
class RecordAdmin(RecordColumnsAdmin):
    list_filter: ClassVar[tuple[str, ...]] = (
        *RecordColumnsAdmin.list_filter,
        "substation_method",
    )  # those that link to none, too
    names: ClassVar[tuple[tuple[str, ...], ...]] = (
        *RecordColumnsAdmin.names[:2],
        ("substation_method", "substation_distance_m"),
        *RecordColumnsAdmin.names[2:],
    )
    list_display = (
        "__str__",
        UTILITY,
        HOSTING,
        INSTALLED,
        QUEUED,
        REMAINING,
        "constraining_metric",
        "capacity_type",
        "variant",
        "capacity_status",
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
        UTILITY,
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
    readonly_fields = COMPUTED
    labels = LABELS


@admin.register(HostingCapacitySection)
class SectionAdmin(SectionColumnsAdmin):
    list_display = (
        "key",
        "feeder",
        UTILITY,
        HOSTING,
        REMAINING,
        "constraining_metric",
        "capacity_type",
        "variant",
        "capacity_status",
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
        UTILITY,
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
        UTILITY,
        "capacity_type",
        "variant",
        count_column("total_feeders", "Feeders"),
        decimal_column("total_hosting_capacity_mw", "Hosting, sum"),
        decimal_column("total_remaining_capacity_mw", "Remaining, not simultaneously available"),
        count_column("constrained_feeders_count", "Constrained feeders"),
        "computed_at",
    )
    list_filter = ("capacity_type", "variant", "utility")
    list_select_related = ("utility",)
    search_fields = ("utility__utility_code", "utility__utility_name")
    date_hierarchy = "computed_at"
