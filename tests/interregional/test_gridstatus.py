"""Our reader beside gridstatus, which nobody here wrote: the same files, the same flows and limits."""

import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from interregional.nyiso import read
from tests.interregional.files import (
    REAL_DAY,
    Row,
    as_file,
    day_like_the_real_one,
    minutes,
    real_day,
    utc,
)
from tests.peers import gridstatus_days

Comparable = tuple[str, int, float, float, float]
AUTUMN, SPRING = date(2024, 11, 3), date(2025, 3, 9)
EDT_HOUR, TWO = utc("2024-11-03 05:00"), utc("2024-11-03 07:00")


def ours(content: bytes) -> list[Comparable]:
    """As gridstatus has it: no limit is 9999."""
    return [
        (
            f"{r.timestamp:%Y-%m-%dT%H:%M:%SZ}",
            r.point_id,
            float(r.flow_mw),
            float(9999 if r.positive_limit_mw is None else r.positive_limit_mw),
            float(-9999 if r.negative_limit_mw is None else r.negative_limit_mw),
        )
        for r in read(content).rows()
    ]


def twice(rows: list[Row]) -> list[Row]:
    """One stamp of the repeated hour again, at once."""
    again = [r for r in rows if r[0] == EDT_HOUR + minutes(30)]
    at = rows.index(again[-1]) + 1
    return [*rows[:at], *again, *rows[at:]]


SAME: dict[date, Callable[[], bytes]] = {
    REAL_DAY: real_day,
    AUTUMN: lambda: as_file(day_like_the_real_one(AUTUMN)),
    SPRING: lambda: as_file(day_like_the_real_one(SPRING)),
}

# What gridstatus refuses, because pandas cannot infer which hour it is. Each is a file that ours reads.
EXCEPTIONS: dict[str, Callable[[list[Row]], list[Row]]] = {
    "a day under way in the first pass of the repeated hour": lambda rows: [
        r for r in rows if r[0] <= EDT_HOUR + minutes(30)
    ],
    "one pass alone": lambda rows: [r for r in rows if not EDT_HOUR + minutes(60) <= r[0] < TWO],
    "a stamp of the repeated hour twice": twice,
}


@pytest.mark.parametrize("day", SAME)
def test_flows_and_limits_are_those_that_gridstatus_reads(tmp_path: Path, day: date) -> None:
    content = SAME[day]()
    gridstatus_days.read({day: content}, day, tmp_path / "out.csv")
    assert gridstatus_days.rows_of(tmp_path / "out.csv") == ours(content)


@pytest.mark.parametrize("why", EXCEPTIONS)
def test_known_exceptions_are_still_exceptions(tmp_path: Path, why: str) -> None:
    rows = EXCEPTIONS[why](day_like_the_real_one(AUTUMN))
    content = as_file(rows)
    expected = {(f"{r[0]:%Y-%m-%dT%H:%M:%SZ}", r[2]) for r in rows}
    assert {found[:2] for found in ours(content)} == expected
    with pytest.raises(subprocess.CalledProcessError) as failed:
        gridstatus_days.read({AUTUMN: content}, AUTUMN, tmp_path / "out.csv")
    said = failed.value.stderr.lower()
    assert "ambiguous" in said or "dst" in said
