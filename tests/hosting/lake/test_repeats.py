"""Rows that stand again: the first that passes is kept, however the frame came about."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import functions as F

from hosting.lake import ders, references, repeats, silver, staging, tables
from hosting.lake.store import Lake
from tests.hosting.lake.frames import bronze, figure, session, source
from utilities.spec import SourceSpec

OF_RUN: dict[str, Any] = {"utility": "test", "timezone": "UTC", "run_id": 7}
LISTS = source(
    figure(rollup="max"),
    figure(capacity_type="load", rollup="max"),
    lists={"fields": ["who", "hc"]},
    fields={"feeder_id": {"id": "who"}},
    grain="section",
    geometry="polygon",
    key="geometry",
)
# The first row names A twice; the second stands for B, which the first had; the third is refused for itself.
ROWS = [{"who": "A,A,B", "hc": "1,2,3"}, {"who": "B,C", "hc": "4,5"}, {"who": "D", "hc": "many"}]
ROWS += [{"who": "D", "hc": "6"}, {"who": "D", "hc": "7"}]
WANTED = [
    ("A", 1, None), ("A", 2, "Q08"), ("B", 3, None), ("B", 4, "Q08"), ("C", 5, None), ("D", None, "Q27"),
    ("D", 6, None), ("D", 7, "Q08"),
]  # fmt: skip


def capacity(spec: SourceSpec, rows: list[dict[str, Any]]) -> Any:
    """Stage rows of capacity, judged one by one."""
    types = dict.fromkeys(spec.published_fields(), "esriFieldTypeString")
    return silver.stage(bronze(rows), spec, types, **OF_RUN)


def installed(rows: list[dict[str, Any]]) -> Any:
    """Stage rows of DER, judged one by one."""
    spec = SourceSpec.model_validate(
        {
            "code": "installed",
            "title": "Installed",
            "holds": "ders",
            "grain": "none",
            "geometry": "none",
            "key": ["id"],
            "file": {"name": "ders.csv", "format": "csv"},
            "redistribution": "allowed",
            "cadence": "monthly",
            "ders": {
                "status": "installed",
                "nameplate_kw": {"kw": "kw"},
                "feeder_reference": {"text": "on"},
                "street_address": {"text": "where"},
            },
        }
    )
    types = dict.fromkeys(spec.published_fields(), "")
    return ders.stage(bronze(rows), spec, types, names(), **OF_RUN)


def names() -> Any:
    """The one feeder that is known."""
    return session().createDataFrame([("F1", "F1")], "name string, leads_to string")


def told(frame: Any) -> list[tuple[Any, ...]]:
    """Feeder, MW and check of each row of one figure, in the order of publication."""
    rows = [row for row in frame.toArrow().to_pylist() if row["capacity_type"] == "generation"]
    rows.sort(key=lambda row: (row["row_no"], row["entry"]))
    return [(row["feeder_id"], row["hosting_capacity_mw"], row["reject_check"]) for row in rows]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(root=str(tmp_path / "lake"))


def test_the_first_entry_that_passes_is_kept_within_a_row_and_across_rows() -> None:
    assert told(repeats.marked(capacity(LISTS, ROWS))) == WANTED


def test_a_stage_that_is_kept_says_what_its_frame_says_and_its_figures_do_not_mix(lake: Lake) -> None:
    kept = staging.keep(lake, capacity(LISTS, ROWS), tables.STAGE, "test", 7)
    assert told(kept) == WANTED
    assert kept.columns == lake.read(tables.STAGE).columns
    assert kept.where("capacity_type = 'load' AND reject_check = 'Q08'").count() == 3


def test_a_der_that_is_listed_twice_is_kept_once(lake: Lake) -> None:
    rows = [{"id": "1", "kw": "5", "on": "F1"}, {"id": "1", "kw": "6", "on": "F1"}, {"id": "2", "kw": "7"}]
    kept = staging.keep(lake, installed(rows), tables.DER_STAGE, "test", 7)
    found = {row["row_no"]: (row["reject_check"], row["reject_reason"]) for row in kept.toArrow().to_pylist()}
    assert found == {0: (None, None), 1: ("Q60", "its id stands in an earlier row"), 2: (None, None)}


def test_a_reference_that_many_share_leads_all_of_them_to_one_feeder() -> None:
    rows = [
        {"id": str(number), "kw": "5", "on": on} for number, on in enumerate(["F1", "F1", "X, F1", "X", ""])
    ]
    found = {row["key"]: row for row in repeats.marked(installed(rows)).toArrow().to_pylist()}
    assert [found[str(number)]["feeder_id"] for number in range(5)] == ["F1", "F1", "F1", None, None]
    assert [found[str(number)]["unresolved_references"] for number in range(5)] == [
        None, None, '["X"]', '["X"]', None,
    ]  # fmt: skip
    assert references.resolved(installed(rows), names(), ",").count() == 3


def test_nothing_of_a_run_is_left_and_another_run_stays(lake: Lake) -> None:
    for run in (7, 8):
        frame = capacity(LISTS, ROWS).withColumn("run_id", F.lit(run).cast("bigint"))
        staging.keep(lake, frame, tables.STAGE, "test", run)
    staging.drop(lake, "test", 7)
    for table in (tables.STAGE, tables.REPEATS):
        assert lake.read_run(table, "test", 7).count() == 0
        assert lake.read_run(table, "test", 8).count() > 0


def test_what_stands_again_in_one_run_is_no_repeat_in_another(lake: Lake) -> None:
    staging.keep(lake, capacity(LISTS, ROWS), tables.STAGE, "test", 7)
    later = capacity(LISTS, [{"who": "X", "hc": "1"}, {"who": "A", "hc": "2"}])
    kept = staging.keep(lake, later.withColumn("run_id", F.lit(8).cast("bigint")), tables.STAGE, "test", 8)
    assert told(kept) == [("X", 1, None), ("A", 2, None)]
