"""A geometry on a map, through django-leaflet, without tiles of anybody else.

django-leaflet's own template starts the map from a script in the page, which the content security policy
forbids, and brings the drawing tools; ours hands the geometry over as data to static/js/geometry-map.js.
"""

from typing import Any

from django.contrib import admin
from django.contrib.gis.geos import GEOSGeometry
from django.forms import Media
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from leaflet.admin import LeafletAdminWidget, LeafletGeoAdminMixin


class ReadOnlyMap(LeafletAdminWidget):  # type: ignore[misc]  # django-leaflet ships no types
    """Shows a geometry (EPSG:4326), edits nothing."""

    template_name = "admin/parts/map.html"
    geom_type = "GEOMETRY"
    modifiable = False

    @property
    def media(self) -> Media:
        return Media(css={"screen": ["leaflet/leaflet.css"]}, js=["leaflet/leaflet.js", "js/geometry-map.js"])

    def _render(self, template_name: str, context: dict[str, Any], _renderer: object = None) -> SafeString:
        """With the project's templates; a form's own renderer knows those inside applications only."""
        return render_to_string(template_name, context)

    def get_context(self, name: str, value: GEOSGeometry | None, attrs: dict[str, Any]) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        if value is not None:
            context |= {"kind": value.geom_type, "parts": _parts(value), "points": value.num_coords}
        return context


class MapAdmin(LeafletGeoAdminMixin):  # type: ignore[misc]
    """For a read-only admin of a model with a `geometry`: put "map" in its fields and readonly_fields."""

    widget = ReadOnlyMap
    modifiable = False

    @property
    def media(self) -> Media:
        given: Media = super().media
        return given + ReadOnlyMap().media

    @admin.display(description="Map")
    def map(self, row: Any) -> SafeString | str:
        if row.geometry is None:
            return _("No geometry was published.")
        return ReadOnlyMap().render("map", row.geometry, {"id": "map"})  # type: ignore[no-any-return]


def _parts(geometry: GEOSGeometry) -> int:
    """How many lines, polygons or points it is made of."""
    return (
        len(geometry)
        if hasattr(geometry, "__len__") and geometry.geom_type.startswith(("Multi", "Geom"))
        else 1
    )
