"""Layers as files in Esri's form, where `recorded://<name>/FeatureServer/<n>` is answered from.

The forms are those that ArcGIS documents for a layer's description and a query's answer.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Path2D = list[tuple[float, float]]
LAYER = 0
FILES = ("layer.json", "features.json")
WGS84: Json = {"wkid": 4326, "latestWkid": 4326}


@dataclass(frozen=True)
class Column:
    """A published column; `type` without Esri's prefix, `codes` where its values are a coded domain."""

    name: str
    type: str
    alias: str = ""
    length: int | None = None
    codes: tuple[tuple[str, str], ...] = ()

    def described(self) -> Json:
        """As a layer lists it."""
        values = [{"name": meaning, "code": code} for code, meaning in self.codes]
        domain = {"type": "codedValue", "name": self.name.lower(), "codedValues": values}
        return {
            "name": self.name,
            "type": f"esriFieldType{self.type}",
            "alias": self.alias or self.name,
            **({"length": self.length} if self.length else {}),
            "nullable": self.type != "OID",
            "editable": False,
            "domain": domain if values else None,
            "defaultValue": None,
        }


@dataclass(frozen=True)
class Layer:
    """A whole layer: its name in the address, its title, and a path of lines for each row."""

    code: str
    title: str
    description: str
    columns: tuple[Column, ...]
    edited_ms: int
    rows: Sequence[tuple[Json, list[Path2D]]]

    def layer_json(self) -> bytes:
        """What the layer says of itself."""
        points = [point for _, paths in self.rows for path in paths for point in path]
        west, east = min(x for x, _ in points), max(x for x, _ in points)
        south, north = min(y for _, y in points), max(y for _, y in points)
        extent = {"xmin": west, "ymin": south, "xmax": east, "ymax": north, "spatialReference": WGS84}
        return _written(
            {
                "currentVersion": 11.2,
                "id": LAYER,
                "name": self.title,
                "type": "Feature Layer",
                "description": self.description,
                "copyrightText": "Synthetic, for demonstration. No real utility.",
                "geometryType": "esriGeometryPolyline",
                "hasM": False,
                "hasZ": False,
                "objectIdField": "OBJECTID",
                "displayField": self.columns[1].name,
                "fields": [column.described() for column in self.columns],
                "maxRecordCount": 2000,
                "capabilities": "Query",
                "supportedQueryFormats": "JSON",
                "extent": extent,
                "spatialReference": WGS84,
                "advancedQueryCapabilities": {"supportsPagination": True, "supportsOrderBy": True},
                "editingInfo": {"lastEditDate": self.edited_ms},
            }
        )

    def features_json(self) -> bytes:
        """All rows as one answer to a query."""
        return _written(
            {
                "objectIdFieldName": "OBJECTID",
                "geometryType": "esriGeometryPolyline",
                "spatialReference": WGS84,
                "fields": [column.described() for column in self.columns],
                "features": [
                    {
                        "attributes": {column.name: attributes[column.name] for column in self.columns},
                        "geometry": {"paths": paths},
                    }
                    for attributes, paths in self.rows
                ],
            }
        )


def write(layer: Layer, folder: Path) -> bool:
    """Put a layer's files into `folder`. False where the same were there already; they stay untouched."""
    contents = dict(zip(FILES, (layer.layer_json(), layer.features_json()), strict=True))
    if all((folder / name).is_file() and (folder / name).read_bytes() == contents[name] for name in contents):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        half = folder / f".{name}.half"
        half.write_bytes(content)
        half.replace(folder / name)
    return True


def object_ids(count: int) -> list[int]:
    """Ids with gaps, as a layer has that was edited for years."""
    return [number + number // 37 for number in range(1, count + 1)]


def _written(content: Json) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
