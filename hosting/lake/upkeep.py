"""The lake's tables kept small and quick: many little files made few, files that no version needs removed.

No row is ever removed here but those of runs that the caller names. What a table held before is told by the
log of changes, which is a table like the others and keeps every row; older *versions* of a table are not kept
longer than RETENTION, for whoever reads it at this moment.
"""

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from hosting.lake import tables
from hosting.lake.store import Lake

RETENTION = 7 * 24  # hours that a file stays after the last version that needs it
HALF_WRITTEN = 2 * 24 * 3600  # seconds after which nobody writes on at a file
RESUMABLE = 7 * 24 * 3600  # seconds for which a broken-off fetch may still be resumed
TRIES = 3  # of a compaction, against a table that is being appended to


@dataclass(frozen=True)
class Size:
    """What a table consists of: its version, the files of that version, and all bytes in its folder."""

    version: int
    files: int
    live_bytes: int
    bytes_on_disk: int | None


@dataclass(frozen=True)
class Version:
    """One version of a table: what made it, when, and with how many files more and less."""

    number: int
    at: datetime
    operation: str
    added: int | None
    removed: int | None


@dataclass(frozen=True)
class OfRun:
    """A run whose bronze is to go."""

    utility: str
    source: str
    run_id: int


def made(lake: Lake) -> list[str]:
    """The tables that are there."""
    return [table for table in tables.SCHEMAS if DeltaTable.is_deltatable(lake.path(table))]


def size(lake: Lake, table: str) -> Size:
    """How large a table is."""
    delta = lake.delta(table)
    actions = delta.get_add_actions(flatten=True)
    sizes = [int(one) for one in actions["size_bytes"].to_pylist()] if actions.num_rows else []
    path = lake.path(table)
    folder = None if "://" in path else sum(f.stat().st_size for f in Path(path).rglob("*") if f.is_file())
    return Size(delta.version(), len(sizes), sum(sizes), folder)


def versions(lake: Lake, table: str, most: int) -> list[Version]:
    """The latest versions of a table, the newest first."""
    found = []
    for entry in lake.delta(table).history(most):
        told = entry.get("operationMetrics") or {}
        added, removed = (
            told.get(f"num_{word}_files") or told.get(f"numFiles{word.title()}")
            for word in ("added", "removed")
        )
        found.append(
            Version(
                number=entry["version"],
                at=datetime.fromtimestamp(entry["timestamp"] / 1000, UTC),
                operation=str(entry.get("operation", "")),
                added=int(added) if added is not None else None,
                removed=int(removed) if removed is not None else None,
            )
        )
    return found


def tidy(lake: Lake, table: str, *, retention_hours: int = RETENTION) -> None:
    """Compact, write a checkpoint, and remove files and log entries that no kept version needs.

    Under the table's lock; readers go on, and whoever opened the table within the retention finds its files.
    """
    with lake.lock(table):
        for attempt in range(1, TRIES + 1):
            delta = lake.delta(table)
            try:
                delta.optimize.compact()
                break
            except CommitFailedError:  # an append came between, which takes no lock
                if attempt == TRIES:
                    raise
        delta = lake.delta(table)
        delta.create_checkpoint()
        delta.cleanup_metadata()
        delta.vacuum(
            retention_hours=retention_hours,
            dry_run=False,
            enforce_retention_duration=retention_hours >= RETENTION,
        )


def drop_bronze(lake: Lake, runs: Iterable[OfRun]) -> int:
    """Delete rows, manifest and raw bytes of these runs; how many of them had any."""
    dropped = 0
    for run in runs:
        raw = Path(lake.path(f"bronze/raw/{run.utility}/{run.source}/{run.run_id}.zst"))
        if not lake.has_run(tables.BRONZE, run.utility, run.run_id) and not raw.exists():
            continue
        for table in (tables.BRONZE, tables.MANIFEST):
            lake.forget(table, f"utility_code = '{run.utility}' AND run_id = {run.run_id}")
        raw.unlink(missing_ok=True)
        dropped += 1
    return dropped


def drop_leftovers(lake: Lake) -> list[str]:
    """Remove half-written raw files and broken-off fetches that nobody takes up again; their names."""
    root = Path(lake.path("bronze"))
    if "://" in str(lake.path("bronze")) or not root.exists():
        return []
    gone, now = [], time.time()
    for part in sorted(root.glob("raw/*/*/*.part")):
        if now - part.stat().st_mtime > HALF_WRITTEN:
            part.unlink()
            gone.append(str(part.relative_to(root)))
    for folder in sorted(root.glob("unfinished/*/*")):
        files = [folder, *folder.rglob("*")] if folder.is_dir() else [folder]
        if now - max(file.stat().st_mtime for file in files) > RESUMABLE:
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
            gone.append(str(folder.relative_to(root)))
    return gone
