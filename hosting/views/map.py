"""The map: a page that is almost only its script. What the script needs to know stands in the page as data.

Without JavaScript the form is still a form: it leads to the table of the same selection.
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from hosting.classes import BREAKS_MW, CLASSES, RAMP
from hosting.models import CapacityType, ConstrainingMetric, HostingCapacitySummary
from hosting.views.wording import named
from hosting.visible import visible_sources


@require_safe
def map_page(request: HttpRequest) -> HttpResponse:
    """`/map/`. The view, the filters and the selection stand in the address; the script reads them there."""
    return render(request, "map/page.html", map_context() | {"section": "map"})


def map_context(*, embedded: bool = False) -> dict[str, Any]:
    """What the map's templates need. An embedded map leaves its page's address alone."""
    utilities = _utilities()
    return {
        "map_utilities": utilities,
        "map_types": CapacityType.choices,
        "map_constraints": ConstrainingMetric.choices,
        "map_legend": _legend(),
        "has_synthetic": any(utility["synthetic"] for utility in utilities),
        "map_config": {
            "embedded": embedded,
            "utilities": utilities,
            "types": [word for word, _label in CapacityType.choices],
            "constraints": ConstrainingMetric.values,
            "breaks": BREAKS_MW,
            "ramp": RAMP,
            "classes": CLASSES,
            "basemap": {"tiles": settings.HCP_MAP_TILES, "attribution": settings.HCP_MAP_ATTRIBUTION},
            "addresses": {
                "tiles": reverse("tilejson", args=["LAYER"]),
                "counts": reverse("counts"),
                "card": reverse("map-card"),
                "feeders": reverse("feeders"),
                "map": reverse("map"),
            },
            "files": {
                "maplibre": static("vendor/maplibre-gl/maplibre-gl.mjs"),
                "worker": static("vendor/maplibre-gl/maplibre-gl-worker.mjs"),
                "leaflet_layer": static("vendor/maplibre-gl-leaflet/leaflet-maplibre-gl.js"),
                "states": static("vendor/us-atlas/states-10m.json"),
                "counties": static("vendor/us-atlas/counties-10m.json"),
            },
            "words": _words(has_any=bool(utilities)),
        },
    }


def _utilities() -> list[dict[str, Any]]:
    """Utilities that the map can show something of, with the figures they have, real ones first."""
    summaries = (
        HostingCapacitySummary.objects.filter(
            utility__in=visible_sources().order_by().values("utility"), total_feeders__gt=0
        )
        .order_by("utility__is_synthetic", "utility__utility_name", "capacity_type", "variant")
        .values_list(
            "utility__utility_code",
            "utility__utility_name",
            "utility__is_synthetic",
            "capacity_type",
            "variant",
        )
    )
    found: dict[str, dict[str, Any]] = {}
    for code, name, synthetic, capacity_type, variant in summaries:
        one = found.setdefault(
            code,
            {"code": code, "name": named(name, synthetic=synthetic), "synthetic": synthetic, "figures": {}},
        )
        one["figures"].setdefault(capacity_type, []).append(variant)
    return list(found.values())


def _legend() -> list[tuple[str, str]]:
    """Classes from the highest to what is not known, in words."""
    half, two, five = (f"{mw:g}" for mw in BREAKS_MW)
    words = {
        "over_5": _("above %(mw)s") % {"mw": five},
        "over_2": _("above %(low)s to %(high)s") % {"low": two, "high": five},
        "over_05": _("above %(low)s to %(high)s") % {"low": half, "high": two},
        "up_to_05": _("up to %(mw)s") % {"mw": half},
        "zero": _("none left"),
        "withheld": _("withheld"),
        "not_studied": _("not studied"),
        "unknown": _("unknown"),
    }
    return [(name, words[name]) for name in CLASSES]


def _words(*, has_any: bool) -> dict[str, str]:
    """What the script says, in the reader's language."""
    return {
        "failed": _(
            "This part of the map could not be read. What is drawn is still right; move the map to try again."
        ),
        "card_failed": _("The feeder's figures could not be read. Try again in a moment, or use the table."),
        "no_webgl": _(
            "Your browser cannot draw this map (it needs WebGL). The table holds the same feeders."
        ),
        "in_view": _("%(passing)s in view"),
        "hidden": _("%(hidden)s hidden by filters"),
        "not_counted": _("not counted: no answer"),
        "nothing_in_view": _("Nothing is published here. Zoom out, or choose another utility."),
        "no_such_utility": _(
            "Nothing of the utility in this address is shown here. The map shows all others; choose one."
        ),
        "nothing_at_all": _("No utility that is shown here publishes such a figure.")
        if has_any
        else _(
            "No source has been read yet: there is nothing to draw. The utilities' page says how each stands."
        ),
        "nothing_of_type": _("This utility publishes no such figure."),
        "unknown_remaining": _("Remaining capacity is not known for what is in view; hosting capacity is."),
        "median": _("median"),
        "records": _("feeders and cells here"),
        "close": _("Close"),
        "not_known": _("not known"),
        "withheld": _("withheld"),
        "not_studied": _("not studied"),
        "nothing_chosen": _("No feeder lies here."),
    }
