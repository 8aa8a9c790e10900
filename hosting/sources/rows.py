"""From an answer's features to rows as bronze keeps them.

Every scalar becomes a JSON string, so that no engine down the line rewrites a number (12345678.0 would become
1.2345678E7); null stays null. Which type a column has is the layer's to say, not the page's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from hcportal.errors import BadAnswer, MissingField
from hcportal.http import plain
from hosting.sources.collector import collector_paused
from hosting.sources.esri import UnreadableGeometry, to_wkb
from hosting.sources.layer import Layer
from hosting.sources.service import Reply, understood

Feature = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Verified rows, ascending by object id.

    `attributes` has one JSON object a row, `wkb` its place in EPSG:4326. `raw` is the body as received; where
    a page had to be completed by further requests, a JSON array of the bodies. A layer without object ids has
    its rows numbered from 0 in the order in which they came.
    """

    object_ids: list[int]
    attributes: list[str]
    wkb: list[bytes | None]
    raw: bytes


def as_id(value: Any) -> int:
    """An object id as an int; some servers send floats, some text. Raises ValueError."""
    number = int(value)
    if isinstance(value, bool) or number != (value if isinstance(value, int | float) else int(str(value))):
        raise ValueError(f"{value!r} is no object id")
    return number


def features_of(layer: Layer, reply: Reply, *, geometry: bool) -> list[Feature]:
    """The features of a query's answer, in the reference system that was asked for."""
    features: list[Feature] = reply.content["features"] or []
    if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
        raise BadAnswer(f"{layer.query_url} sends features that are no list of objects")
    with understood(f"the answer of {layer.query_url}"):
        _check_reference(layer, reply, wanted=geometry and bool(features))
    return features


def _check_reference(layer: Layer, reply: Reply, *, wanted: bool) -> None:
    if wanted and layer.geometry_type:
        reference = reply.content.get("spatialReference") or {}
        wkid = reference.get("latestWkid") or reference.get("wkid") or (layer.wkid if not reference else None)
        if wkid != 4326:
            raise BadAnswer(
                f"{layer.url} was asked for EPSG:4326 and sends {plain(str(wkid or 'an unnamed system'))}"
            )


def by_id(layer: Layer, reply: Reply, features: Sequence[Feature]) -> dict[int, Feature]:
    """The features by object id; a row sent twice counts once."""
    if not features:
        return {}
    with understood(f"the answer of {layer.query_url}"):
        name = _id_key(layer, reply, features[0])
    try:
        return {as_id(feature["attributes"][name]): feature for feature in features}
    except (KeyError, TypeError, ValueError) as problem:
        raise BadAnswer(f"{layer.query_url} sends rows without {name}: {problem!r}") from problem


def page(
    layer: Layer,
    names: Sequence[str],
    rows: Sequence[tuple[int, Feature]],
    replies: Sequence[Reply],
    *,
    geometry: bool,
) -> Page:
    """The rows, in this order, as a Page. Raises MissingField, BadAnswer."""
    with collector_paused(), understood(f"the answer of {layer.query_url}"):
        _check_columns(layer, names, rows, replies)
        return Page(
            object_ids=[number for number, _ in rows],
            attributes=[_as_text(feature.get("attributes") or {}, names) for _, feature in rows],
            wkb=[_place(layer, number, feature) if geometry else None for number, feature in rows],
            raw=replies[0].body if len(replies) == 1 else b"[" + b",".join(r.body for r in replies) + b"]",
        )


def _as_text(attributes: dict[str, Any], names: Sequence[str]) -> str:
    get = attributes.get
    return orjson.dumps(
        {
            name: value
            if (value := get(name)) is None or value.__class__ is str
            else orjson.dumps(value).decode()
            for name in names
        }
    ).decode()


def _place(layer: Layer, number: int, feature: Feature) -> bytes | None:
    try:
        return to_wkb(feature.get("geometry"))
    except UnreadableGeometry as problem:
        row = f"{layer.object_id_field or 'row'} {number}"
        raise BadAnswer(f"{layer.url}, {row}: {plain(str(problem))}") from problem


def _check_columns(
    layer: Layer, names: Sequence[str], rows: Sequence[tuple[int, Feature]], replies: Sequence[Reply]
) -> None:
    """A column that the layer promises and no answer knows would turn into nulls: refuse it.

    A column that is listed in the answer and absent from a row is null there (some servers leave nulls out).
    """
    known: set[str] = set()
    for reply in replies:
        known |= {field.get("name") for field in reply.content.get("fields") or []}
        known |= set(reply.content.get("fieldAliases") or {})
    absent = set(names) - known
    for _, feature in rows if absent else ():
        absent -= set(feature.get("attributes") or {})
        if not absent:
            return
    if absent and rows:
        listed = ", ".join(sorted(absent))
        raise MissingField(f"{layer.url} lists the field {listed} and does not send it")


def _id_key(layer: Layer, reply: Reply, feature: Feature) -> str:
    """The key of the object id in the attributes: its name, or that name as this answer spells it."""
    name = layer.object_id_field or ""
    attributes = feature.get("attributes") or {}
    spelt = [key for key in attributes if key.lower() == name.lower()]
    answers = reply.content.get("objectIdFieldName")
    return next((key for key in (name, answers, *spelt) if key in attributes), name)
