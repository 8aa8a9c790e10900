"""Sources: how each stands, what readers see of it, whether it is enabled."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from hosting.views.standing import standing, with_last_run
from utilities.admin import NOTHING, ChoicesOnlyAdmin, json_column, utility_column
from utilities.models import Source

UTILITY = utility_column()


@admin.register(Source)
class SourceAdmin(ChoicesOnlyAdmin):
    list_display = (
        "__str__",
        UTILITY,
        "title",
        "stands",
        "last_run",
        "readers_see",
        "redistribution",
        "is_enabled",
        "last_checked_at",
    )
    list_filter = (
        "status",
        "redistribution",
        "grain",
        "is_enabled",
        "in_catalog",
        "cadence",
        "utility__is_synthetic",
        "utility",
    )
    list_select_related = ("utility",)
    search_fields = ("code", "title", "utility__utility_code", "utility__utility_name", "service_url")
    _catalog_entry = json_column("config_json", "Catalog entry")
    readonly_fields = (
        UTILITY,
        "stands",
        "last_run",
        *(
            field.name
            for field in Source._meta.concrete_fields
            if field.name not in {"id", "utility", "config_json", "is_enabled"}
        ),
        _catalog_entry,
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    (UTILITY, "code"),
                    "title",
                    "stands",
                    "is_enabled",
                    "last_run",
                    ("published_run", "lake_run"),
                    "last_checked_at",
                )
            },
        ),
        (
            _("What it is"),
            {
                "fields": (
                    ("service_url", "layer"),
                    ("grain", "feed_mode", "cadence"),
                    ("status", "in_catalog"),
                    ("redistribution", "licence", "attribution"),
                )
            },
        ),
        (_("Configuration"), {"classes": ("collapse",), "fields": (_catalog_entry,)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        found: QuerySet[Source] = with_last_run(super().get_queryset(request))
        return found

    @admin.display(description=_("stands"))
    def stands(self, source: Source) -> SafeString:
        said = standing(source)
        return format_html('<span class="state {}">{}</span>', said.tone, said.word)

    @admin.display(description=_("last run"))
    def last_run(self, source: Any) -> str:
        if source.last_run_id is None:
            return NOTHING
        return format_html(
            '<a href="{}">{} {}</a>',
            reverse("admin:hosting_hcingestionrun_change", args=[source.last_run_id]),
            source.last_run_id,
            source.last_run_status,
        )

    @admin.display(description=_("readers see"), ordering="published_run")
    def readers_see(self, source: Source) -> str:
        if source.published_run_id is None:
            return NOTHING
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:hosting_hcingestionrun_change", args=[source.published_run_id]),
            source.published_run_id,
        )
