"""What a held run would change, for the page on which a person looks at it.

Read from the lake's change log by its partition, without the engine: figures only, never shapes. What readers
see now comes from PostgreSQL.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from hosting.lake import tables
from hosting.lake_settings import open_lake
from hosting.models import HCIngestionRun, HostingCapacityRecord

MOST_ROWS = 50_000  # of the change log that a page reads; feeders of the largest utilities are fewer
SHOWN = 10
COLUMNS = ["operation", "key", "feeder_id", "capacity_type", "variant", "hosting_capacity_mw"]


@dataclass(frozen=True)
class Movement:
    """A record whose hosting capacity would change, in MW; None is unknown."""

    name: str
    capacity_type: str
    variant: str
    then: Decimal | None
    now: Decimal | None

    @property
    def by(self) -> Decimal | None:
        return None if self.then is None or self.now is None else self.now - self.then


@dataclass(frozen=True)
class HeldChanges:
    """`movements` are the largest first; `is_partial` where the log was longer than a page reads."""

    movements: list[Movement]
    new: list[str]
    gone: list[str]
    is_partial: bool


def held_changes(run: HCIngestionRun) -> HeldChanges | None:
    """What the run would change in records; None where the lake cannot be read."""
    try:
        rows = _logged(run)
    except (DeltaError, OSError):
        return None
    by_operation: dict[str, list[dict[str, Any]]] = {"added": [], "changed": [], "removed": []}
    for row in rows.slice(0, MOST_ROWS).to_pylist():
        by_operation[row["operation"]].append(row)
    return HeldChanges(
        movements=_movements(run, by_operation["changed"]),
        new=_names(by_operation["added"]),
        gone=_names(by_operation["removed"]),
        is_partial=rows.num_rows > MOST_ROWS,
    )


def _logged(run: HCIngestionRun) -> pa.Table:
    lake = open_lake()
    mine = [("utility_code", "=", run.utility.utility_code), ("run_id", "=", str(run.pk))]
    log = DeltaTable(lake.path(tables.CHANGES)).to_pyarrow_dataset(file_pruning_predicate=mine)
    this_run = (pc.field("utility_code") == run.utility.utility_code) & (pc.field("run_id") == run.pk)
    return log.scanner(columns=COLUMNS, filter=this_run & (pc.field("dataset") == "records")).head(
        MOST_ROWS + 1
    )


def _movements(run: HCIngestionRun, changed: list[dict[str, Any]]) -> list[Movement]:
    then = {
        row[:3]: row[3]
        for row in HostingCapacityRecord.objects.filter(source_id=run.source_id).values_list(
            "key", "capacity_type", "variant", "hosting_capacity_mw"
        )
    }
    moved = [
        Movement(
            name=row["feeder_id"] or row["key"],
            capacity_type=row["capacity_type"],
            variant=row["variant"],
            then=then.get((row["key"], row["capacity_type"], row["variant"])),
            now=row["hosting_capacity_mw"],
        )
        for row in changed
    ]
    moved = [movement for movement in moved if movement.then != movement.now]
    moved.sort(key=lambda m: (m.by is None, -abs(m.by or Decimal(0)), m.name))
    return moved[:SHOWN]


def _names(rows: list[dict[str, Any]]) -> list[str]:
    return sorted({row["feeder_id"] or row["key"] for row in rows})[:SHOWN]
