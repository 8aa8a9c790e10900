"""Reading tiles as a client does: asked for over HTTP, decoded by GDAL."""

import gzip
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from django.test import Client
from pyogrio import raw

MVT = "application/vnd.mapbox-vector-tile"


@dataclass(frozen=True)
class Feature:
    """One feature: its id, the attributes it has, and its shape in Web Mercator."""

    id: int | None
    attributes: dict[str, Any]
    shape: Any


def ask(client: Client, layer: str, z: int, x: int, y: int, **parameters: Any) -> Any:
    """The answer to a request that accepts gzip."""
    return client.get(f"/tiles/{layer}/{z}/{x}/{y}.mvt", parameters, headers={"accept-encoding": "gzip"})


def tile(client: Client, layer: str, z: int, x: int, y: int, **parameters: Any) -> list[Feature]:
    """The features of a tile; none where it is empty."""
    answer = ask(client, layer, z, x, y, **parameters)
    if answer.status_code == 204:
        assert answer.content == b""
        return []
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == MVT
    return decode(gzip.decompress(answer.content), layer, z, x, y)


def decode(content: bytes, layer: str, z: int, x: int, y: int) -> list[Feature]:
    meta, _fids, shapes, columns = raw.read(content, layer=layer, X=x, Y=y, Z=z, CLIP="NO")
    rows = [
        {name: _plain(column[number]) for name, column in zip(meta["fields"], columns, strict=True)}
        for number in range(len(shapes))
    ]
    return [
        Feature(
            None if row.get("mvt_id") is None else int(row["mvt_id"]),
            {name: value for name, value in row.items() if value is not None and name != "mvt_id"},
            shapely.from_wkb(shape),
        )
        for row, shape in zip(rows, shapes, strict=True)
    ]


def _plain(value: Any) -> Any:
    """A Python value; None where the feature has no such attribute."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and np.isnan(value) else value


def place(lon: float, lat: float, z: int) -> tuple[int, int, int]:
    """The tile that a point is in."""
    x, y = shapely.transform(shapely.Point(lon, lat), _to_world).coords[0]
    return z, int(x * 2**z), int(y * 2**z)


def _to_world(points: Any) -> Any:
    lon, lat = points[:, 0], np.radians(points[:, 1])
    return np.stack([(lon + 180) / 360, (1 - np.arcsinh(np.tan(lat)) / np.pi) / 2], axis=1)
