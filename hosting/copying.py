"""From a frame of the engine into a table of PostgreSQL: Arrow to CSV to COPY, a chunk at a time."""

import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv

from hosting.lake import changes
from hosting.lake.store import Lake

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper
    from pyspark.sql import DataFrame

ROWS_A_CHUNK = 2_000  # measured: larger chunks copy no faster and cost memory


def copy_rows(cursor: "CursorWrapper", lake: Lake, frame: "DataFrame", table: str) -> None:
    """Append the frame's rows to `table`; its columns are taken by name."""
    with cursor.copy(f"COPY {table} ({', '.join(frame.columns)}) FROM STDIN (FORMAT csv)") as copy:
        for batch in changes.batches(lake, frame):
            for start in range(0, batch.num_rows, ROWS_A_CHUNK):
                copy.write(_csv(batch.slice(start, ROWS_A_CHUNK)))


def _csv(rows: pa.Table) -> bytes:
    """CSV in which null is nothing and an empty text is "", as COPY's defaults read them."""
    buffer = io.BytesIO()
    pa.csv.write_csv(rows, buffer, pa.csv.WriteOptions(include_header=False))
    return buffer.getvalue()
