"""What a run changes: null-safe, by feed mode, logged once, applied as often as one likes."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from hosting import published_rows
from hosting.lake import changes, repeats, silver, tables
from hosting.lake.datasets import CAPACITY, DATASETS
from hosting.lake.store import Lake
from tests.hosting.lake.frames import SHAPE, bronze, figure, session, source, stage

RECORDS = DATASETS["records"]
SPEC = source(figure(installed_dg_mw={"mw": "inst"}), fields={"feeder_name": {"text": "name"}})
FIRST: list[dict[str, Any]] = [
    {"id": "same", "hc": "1", "name": "", "inst": None},
    {"id": "grows", "hc": "1"},
    {"id": "from null", "hc": ""},
    {"id": "to null", "hc": "1"},
    {"id": "renamed", "hc": "1", "name": "Old"},
    {"id": "moves", "hc": "1"},
    {"id": "goes", "hc": "1"},
]
SECOND: list[dict[str, Any]] = [
    {"id": "new", "hc": "1"},
    {"id": "moves", "hc": "1", "geometry": SHAPE[:-1] + b"\x01"},
    {"id": "renamed", "hc": "1", "name": "New"},
    {"id": "to null", "hc": ""},
    {"id": "from null", "hc": "0"},
    {"id": "grows", "hc": "1.00001"},
    {"id": "same", "hc": "1.0", "name": None, "inst": ""},
]
CHANGED = {"grows", "from null", "to null", "renamed", "moves"}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(root=str(tmp_path / "lake"))


def run(lake: Lake, number: int, rows: list[dict[str, Any]], *, snapshot: bool = True) -> dict[str, set[str]]:
    """Compare, log; what was logged, by operation."""
    types = dict.fromkeys(SPEC.published_fields(), "esriFieldTypeString")
    alone = silver.stage(bronze(rows), SPEC, types, utility="test", timezone="UTC", run_id=number)
    staged = repeats.marked(alone)
    before = changes.current(lake, RECORDS, "test", SPEC.code)
    changes.log_differences(
        lake, RECORDS, staged, before, utility="test", run_id=number, snapshot=snapshot, rows=len(rows)
    )
    found: dict[str, set[str]] = {}
    for row in changes.logged(lake, RECORDS, "test", number).toArrow().to_pylist():
        assert row["key"] not in found.setdefault(row["operation"], set())
        found[row["operation"]].add(row["key"])
    return found


def held(lake: Lake) -> dict[str, dict[str, Any]]:
    """The current records by key."""
    rows = lake.read(tables.RECORDS).toArrow().to_pylist()
    assert len({row["key"] for row in rows}) == len(rows)
    return {row["key"]: row for row in rows}


def test_a_snapshot_adds_changes_and_removes(lake: Lake) -> None:
    assert run(lake, 1, FIRST) == {"added": {row["id"] for row in FIRST}}
    changes.advance(lake, RECORDS, "test", SPEC.code, 1)
    assert run(lake, 2, FIRST[::-1]) == {}
    assert run(lake, 3, SECOND) == {"added": {"new"}, "changed": CHANGED, "removed": {"goes"}}
    assert changes.counts(lake, CAPACITY, "test", 3) == {
        "sections": {"added": 0, "changed": 0, "removed": 0},
        "records": {"added": 1, "changed": 5, "removed": 1},
    }
    assert changes.counts(lake, CAPACITY, "test", 2)["records"] == {"added": 0, "changed": 0, "removed": 0}


def test_absence_means_nothing_in_an_incremental_feed(lake: Lake) -> None:
    run(lake, 1, FIRST, snapshot=False)
    changes.advance(lake, RECORDS, "test", SPEC.code, 1)
    assert run(lake, 2, SECOND, snapshot=False) == {"added": {"new"}, "changed": CHANGED}
    changes.advance(lake, RECORDS, "test", SPEC.code, 2)
    assert set(held(lake)) == {row["id"] for row in [*FIRST, *SECOND]}


def test_applying_a_change_set_twice_is_applying_it_once(lake: Lake) -> None:
    run(lake, 1, FIRST)
    changes.advance(lake, RECORDS, "test", SPEC.code, 1)
    once = held(lake)
    changes.advance(lake, RECORDS, "test", SPEC.code, 1)
    assert held(lake) == once
    run(lake, 2, SECOND)
    changes.advance(lake, RECORDS, "test", SPEC.code, 2)
    once = held(lake)
    assert set(once) == {row["id"] for row in SECOND}
    assert {key: row["run_id"] for key, row in once.items()} == {
        "same": 1, "new": 2, **dict.fromkeys(CHANGED, 2),
    }  # fmt: skip
    changes.advance(lake, RECORDS, "test", SPEC.code, 2)
    assert held(lake) == once


def test_the_state_after_a_run_is_what_was_staged(lake: Lake) -> None:
    run(lake, 1, FIRST)
    changes.advance(lake, RECORDS, "test", SPEC.code, 1)
    run(lake, 2, SECOND)
    changes.advance(lake, RECORDS, "test", SPEC.code, 2)
    staged = {row["key"]: row for row in stage(SPEC, SECOND).toArrow().to_pylist()}
    compared = (*tables.KEY, *tables.RECORD_COLUMNS, "geometry")
    for key, row in held(lake).items():
        assert {name: row[name] for name in compared} == {name: staged[key][name] for name in compared}


def test_another_source_and_another_utility_are_left_alone(lake: Lake) -> None:
    run(lake, 1, FIRST)
    changes.advance(lake, RECORDS, "test", SPEC.code, 1)
    assert changes.current(lake, RECORDS, "test", "other").count() == 0
    assert changes.current(lake, RECORDS, "elsewhere", SPEC.code).count() == 0
    other = source(figure(), code="other")
    types = dict.fromkeys(other.published_fields(), "esriFieldTypeString")
    staged = silver.stage(bronze(SECOND), other, types, utility="test", timezone="UTC", run_id=2)
    before = changes.current(lake, RECORDS, "test", "other")
    changes.log(lake, changes.compare(staged, before, RECORDS, snapshot=True), RECORDS, "test", 2)
    changes.advance(lake, RECORDS, "test", "other", 2)
    assert changes.current(lake, RECORDS, "test", SPEC.code).count() == len(FIRST)
    assert changes.current(lake, RECORDS, "test", "other").count() == len(SECOND)


def test_what_is_joined_in_parts_is_what_is_joined_at_once(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = Lake(root=str(tmp_path / "apart"))
    for number, rows in enumerate((FIRST, SECOND), start=1):
        at_once = run(lake, number, rows)
        changes.advance(lake, RECORDS, "test", SPEC.code, number)
        with monkeypatch.context() as few:
            few.setattr(changes, "ROWS_AT_ONCE", 2)
            assert len(changes.parts(len(rows))) == 4
            assert run(apart, number, rows) == at_once
            changes.advance(apart, RECORDS, "test", SPEC.code, number)
        assert held(apart) == held(lake)
    # Each part was a commit of its own: parts were made.
    assert len(apart.delta(tables.CHANGES).history()) > len(lake.delta(tables.CHANGES).history())


def test_what_would_change_is_told_alike_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    then, now = stage(SPEC, FIRST), stage(SPEC, SECOND)
    whole = published_rows.compare(now, then, "records", snapshot=True)
    counted = published_rows.count(now, then, RECORDS)
    monkeypatch.setattr(changes, "ROWS_AT_ONCE", 3)
    assert published_rows.compare(now, then, "records", snapshot=True) == whole
    assert published_rows.count(now, then, RECORDS) == counted
    assert counted == {"added": 1, "changed": len(CHANGED), "removed": 1}
    assert (whole["new"], whole["gone"], whole["unchanged"]) == (["new"], ["goes"], 1)
    # What moved, then what was or became unknown, by key.
    moved = [row["key"] for row in whole["movements"]]
    assert moved == ["grows", "moves", "renamed", "from null", "to null"]


def test_no_row_is_lost_or_doubled_between_parts() -> None:
    keys = session().range(0, 3_000).select(F.col("id").cast("string").alias("key"))
    parts = [keys.where(part).toArrow().column("key").to_pylist() for part in changes.parts(2_500_000)]
    assert len(parts) == 3
    assert sorted(key for part in parts for key in part) == sorted(str(number) for number in range(3_000))
    assert min(len(part) for part in parts) > 500


def test_rows_come_from_the_engine_in_batches_and_all_of_them(lake: Lake) -> None:
    frame = lake.spark.range(0, 100_000, 1, 4)
    parts = list(changes.batches(lake, frame))
    assert sorted(pa.concat_tables(parts).column("id").to_pylist()) == list(range(100_000))
    assert len(parts) > 1


def test_a_frame_that_lacks_a_column_is_not_appended(lake: Lake) -> None:
    with pytest.raises(ValueError, match=r"silver/stage: the frame lacks .*reject_check"):
        lake.append(tables.STAGE, stage(SPEC, FIRST).drop("reject_check"))
    assert lake.read(tables.STAGE).count() == 0
