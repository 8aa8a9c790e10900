"""The score and its parts: from findings alone, the graver and the wider the lower."""

import pytest

from hosting.lake.checks import score
from hosting.lake.checks.found import Noticed
from tests.hosting.lake.frames import source

SPEC = source()
ALL: dict[str, float] = {"completeness": 100, "values": 100, "dates": 100, "geometry": 100, "change": 100}


def of(*found: Noticed, rows: int = 100) -> score.Score:
    return score.of_run(found, rows, SPEC)


def test_a_run_without_findings_has_100_in_every_part_that_applies() -> None:
    assert of() == score.Score(100, ALL)
    flat = source(geometry="none", key=["id"])
    assert "geometry" not in score.of_run([], 1, flat).parts


@pytest.mark.parametrize(
    ("noticed", "part", "points"),
    [
        (Noticed("Q15", "E", "", 25), "values", 75),
        (Noticed("Q25", "W", "", 25), "values", 90),
        (Noticed("Q13", "I", "", 100), "completeness", 100),
        (Noticed("Q56", "B", "", 1), "change", 40),
        (Noticed("Q44", "W", "", 5, of=10), "dates", 80),
        (Noticed("Q09", "W", "", 0), "completeness", 60),
        (Noticed("Q15", "E", "", 900), "values", 0),
    ],
)
def test_a_part_loses_its_weight_times_its_share(noticed: Noticed, part: str, points: float) -> None:
    assert of(noticed).parts == ALL | {part: points}


def test_the_score_is_the_weighted_mean_of_its_parts() -> None:
    assert of(Noticed("Q40", "W", "", 100)).value == 94  # 40 of 15 in 100
    assert of(Noticed("Q15", "E", "", 100)).value == 70
    assert of(Noticed("Q66", "B", "", 1)).value == 100  # what may be shown is no matter of quality


def test_a_check_that_speaks_twice_costs_once() -> None:
    twice = of(Noticed("Q12", "W", "", 100), Noticed("Q12", "W", "", 50))
    assert twice.parts["completeness"] == 60


def test_a_feeder_is_judged_by_its_own_rows() -> None:
    concerned = {("F", "Q40", "W"): 2, ("F", "Q15", "E"): 1, ("G", "Q40", "W"): 4}
    found = score.of_feeders(concerned, {"F": 4, "G": 4, "H": 9}, SPEC)
    assert found["F"].parts == ALL | {"dates": 80, "values": 75}
    assert found["G"].parts == ALL | {"dates": 60}
    assert found["F"].value == 89.5
    assert "H" not in found
