"""Which feeders each run's findings concern, as a compact table: feeder, check, severity, rows."""

import pyarrow as pa
from deltalake import write_deltalake

from hosting.lake import tables
from hosting.lake.checks.feeders import Concerned
from hosting.lake.store import Lake


def keep(
    lake: Lake, utility: str, run_id: int, *, source: str, concerned: Concerned, rows_of: dict[str, int]
) -> None:
    """Append what a run's checks said of feeders; `rows_of` are all rows of each feeder in the run."""
    if not concerned:
        return
    rows = [
        (feeder, check, severity, count, rows_of.get(feeder, count))
        for (feeder, check, severity), count in sorted(concerned.items())
    ]
    columns = list(zip(*rows, strict=True))
    same = [utility] * len(rows), [run_id] * len(rows), [source] * len(rows)
    table = pa.table([*same, *columns], schema=tables.SCHEMAS[tables.FEEDER_FINDINGS])
    write_deltalake(lake.delta(tables.FEEDER_FINDINGS), table, mode="append")


def of_run(lake: Lake, utility: str, run_id: int) -> tuple[Concerned, dict[str, int]]:
    """What was kept of a run: feeder, check and severity to rows; and feeder to all its rows."""
    mine = [("utility_code", "=", utility), ("run_id", "=", str(run_id))]
    files = lake.delta(tables.FEEDER_FINDINGS).to_pyarrow_dataset(file_pruning_predicate=mine)
    rows = files.to_table().to_pylist()
    concerned = {(row["feeder_id"], row["check_id"], row["severity"]): row["concerned_rows"] for row in rows}
    return concerned, {row["feeder_id"]: row["feeder_rows"] for row in rows}
