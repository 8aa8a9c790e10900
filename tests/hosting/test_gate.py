"""The gate: what must not be published is stopped, and readers see what they saw before."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from hcportal.errors import RefusedAddress, SourceBusy
from hosting.lake import tables
from hosting.lake_settings import open_lake
from hosting.locks import is_busy, source_lock
from hosting.models import (
    Feeder,
    Finding,
    HCIngestionRun,
    HostingCapacityRecord,
    HostingCapacityRecordVersion,
    HostingCapacitySection,
    HostingCapacitySectionVersion,
    HostingCapacitySummary,
    QuarantinedRow,
)
from tests.conftest import Portal
from tests.layers import entry, write_layer
from utilities.models import Source

Row = dict[str, Any]
READ = (
    Feeder,
    HostingCapacityRecord,
    HostingCapacityRecordVersion,
    HostingCapacitySection,
    HostingCapacitySectionVersion,
    HostingCapacitySummary,
)
FOLLOWING = (tables.SECTIONS, tables.RECORDS, tables.FEEDER_CAPACITY)


def sections(feeders: int = 40, each: int = 3) -> list[Row]:
    """Sections of some feeders, each with a place and a figure of its own."""
    return [
        {
            "section": f"s{feeder}-{n}",
            "feeder": f"F{feeder}",
            "mw": 1 + feeder / 10 + n / 100,
            "paths": [[[-71.5, 41.5 + feeder / 1e3], [-71.4, 41.5 + n / 1e3]]],
        }
        for feeder in range(feeders)
        for n in range(each)
    ]


def what_readers_see() -> list[Any]:
    """Every row that pages and the API read, the pointer, and the lake's tables that follow."""
    seen: list[Any] = [list(model._default_manager.order_by("pk").values()) for model in READ]
    seen.append(list(Source.objects.values("pk", "published_run_id", "lake_run_id")))
    lake = open_lake()
    for table in FOLLOWING:
        rows = lake.delta(table).to_pyarrow_table().to_pylist()
        seen.append(sorted(rows, key=lambda row: json.dumps(row, default=str)))
    return seen


def serve(portal: Portal, rows: list[Row], **types: str) -> None:
    write_layer(portal.folder / "recorded", "ours", rows, **types)


@pytest.fixture
def source(portal: Portal) -> Source:
    """A source that has published 120 sections of 40 feeders."""
    added = portal.add(entry("ours"))
    serve(portal, sections())
    assert portal.ingest(added).status == "completed"
    return added


def stopped(portal: Portal, source: Source, rows: list[Row], status: str) -> HCIngestionRun:
    """Ingest rows that must not get through; the run."""
    before = what_readers_see()
    serve(portal, rows)
    run = portal.ingest(source)
    assert run.status == status, run.error_message
    assert run.completed_at is not None
    assert what_readers_see() == before
    return run


def found(run: HCIngestionRun, check: str) -> Finding:
    """The first that the check said: a refresh of another size is noticed in several ways."""
    first = run.findings.filter(check_id=check).order_by("id").first()
    assert first is not None
    return first


def test_zero_rows_fail(portal: Portal, source: Source) -> None:
    before = what_readers_see()
    folder = portal.folder / "recorded" / "ours" / "0"
    answer = json.loads((folder / "features.json").read_text())
    (folder / "features.json").write_text(json.dumps({**answer, "features": []}))
    run = portal.ingest(source)
    assert (run.status, run.records_fetched) == ("failed", 0)
    assert "recorded://ours/FeatureServer/0 has no rows" in run.error_message
    assert what_readers_see() == before


def test_a_renamed_field_fails_and_the_message_names_the_near_one(portal: Portal, source: Source) -> None:
    renamed = [
        {("Feeder_" if name == "feeder" else name): v for name, v in row.items()} for row in sections()
    ]
    run = stopped(portal, source, renamed, "failed")
    assert "lacks the mapped field 'feeder' (is it 'Feeder_' now?)" in run.error_message
    assert run.records_fetched is None


def test_rows_of_which_all_are_refused_fail(portal: Portal, source: Source) -> None:
    run = stopped(portal, source, [{**row, "feeder": ""} for row in sections()], "failed")
    assert "all 120 figures were refused" in run.error_message
    assert found(run, "Q02").severity == "F"
    assert QuarantinedRow.objects.filter(run=run).count() == 120
    assert open_lake().read(tables.STAGE).count() == 0


