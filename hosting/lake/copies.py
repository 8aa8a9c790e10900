"""One run's bronze from another environment's lake into this one, and what proves that a copy is whole.

Rows, raw bytes and the manifest's row go along; the run gets the number that it has here.
"""

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import zstandard
from deltalake import WriterProperties, write_deltalake
from pyspark.sql import functions as F

from hcportal.errors import LakeError
from hosting.lake import tables
from hosting.lake.bronze import Origin
from hosting.lake.store import Lake

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ROWS_A_BATCH = 10_000


def copy_bronze(theirs: Lake, run_id: int, ours: Lake, origin: Origin) -> dict[str, Any]:
    """Copy what run `run_id` of another lake read, as what `origin`'s run read here; its manifest row.

    Raises LakeError where its raw bytes or its rows are not those that the manifest names.
    """
    manifest = _manifest(theirs, origin.utility, run_id)
    _copy_raw(Path(theirs.path(manifest["path"])), Path(ours.path(origin.raw_path)), manifest["sha256"])
    schema = tables.SCHEMAS[tables.BRONZE]
    mine = [("utility_code", "=", origin.utility), ("run_id", "=", str(run_id))]
    found = theirs.delta(tables.BRONZE).to_pyarrow_dataset(file_pruning_predicate=mine)
    scanner = found.scanner(
        columns=schema.names,
        filter=(pc.field("utility_code") == origin.utility) & (pc.field("run_id") == run_id),
        batch_size=ROWS_A_BATCH,
    )
    copied = 0

    def renumbered() -> Iterator[pa.RecordBatch]:
        nonlocal copied
        for batch in scanner.to_batches():
            copied += batch.num_rows
            number = pa.array([origin.run_id] * batch.num_rows, pa.int64())
            columns = [number if name == "run_id" else batch.column(name) for name in schema.names]
            cast = [column.cast(kind) for column, kind in zip(columns, schema.types, strict=True)]
            yield pa.RecordBatch.from_arrays(cast, schema=schema)
        if copied != manifest["rows"]:  # before the commit, so that there is none
            raise LakeError(
                f"Run {run_id} in {theirs.env} has {copied:,} rows in bronze, not {manifest['rows']:,}."
            )

    write_deltalake(
        ours.delta(tables.BRONZE),
        pa.RecordBatchReader.from_batches(schema, renumbered()),
        mode="append",
        partition_by=tables.PARTITIONS[tables.BRONZE],
        writer_properties=WriterProperties(
            compression="ZSTD", compression_level=3, max_row_group_size=50_000
        ),
    )
    row = manifest | {"run_id": origin.run_id, "path": origin.raw_path}
    write_deltalake(
        ours.delta(tables.MANIFEST),
        pa.Table.from_pylist([row], schema=tables.SCHEMAS[tables.MANIFEST]),
        mode="append",
        partition_by=tables.PARTITIONS[tables.MANIFEST],
    )
    return row


def _manifest(lake: Lake, utility: str, run_id: int) -> dict[str, Any]:
    table = lake.delta(tables.MANIFEST).to_pyarrow_dataset()
    mine = (pc.field("utility_code") == utility) & (pc.field("run_id") == run_id)
    rows: list[dict[str, Any]] = table.to_table(filter=mine).to_pylist()
    if len(rows) != 1:
        raise LakeError(f"The lake of {lake.env} does not say what run {run_id} of {utility} read.")
    return rows[0]


def _copy_raw(source: Path, target: Path, sha256: str) -> None:
    """Copy a file of zstd frames, whose content must have this hash."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part, content = target.with_suffix(".part"), hashlib.sha256()
    try:
        shutil.copyfile(source, part)
        with part.open("rb") as file:
            reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
            while piece := reader.read(1 << 20):
                content.update(piece)
    except (OSError, zstandard.ZstdError) as error:
        part.unlink(missing_ok=True)
        raise LakeError(f"The raw answers in {source} cannot be copied: {error}.") from error
    if content.hexdigest() != sha256:
        part.unlink()
        raise LakeError(f"The raw answers in {source} are not those that the manifest names.")
    part.rename(target)


def fingerprint(frame: "DataFrame", columns: Sequence[str]) -> dict[str, Any]:
    """Number of rows and a digest of these columns that does not depend on the order of rows."""
    texts = [
        F.coalesce(F.hex(name) if name == "geometry" else F.col(name).cast("string"), F.lit("\x00"))
        for name in columns
    ]
    number = F.conv(F.substring(F.sha2(F.concat_ws("\x1f", *texts), 256), 1, 15), 16, 10).cast(
        "decimal(38,0)"
    )
    rows, total = frame.agg(F.count(F.lit(1)), F.sum(number)).collect()[0]
    return {"rows": rows, "digest": f"{int(total or 0):x}"}
