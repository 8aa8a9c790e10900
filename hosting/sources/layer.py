"""What a layer says of itself: fields, limits, reference system, last edit.

Knows the layer description of ArcGIS from 10.0 on. Asks for it (and for the number of rows), reads no row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, TypeVar

from hcportal.errors import BadAnswer, MissingField, ServiceError
from hcportal.http import Client, plain, without_query
from hosting.sources.service import ask, understood

T = TypeVar("T", dict[str, Any], list[Any])
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNREAD_TYPES = {"esriFieldTypeGeometry", "esriFieldTypeBlob", "esriFieldTypeRaster"}
_WHOLE = {f"esriFieldType{kind}" for kind in ("OID", "Integer", "SmallInteger", "BigInteger", "Double")}
_SERVER = re.compile(r"/(?:Feature|Map)Server$", re.IGNORECASE)
_LAYER = re.compile(r"/(?:Feature|Map)Server/\d+$", re.IGNORECASE)


@dataclass(frozen=True)
class Field:
    """One column: `type` is Esri's (esriFieldTypeDouble, ...), `domain` its codes or range as published."""

    name: str
    alias: str
    type: str
    length: int | None = None
    domain: dict[str, Any] | None = None

    @property
    def codes(self) -> dict[str, str]:
        """Code to meaning, both as text, where the field has a coded domain; else empty."""
        listed = (self.domain or {}).get("codedValues")
        pairs = [pair for pair in listed if isinstance(pair, dict)] if isinstance(listed, list) else []
        # A name that says nothing leaves its code standing.
        return {str(pair["code"]): str(pair["name"]) for pair in pairs if pair.get("name") and "code" in pair}


@dataclass(frozen=True)
class Layer:
    """A layer or table as its server describes it; `description` is that description as received."""

    url: str
    name: str
    geometry_type: str | None
    object_id_field: str | None
    fields: tuple[Field, ...]
    max_record_count: int
    wkid: int | None
    edited_at: datetime | None
    count: int | None
    supports_pagination: bool
    supports_statistics: bool
    description: bytes
    max_ids: int | None = None

    @property
    def query_url(self) -> str:
        return f"{self.url}/query"

    def chosen(self, names: Sequence[str] | None) -> tuple[str, ...]:
        """The columns to ask for: these, or all that are no geometry or file; always with the object id."""
        readable = [field.name for field in self.fields if field.type not in UNREAD_TYPES]
        if names is None:
            return tuple(readable)
        for name in names:
            if name not in readable:
                raise MissingField(self._missing(name, readable))
        wanted = set(names) | {self.object_id_field}
        return tuple(name for name in readable if name in wanted)

    def _missing(self, name: str, readable: list[str]) -> str:
        folded = {other.lower(): other for other in readable}
        near = [folded[key] for key in get_close_matches(name.lower(), folded, n=3)]
        hint = (
            f"did the publisher rename it to {' or '.join(near)}?"
            if near
            else f"it has {', '.join(readable)}"
        )
        return f"{self.url} has no field {name}; {hint}"


def open_layer(client: Client, url: str) -> Layer:
    """Probe a layer: its service, its description, its number of rows.

    `url` ends in FeatureServer/n or MapServer/n; without n, the service must have one layer only. Raises
    ServiceError, BadAnswer, Unreachable, RefusedAddress.
    """
    url = without_query(url.strip()).rstrip("/").removesuffix("/query")
    service: dict[str, Any] = {}
    if _SERVER.search(url):
        service = ask(client, url).content
        with understood(f"the description of {url}"):
            url = f"{url}/{_only_layer(url, service)}"
    elif not _LAYER.search(url):
        raise BadAnswer(
            f"{url} is no layer: its address must end in FeatureServer/0, MapServer/3 or the like"
        )
    else:
        try:
            service = ask(client, url.rpartition("/")[0]).content
        except ServiceError:
            service = {}  # some servers show their layers and hide the service
    reply = ask(client, url)
    layer = describe(url, reply.content, reply.body, service)
    return replace(layer, count=count_rows(client, layer))


def count_rows(client: Client, layer: Layer, where: str = "1=1") -> int | None:
    """How many rows match; None where the server cannot count."""
    try:
        reply = ask(client, layer.query_url, {"where": where, "returnCountOnly": "true"}, expect="count")
    except ServiceError as problem:
        if problem.code in {400, 500} and not layer.supports_statistics and where == "1=1":
            return None
        raise
    count = reply.content.get("count")
    return count if isinstance(count, int) else None


def last_edit(client: Client, layer: Layer) -> datetime | None:
    """When the layer was last edited, asked for anew; None where it does not say."""
    if layer.edited_at is None:
        return None
    with understood(f"the description of {layer.url}"):
        return _edited(ask(client, layer.url).content)