def test_a_collapse_of_rows_holds_and_removes_nothing(portal: Portal, source: Source) -> None:
    few = [row for row in sections() if row["section"].endswith("-0")]
    run = stopped(portal, source, few, "held")
    finding = found(run, "Q56")
    assert (finding.severity, finding.count) == ("B", 80)
    assert finding.message == "80 of 120 published figures are gone, more than 20%."
    assert finding.message in run.error_message
    assert open_lake().read(tables.STAGE).count() == 0


def test_a_loss_within_the_limit_is_published(portal: Portal, source: Source) -> None:
    serve(portal, [row for row in sections() if not row["section"].endswith("-1")] + sections(16)[1::3])
    run = portal.ingest(source)
    assert (run.status, run.counts["sections"]["removed"]) == ("completed", 24)


def test_an_incremental_feed_may_bring_a_few_rows(portal: Portal) -> None:
    source = portal.add(
        entry(
            "ours",
            grain="feeder",
            key=["feeder"],
            feed="incremental",
            figures=[
                {"capacity_type": "generation", "hosting_capacity_mw": {"mw": "mw"}, "remaining": "unknown"}
            ],
        )
    )
    rows = sections(each=1)
    serve(portal, rows)
    assert portal.ingest(source).status == "completed"
    serve(portal, [{**rows[7], "mw": 9.0}])
    run = portal.ingest(source)
    assert (run.status, run.counts["records"]) == ("completed", {"added": 0, "changed": 1, "removed": 0})
    assert HostingCapacityRecord.objects.count() == 40
    assert HostingCapacityRecord.objects.get(key="F7").hosting_capacity_mw == 9


@pytest.mark.parametrize(
    ("feeders", "status"), [(38, "completed"), (42, "completed"), (37, "held"), (43, "held")]
)
def test_feeders_may_come_and_go_by_a_twentieth(
    portal: Portal, source: Source, feeders: int, status: str
) -> None:
    if status == "held":
        run = stopped(portal, source, sections(feeders), "held")
        assert f"names {feeders} feeders; 40 are published" in found(run, "Q56").message
    else:
        serve(portal, sections(feeders))
        assert portal.ingest(source).status == "completed"
        assert HostingCapacityRecord.objects.count() == feeders


@pytest.mark.parametrize("factor", [1000, 0.001])
def test_kilowatts_published_as_megawatts_hold(portal: Portal, source: Source, factor: float) -> None:
    run = stopped(portal, source, [{**row, "mw": row["mw"] * factor} for row in sections()], "held")
    finding = found(run, "Q24")
    assert (finding.severity, finding.count) == ("B", 120)
    assert f"capacity is {factor:g} times what is published: has the unit changed?" in finding.message


def test_too_many_refused_rows_hold_and_a_few_are_quarantined_with_what_they_said(
    portal: Portal, source: Source
) -> None:
    def spoilt(count: int) -> list[Row]:
        rows: list[Row] = [{**row, "mw": str(row["mw"])} for row in sections()]
        return [{**row, "mw": "lots"} if n < count else row for n, row in enumerate(rows)]

    run = stopped(portal, source, spoilt(61), "held")
    assert (found(run, "Q27").severity, found(run, "Q27").count) == ("E", 61)
    assert (found(run, "Q02").severity, found(run, "Q02").count) == ("B", 61)
    assert "61 of 120 figures were quarantined, more than 50%." in run.error_message

    serve(portal, spoilt(2), mw="esriFieldTypeDouble")  # as it was; another kind of column would hold (Q06)
    run = portal.ingest(source)
    assert (run.status, run.counts["quarantined"], run.counts["staged"]) == ("completed", 2, 118)
    assert found(run, "Q27").severity == "E"
    row = QuarantinedRow.objects.get(run=run, key="s0-0")
    assert (row.check_id, row.object_id) == ("Q27", "1")
    assert row.reason == "not a number: hosting_capacity_mw (field mw)"
    assert row.attributes["mw"] == "lots"
    assert row.attributes["feeder"] == "F0"


def test_rows_refused_for_several_reasons_hold_together(portal: Portal, source: Source) -> None:
    rows: list[Row] = [{**row, "mw": str(row["mw"])} for row in sections()]
    rows = [
        row | ({"mw": "lots"} if n < 54 else {"paths": None} if n < 108 else {}) for n, row in enumerate(rows)
    ]
    run = stopped(portal, source, rows, "held")
    severities = set(run.findings.values_list("check_id", "severity", "count"))
    assert {("Q27", "E", 54), ("Q49", "E", 54), ("Q02", "B", 108)} <= severities


