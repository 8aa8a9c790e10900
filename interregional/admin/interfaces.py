"""Interfaces: labels and regions can be edited, which is how an unclassified one gets its place."""

from django.contrib import admin

from interregional.models import Interface, InterfaceName
from utilities.admin import ChoicesOnlyAdmin, ReadOnlyInline


class InterfaceNameInline(ReadOnlyInline):
    model = InterfaceName
    fields = ("name", "first_seen", "last_seen")


@admin.register(Interface)
class InterfaceAdmin(ChoicesOnlyAdmin):
    list_display = (
        "label",
        "point_id",
        "name",
        "region",
        "is_external",
        "is_summed",
        "landing_zone",
        "first_seen",
        "last_seen",
    )
    list_filter = ("region", "is_external", "is_summed")
    search_fields = ("label", "name", "=point_id", "names__name")
    readonly_fields = ("point_id", "name", "first_seen", "last_seen")
    fields = (
        ("point_id", "name"),
        "label",
        ("region", "is_external"),
        ("is_primary", "is_summed", "follows_schedule"),
        "landing_zone",
        ("first_seen", "last_seen"),
    )
    inlines = (InterfaceNameInline,)
