"""Upkeep: few files instead of many, the same rows, readers undisturbed, and nothing gone that counts."""

import os
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from hosting.lake import tables, upkeep
from hosting.lake.store import Lake

COMMITS = 60


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(root=str(tmp_path / "lake"))


def append(lake: Lake, table: str, **values: Any) -> None:
    row = dict.fromkeys(tables.SCHEMAS[table].names) | {"utility_code": "one", "run_id": 1} | values
    write_deltalake(
        lake.delta(table),
        pa.Table.from_pylist([row], schema=tables.SCHEMAS[table]),
        mode="append",
        partition_by=tables.PARTITIONS[table],
    )


def keys(table: DeltaTable) -> list[str]:
    return sorted(table.to_pyarrow_table(columns=["key"]).column("key").to_pylist())


def test_many_small_commits_become_few_files_with_the_same_rows(lake: Lake) -> None:
    for number in range(COMMITS):
        append(lake, tables.CHANGES, key=f"k{number:03}", run_id=number % 3)
    before = upkeep.size(lake, tables.CHANGES)
    upkeep.tidy(lake, tables.CHANGES)
    after = upkeep.size(lake, tables.CHANGES)
    assert (before.files, after.files) == (COMMITS, 3)  # one for each partition
    assert keys(lake.delta(tables.CHANGES)) == [f"k{number:03}" for number in range(COMMITS)]
    assert list(Path(lake.path(tables.CHANGES), "_delta_log").glob("*.checkpoint.parquet"))
    upkeep.tidy(lake, tables.CHANGES)
    assert upkeep.size(lake, tables.CHANGES).files == 3


def test_a_reader_at_work_finds_its_files_until_the_retention_is_over(lake: Lake) -> None:
    for number in range(5):
        append(lake, tables.RECORDS, key=f"k{number}")
    reading = DeltaTable(lake.path(tables.RECORDS))
    upkeep.tidy(lake, tables.RECORDS)
    assert len(keys(reading)) == 5  # its version is older than the compaction
    old = set(reading.file_uris())
    upkeep.tidy(lake, tables.RECORDS, retention_hours=0)
    assert not any(Path(uri).exists() for uri in old)
    assert len(keys(lake.delta(tables.RECORDS))) == 5


def test_a_reader_in_the_middle_of_a_table_reads_its_rows_to_the_end(lake: Lake) -> None:
    for number in range(24):
        append(lake, tables.CHANGES, key=f"k{number:02}", run_id=number)
    opened = DeltaTable(lake.path(tables.CHANGES)).to_pyarrow_dataset()
    reading = opened.scanner(columns=["key"], batch_readahead=0, fragment_readahead=0).to_batches()
    read = [next(reading) for _ in range(3)]
    lake.forget(tables.CHANGES, "run_id < 12")
    append(lake, tables.CHANGES, key="new", run_id=99)
    upkeep.tidy(lake, tables.CHANGES)
    upkeep.tidy(lake, tables.CHANGES)
    found = [key for batch in [*read, *reading] for key in batch.column("key").to_pylist()]
    assert sorted(found) == [f"k{number:02}" for number in range(24)]
    assert len(keys(lake.delta(tables.CHANGES))) == 13


def test_every_earlier_version_within_the_retention_is_read_as_it_was(lake: Lake) -> None:
    for number in range(8):
        append(lake, tables.RECORDS, key=f"k{number}")
    lake.forget(tables.RECORDS, "key < 'k4'")
    path, last = lake.path(tables.RECORDS), lake.delta(tables.RECORDS).version()
    before = [keys(DeltaTable(path, version=number)) for number in range(last + 1)]
    assert [len(found) for found in before] == [*range(9), 4]
    for _ in range(2):
        upkeep.tidy(lake, tables.RECORDS)
        assert [keys(DeltaTable(path, version=number)) for number in range(last + 1)] == before


def test_the_table_is_locked_for_as_long_as_its_files_are_changed(tmp_path: Path) -> None:
    held: list[str] = []

    class Lock:
        def __init__(self, table: str) -> None:
            self.table = table

        def __enter__(self) -> None:
            held.append(f"+{self.table}")

        def __exit__(self, *_: object) -> None:
            held.append(f"-{self.table}")

    lake = Lake(root=str(tmp_path / "lake"), lock=Lock)
    append(lake, tables.RECORDS, key="k")
    upkeep.tidy(lake, tables.RECORDS)
    assert held == [f"+{tables.RECORDS}", f"-{tables.RECORDS}"]


def test_bronze_goes_of_the_runs_that_are_named_and_of_no_others(lake: Lake) -> None:
    for run in (1, 2):
        append(lake, tables.BRONZE, run_id=run, row_no=0)
        append(lake, tables.MANIFEST, run_id=run, source_code="s")
        raw = Path(lake.path(f"bronze/raw/one/s/{run}.zst"))
        raw.parent.mkdir(parents=True, exist_ok=True)
        raw.write_bytes(b"raw")
    gone = [upkeep.OfRun("one", "s", 1), upkeep.OfRun("one", "s", 9)]
    assert upkeep.drop_bronze(lake, gone) == 1
    for table in (tables.BRONZE, tables.MANIFEST):
        assert lake.delta(table).to_pyarrow_table().column("run_id").to_pylist() == [2]
    assert [file.name for file in raw.parent.iterdir()] == ["2.zst"]
    assert upkeep.drop_bronze(lake, gone) == 0


def test_leftovers_go_when_they_are_old_and_stay_while_somebody_may_go_on(lake: Lake) -> None:
    bronze = Path(lake.path("bronze"))
    old, new = bronze / "raw/one/s/1.part", bronze / "raw/one/s/2.part"
    broken_off, resumable = bronze / "unfinished/one/s", bronze / "unfinished/one/t"
    for file in (old, new, broken_off / "page", resumable / "page"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"half")
    long_ago = time.time() - 30 * 24 * 3600
    for path in (old, broken_off / "page", broken_off):
        os.utime(path, (long_ago, long_ago))
    assert upkeep.drop_leftovers(lake) == ["raw/one/s/1.part", "unfinished/one/s"]
    assert (new.exists(), resumable.exists(), old.exists(), broken_off.exists()) == (True, True, False, False)


def test_versions_say_what_made_them(lake: Lake) -> None:
    append(lake, tables.RECORDS, key="a")
    append(lake, tables.RECORDS, key="b")
    upkeep.tidy(lake, tables.RECORDS)
    found = upkeep.versions(lake, tables.RECORDS, 10)
    assert [version.operation for version in found][-3:] == ["WRITE", "WRITE", "CREATE TABLE"]
    assert found[0].number > found[-1].number == 0
    assert upkeep.made(lake) == [tables.RECORDS]
