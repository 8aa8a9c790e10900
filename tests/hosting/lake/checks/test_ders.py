"""DER that cannot be what they say, or do not fit the feeders they name."""

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from hosting.lake import der_quality, tables
from hosting.lake.checks.found import Noticed
from tests.hosting.lake.checks.cases import counts
from tests.hosting.lake.frames import session
from utilities.spec import SourceSpec

Row = dict[str, Any]
TODAY = date(2026, 11, 1)
RECORD = {"feeder_id": "F", "capacity_type": "generation", "hosting_capacity_mw": Decimal(3)}


def spec(status: str = "planned", **ders: Any) -> SourceSpec:
    plain: dict[str, Any] = {
        "status": status,
        "nameplate_kw": {"kw": "kw"},
        "feeder_reference": {"text": "ref"},
        "is_hybrid": {"flag": "hybrid"},
        "technologies": {"Solar": {"kw": "solar"}, "Storage": {"kw": "storage"}},
        "project_status": {"text": "state"},
        "planned_on": {"date": "day"},
    }
    return SourceSpec.model_validate(
        {
            "code": "ders",
            "title": "DER",
            "holds": "ders",
            "grain": "none",
            "geometry": "none",
            "key": ["id"],
            "file": {"name": "ders.csv", "format": "csv"},
            "ders": plain | ders,
        }
    )


def frame(rows: list[Row], table: str) -> Any:
    schema = tables.SCHEMAS[table]
    # An empty table cannot be made a frame of.
    full = [{name: row.get(name) for name in schema.names} for row in rows or [{}]]
    made = session().createDataFrame(pa.Table.from_pylist(full, schema=schema))
    return made if rows else made.where("false")


def der(number: int, **given: Any) -> Row:
    plain = {
        "row_no": number,
        "key": f"P{number}",
        "status": "planned",
        "feeder_id": "F",
        "nameplate_kw": Decimal(100),
        "technologies": '{"Solar":100.000}',
        "published_hybrid": False,
        "unread": "",
    }
    return plain | given


def found(
    rows: list[Row],
    *,
    of: SourceSpec | None = None,
    before: list[Row] | None = None,
    records: list[Row] | None = None,
    others: list[Row] | None = None,
) -> list[Noticed]:
    """Findings of a run of these DER; `records` and `others` are what else is published."""
    beside = der_quality.Beside(
        frame([RECORD] if records is None else records, tables.RECORDS), frame(others or [], tables.DERS)
    )
    staged = der_quality.measure(
        frame(rows, tables.DER_STAGE), frame(before or [], tables.DERS), of or spec(), beside, today=TODAY
    )
    return der_quality.check(staged)


CASES: dict[str, tuple[str, str, list[Row], list[Row]]] = {
    # case: check, severity, rows that it finds, rows that it does not
    "lost reference": ("Q59", "W", [{"feeder_id": None, "unresolved_references": '["X"]'}], [{}]),
    "beyond any plant": (
        "Q61",
        "W",
        [{"nameplate_kw": Decimal(500_001), "technologies": '{"Solar":500001}'}],
        [{"nameplate_kw": Decimal(500_000), "technologies": '{"Solar":500000}'}],
    ),
    "does not add up": (
        "Q62",
        "W",
        [{"technologies": '{"Solar":90}'}, {"technologies": None}],
        [{}, {"technologies": '{"Solar":60,"Storage":41}', "published_hybrid": True}],
    ),
    "hybrid": (
        "Q62",
        "I",
        [{"published_hybrid": True}, {"technologies": '{"Solar":60,"Storage":40}'}],
        [{}, {"published_hybrid": None}],
    ),
    "past": (
        "Q63",
        "W",
        [{"planned_on": date(2026, 10, 31)}],
        [{"planned_on": date(2026, 11, 1)}, {"planned_on": date(2020, 1, 1), "completed_on": TODAY}, {}],
    ),
    "status": ("Q63", "I", [{"project_status": "In Service"}], [{"project_status": "Design"}, {}]),
    "place in the queue": (
        "Q63",
        "W",
        [{"queue_position": "7"}],
        [{"queue_position": "7"}, {"queue_position": "6/5/2020 13:47"}, {"queue_position": "6/5/2020 13:47"}],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_check_finds_what_is_wrong_and_nothing_else(case: str) -> None:
    check, severity, bad, good = CASES[case]
    rows = [der(number, **given) for number, given in enumerate([*bad, *good])]
    assert counts(check, found(rows)) == [(severity, len(bad))]
    assert counts(check, found(rows[len(bad) :])) == []


def test_q59_names_feeders_with_der_and_no_capacity() -> None:
    [noticed] = found([der(1)], records=[RECORD | {"hosting_capacity_mw": None}])
    assert (noticed.check_id, noticed.examples) == ("Q59", [{"feeder": "F", "ders": 1}])
    assert found([der(1)]) == []


def test_q59_compares_a_feeder_s_total_with_the_sum_of_its_der() -> None:
    rows = [der(n, status="installed") for n in range(3)]
    installed = spec("installed")
    right, wrong = RECORD | {"installed_dg_mw": Decimal("0.3")}, RECORD | {"installed_dg_mw": Decimal("0.4")}
    assert counts("Q59", found(rows, of=installed, records=[right])) == []
    [noticed] = found(rows, of=installed, records=[wrong])
    assert noticed.examples == [{"feeder": "F", "published_kw": 400.0, "summed_kw": 300.0}]


def test_q60_names_projects_that_are_installed_and_planned() -> None:
    others = [{"key": key, "status": "installed"} for key in ("P1", "P7", "P7")]
    [noticed] = found([der(1), der(2)], others=others)
    assert (noticed.check_id, noticed.severity, noticed.examples) == ("Q60", "W", [{"key": "P1"}])
    assert found([der(2)], others=others) == []


def test_q61_holds_where_kw_and_mw_were_exchanged() -> None:
    before = [der(n) for n in range(3)]
    thousand = [der(n, nameplate_kw=Decimal(100_000), technologies='{"Solar":100000}') for n in range(3)]
    assert counts("Q61", found(thousand, before=before)) == [("B", 3)]
    assert counts("Q61", found(before, before=before)) == []
    small = [der(n, nameplate_kw=Decimal("0.05"), technologies='{"Solar":0.05}') for n in range(3)]
    assert counts("Q61", found(small)) == [("B", 3)]


def test_q64_compares_substation_totals_with_planned_der() -> None:
    def told(*totals: str) -> list[Row]:
        return [der(n, as_published=f'{{"total_mw_for_substation":"{t}"}}') for n, t in enumerate(totals)]

    assert counts("Q64", found(told("0.2", "0.2"))) == []
    assert counts("Q64", found(told("0.1", "0.1"))) == [("W", 1)]  # 200 kW are planned
    assert counts("Q64", found(told("0.2", "0.3"))) == [("W", 1)]
    assert counts("Q64", found(told("5000", "5000"))) == [("W", 1)]  # kW, called MW