@pytest.mark.parametrize("factor", [1000, 1])
def test_numbers_given_anew_hold(portal: Portal, source: Source, factor: int) -> None:
    anew = [{**row, "section": f"new-{row['section']}", "mw": row["mw"] * factor} for row in sections()]
    run = stopped(portal, source, anew, "held")
    assert "The keys of 120 of 120 published figures are gone" in found(run, "Q56").message
    assert run.findings.filter(check_id="Q24", severity="B").exists() == (factor == 1000)


def test_a_later_good_run_publishes_and_closes_the_held_one(portal: Portal, source: Source) -> None:
    held = stopped(portal, source, sections(30), "held")
    again = stopped(portal, source, sections(29), "held")
    good = sections()
    good[0] = {**good[0], "mw": 9.5}
    serve(portal, good)
    run = portal.ingest(source)
    assert (run.status, run.counts["sections"]) == ("completed", {"added": 0, "changed": 1, "removed": 0})
    for older, by in ((held, again), (again, run)):
        older.refresh_from_db()
        assert (older.status, older.decision_note) == ("cancelled", f"Superseded by run {by.pk}.")
        assert older.decided_at is not None
    source.refresh_from_db()
    assert source.published_run == source.lake_run == run
    assert HostingCapacitySection.objects.get(key="s0-0").hosting_capacity_mw == Decimal("9.5")


def test_a_source_that_holds_what_is_published_is_unchanged(portal: Portal, source: Source) -> None:
    before = what_readers_see()
    source.refresh_from_db()
    checked = source.last_checked_at
    rows = sorted(path for path in Path(open_lake().path("bronze")).rglob("*") if path.is_file())
    run = portal.ingest(source)
    assert (run.status, run.records_fetched, run.error_message) == ("unchanged", 120, "")
    assert [step["name"] for step in run.steps] == ["probe", "fetch", "bronze"]
    assert sorted(path for path in Path(open_lake().path("bronze")).rglob("*") if path.is_file()) == rows
    assert what_readers_see() == before
    source.refresh_from_db()
    now = source.last_checked_at
    assert checked is not None
    assert now is not None
    assert now > checked
    forced = portal.ingest(source, force=True)
    assert (forced.status, forced.step) == ("unchanged", "check")
    assert what_readers_see() == before


def test_the_same_rows_under_another_entry_are_read_again(portal: Portal, source: Source) -> None:
    given = entry("ours")
    given["sources"][0]["figures"][0]["hosting_capacity_mw"] = {"kw": "mw"}
    run = portal.ingest(portal.add(given))
    assert run.status == "held"
    assert found(run, "Q24").severity == "B"


def test_a_held_run_is_not_taken_for_published_by_the_next(portal: Portal, source: Source) -> None:
    """The same suspicious rows again are suspicious again, not unchanged."""
    stopped(portal, source, sections(30), "held")
    stopped(portal, source, sections(30), "held")


@pytest.fixture
def other_connection() -> Iterator[Any]:
    """A second connection to the same database, as another process has it."""
    other = connection.copy()
    try:
        yield other
    finally:
        other.close()


def test_a_source_that_another_process_holds_is_busy(
    portal: Portal, source: Source, other_connection: Any
) -> None:
    from hosting.locks import _number

    before, runs = what_readers_see(), HCIngestionRun.objects.count()
    key = _number("source", str(source.pk))
    with other_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", key)
        assert is_busy(source)
        with pytest.raises(SourceBusy, match="Another run of ours/sections is under way"):
            portal.ingest(source)
        assert (what_readers_see(), HCIngestionRun.objects.count()) == (before, runs)
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)
    assert not is_busy(source)
    assert portal.ingest(source).status == "unchanged"
    with source_lock(source):
        assert is_busy(source)
    assert not is_busy(source)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("redistribution", "forbidden", "ours/sections is never fetched: its terms forbid it"),
        ("is_enabled", False, "ours/sections is switched off in the admin"),
    ],
)
def test_what_must_not_be_fetched_is_not(portal: Portal, column: str, value: Any, said: str) -> None:
    source = portal.add(entry("ours"))
    Source.objects.update(**{column: value})
    with pytest.raises(RefusedAddress, match=said):
        portal.ingest(source)
    assert not HCIngestionRun.objects.exists()
