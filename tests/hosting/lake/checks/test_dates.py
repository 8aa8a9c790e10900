"""Figures that do not say of when they are, or are of another time than they should be."""

from datetime import date

import pytest

from hosting.lake.checks.dates import month_in
from tests.hosting.lake.checks.cases import Row, counts, found, sections
from tests.hosting.lake.frames import figure, source

DATED = {"record_date": {"date": "day"}, "der_date": {"date": "counted"}}


def on(day: str, count: int = 12, factor: float = 1) -> list[Row]:
    return [{"hc": str((n + 1) * factor), "day": day, "counted": day} for n in range(count)]


def test_q40_flags_figures_without_a_date() -> None:
    rows = [*on("2026-06-01", 3), {"hc": "1", "day": "", "counted": ""}]
    assert counts("Q40", found(source(fields=DATED), rows)) == [("W", 1)]
    assert counts("Q40", found(source(fields=DATED), on("2026-06-01"))) == []
    assert counts("Q40", found(source(), rows)) == [("W", 4)]


def test_q42_flags_what_is_older_than_promised() -> None:
    spec = source(fields=DATED)
    assert [n for _, n in counts("Q42", found(spec, on("2025-08-01")))] == [12, 12]
    assert counts("Q42", found(spec, on("2026-10-01"))) == []
    patient = source(fields=DATED, thresholds={"max_age_days": 800, "max_der_age_days": 800})
    assert counts("Q42", found(patient, on("2025-08-01"))) == []


def test_q43_says_that_der_is_newer_than_the_study() -> None:
    rows: list[Row] = [
        {"hc": "1", "day": "2026-06-01", "counted": "2026-09-01"},
        {"hc": "1", "day": "2026-06-01", "counted": "2026-06-01"},
        {"hc": "1", "day": "2026-06-01", "counted": ""},
    ]
    assert counts("Q43", found(source(fields=DATED), rows)) == [("I", 1)]
    assert counts("Q43", found(source(fields=DATED), rows[1:])) == []


def test_q44_flags_feeders_with_several_studies() -> None:
    spec = sections(figure(rollup="max"), fields={"record_date": {"date": "day"}})
    days = {"A": ("2026-05-01", "2026-06-01"), "B": ("2026-06-01", "2026-06-01"), "C": ("2026-06-01", "")}
    rows: list[Row] = [
        {"id": f"{feeder}{n}", "feeder": feeder, "hc": "1", "day": day}
        for feeder, both in days.items()
        for n, day in enumerate(both)
    ]
    assert counts("Q44", found(spec, rows)) == [("W", 1)]
    assert counts("Q44", found(spec, rows[2:])) == []


def test_q45_flags_a_new_date_with_the_old_values() -> None:
    spec = source(fields=DATED)
    anew = [{**row, "day": "2026-10-01"} for row in on("2026-06-01")]
    assert counts("Q45", found(spec, anew, on("2026-06-01"))) == [("W", 12)]
    studied = [{**row, "hc": str(float(row["hc"]) + (n % 2))} for n, row in enumerate(anew)]
    assert counts("Q45", found(spec, studied, on("2026-06-01"))) == []
    assert counts("Q45", found(spec, on("2026-06-01"), on("2026-06-01"))) == []


def test_q46_says_that_a_service_is_named_for_another_time() -> None:
    spec = source(fields=DATED)
    assert counts("Q46", found(spec, on("2026-08-01"), name="HCA_June_2023")) == [("I", 12)]
    assert counts("Q46", found(spec, on("2026-08-01"), name="HCA_June_2026")) == []
    assert counts("Q46", found(spec, on("2026-08-01"), name="HCA")) == []


@pytest.mark.parametrize(
    ("name", "month"),
    [
        ("ComEd_PV_Hosting_Capacity_MAR2026", date(2026, 3, 1)),
        ("HCA June 2023", date(2023, 6, 1)),
        ("Capacity_2025Q3", date(2025, 7, 1)),
        ("Q1_2026_map", date(2026, 1, 1)),
        ("layer_202604", date(2026, 4, 1)),
        ("Layer_20264", None),
        ("PHI_Hosting_Capacity_Public", None),
    ],
)
def test_a_name_tells_its_month(name: str, month: date | None) -> None:
    assert month_in(name) == month
