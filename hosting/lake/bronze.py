"""Bronze: what they published, byte for byte, and the same as rows.

The bodies of all pages go, compressed, into one file a run; the rows into a Delta table in one commit,
streamed with bounded memory. Nothing is committed unless every page came; a run whose rows hash to what is
published leaves nothing behind.
"""

import hashlib
import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
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


def store(lake: Lake, pages: Iterator[PageOfRows], origin: Origin, *, published_sha256: str = "") -> Bronze:
    """Write a run's pages; raise what reading them raises, and commit nothing then.

    Where the rows hash to `published_sha256`, nothing is kept and `is_new` is False. Pages are read here, in
    the caller's thread, where an interruption is felt at once; another thread writes them.
    """
    raw = _RawFile(Path(lake.path(origin.raw_path)))
    rows = _Rows(origin)
    writer = _Writer(lake)
    try:
        for page in pages:
            if page.raw:
                raw.write(page.raw)
            if page.object_ids:
                writer.put(rows.batch(page))
        is_new = rows.count > 0 and rows.content_sha256 != published_sha256
        if is_new:
            writer.commit()
    finally:
        writer.abandon()
        if not lake.has_run(tables.BRONZE, origin.utility, origin.run_id):
            raw.discard()
            lake.discard_partition(tables.BRONZE, origin.utility, origin.run_id)
    stored = Bronze(rows.count, rows.content_sha256, raw.sha256, is_new)
    if is_new:
        raw.keep()
        _note(lake, origin, stored, raw.size)
    return stored


def digest(pages: Iterator[PageOfRows]) -> tuple[int, str]:
    """How many rows there are and what they hash to, as `store` would say; nothing is written."""
    rows = _Rows(Origin("", "", 0, "", ""))
    for page in pages:
        rows.batch(page)
    return rows.count, rows.content_sha256


class _Rows:
    """Pages as record batches, counted and hashed on the way."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._content = hashlib.sha256()
        self.count = 0

    @property
    def content_sha256(self) -> str:
        return self._content.hexdigest()

    def batch(self, page: PageOfRows) -> pa.RecordBatch:
        """A page as a record batch; its rows go into the hash, each part with its length before it."""
        for attributes, wkb in zip(page.attributes, page.wkb, strict=True):
            text = attributes.encode()
            self._content.update(b"%d:%s%d:%s" % (len(text), text, len(wkb or b""), wkb or b""))
        rows, first = len(page.object_ids), self.count
        self.count += rows
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


class _Writer:
    """Writes batches into the table in a thread of its own, as one commit or none."""

    def __init__(self, lake: Lake) -> None:
        self._table = lake.delta(tables.BRONZE)
        self._handed: queue.Queue[pa.RecordBatch | _End] = queue.Queue(maxsize=2)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bronze")
        self._done = self._thread.submit(self._write)

    def put(self, batch: "pa.RecordBatch | _End") -> None:
        """Hand over a batch. Raises what the writer died of."""
        while True:
            if self._done.done():
                self._done.result()
            try:
                return self._handed.put(batch, timeout=0.5)
            except queue.Full:
                continue

    def commit(self) -> None:
        """End the stream; back when the commit is made. Raises what the writer died of."""
        self.put(_End.COMMIT)
        self._done.result()
        self._thread.shutdown()

    def abandon(self) -> None:
        """End without a commit, unless it was made already."""
        while not self._done.done():
            try:
                self._handed.put(_End.ABANDON, timeout=0.5)
                break
            except queue.Full:
                continue
        self._thread.shutdown()

    def _write(self) -> None:
        write_deltalake(
            self._table,
            pa.RecordBatchReader.from_batches(tables.SCHEMAS[tables.BRONZE], self._taken()),
            mode="append",
            partition_by=tables.PARTITIONS[tables.BRONZE],
            writer_properties=WriterProperties(
                compression="ZSTD", compression_level=3, max_row_group_size=50_000
            ),
        )

    def _taken(self) -> Iterator[pa.RecordBatch]:
        while (batch := self._handed.get()) is not _End.COMMIT:
            if batch is _End.ABANDON:
                raise RuntimeError("abandoned")
            yield batch


class _End(Enum):
    """How a stream of batches ends."""

    COMMIT = "commit"
    ABANDON = "abandon"


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
