"""One number for quality, made of findings, part by part; decision 014 says why it is made like this.

A part is 100 less, for each of its checks, the weight of the severity times the share that it concerns. The
score is the weighted mean of the parts that apply. The weights stand here and nowhere else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hosting.lake.checks.feeders import Concerned
from hosting.lake.checks.found import Noticed
from hosting.lake.checks.registry import PART_OF
from utilities.spec import SourceSpec

SEVERITY = {"F": 100, "E": 100, "B": 60, "W": 40, "I": 0}
PART = {"completeness": 30, "values": 30, "dates": 15, "geometry": 15, "change": 10, "ders": 30}


@dataclass(frozen=True)
class Score:
    """`value` and each of `parts` are 0 to 100, with two decimals."""

    value: float
    parts: dict[str, float]


def parts_of(spec: SourceSpec) -> tuple[str, ...]:
    """The parts that a source can be judged by."""
    if spec.ders is not None:
        return ("completeness", "dates", "change", "ders")
    return ("completeness", "values", "dates", *(("geometry",) if spec.geometry != "none" else ()), "change")


def of_run(found: Iterable[Noticed], rows: int, spec: SourceSpec) -> Score:
    """The score of a run with `rows` rows, those kept back included."""
    return _scored(((one.check_id, one.severity, _share(one, rows)) for one in found), parts_of(spec))


def of_feeders(concerned: Concerned, rows_of: Mapping[str, int], spec: SourceSpec) -> dict[str, Score]:
    """Feeder to its score, for those that a finding concerns; `rows_of` are all its rows."""
    by_feeder: dict[str, list[tuple[str, str, float]]] = {}
    for (feeder, check, severity), rows in concerned.items():
        share = min(1.0, rows / max(rows_of.get(feeder, rows), 1))
        by_feeder.setdefault(feeder, []).append((check, severity, share))
    parts = parts_of(spec)
    return {feeder: _scored(said, parts) for feeder, said in by_feeder.items()}


def _share(noticed: Noticed, rows: int) -> float:
    """What is held, or named without a number, concerns all of it."""
    whole = noticed.of or rows
    if noticed.severity in "FB" or not noticed.count or not whole:
        return 1.0
    return min(1.0, noticed.count / whole)


def _scored(said: Iterable[tuple[str, str, float]], parts: tuple[str, ...]) -> Score:
    # A check that speaks twice of the same part of the rows costs once: the graver.
    costs: dict[str, float] = {}
    for check, severity, share in said:
        costs[check] = max(costs.get(check, 0), SEVERITY[severity] * share)
    found = dict.fromkeys(parts, 100.0)
    for check, cost in costs.items():
        part = PART_OF[check]
        if part in found:
            found[part] = max(0.0, found[part] - cost)
    weights = sum(PART[part] for part in parts)
    value = sum(found[part] * PART[part] for part in parts) / weights
    return Score(round(value, 2), {part: round(points, 2) for part, points in found.items()})