def describe(url: str, content: dict[str, Any], body: bytes, service: dict[str, Any]) -> Layer:
    """A Layer from the JSON of a layer and of its service. Raises BadAnswer, ServiceError."""
    with understood(f"the description of {url}"):
        return _describe(url, content, body, service)


def _describe(url: str, content: dict[str, Any], body: bytes, service: dict[str, Any]) -> Layer:
    kind = str(content.get("type") or "Feature Layer")
    if "fields" not in content or kind in {"Group Layer", "Raster Layer"}:
        inner = ", ".join(f"{sub.get('id')} ({sub.get('name')})" for sub in _part(content, "subLayers", list))
        what = f"{kind} of the layers {inner}" if inner else kind
        raise BadAnswer(f"{url} holds no rows: it is a {plain(what)}")
    capabilities = content.get("capabilities") or service.get("capabilities")
    # MapServer layers of ArcGIS 10 list "Map,Query,Data"; none at all means that nobody said so.
    if capabilities and not {"Query", "Data"} & {word.strip() for word in capabilities.split(",")}:
        raise ServiceError(f"{url} does not allow queries, only {plain(capabilities)}", 403)
    advanced = _part(content, "advancedQueryCapabilities", dict)
    fields = tuple(_field(field) for field in _part(content, "fields", list))
    return Layer(
        url=url,
        name=_text(content.get("name")),
        geometry_type=_text(content.get("geometryType")) or None,
        object_id_field=_object_id(content, fields),
        fields=fields,
        max_record_count=_number(content, "maxRecordCount") or _number(service, "maxRecordCount") or 1000,
        wkid=_wkid(content, service),
        edited_at=_edited(content),
        count=None,
        supports_pagination=bool(advanced.get("supportsPagination") or content.get("supportsPagination")),
        supports_statistics=bool(advanced.get("supportsStatistics") or content.get("supportsStatistics")),
        description=body,
        max_ids=_number(content, "maxIdsCount") or _number(service, "maxIdsCount"),
    )


def _field(field: Any) -> Field:
    if not isinstance(field, dict) or not isinstance(field.get("name"), str):
        raise TypeError("it lists a field without a name")
    if "\0" in field["name"]:  # stripped, it would name another field
        raise ValueError(f"it lists a field called {field['name']!r}")
    return Field(
        name=field["name"],
        alias=_text(field.get("alias")) or field["name"],
        type=_text(field.get("type")),
        length=_number(field, "length"),
        domain=_part(field, "domain", dict) or None,
    )


def _text(value: Any) -> str:
    """A publisher's text as PostgreSQL takes it, without U+0000."""
    return "" if value is None else str(value).replace("\0", "")


def _part(content: dict[str, Any], key: str, kind: type[T]) -> T:
    """The object or list at `key`, an empty one where nothing is; TypeError for anything else."""
    value = content.get(key)
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise TypeError(f"{key} is a JSON {type(value).__name__}, no {kind.__name__}")
    return value


def _number(content: dict[str, Any], key: str) -> int | None:
    """The whole number at `key`, also as text; None where nothing is or 0."""
    value = content.get(key)
    try:
        return int(value or 0) or None
    except (TypeError, ValueError):
        raise ValueError(f"{key} is {value!r}, no number") from None


def _object_id(content: dict[str, Any], fields: Sequence[Field]) -> str | None:
    """The field that numbers the rows, as declared; never by name, for plain fields are called OBJECTID."""
    # Some layers declare a text (a GUID) unique: it cannot be cut into ranges.
    whole = {field.name for field in fields if field.type in _WHOLE}
    unique = content.get("uniqueIdField")
    declared = (content.get("objectIdField"), unique.get("name") if isinstance(unique, dict) else unique)
    by_type = (field.name for field in fields if field.type == "esriFieldTypeOID")
    return next((name for name in (*declared, *by_type) if name in whole), None)


def _edited(content: dict[str, Any]) -> datetime | None:
    info = _part(content, "editingInfo", dict)
    for key in ("dataLastEditDate", "lastEditDate"):
        if isinstance(info.get(key), int | float) and info[key] > 0:
            return EPOCH + timedelta(milliseconds=info[key])
    return None


def _wkid(content: dict[str, Any], service: dict[str, Any]) -> int | None:
    for reference in (
        _part(content, "sourceSpatialReference", dict),
        _part(_part(content, "extent", dict), "spatialReference", dict),
        _part(service, "spatialReference", dict),
    ):
        if number := _number(reference, "latestWkid") or _number(reference, "wkid"):
            return number
    return None


def _only_layer(url: str, service: dict[str, Any]) -> int:
    layers = [*_part(service, "layers", list), *_part(service, "tables", list)]
    if len(layers) == 1:
        return int(layers[0]["id"])
    listed = ", ".join(f"{layer['id']} ({layer.get('name')})" for layer in layers) or "none"
    raise BadAnswer(f"{url} is a service; add the number of a layer to the address: {plain(listed)}")
