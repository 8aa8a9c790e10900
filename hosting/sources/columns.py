"""Rows of a page as Arrow columns, typed as the layer declares them.

Bronze keeps text; whoever wants a file wants numbers and dates. A value that is not what its column
declares is an error with the row's id, never a null.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa

from hcportal.errors import BadAnswer
from hosting.sources.layer import EPOCH, Layer
from hosting.sources.rows import Page

GEOMETRY = "geometry"


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        number = float(text)
        if number != int(number):
            raise ValueError(f"{text!r} is no whole number") from None
        return int(number)


def _real(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _instant(text: str) -> datetime:
    """Milliseconds since 1970 in UTC, as Esri sends dates; text with an offset, as newer servers may."""
    try:
        return EPOCH + timedelta(milliseconds=float(text))
    except ValueError:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise ValueError(f"{text!r} has no time zone") from None
        return instant.astimezone(UTC)


_TYPES: dict[str, tuple[pa.DataType, Callable[[str], Any]]] = {
    "esriFieldTypeOID": (pa.int64(), _whole),
    "esriFieldTypeInteger": (pa.int64(), _whole),
    "esriFieldTypeSmallInteger": (pa.int64(), _whole),
    "esriFieldTypeBigInteger": (pa.int64(), _whole),
    "esriFieldTypeDouble": (pa.float64(), _real),
    "esriFieldTypeSingle": (pa.float64(), _real),
    "esriFieldTypeDate": (pa.timestamp("ms", tz="UTC"), _instant),
}


def schema(layer: Layer, names: Sequence[str], *, geometry_name: str | None) -> pa.Schema:
    """The columns `names`, and WKB where a geometry is wanted; what Esri has no plain type for is text."""
    types = {field.name: _TYPES.get(field.type, (pa.string(), str))[0] for field in layer.fields}
    columns = [pa.field(name, types[name]) for name in names]
    if geometry_name:
        columns.append(pa.field(geometry_name, pa.binary()))
    return pa.schema(columns)


def table(layer: Layer, names: Sequence[str], page: Page, *, geometry_name: str | None) -> pa.Table:
    """One page under `schema`. Raises BadAnswer where a value is not what its column declares."""
    target = schema(layer, names, geometry_name=geometry_name)
    types = {field.name: field.type for field in layer.fields}
    rows = orjson.loads("[" + ",".join(page.attributes) + "]")
    columns: list[Any] = []
    for name in names:
        read = _TYPES.get(types[name], (None, str))[1]
        values = [row[name] for row in rows]
        try:
            # Empty text among numbers or dates is nothing; in a column of text it is what they wrote.
            columns.append(values if read is str else [read(v) if v else None for v in values])
        except (ValueError, OverflowError) as problem:
            number, value = _culprit(page, values, read)
            raise BadAnswer(
                f"{layer.url}, {layer.object_id_field or 'row'} {number}: {name} is declared"
                f" {types[name].removeprefix('esriFieldType')} and holds {value!r}"
            ) from problem
    if geometry_name:
        columns.append(page.wkb)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, target, strict=True)]
    return pa.Table.from_arrays(arrays, schema=target)


def _culprit(page: Page, values: Sequence[str | None], read: Callable[[str], Any]) -> tuple[int, str]:
    for number, value in zip(page.object_ids, values, strict=True):
        try:
            _ = value and read(value)
        except (ValueError, OverflowError):
            return number, value or ""
    raise AssertionError("every value can be read")
