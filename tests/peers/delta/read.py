"""Reads a Delta table with DuckDB or ClickHouse, in their own environment, for tests/peers/delta_readers.py.

python read.py ENGINE PATH COLUMN...: writes the rows as JSON, a list each, every value as text or null; a
column named `hex:NAME` as hexadecimal digits.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

Rows = list[list[str | None]]


def by_duckdb(path: str, columns: list[str]) -> Rows:
    """With DuckDB's delta extension."""
    import duckdb
    import duckdb_extension_delta

    [extension] = Path(duckdb_extension_delta.__file__).parent.glob("extensions/*/delta.duckdb_extension")
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    connection.execute(f"LOAD '{extension}'")
    wanted = ", ".join(
        f"hex({name.removeprefix('hex:')})" if name.startswith("hex:") else f"CAST({name} AS VARCHAR)"
        for name in columns
    )
    return [list(row) for row in connection.execute(f"SELECT {wanted} FROM delta_scan('{path}')").fetchall()]


def by_clickhouse(path: str, columns: list[str]) -> Rows:
    """With ClickHouse's own reader of the log, not delta-kernel's."""
    import chdb

    wanted = ", ".join(
        f"hex({name.removeprefix('hex:')})" if name.startswith("hex:") else f"toString({name})"
        for name in columns
    )
    settings = "SETTINGS allow_experimental_delta_kernel_rs = 0"
    answer = chdb.query(f"SELECT {wanted} FROM deltaLakeLocal('{path}') {settings}", "JSONCompactEachRow")
    return [json.loads(line) for line in str(answer).splitlines() if line]


ENGINES: dict[str, Callable[[str, list[str]], Rows]] = {"duckdb": by_duckdb, "clickhouse": by_clickhouse}

if __name__ == "__main__":
    _, engine, table, *names = sys.argv
    json.dump(ENGINES[engine](table, names), sys.stdout)
