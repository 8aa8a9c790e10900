"""2,000 features: ours, the rows of the same SQL, drf-gis's own serializer, and tipg."""

import statistics
import time
from typing import Any

import psycopg
from rest_framework.renderers import JSONRenderer
from rest_framework_gis.serializers import GeoFeatureModelSerializer

from bench.serving.client import Client
from bench.serving.table import Figure
from hosting.api.records import RecordSerializer
from hosting.models import HostingCapacityRecord
from utilities.models import Source

FEATURES, ROUNDS = 2_000, 9
UTILITY = "load_1"
PATH = f"/api/v1/utilities/{UTILITY}/hosting-capacity/geojson?limit={FEATURES}"
# Columns of the record that the API's features carry.
COLUMNS = [
    name
    for name in RecordSerializer.Meta.fields
    if name not in {"utility_code", "synthetic", "source", "ingestion_run_id", "centroid_lat", "centroid_lon"}
]
ROWS = f"""
SELECT {", ".join(f"r.{name}" for name in COLUMNS)}, r.ingestion_run_id, u.utility_code,
       u.is_synthetic, s.code, ST_X(r.centroid), ST_Y(r.centroid), ST_AsGeoJSON(r.geometry, 6)
FROM hosting_hostingcapacityrecord r
JOIN utilities_utility u ON u.id = r.utility_id JOIN utilities_source s ON s.id = r.source_id
WHERE r.source_id = %s AND r.capacity_type = 'generation' AND r.variant = 'default'
ORDER BY r.id LIMIT {FEATURES}
"""


class Stock(GeoFeatureModelSerializer):  # type: ignore[misc]  # drf-gis ships no types
    """As drf-gis's documentation shows it."""

    class Meta:
        model = HostingCapacityRecord
        geo_field = "geometry"
        fields = [*COLUMNS, "ingestion_run_id"]


def measure(ours: Client, plain: "psycopg.Connection[Any]", theirs: Client) -> list[Figure]:
    """Medians in ms, the contenders taking turns."""
    source = Source.objects.get(utility__utility_code=UTILITY)
    peer = (
        f"/collections/public.hosting_hostingcapacityrecord/items?f=geojson&limit={FEATURES}"
        f"&source_id={source.pk}&capacity_type=generation&variant=default&sortby=id&geom-column=geometry"
    )
    took: dict[str, list[float]] = {"ours": [], "sql": [], "tipg": [], "stock": []}
    for turn in range(ROUNDS):
        took["sql"].append(_rows(plain, source.pk))
        took["ours"].append(ours.get(PATH).ms)
        took["tipg"].append(theirs.get(peer).ms)
        if turn % 3 == 0:
            took["stock"].append(_stock(source.pk))
    middle = {name: statistics.median(values) for name, values in took.items()}
    what = "GeoJSON of 2,000 features, median"
    return [
        Figure(what, middle["ours"], middle["sql"], "the same SQL", limit=1.5 * middle["sql"]),
        Figure(what, middle["ours"], middle["stock"], "drf-gis's serializer"),
        Figure(what, middle["ours"], middle["tipg"], "tipg items"),
    ]


def _rows(plain: "psycopg.Connection[Any]", source: int) -> float:
    began = time.perf_counter()
    rows = plain.execute(ROWS, (source,)).fetchall()
    ms = (time.perf_counter() - began) * 1000
    assert len(rows) == FEATURES
    return ms


def _stock(source: int) -> float:
    """In this process, without a web server; the same rows."""
    began = time.perf_counter()
    rows = HostingCapacityRecord.objects.filter(
        source=source, capacity_type="generation", variant="default"
    ).order_by("id")[:FEATURES]
    JSONRenderer().render(Stock(rows, many=True).data)
    return (time.perf_counter() - began) * 1000
