"""Keeping the lake tidy: what a run no longer needs, and what a utility leaves behind."""

import shutil
from pathlib import Path

from hosting.lake import tables
from hosting.lake.store import Lake


def drop_stage(lake: Lake, utility: str, run_id: int) -> None:
    """Delete a run's stage rows; the log and bronze keep what matters."""
    for table in (tables.STAGE, tables.DER_STAGE):
        if lake.has_run(table, utility, run_id):
            lake.forget(table, f"utility_code = '{utility}' AND run_id = {run_id}")


def forget_utility(lake: Lake, utility: str) -> None:
    """Delete everything of one utility, raw bytes included. For demonstrations; real history is kept."""
    for table in tables.SCHEMAS:
        lake.forget(table, f"utility_code = '{utility}'")
    raw = lake.path(f"bronze/raw/{utility}")
    if "://" not in raw:
        shutil.rmtree(Path(raw), ignore_errors=True)
