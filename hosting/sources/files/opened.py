"""A source's file, opened: what it says of itself, and all its rows as pages like those of a service.

    with open_file(found, feed) as file:
        file.layer                                  # columns, kind of geometry
        for page in file.pages(where="1=1"): ...    # every row once, in the file's order

First come the file's own bytes, in pages without rows, so that bronze keeps the file as it was.
"""

from __future__ import annotations

import struct
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from hcportal.errors import BadAnswer, MissingField
from hosting.sources.files import hostile, sheets, texts
from hosting.sources.files.filters import Filter
from hosting.sources.files.folder import Found
from hosting.sources.files.texts import Row
from hosting.sources.layer import Field, Layer
from hosting.sources.rows import Page
from utilities.spec_files import FileFeed

ROWS = 5_000  # a page
PIECE = 1 << 20  # bytes of the file a page
TEXT = "esriFieldTypeString"
_POINT = struct.Struct("<BIdd")
Batch = tuple[list[Row], list[bytes | None]]


@dataclass(frozen=True)
class OpenFile:
    """A file that is what its entry says. `layer.count` is None where only reading it tells."""

    found: Found
    feed: FileFeed
    layer: Layer
    _readable: Path
    _shapes: object = None

    def pages(self, *, where: str = "1=1", geometry: bool = True, limit: int | None = None) -> Iterator[Page]:
        """Every row that passes `where`, numbered from 1 as in the file. Raises BadAnswer.

        `limit` ends it after the first rows, for a dry run.
        """
        if limit is None:
            yield from self._bytes()
        names = [field.name for field in self.layer.fields]
        passes = Filter(where, names, self.layer.url)
        first, left = 1, limit
        for rows, places in self._batches():
            chosen = list(passes.passing(rows))[:left]
            attributes = [orjson.dumps(dict(zip(names, rows[n], strict=True))).decode() for n in chosen]
            wkb = [places[n] if geometry else None for n in chosen]
            if chosen:
                yield Page([first + n for n in chosen], attributes, wkb, b"")
            first += len(rows)
            if left is not None:
                left -= len(chosen)
                if left <= 0:
                    return

    def _bytes(self) -> Iterator[Page]:
        with self.found.path.open("rb") as file:
            while piece := file.read(PIECE):
                yield Page([], [], [], piece)

    def _batches(self) -> Iterator[Batch]:
        if self.feed.is_table:
            yield from self._of_table()
        else:
            from hosting.sources.files.shapes import Shapes, batches

            assert isinstance(self._shapes, Shapes)  # noqa: S101 - open_file made it
            yield from batches(self._shapes, self.feed, self.layer.url, rows=ROWS)

    def _of_table(self) -> Iterator[Batch]:
        reader = table_rows(self._readable, self.feed, self.layer.url)
        next(reader)
        names = [field.name for field in self.layer.fields]
        at = [names.index(name) for name in (self.feed.longitude, self.feed.latitude) if name]
        while rows := list(islice(reader, ROWS)):
            yield rows, _points(rows, at)


@contextmanager
def open_file(found: Found, feed: FileFeed) -> Iterator[OpenFile]:
    """Look at a file. Raises BadAnswer where it is not what its entry says."""
    named = found.address
    hostile.check(found.path, feed, named)
    if feed.is_table:
        row = next(table_rows(found.path, feed, named), None)
        names = _columns(row, named)
        lacks = {feed.longitude, feed.latitude} - {None} - set(names)
        if lacks:
            raise MissingField(f"{named} lacks the column {', '.join(sorted(map(str, lacks)))}.")
        kind = "esriGeometryPoint" if feed.longitude else None
        headings = _headings(row or [], found.path)
        yield OpenFile(found, feed, _layer(named, feed, names, kind, None, headings=headings), found.path)
        return
    from hosting.sources.files.shapes import open_shapes  # GDAL and PROJ, for those who need them

    with TemporaryDirectory(prefix="hcp-file-") as folder:
        readable = _under_own_name(found.path, feed, Path(folder), named)
        shapes = open_shapes(readable, feed, named)
        layer = _layer(named, feed, shapes.names, shapes.kind, shapes.count)
        yield OpenFile(found, feed, layer, readable, shapes)


def table_rows(path: Path, feed: FileFeed, named: str) -> Iterator[Row]:
    """Names and rows of a CSV or XLSX file."""
    read = texts.rows if feed.format == "csv" else sheets.rows
    return read(path, feed, named)


def _under_own_name(path: Path, feed: FileFeed, folder: Path, named: str) -> Path:
    """The file under a name that GDAL takes no meaning from; unpacked where it is an archive."""
    with path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    if is_zip:
        return hostile.unpack(path, feed, folder, named)
    linked = folder / f"file.{feed.format}"
    linked.symlink_to(path.resolve())
    return linked


def _columns(row: Row | None, named: str) -> list[str]:
    """Names of columns; one without a name, or with that of another, is told by its number."""
    if row is None:
        raise BadAnswer(f"{named} is empty.")
    names = [(name or "").strip() for name in row]
    if not any(names):
        raise BadAnswer(f"{named} names no columns on the line that its entry says.")
    times = Counter(names)
    return [
        name if name and times[name] == 1 else f"{name} (column {number})".strip()
        for number, name in enumerate(names, start=1)
    ]


def _headings(row: Row, path: Path) -> list[str]:
    """The names as they are written, spaces and a byte-order mark included."""
    names = [name or "" for name in row]
    with path.open("rb") as file:
        if names and file.read(3) == BOM_UTF8:
            names[0] = f"\ufeff{names[0]}"
    return names


def _layer(
    named: str,
    feed: FileFeed,
    names: Sequence[str],
    kind: str | None,
    count: int | None,
    *,
    headings: Sequence[str] = (),
) -> Layer:
    return Layer(
        url=named,
        name=feed.layer or Path(feed.name).stem,
        geometry_type=kind,
        object_id_field=None,
        fields=tuple(Field(name, name, TEXT) for name in names),
        max_record_count=ROWS,
        wkid=4326 if kind else None,
        edited_at=None,
        count=count,
        supports_pagination=False,
        supports_statistics=False,
        description=orjson.dumps(
            feed.model_dump(mode="json") | {"columns": list(names), "headings": list(headings)}
        ),
    )


def _points(rows: list[Row], at: Sequence[int]) -> list[bytes | None]:
    """Points of two columns; None where either is no number."""
    if not at:
        return [None] * len(rows)
    places: list[bytes | None] = []
    for row in rows:
        try:
            x, y = (float(row[n] or "nan") for n in at)
        except ValueError:
            x = y = float("nan")
        places.append(_POINT.pack(1, 1, x, y) if isfinite(x) and isfinite(y) else None)
    return places
