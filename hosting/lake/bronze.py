"""Bronze: what they published, byte for byte, and the same as rows.

The bodies of all pages go, compressed, into one file a run; the rows into a Delta table in one commit,
streamed with bounded memory. Nothing is committed unless every page came; a run whose rows hash to what is
published leaves nothing behind.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import zstandard
from deltalake import WriterProperties, write_deltalake

from hosting.lake import tables
from hosting.lake.store import Lake


class PageOfRows(Protocol):
    """What a reader hands over: verified rows and the body they came in."""

    @property
    def object_ids(self) -> list[int]: ...
    @property
    def attributes(self) -> list[str]: ...
    @property
    def wkb(self) -> list[bytes | None]: ...
    @property
    def raw(self) -> bytes: ...


@dataclass(frozen=True)
class Bronze:
    """What was stored: `content_sha256` is over the rows in order, `raw_sha256` over the bodies."""

    rows: int
    content_sha256: str
    raw_sha256: str
    is_new: bool


@dataclass(frozen=True)
class Origin:
    """Where a run's rows come from; `layer` is the layer's description as received."""

    utility: str
    source: str
    run_id: int
    url: str
    layer: str

    @property
    def raw_path(self) -> str:
        """Of the bodies as received, within the lake's environment."""
        return f"bronze/raw/{self.utility}/{self.source}/{self.run_id}.zst"


def discard_unfinished(lake: Lake, utility: str, source: str, run_id: int) -> None:
    """Remove what a run left that died while it fetched; what was committed stays."""
    part = Path(lake.path(f"bronze/raw/{utility}/{source}/{run_id}.part"))
    if part.exists():
        part.unlink()
        if not lake.has_run(tables.BRONZE, utility, run_id):
            lake.discard_partition(tables.BRONZE, utility, run_id)


class _SameAsPublished(Exception):  # a signal, not an error
    """Ends the stream before the commit: there is nothing to store."""


def store(lake: Lake, pages: Iterator[PageOfRows], origin: Origin, *, published_sha256: str = "") -> Bronze:
    """Write a run's pages; raise what reading them raises, and commit nothing then.

    Where the rows hash to `published_sha256`, nothing is kept and `is_new` is False.
    """
    raw = _RawFile(Path(lake.path(origin.raw_path)))
    stream = _Stream(pages, origin, raw, published_sha256)
    try:
        write_deltalake(
            lake.delta(tables.BRONZE),
            pa.RecordBatchReader.from_batches(tables.SCHEMAS[tables.BRONZE], stream.batches()),
            mode="append",
            partition_by=tables.PARTITIONS[tables.BRONZE],
            writer_properties=WriterProperties(
                compression="ZSTD", compression_level=3, max_row_group_size=50_000
            ),
        )
    except BaseException as error:
        raw.discard()
        lake.discard_partition(tables.BRONZE, origin.utility, origin.run_id)
        cause = stream.failure or error
        if isinstance(cause, _SameAsPublished):
            return Bronze(stream.rows, published_sha256, raw.sha256, is_new=False)
        raise cause from None
    raw.keep()
    stored = Bronze(stream.rows, stream.content_sha256, raw.sha256, is_new=True)
    _note(lake, origin, stored, raw.size)
    return stored


class _Stream:
    """Pages on their way into the table: counted, hashed, their bodies put aside."""

    def __init__(
        self, pages: Iterator[PageOfRows], origin: Origin, raw: "_RawFile", published_sha256: str
    ) -> None:
        self._pages, self._origin, self._raw, self._published = pages, origin, raw, published_sha256
        self._content = hashlib.sha256()
        self.rows = 0
        self.failure: BaseException | None = None  # the writer would hand it on as text only

    @property
    def content_sha256(self) -> str:
        return self._content.hexdigest()

    def batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for page in self._pages:
                self._raw.write(page.raw)
                yield self._batch(page)
            self._end_if_published()
        except BaseException as error:
            self.failure = error
            raise

    def _batch(self, page: PageOfRows) -> pa.RecordBatch:
        """A page as a record batch; its rows go into the hash, each part with its length before it."""
        for attributes, wkb in zip(page.attributes, page.wkb, strict=True):
            text = attributes.encode()
            self._content.update(b"%d:%s%d:%s" % (len(text), text, len(wkb or b""), wkb or b""))
        rows, first = len(page.object_ids), self.rows
        self.rows += rows
        return pa.RecordBatch.from_arrays(
            [
                pa.array([self._origin.utility] * rows, pa.string()),
                pa.array([self._origin.run_id] * rows, pa.int64()),
                pa.array(range(first, first + rows), pa.int64()),
                pa.array([str(number) for number in page.object_ids], pa.string()),
                pa.array(page.attributes, pa.string()),
                pa.array(page.wkb, pa.binary()),
            ],
            schema=tables.SCHEMAS[tables.BRONZE],
        )

    def _end_if_published(self) -> None:
        if self.content_sha256 == self._published:
            raise _SameAsPublished


def _note(lake: Lake, origin: Origin, stored: Bronze, size: int) -> None:
    row = {
        "utility_code": origin.utility,
        "run_id": origin.run_id,
        "source_code": origin.source,
        "url": origin.url,
        "fetched_at": datetime.now(UTC),
        "path": origin.raw_path,
        "sha256": stored.raw_sha256,
        "content_sha256": stored.content_sha256,
        "raw_bytes": size,
        "rows": stored.rows,
        "layer": origin.layer,
    }
    manifest = pa.Table.from_pylist([row], schema=tables.SCHEMAS[tables.MANIFEST])
    write_deltalake(
        lake.delta(tables.MANIFEST),
        manifest,
        mode="append",
        partition_by=tables.PARTITIONS[tables.MANIFEST],
    )


class _RawFile:
    """The bodies of a run as received, each its own zstd frame; named as complete only when all came."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_suffix(".part")
        self._part.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._part.open("wb")
        self._zstd = zstandard.ZstdCompressor(level=3)
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, body: bytes) -> None:
        self._hash.update(body)
        self.size += len(body)
        self._file.write(self._zstd.compress(body))

    def keep(self) -> None:
        self._file.close()
        self._part.rename(self._path)

    def discard(self) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)
