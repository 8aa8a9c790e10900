"""Rollback: what an earlier run showed is shown again, by a run of its own; forward again, too."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from hcportal.errors import NotDecided, NothingToReturnTo
from hosting.lake import tables
from hosting.lake_settings import open_lake
from hosting.models import (
    HCIngestionRun,
    HostingCapacityRecord,
    HostingCapacityRecordVersion,
    HostingCapacitySection,
    Substation,
)
from hosting.rollback import roll_back
from tests import factories as make
from tests.conftest import Portal
from tests.hosting.test_decisions import PEOPLE, person
from tests.hosting.test_file_feeds import MONTHLY, published, rows
from tests.hosting.test_file_feeds import entry as filed
from tests.hosting.test_file_feeds import ingest as ingest_files
from tests.hosting.test_gate import sections, serve
from tests.hosting.test_network import Pge, point, station
from tests.layers import FREE, entry
from utilities.models import Source

pytestmark = pytest.mark.django_db(transaction=True)
OWN = {"id", "ingestion_run_id", "valid_from", "geometry", "geometry_3857", "centroid"}


def shown() -> list[dict[str, Any]]:
    """Sections and records as readers see them, without what says when and by which run they came."""
    seen: list[dict[str, Any]] = []
    for model in (HostingCapacitySection, HostingCapacityRecord):
        for row in model.objects.order_by("key", "capacity_type", "variant"):
            values = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}
            shapes = {name: values[name] and values[name].wkt for name in OWN & set(values) if "geom" in name}
            seen.append({name: value for name, value in values.items() if name not in OWN} | shapes)
    return seen


def in_lake() -> dict[str, set[str]]:
    tables_ = {"sections": tables.SECTIONS, "records": tables.RECORDS}
    return {
        name: set(open_lake().delta(table).to_pyarrow_table().column("key").to_pylist())
        for name, table in tables_.items()
    }


def states() -> list[list[dict[str, Any]]]:
    """Three states: feeders come, go, change in value and in shape."""
    second = [
        {**row, "mw": row["mw"] + 1, "paths": [[[-71.6, 41.6], [-71.3, 41.2]]]}
        if row["feeder"] == "F2"
        else row
        for row in sections(12)
        if row["feeder"] != "F5"
    ]
    third = [{**row, "mw": row["mw"] * 2} for row in sections(9)]
    return [sections(10), second, third]


@pytest.fixture
def source(portal: Portal) -> Source:
    return portal.add(entry("ours", thresholds=FREE))


def test_a_rollback_shows_again_what_a_run_showed_and_forward_again(portal: Portal, source: Source) -> None:
    runs, seen, held = [], [], []
    for state in states():
        serve(portal, state)
        runs.append(portal.ingest(source))
        assert runs[-1].status == "completed"
        seen.append(shown())
        held.append(in_lake())
    for to in (0, 2, 1, 0):
        before = HostingCapacityRecordVersion.objects.count()
        source.refresh_from_db()
        was = source.published_run
        run = roll_back(source, runs[to], note="it was right then")
        assert (run.status, run.rollback_of, run.compared_with) == ("completed", runs[to], was)
        assert run.decision_note == "it was right then"
        assert [step["name"] for step in run.steps] == ["silver", "publish", "published", "lake"]
        assert shown() == seen[to]
        assert in_lake() == held[to]
        source.refresh_from_db()
        assert source.published_run == source.lake_run == run
        changed = run.counts["records"]
        assert (
            HostingCapacityRecordVersion.objects.count() == before + changed["changed"] + changed["removed"]
        )
    # A rollback is a state like any other: one can return to it.
    again = roll_back(source, HCIngestionRun.objects.get(rollback_of=runs[2]), note="after all")
    assert shown() == seen[2]
    assert again.status == "completed"


def test_the_next_refresh_of_an_unchanged_server_brings_back_what_it_says(
    portal: Portal, source: Source
) -> None:
    first, second, _third = states()
    serve(portal, first)
    one = portal.ingest(source)
    serve(portal, second)
    portal.ingest(source)
    seen = shown()
    assert portal.ingest(source).status == "unchanged"
    roll_back(source, one, note="too early")
    refreshed = portal.ingest(source)
    assert (refreshed.status, shown()) == ("completed", seen)
    assert portal.ingest(source).status == "unchanged"
    roll_back(source, one, note="again")
    serve(portal, first)  # the server went back as well
    assert portal.ingest(source).status == "unchanged"
    assert portal.ingest(source).status == "unchanged"


def test_what_cannot_be_returned_to_is_said(portal: Portal, source: Source) -> None:
    serve(portal, sections(10))
    one = portal.ingest(source)
    with pytest.raises(NothingToReturnTo, match=f"see run {one.pk} already"):
        roll_back(source, one, note="x")
    failed = make.make_run(source, "failed")
    with pytest.raises(NothingToReturnTo, match=f"Run {failed.pk} is none that ours/sections published"):
        roll_back(source, failed, note="x")
    foreign = make.make_published_run()
    with pytest.raises(NothingToReturnTo, match="is none that ours/sections published"):
        roll_back(source, foreign, note="x")
    with pytest.raises(NotDecided, match="needs a note"):
        roll_back(source, one, note=" ")
    assert HCIngestionRun.objects.filter(source=source).count() == 2


def test_a_rollback_that_changes_nothing_is_unchanged(portal: Portal, source: Source) -> None:
    first, second, _third = states()
    serve(portal, first)
    one = portal.ingest(source)
    serve(portal, second)
    portal.ingest(source)
    serve(portal, first)
    three = portal.ingest(source)
    run = roll_back(source, one, note="x")
    source.refresh_from_db()
    assert (run.status, source.published_run) == ("unchanged", three)


def test_who_may_roll_back(portal: Portal, source: Source) -> None:
    serve(portal, sections(10))
    one = portal.ingest(source)
    serve(portal, sections(9))
    portal.ingest(source)
    seen = shown()
    for who in PEOPLE:
        somebody = person(who, source)
        if who in ("steward", "admin", "superuser"):
            assert roll_back(source, one, note=who, by=somebody).decided_by == somebody
            assert portal.ingest(source).status == "completed"
        else:
            with pytest.raises(NotDecided, match=f"{somebody.username} may not roll back ours/sections"):
                roll_back(source, one, note=who, by=somebody)
        assert shown() == seen


def test_a_held_run_does_not_survive_a_rollback(portal: Portal, source: Source) -> None:
    serve(portal, sections(10))
    one = portal.ingest(source)
    serve(portal, sections(9))
    portal.ingest(source)
    serve(portal, [{**row, "mw": row["mw"] * 1000} for row in sections(9)])
    held = portal.ingest(source)
    assert held.status == "held"
    back = roll_back(source, one, note="x")
    held.refresh_from_db()
    assert (held.status, held.decision_note) == ("cancelled", f"Superseded by run {back.pk}.")


def test_months_that_were_undone_are_loaded_again_and_history_stays_in_order(
    portal: Portal, tmp_path: Path
) -> None:
    portal.add(filed(**MONTHLY, thresholds=FREE))
    data = tmp_path / "data"
    for month, feeders in {"2026-01": "F1,1000", "2026-02": "F1,2000", "2026-03": "F1,3000"}.items():
        rows(data / month, feeders)
    ingest_files(data_dir=data)
    source = portal.source("filed")
    january = HCIngestionRun.objects.get(period="2026-01-01")
    run = roll_back(source, january, note="February was wrong")
    assert published() == {"F1": "1.00000"}
    record = HostingCapacityRecord.objects.get()
    assert record.valid_from == run.completed_at
    rows(data / "2026-02", "F1,2500")
    told = ingest_files(data_dir=data)
    assert told.index("2026-02, run") < told.index("2026-03, run")
    assert published() == {"F1": "3.00000"}
    spans = list(HostingCapacityRecordVersion.objects.order_by("pk").values_list("valid_from", "valid_to"))
    assert all(since < until for since, until in spans)
    assert [until for _since, until in spans[:-1]] == [since for since, _until in spans[1:]]
    assert "unchanged" in ingest_files(data_dir=data)


def test_a_network_is_read_again_from_bronze(portal: Portal) -> None:
    pge = Pge(portal)
    many = [station(n, f"S{n}", point(-122 - n / 100, 38)) for n in range(1, 11)]
    one = pge.substations(many)
    two = pge.substations([{**many[0]}, *many[1:9]])
    source = Source.objects.get(pk=one.source_id)
    for to, count in ((one, 10), (two, 9)):
        run = roll_back(source, to, note="x")
        assert (run.status, run.rollback_of) == ("completed", to)
        assert Substation.objects.filter(source__isnull=False).count() == count
    assert pge.substations(many[:9]).status == "completed"


def test_the_command_shows_first_and_does_it_when_told(portal: Portal, source: Source) -> None:
    first, second, _third = states()
    serve(portal, first)
    one = portal.ingest(source)
    seen = shown()
    serve(portal, second)
    two = portal.ingest(source)
    out = io.StringIO()

    def rollback(*words: str, **options: Any) -> None:
        call_command("rollback", "ours", *words, to=one.pk, stdout=out, **options)

    before, runs = shown(), HCIngestionRun.objects.count()
    rollback()
    assert (shown(), HCIngestionRun.objects.count()) == (before, runs)
    said = out.getvalue()
    assert f"back to run {one.pk}:" in said
    assert "records: 1 added, 1 changed, 2 removed" in said
    assert "F2 (generation):" in said
    assert "Nothing was changed. --yes --note WHY does it." in said
    with pytest.raises(CommandError, match="--yes needs --note"):
        rollback("--yes")
    with pytest.raises(CommandError, match="may not roll back"):
        rollback("--yes", note="x", user=person("operator", source).username)
    with pytest.raises(CommandError, match="has no source 'other'; it has sections"):
        rollback(source="other")
    assert shown() == before
    rollback("--yes", note="they withdrew it", user=person("steward", source).username)
    assert f"shows again what run {one.pk} showed" in out.getvalue()
    assert shown() == seen
    call_command("rollback", "ours", "--yes", to=two.pk, note="forward", stdout=out)
    assert shown() == before
    with pytest.raises(CommandError, match="There is no run 999999"):
        call_command("rollback", "ours", to=999999)
