"""Where the lake's tables live, and how they are opened: the one place that knows paths.

Locally and on object storage a table is `<root>/<env>/<layer>/<table>`. Tables are made before they are first
read, so that every reader finds a schema.
"""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from deltalake import DeltaTable, Schema
from deltalake.exceptions import TableNotFoundError

from hosting.lake import tables
from hosting.lake.session import engine

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

TableLock = Callable[[str], AbstractContextManager[object]]


def _no_lock(_table: str) -> AbstractContextManager[object]:
    """For a lake that one process alone writes."""
    return nullcontext()


@dataclass(frozen=True)
class Lake:
    """A lake of one environment.

    `lock(table)` is held around each overwrite and deletion in a shared table: two such commits to one
    table from two processes would fail (appends never do). The caller brings a lock that works across its
    processes.
    """

    root: str
    env: str = "dev"
    remote: str = ""
    lock: TableLock = field(default=_no_lock, compare=False)

    @property
    def spark(self) -> "SparkSession":
        """The engine, started at first use."""
        return engine(self.remote)

    def path(self, table: str) -> str:
        """Address of `layer/table`."""
        return f"{self.root.rstrip('/')}/{self.env}/{table}"

    def delta(self, table: str) -> DeltaTable:
        """The table through deltalake, made empty if it is not there yet; it has every column of today."""
        path = self.path(table)
        try:
            return self._with_all_columns(DeltaTable(path), table)
        except TableNotFoundError:
            if "://" not in path:
                Path(path).mkdir(parents=True, exist_ok=True)
            return DeltaTable.create(
                path,
                schema=tables.SCHEMAS[table],
                mode="ignore",
                partition_by=tables.PARTITIONS[table],
                name=table.replace("/", "_"),
            )

    def _with_all_columns(self, found: DeltaTable, table: str) -> DeltaTable:
        """A table of an earlier version gets the columns that it lacks; its rows are null there."""
        known = {field.name for field in found.schema().fields}
        lacking = [field for field in tables.SCHEMAS[table] if field.name not in known]
        if lacking:
            with self.lock(table):
                found.alter.add_columns(Schema.from_arrow(pa.schema(lacking)).fields)
        return found

    def read(self, table: str) -> "DataFrame":
        """The table as a frame of the engine."""
        self.delta(table)
        return self.spark.read.format("delta").load(self.path(table))

    def read_run(self, table: str, utility: str, run_id: int) -> "DataFrame":
        """One run's rows of a table."""
        return self.read(table).where(f"utility_code = '{utility}' AND run_id = {run_id}")

    def append(self, table: str, frame: "DataFrame") -> None:
        """Append a frame; its columns are taken by name and must be the table's.

        Raises ValueError where a column is missing: an append would accept that silently.
        """
        names = tables.SCHEMAS[table].names
        if missing := set(names) - set(frame.columns):
            raise ValueError(f"{table}: the frame lacks {', '.join(sorted(missing))}")
        self.delta(table)
        (
            frame.select(*names)
            .write.format("delta")
            .mode("append")
            .partitionBy(*tables.PARTITIONS[table])
            .save(self.path(table))
        )

    def replace(self, table: str, frame: "DataFrame", predicate: str) -> None:
        """Put a frame in the place of the rows that a predicate names, in one commit.

        The caller holds the table's lock, from before it reads what the frame is made of.
        """
        (
            frame.write.format("delta")
            .mode("overwrite")
            .option("replaceWhere", predicate)
            .save(self.path(table))
        )

    def has_run(self, table: str, utility: str, run_id: int) -> bool:
        """True where the run's rows were committed."""
        partition = [("utility_code", "=", utility), ("run_id", "=", str(run_id))]
        return bool(self.delta(table).file_uris(file_pruning_predicate=partition))

    def discard_partition(self, table: str, utility: str, run_id: int) -> None:
        """Remove files that were never committed. In local folders only; elsewhere vacuum does it."""
        path = self.path(table)
        if "://" not in path:
            shutil.rmtree(Path(path) / f"utility_code={utility}" / f"run_id={run_id}", ignore_errors=True)

    def forget(self, table: str, predicate: str) -> None:
        """Delete rows, under the table's lock."""
        with self.lock(table):
            self.delta(table).delete(predicate)
