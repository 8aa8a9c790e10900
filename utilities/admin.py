"""The admin of ISOs and utilities, and the read-only bases that the other apps' admins build on.

What comes from the catalog or the pipeline is shown and never edited: the next sync or run would undo it.
A person decides a utility's stewards, and whether a source is enabled (its admin is in hosting, beside runs).
"""

# ruff: noqa: ARG002  # Django's hooks bring more than each needs

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from utilities.models import Iso, Source, Utility

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
    AnyTabularInline = admin.TabularInline[Any, Any]
    AnyFormSet = BaseInlineFormSet[Any, Any, Any]
else:  # Django's admin classes take no parameters at run time
    AnyModelAdmin = admin.ModelAdmin
    AnyTabularInline = admin.TabularInline

Show = Callable[[Any], object]
Column = Any  # a Show; django-stubs knows names only where Django takes functions too


def json_column(name: str, label: str = "") -> Column:
    """A read-only column that shows a JSON field indented, as people read it."""

    def show(row: Any) -> SafeString | None:
        value = getattr(row, name)
        if value in (None, {}, []):
            return None
        return format_html('<pre class="json">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False))

    return _named(show, name, label)


def decimal_column(name: str, label: str, unit: str = "MW") -> Column:
    """A list column with a decimal as short as it is exact, and its unit."""

    def show(row: Any) -> SafeString | None:
        value = getattr(row, name)
        return None if value is None else format_html("{}&thinsp;{}", f"{value.normalize():f}", unit)

    return _named(show, name, label)


def _named(show: Show, name: str, label: str) -> Column:
    """`show` with the field's name, which gives it the field's help text and CSS class."""
    show.__name__ = name
    return admin.display(description=label or name.replace("_", " "), ordering=name)(show)


class ReadOnly:
    """Nobody adds, changes or deletes by hand, whatever their permissions."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, AnyModelAdmin):
    """A model that the catalog or the pipeline fills."""

    actions = None


class ReadOnlyInline(ReadOnly, AnyTabularInline):
    """Rows below their parent, with a link to each."""

    extra = 0
    show_change_link = True


class ChoicesOnlyAdmin(AnyModelAdmin):
    """A model of which people edit a few fields; rows are neither added nor deleted.

    Only what was edited is written: a run may publish between the reading of a form and its saving.
    """

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Model, form: "ModelForm[Any]", change: bool) -> None:
        own = {field.name for field in obj._meta.concrete_fields}
        obj.save(update_fields=[name for name in form.changed_data if name in own])

    def save_formset(
        self, request: HttpRequest, form: "ModelForm[Any]", formset: "AnyFormSet", change: bool
    ) -> None:
        formset.save(commit=False)
        for row, changed in formset.changed_objects:
            row.save(update_fields=changed)


class SourceInline(AnyTabularInline):
    """The utility's sources; whether each is enabled is a person's choice."""

    model = Source
    extra = 0
    can_delete = False
    show_change_link = True
    verbose_name_plural = _("sources")
    fields = (
        "title",
        "grain",
        "status",
        "redistribution",
        "cadence",
        "is_enabled",
        "published_run",
        "last_checked_at",
    )
    readonly_fields = tuple(name for name in fields if name != "is_enabled")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        may_save_the_page: bool = request.user.has_perm("utilities.change_utility")
        return may_save_the_page and super().has_change_permission(request, obj)


@admin.register(Iso)
class IsoAdmin(ReadOnlyAdmin):
    list_display = ("code", "name")
    search_fields = ("code", "name")


@admin.register(Utility)
class UtilityAdmin(ChoicesOnlyAdmin):
    list_display = (
        "utility_code",
        "utility_name",
        "parent_company",
        "iso",
        "states",
        "data_source_type",
        "status",
        "is_synthetic",
        "last_ingested_at",
    )
    list_filter = ("status", "data_source_type", "is_synthetic", "in_catalog", "iso")
    list_select_related = ("iso",)
    search_fields = ("utility_code", "utility_name", "parent_company")
    autocomplete_fields = ("stewards",)
    inlines = (SourceInline,)
    show_facets = admin.ShowFacets.ALWAYS
    _catalog_entry = json_column("config_json", "Catalog entry")
    readonly_fields = (
        *(field.name for field in Utility._meta.concrete_fields if field.name not in {"id", "config_json"}),
        _catalog_entry,
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("utility_code", "utility_name"),
                    ("parent_company", "iso"),
                    ("states", "timezone"),
                    ("data_source_type", "requires_auth"),
                    ("status", "is_synthetic", "in_catalog"),
                    "service_url",
                    "last_ingested_at",
                )
            },
        ),
        (_("People"), {"fields": ("stewards",)}),
        (_("Configuration"), {"classes": ("collapse",), "fields": (_catalog_entry,)}),
    )
