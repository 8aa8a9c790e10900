"""Two engines that wrote none of it read the lake's Delta tables, and find what the writers hold.

Sail writes by append and replaceWhere; deltalake writes bronze, deletes and compacts. DuckDB reads the
log with delta-kernel (in Rust, as deltalake does in part) and Parquet with a reader of its own. ClickHouse,
within chDB, shares nothing with any of them: log and Parquet are read by its own C++, which knows no columns
that were added to a table later.
"""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from hosting.lake import bronze, changes, platinum, tables, upkeep
from hosting.lake.store import Lake
from tests.hosting.lake.test_bronze import ORIGIN, PAGES
from tests.hosting.lake.test_changes import FIRST, RECORDS, SECOND, SPEC, run
from tests.peers.delta_readers import ENGINES, read

pytestmark = pytest.mark.slow

WRITTEN = {
    tables.BRONZE: "by deltalake, in one commit, and compacted",
    tables.MANIFEST: "by deltalake",
    tables.CHANGES: "appended to by Sail, some of it deleted by deltalake",
    tables.RECORDS: "replaced where they are the source's, three times",
    tables.FEEDER_CAPACITY: "replaced where it is the utility's, twice",
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = Lake(root=str(tmp_path_factory.mktemp("readers")))
    for number in (7, 8):
        origin = bronze.Origin(ORIGIN.utility, ORIGIN.source, number, ORIGIN.url, ORIGIN.layer)
        bronze.store(made, iter(PAGES), origin)
    upkeep.tidy(made, tables.BRONZE)
    for number, rows in ((1, FIRST), (2, SECOND), (3, SECOND[:-1])):
        run(made, number, rows)
        changes.advance(made, RECORDS, "test", SPEC.code, number)
        platinum.refresh_feeder_capacity(made, "test")
    made.forget(tables.CHANGES, "run_id = 1")
    return made


def plain(value: Any, kind: pa.DataType) -> Any:
    """A value as our own readers have it, from the text that another engine makes of it."""
    if value is None or (isinstance(value, Decimal | int) and not isinstance(value, bool)):
        return value if value is None else Decimal(value)
    if pa.types.is_binary(kind):
        return value.hex().upper() if isinstance(value, bytes) else value
    if pa.types.is_decimal(kind) or pa.types.is_integer(kind):
        return Decimal(value)
    text = str(value)
    if pa.types.is_boolean(kind):
        return text.lower() in ("true", "1")
    return text[:19] if pa.types.is_timestamp(kind) else text


@pytest.mark.parametrize("table", WRITTEN)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_table_is_read_by_an_engine_that_did_not_write_it(engine: str, table: str, lake: Lake) -> None:
    schema = tables.SCHEMAS[table]

    def in_order(rows: list[dict[str, Any]]) -> list[list[Any]]:
        values = [[plain(row[field.name], field.type) for field in schema] for row in rows]
        return sorted(values, key=lambda row: [(value is None, str(value)) for value in row])

    ours = in_order(lake.delta(table).to_pyarrow_table().to_pylist())
    assert len(ours) >= 2
    assert in_order(read(engine, lake.path(table), schema)) == ours
