"""Every address on one screen. None ends in a slash that is not written here, none is redirected."""

from django.contrib import admin
from django.urls import path

from hosting.admin.overview import overview
from hosting.api import changes as changes_api
from hosting.api import ders, feeders, geojson, manifest, nearby, openapi, rows, runs
from hosting.api import utilities as api_utilities
from hosting.tiles.counts import counts
from hosting.tiles.tile import tile
from hosting.tiles.tilejson import tilejson
from hosting.views import errors
from hosting.views.about import about
from hosting.views.api_docs import api_docs
from hosting.views.card import map_card
from hosting.views.changes import changes_page, utility_changes
from hosting.views.data import data
from hosting.views.feeder import feeder_page
from hosting.views.feeders import feeders_table
from hosting.views.home import home
from hosting.views.map import map_page
from hosting.views.quality import quality_page
from hosting.views.search import search_page
from hosting.views.utilities import utilities, utility_page
from interregional.api import flows as flows_api
from interregional.views import page as flows_page
from interregional.views.picture import picture
from interregional.views.series import series

urlpatterns = [
    # Pages
    path("", home, name="home"),
    path("map/", map_page, name="map"),
    path("map/card", map_card, name="map-card"),
    path("utilities/", utilities, name="utilities"),
    path("utilities/<slug:code>/", utility_page, name="utility"),
    path("feeders/", feeders_table, name="feeders"),
    path("feeders/<slug:code>/<str:slug>/", feeder_page, name="feeder"),
    path("changes/", changes_page, name="changes"),
    path("changes/<slug:code>/", utility_changes, name="utility-changes"),
    path("search", search_page, name="search"),
    path("interregional/", flows_page.page, name="interregional"),
    path("interregional/now", flows_page.now_part, name="interregional-now"),
    path("interregional/series.json", series, name="interregional-series"),
    path("interregional/line/<int:point_id>.svg", picture, name="interregional-picture"),
    path("data/", data, name="data"),
    path("about/", about, name="about"),
    path("quality/", quality_page, name="quality"),
    # API
    path("api/docs", api_docs, name="api-docs"),
    path("api/v1/openapi.json", openapi.OpenAPI.as_view(), name="api-openapi"),
    path("api/v1/utilities", api_utilities.UtilityList.as_view(), name="api-utilities"),
    path("api/v1/utilities/<slug:code>", api_utilities.UtilityDetail.as_view()),
    path(
        "api/v1/utilities/<slug:code>/hosting-capacity/summary",
        api_utilities.UtilitySummary.as_view(),
    ),
    path("api/v1/utilities/<slug:code>/hosting-capacity", rows.RecordList.as_view()),
    path("api/v1/utilities/<slug:code>/hosting-capacity/geojson", geojson.RecordGeoJSON.as_view()),
    path("api/v1/utilities/<slug:code>/changes", changes_api.UtilityChanges.as_view(), name="api-changes"),
    path("api/v1/utilities/<slug:code>/ingestion-runs", runs.UtilityRunList.as_view()),
    path("api/v1/manifest", manifest.Manifest.as_view(), name="api-manifest"),
    path("api/v1/feeders", feeders.FeederList.as_view(), name="api-feeders"),
    path("api/v1/feeders/<slug:code>/<slug:slug>/ders", ders.FeederDERs.as_view(), name="api-ders"),
    path("api/v1/hosting-capacity/nearby", nearby.Nearby.as_view()),
    path("api/v1/hosting-capacity/ingestion-runs", runs.RunList.as_view()),
    # The map's data
    path("tiles/counts.json", counts, name="counts"),
    path("tiles/<str:layer>.json", tilejson, name="tilejson"),
    path("tiles/<str:layer>/<str:z>/<str:x>/<str:y>.mvt", tile, name="tile"),
    *(
        path(f"api/{version}{name}", view.as_view())
        for version in ("", "v1/")
        for name, view in (
            ("interface-flows", flows_api.InterfaceFlows),
            ("interregional-flows", flows_api.InterregionalFlows),
        )
    ),
    # Admin
    path("admin/", overview),
    path("admin/", admin.site.urls),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
