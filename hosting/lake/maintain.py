"""What a utility leaves behind in the lake."""

import shutil
from pathlib import Path

from hosting.lake import tables
from hosting.lake.store import Lake


def forget_utility(lake: Lake, utility: str) -> None:
    """Delete everything of one utility, raw bytes included. For demonstrations; real history is kept."""
    for table in tables.SCHEMAS:
        lake.forget(table, f"utility_code = '{utility}'")
    raw = lake.path(f"bronze/raw/{utility}")
    if "://" not in raw:
        shutil.rmtree(Path(raw), ignore_errors=True)
