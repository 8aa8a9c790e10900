"""The state after a change set, computed as a frame: what MERGE makes of the table, row for row."""

from pathlib import Path
from typing import Any

from hosting.lake import changes, state, tables
from hosting.lake.store import Lake
from tests.hosting.lake.test_changes import FIRST, RECORDS, SECOND, SPEC, run

THIRD = [FIRST[0], SECOND[0], {"id": "new", "hc": None}]


def rows(frame: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = frame.select(*tables.SCHEMAS[tables.RECORDS].names).toArrow().to_pylist()
    return sorted(found, key=lambda row: row["key"])


def test_the_state_after_each_run_is_what_merge_makes_of_the_table(tmp_path: Path) -> None:
    lake = Lake(root=str(tmp_path / "lake"))
    for number, published in enumerate((FIRST, SECOND, THIRD), start=1):
        run(lake, number, published, snapshot=number != 3)
        before = changes.current(lake, RECORDS, "test", SPEC.code)
        computed = rows(state.after(before, changes.logged(lake, RECORDS, "test", number), RECORDS))
        changes.advance(lake, RECORDS, "test", number)
        assert computed == rows(changes.current(lake, RECORDS, "test", SPEC.code))
    assert len(computed) == len(SECOND)
