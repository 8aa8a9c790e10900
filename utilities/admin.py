"""The admin of ISOs and utilities, and the read-only bases that the other apps' admins build on.

What comes from the catalog or the pipeline is shown and never edited: the next sync or run would undo it.
A person decides a utility's stewards, and whether a source is enabled. Both are registered in hosting, beside
runs: sources with what can be done with them, utilities with the upload of their files.
"""

# ruff: noqa: ARG002  # Django's hooks bring more than each needs

import json
from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest
from django.urls import reverse
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

NOTHING = "—"  # Django would write None on a row's page
Show = Callable[[Any], object]
Column = Any  # a Show; django-stubs knows names only where Django takes functions too


def json_column(name: str, label: str = "") -> Column:
    """A read-only column that shows a JSON field indented, as people read it."""

    def show(row: Any) -> str:
        value = getattr(row, name)
        if value in (None, {}, []):
            return NOTHING
        return format_html('<pre class="json">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False))

    return _named(show, name, label)


def decimal_column(name: str, label: str, unit: str = "MW") -> Column:
    """A list column with a decimal as short as it is exact, and its unit."""

    def show(row: Any) -> str:
        value = getattr(row, name)
        return NOTHING if value is None else format_html("{}&thinsp;{}", f"{value.normalize():f}", unit)

    return _named(show, name, label)


def count_column(name: str, label: str = "") -> Column:
    """A whole number with its thousands apart."""

    def show(row: Any) -> str:
        value = getattr(row, name)
        return NOTHING if value is None else f"{value:,}"

    return _named(show, name, label)


def utility_column(path: str = "utility") -> Column:
    """The utility's name with a link, badged where it is synthetic. `path` leads from the row to it."""

    def show(row: Any) -> SafeString:
        utility = reduce(getattr, path.split("__"), row)
        badge = format_html(' <span class="badge">{}</span>', _("Synthetic")) if utility.is_synthetic else ""
        where = reverse("admin:utilities_utility_change", args=[utility.pk])
        return format_html('<a href="{}">{}</a>{}', where, utility, badge)

    shown = _named(show, "utility", str(_("Utility")))
    shown.admin_order_field = f"{path}__utility_name"
    return shown


def page_link(label: str) -> Column:
    """For an inline: a link to the row's own page."""

    def page(row: Model) -> SafeString:
        where = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
        return format_html('<a href="{}">{}</a>', where, label)

    return admin.display(description="")(page)


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
    """A model that the catalog or the pipeline fills. `labels`: field to what a row's page calls it."""

    actions = None
    labels: ClassVar[dict[str, Any]] = {}

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **given: Any) -> Any:
        return super().get_form(request, obj, change, **{"labels": self.labels} | given)


class ReadOnlyInline(ReadOnly, AnyTabularInline):
    """Rows below their parent."""

    extra = 0


class ChoicesOnlyAdmin(AnyModelAdmin):
    """A model of which people edit a few fields; rows are neither added nor deleted.

    Only what was edited is written: a run may publish between the reading of a form and its saving.
    """

    actions: Any = None

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


class MineFilter(admin.SimpleListFilter):
    """For stewards: only what is of the utilities that they are named for."""

    title = _("steward")
    parameter_name = "mine"
    path = "stewards"

    @classmethod
    def through(cls, path: str) -> type["MineFilter"]:
        """The filter for a model from which `path` leads to the utility's stewards."""
        return type("MineFilter", (cls,), {"path": path})

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        person: Any = request.user  # the admin asks nobody in who has not signed in
        return [("1", _("Mine"))] if person.stewarded_utilities.exists() else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.path: request.user}) if self.value() == "1" else queryset


class SourceInline(AnyTabularInline):
    """The utility's sources; whether each is enabled is a person's choice."""

    model = Source
    extra = 0
    can_delete = False
    verbose_name_plural = _("sources")
    fields = (
        "code",
        "title",
        "grain",
        "status",
        "redistribution",
        "cadence",
        "is_enabled",
        "published_run",
        "last_checked_at",
        page_link("All of it"),
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


class UtilityAdmin(ChoicesOnlyAdmin):
    """Utilities; registered by hosting/admin/uploads.py."""

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
    list_filter = (MineFilter, "status", "data_source_type", "is_synthetic", "in_catalog", "iso")
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
