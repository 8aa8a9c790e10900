"""What a fetch had when it broke off, for the next one: its plan of ids, and each verified page.

A folder for each source. The plan holds for the layer it was made of: the same address, columns, filter and
edit date. A layer without edit dates cannot be shown to be the same, so its pages are taken up only where its
ids are the same and no more time has passed than a slow fetch takes.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import time
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import zstandard

from hosting.sources.layer import Layer
from hosting.sources.plan import Plan
from hosting.sources.rows import Page

HOLDS_FOR = 3_600.0  # seconds, for layers without edit dates
_SCHEMA = pa.schema([("id", pa.int64()), ("attributes", pa.string()), ("wkb", pa.binary())])


@dataclass(frozen=True)
class Kept:
    """A verified page on disk: the first and last object id of it, and its rows."""

    first: int
    last: int
    rows: int
    file: Path

    def load(self) -> Page | None:
        """The page; None where the machine went down while it was written."""
        try:
            content = zstandard.ZstdDecompressor().decompress(self.file.read_bytes())
            size = int.from_bytes(content[:8], "little")
            table = pa.ipc.open_stream(content[8 : 8 + size]).read_all()
        except (OSError, zstandard.ZstdError, pa.ArrowInvalid):
            return None
        columns = [table.column(name).to_pylist() for name in _SCHEMA.names]
        return Page(columns[0], columns[1], columns[2], content[8 + size :])


class Unfinished:
    """The folder of one source."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._plan = folder / "plan.json"
        self._ids = folder / "ids.zst"

    def plan(self, layer: Layer, shape: dict[str, Any]) -> Plan | None:
        """The plan as it was made, where the layer's edit date and count say that it still holds."""
        told = self._told()
        if told is None or layer.edited_at is None or told["of"] != _of(layer, shape):
            return None
        if layer.count is not None and told["layer_count"] != layer.count:
            return None
        try:
            content = zstandard.ZstdDecompressor().decompress(self._ids.read_bytes())
        except (OSError, zstandard.ZstdError):  # the machine went down while it was written
            return None
        ids = array("q", content).tolist()
        return Plan(ids, told["count"]) if told["ids"] == _hash(ids) else None

    def begin(self, layer: Layer, shape: dict[str, Any], plan: Plan) -> list[Kept]:
        """The pages that can be taken up, in order; none, and an empty folder, where the plan is another."""
        told, of, ids = self._told(), _of(layer, shape), _hash(plan.ids)
        if told is not None and told["of"] == of and told["ids"] == ids:
            recent = time.time() - float(told["begun"]) < HOLDS_FOR
            if layer.edited_at is not None or recent:
                return self._pages(plan.ids)
        self.clear()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._ids.write_bytes(zstandard.compress(array("q", plan.ids).tobytes(), 1))
        told = {"of": of, "ids": ids, "count": plan.count, "layer_count": layer.count, "begun": time.time()}
        self._plan.write_bytes(orjson.dumps(told))
        return []

    def keep(self, page: Page) -> None:
        """Write a verified page; it is there whole or not at all."""
        stream = io.BytesIO()
        batch = pa.record_batch([page.object_ids, page.attributes, page.wkb], schema=_SCHEMA)
        with pa.ipc.new_stream(stream, _SCHEMA) as writer:
            writer.write_batch(batch)
        table = stream.getvalue()
        packed = zstandard.ZstdCompressor(level=1, write_checksum=True).compress(
            len(table).to_bytes(8, "little") + table + page.raw
        )
        name = f"{page.object_ids[0]}_{page.object_ids[-1]}_{len(page.object_ids)}"
        part = self._folder / f"{name}.part"
        part.write_bytes(packed)
        part.replace(self._folder / f"{name}.page")

    def clear(self) -> None:
        """Forget everything: it is done, or holds no more."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _told(self) -> dict[str, Any] | None:
        try:
            told: dict[str, Any] = orjson.loads(self._plan.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return None
        return told

    def _pages(self, ids: Sequence[int]) -> list[Kept]:
        """Those on disk that are consecutive rows of the plan and do not overlap."""
        found = []
        for file in self._folder.glob("*.page"):
            first, last, rows = map(int, file.stem.split("_"))
            found.append(Kept(first, last, rows, file))
        pages: list[Kept] = []
        for page in sorted(found, key=lambda page: page.first):
            start = bisect_left(ids, page.first)
            end = start + page.rows
            fits = end <= len(ids) and ids[start] == page.first and ids[end - 1] == page.last
            if fits and (not pages or page.first > pages[-1].last):
                pages.append(page)
        return pages


def stretches(ids: Sequence[int], pages: Sequence[Kept]) -> Iterator[Kept | list[int]]:
    """The plan in order: pages that are there, and the ids between them that are not."""
    start = 0
    for page in pages:
        at = bisect_left(ids, page.first)
        if at > start:
            yield list(ids[start:at])
        yield page
        start = at + page.rows
    if start < len(ids):
        yield list(ids[start:])


def _of(layer: Layer, shape: dict[str, Any]) -> list[Any]:
    """What a page's rows depend on, as JSON has it."""
    fields = [[field.name, field.type] for field in layer.fields]
    edited = layer.edited_at.isoformat() if layer.edited_at else None
    return [layer.url, edited, layer.object_id_field, layer.geometry_type, fields, shape]


def _hash(ids: Sequence[int]) -> str:
    return hashlib.sha256(array("q", ids).tobytes()).hexdigest()
