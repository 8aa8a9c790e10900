"""DuckDB and ClickHouse in their own environment, reading a Delta table."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ENGINES = ("duckdb", "clickhouse")


def installed() -> Path:
    """Their Python; skips where it is not installed, fails in CI."""
    python = ROOT / "var" / "peers" / "delta" / "bin" / "python"
    if not python.exists():
        missing = "DuckDB and ClickHouse are not installed under var/peers/delta (bin/test does it)"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    return python


def read(engine: str, table: str, schema: pa.Schema) -> list[dict[str, Any]]:
    """A table's rows by column: every value as text or null, binary as hexadecimal digits."""
    names = [f"hex:{field.name}" if pa.types.is_binary(field.type) else field.name for field in schema]
    done = subprocess.run(
        [installed(), ROOT / "tests" / "peers" / "delta" / "read.py", engine, table, *names],
        cwd=Path(table).parent,  # ClickHouse reads no file outside of the folder it is in
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [dict(zip(schema.names, row, strict=True)) for row in json.loads(done.stdout)]
