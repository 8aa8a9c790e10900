"""Small layers of a test's own making, served through the recorded reader, and catalog entries for them."""

import json
from pathlib import Path
from typing import Any

# A source of which nothing is held for how far its figures or feeders moved.
FREE = {
    "max_row_loss": 1,
    "max_feeder_change": 10,
    "max_key_change": 1,
    "max_total_change": 100,
    "max_changed_feeders": 1,
}
TYPES = {str: "esriFieldTypeString", int: "esriFieldTypeInteger", float: "esriFieldTypeDouble"}


def write_layer(root: Path, name: str, rows: list[dict[str, Any]], **types: str) -> None:
    """Write layer 0 of `recorded://<name>/FeatureServer`.

    A row's `paths` is its geometry (a short line of its own where it is absent); its other values are
    attributes, typed by the first value that is not null, or by `types`.
    """
    folder = root / name / "0"
    folder.mkdir(parents=True, exist_ok=True)
    columns = [column for column in dict.fromkeys(key for row in rows for key in row) if column != "paths"]
    fields = [{"name": "OBJECTID", "type": "esriFieldTypeOID", "alias": "OBJECTID"}]
    for column in columns:
        known = next((row[column] for row in rows if row.get(column) is not None), "")
        fields.append({"name": column, "type": types.get(column, TYPES[type(known)]), "alias": column})
    layer = {
        "currentVersion": 11.2,
        "id": 0,
        "name": name,
        "type": "Feature Layer",
        "geometryType": "esriGeometryPolyline",
        "objectIdField": "OBJECTID",
        "fields": fields,
        "maxRecordCount": 2000,
        "extent": {"spatialReference": {"wkid": 4326}},
        "advancedQueryCapabilities": {"supportsPagination": True, "supportsOrderBy": True},
    }
    features = [
        {
            "attributes": {"OBJECTID": number, **{c: row.get(c) for c in columns}},
            "geometry": {"paths": row.get("paths", [[[-71.5, 41.5 + number / 1e4], [-71.4, 41.5]]])}
            if row.get("paths", True) is not None
            else None,
        }
        for number, row in enumerate(rows, start=1)
    ]
    answer = {
        "objectIdFieldName": "OBJECTID",
        "geometryType": "esriGeometryPolyline",
        "spatialReference": {"wkid": 4326},
        "fields": fields,
        "features": features,
    }
    (folder / "layer.json").write_text(json.dumps(layer))
    (folder / "features.json").write_text(json.dumps(answer))


def entry(code: str, service_url: str = "", **source: Any) -> dict[str, Any]:
    """A catalog entry with one source of sections (fields `section`, `feeder`, `mw`); `source` overrides."""
    return {
        "code": code,
        "name": f"{code} for a test",
        "states": ["RI"],
        "timezone": "America/New_York",
        "data_source_type": "arcgis_feature",
        "synthetic": True,
        "sources": [
            {
                "code": "sections",
                "title": "Sections",
                "service_url": service_url or f"recorded://{code}/FeatureServer",
                "layer": 0,
                "grain": "section",
                "key": ["section"],
                "fields": {"feeder_id": {"id": "feeder"}},
                "figures": [
                    {
                        "capacity_type": "generation",
                        "hosting_capacity_mw": {"mw": "mw"},
                        "remaining": "unknown",
                        "rollup": "max",
                    }
                ],
            }
            | source
        ],
    }
