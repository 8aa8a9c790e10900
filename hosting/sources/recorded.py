"""`recorded://<name>/FeatureServer/<n>`: a FeatureServer that is a folder.

Answers like ArcGIS from `<root>/<name>/<n>/`, which holds `layer.json` (a layer description in Esri's form)
and `features.json`, or `page-000.json` and so on (answers to queries in Esri's form, EPSG:4326). The
demonstration data and replayed examples go through it, and so through the very client that reads real
servers.

Understands what this client asks: the service, the layer, counts, ids, pages by a range of ids, by a list
of ids or by offset. Another filter than `oid>=a AND oid<=b` (or everything, `1=1`) is refused, never
ignored.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

Json = dict[str, Any]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PATH = re.compile(r"/FeatureServer(?:/(?P<layer>\d+)(?P<query>/query)?)?")
_COMPARISON = re.compile(r"\s*\(?\s*(?P<field>[\w.]+)\s*(?P<sign>>=|<=|>|<|=)\s*(?P<value>-?\d+)\s*\)?\s*")


class _Refusal(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class RecordedAdapter(BaseAdapter):
    """Mounted on a session for `recorded://`, it answers from the folders below `root`."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = Path(root).resolve()

    def send(
        self,
        request: requests.PreparedRequest,
        *_: object,
        **__: object,
    ) -> requests.Response:
        """The answer, always with HTTP 200, as ArcGIS does; refusals are error objects."""
        try:
            content = self._answer(request)
        except _Refusal as refusal:
            content = {"error": {"code": refusal.code, "message": str(refusal), "details": []}}
        response = requests.Response()
        response.status_code, response.reason = 200, "OK"
        response.url, response.request = request.url or "", request
        response.headers["Content-Type"] = "application/json"
        response.raw = HTTPResponse(io.BytesIO(orjson.dumps(content)), preload_content=False, status=200)
        return response

    def close(self) -> None:
        """Nothing is open between requests."""

    def _answer(self, request: requests.PreparedRequest) -> Json:
        parts = urlsplit(request.url or "")
        path = _PATH.fullmatch(unquote(parts.path))
        # The name of a folder directly below the root, and nothing that leads elsewhere.
        if not path or not _NAME.fullmatch(parts.netloc):
            raise _Refusal(400, f"no recorded layer has the address {parts.netloc}{parts.path}")
        folder = self.root / parts.netloc
        if path["layer"] is None:
            return self._service(folder)
        description = folder / path["layer"] / "layer.json"
        if not description.is_file():
            raise _Refusal(404, f"nothing is recorded for {parts.netloc}, layer {path['layer']}")
        if path["query"] is None:
            return _load(description)
        body = request.body or b""
        form = body if isinstance(body, str) else bytes(body).decode()
        asked = dict(parse_qsl(parts.query, keep_blank_values=True) + parse_qsl(form, keep_blank_values=True))
        return _Recording(description.parent).query(asked)

    def _service(self, folder: Path) -> Json:
        layers = sorted(folder.glob("*/layer.json"), key=lambda file: int(file.parent.name))
        if not layers:
            raise _Refusal(404, f"nothing is recorded for {folder.name}")
        described = [(int(file.parent.name), _load(file)) for file in layers]
        return {
            "currentVersion": 11.2,
            "capabilities": "Query",
            "layers": [{"id": number, "name": content.get("name")} for number, content in described],
            "tables": [],
        }


class _Recording:
    """One recorded layer and the queries it can answer."""

    def __init__(self, folder: Path) -> None:
        self.layer = _load(folder / "layer.json")
        self.head, self.features = _features(folder, _stamp(folder))
        oid = self.layer.get("objectIdField") or self.head.get("objectIdFieldName")
        by_type = (f["name"] for f in self.layer.get("fields", []) if f.get("type") == "esriFieldTypeOID")
        self.oid: str | None = oid or next(by_type, None)

    def query(self, asked: Mapping[str, str]) -> Json:
        rows = self._matching(asked.get("where") or "1=1", asked.get("objectIds"))
        if _is_true(asked.get("returnCountOnly")):
            return {"count": len(rows)}
        if _is_true(asked.get("returnIdsOnly")):
            ids = [row["attributes"][self.oid] for row in rows] if self.oid else None
            return {"objectIdFieldName": self.oid, "objectIds": ids}
        if asked.get("outStatistics"):
            raise _Refusal(400, "recorded layers compute no statistics")
        if self.oid and self.oid in (asked.get("orderByFields") or ""):
            rows = sorted(rows, key=lambda row: row["attributes"][self.oid])
        most = int(self.layer.get("maxRecordCount") or 1000)
        first = int(asked.get("resultOffset") or 0)
        last = first + min(int(asked.get("resultRecordCount") or most), most)
        answer = {
            **self.head,
            "features": [self._shaped(row, asked) for row in rows[first:last]],
        }
        if last < len(rows):
            answer["exceededTransferLimit"] = True
        return answer

    def _matching(self, where: str, object_ids: str | None) -> list[Json]:
        rows = self.features
        if object_ids:
            wanted = {int(number) for number in object_ids.split(",")}
            rows = [row for row in rows if int(row["attributes"][self.oid]) in wanted]
        for clause in re.split(r"\s+AND\s+", where.strip(), flags=re.IGNORECASE):
            rows = [row for row in rows if self._test(clause, row)] if clause.strip("() ") != "1=1" else rows
        return rows

    def _test(self, clause: str, row: Json) -> bool:
        if clause.strip("() ") == "1=0":
            return False
        comparison = _COMPARISON.fullmatch(clause)
        if not comparison or comparison["field"] != self.oid:
            raise _Refusal(400, f"recorded layers know filters on {self.oid} only, not {clause}")
        found, value = row["attributes"][self.oid], int(comparison["value"])
        return bool(
            {
                ">=": found >= value,
                "<=": found <= value,
                ">": found > value,
                "<": found < value,
                "=": found == value,
            }[comparison["sign"]]
        )

    def _shaped(self, row: Json, asked: Mapping[str, str]) -> Json:
        names = asked.get("outFields") or "*"
        attributes = row["attributes"]
        if names != "*":
            attributes = {name: attributes[name] for name in names.split(",") if name in attributes}
        shaped = {"attributes": attributes}
        if "geometry" in row and asked.get("returnGeometry", "true").lower() != "false":
            shaped["geometry"] = row["geometry"]
        return shaped


def _is_true(value: str | None) -> bool:
    return (value or "").lower() == "true"


def _load(file: Path) -> Json:
    content: Json = orjson.loads(file.read_bytes())
    return content


def _files(folder: Path) -> list[Path]:
    single = folder / "features.json"
    return [single] if single.is_file() else sorted(folder.glob("page-*.json"))


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Changes whenever a page is added, removed or written anew."""
    return tuple((f.name, f.stat().st_mtime_ns, f.stat().st_size) for f in _files(folder))


@lru_cache(maxsize=4)
def _features(folder: Path, _stamp: tuple[tuple[str, int, int], ...]) -> tuple[Json, list[Json]]:
    """What surrounds the features of the first page, and the features of all."""
    pages = [_load(file) for file in _files(folder)]
    head = {key: value for key, value in (pages[0] if pages else {}).items() if key != "features"}
    head.pop("exceededTransferLimit", None)
    head.setdefault("spatialReference", {"wkid": 4326, "latestWkid": 4326})
    return head, [feature for page in pages for feature in page.get("features", [])]
