"""Promotion between two real environments: a database each, one lake; what qa shows is what dev showed."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from hcportal.errors import NotPromoted
from hosting import promoting
from hosting.lake import tables
from hosting.lake.store import Lake
from hosting.models import (
    HCIngestionRun,
    HostingCapacityRecord,
    HostingCapacityRecordVersion,
    HostingCapacitySection,
    RunStatus,
)
from hosting.promoting import refuse_direction
from tests.conftest import Portal
from tests.hosting.environments import Environment, environments
from tests.hosting.test_gate import sections, serve
from tests.layers import entry
from utilities.models import Source

pytestmark = pytest.mark.slow

MANY = 120  # sections of 40 feeders


@pytest.fixture
def dev(portal: Portal, settings: Settings) -> Iterator[Environment]:
    """An environment that has published 120 sections. What the test itself is in is qa, which has none."""
    portal.add(entry("ours"))
    serve(portal, sections())
    with environments(portal, "dev") as [made]:
        settings.HCP_ENV = "qa"
        settings.HCP_DATABASES = {"dev": made.settings, "qa": {"NAME": "this one"}, "prod": {"NAME": "none"}}
        assert ingested(made) == 0
        yield made


def ingested(dev: Environment) -> int:
    return dev.manage("ingest_hosting_capacity", "--utility", "ours").returncode


def promote(*options: str) -> None:
    call_command("promote", "--from", "dev", "--to", "qa", *options)


def shown() -> dict[str, Any]:
    return dict(HostingCapacitySection.objects.values_list("key", "hosting_capacity_mw"))


def refused(says: str) -> None:
    """A promotion is refused with this, without a run; readers of qa see nothing or what they saw."""
    before, runs = shown(), HCIngestionRun.objects.count()
    with pytest.raises(CommandError, match=says) as caught:
        promote("--utility", "ours")
    assert "\n" not in str(caught.value)
    assert (shown(), HCIngestionRun.objects.count()) == (before, runs)


def lake_rows(portal: Portal, environment: str, table: str) -> list[str]:
    """Business columns of a table, in one order."""
    lake = Lake(root=str(portal.folder / "lake"), env=environment)
    rows = lake.delta(table).to_pyarrow_table().to_pylist()
    left_out = {"run_id", "path"}
    return sorted(json.dumps({k: v for k, v in r.items() if k not in left_out}, default=str) for r in rows)


def test_what_dev_shows_is_what_qa_shows_with_its_bronze_and_where_it_is_from(
    dev: Environment, portal: Portal
) -> None:
    promote("--utility", "ours")
    [run] = HCIngestionRun.objects.all()
    assert (run.status, run.error_message, run.records_fetched) == (RunStatus.COMPLETED, "", MANY)
    [(their_run, content)] = dev.ask("SELECT id, content_sha256 FROM hosting_hcingestionrun")
    told = run.promoted_from or {}
    assert (told["environment"], told["run"], told["sections"]["rows"]) == ("dev", their_run, MANY)
    assert run.content_sha256 == content
    columns = "key, capacity_type, hosting_capacity_mw, ST_AsText(geometry)"
    theirs = dev.ask(f"SELECT {columns} FROM hosting_hostingcapacitysection ORDER BY key")
    assert len(theirs) == MANY
    assert [row[:3] for row in theirs] == list(
        HostingCapacitySection.objects.order_by("key").values_list(
            "key", "capacity_type", "hosting_capacity_mw"
        )
    )
    assert HostingCapacityRecord.objects.count() == 40
    for table in (tables.BRONZE, tables.MANIFEST, tables.SECTIONS, tables.RECORDS, tables.FEEDER_CAPACITY):
        assert lake_rows(portal, "qa", table) == lake_rows(portal, "dev", table), table
    raw = [
        next((portal.folder / "lake" / env / "bronze/raw/ours/sections").iterdir()) for env in ("dev", "qa")
    ]
    assert raw[0].read_bytes() == raw[1].read_bytes()
    assert portal.source("ours").lake_run_id == run.pk

    promote()  # again: nothing to do, and no run
    assert HCIngestionRun.objects.count() == 1


def test_the_next_state_follows_with_its_history_and_an_older_one_is_refused(
    dev: Environment, portal: Portal
) -> None:
    promote("--utility", "ours")
    rows = sections()
    rows[0]["mw"] = 7.25
    serve(portal, rows[:-1])
    assert ingested(dev) == 0
    promote("--utility", "ours")
    assert HostingCapacitySection.objects.count() == MANY - 1
    assert HostingCapacitySection.objects.get(key="s0-0").hosting_capacity_mw == Decimal("7.25")
    assert HostingCapacityRecordVersion.objects.count() == 2  # of the feeders of both sections
    # qa reads the publisher by itself, later than dev did.
    source = portal.source("ours")
    rows[0]["mw"] = 9.5
    serve(portal, rows[:-1])
    assert portal.ingest(source).status == RunStatus.COMPLETED
    refused("qa is ahead of dev: it shows ours/sections as read at")


def test_a_collapse_is_held_in_qa_by_its_own_gate(dev: Environment, portal: Portal) -> None:
    promote("--utility", "ours")
    serve(portal, sections(30))
    assert ingested(dev) == 3  # held there too, and approved there
    refused("which waits for a person: decide it there")
    dev.manage("createsuperuser", "--noinput", "--username", "boss", "--email", "boss@example.org")
    [(held,)] = dev.ask("SELECT id FROM hosting_hcingestionrun WHERE status = 'held'")
    approved = dev.manage(
        "decide_run", str(held), "approve", "--user", "boss", "--note", "Feeders were sold."
    )
    assert approved.returncode == 0, approved.stderr
    with pytest.raises(CommandError, match="Not promoted: ours/sections"):
        promote("--utility", "ours")
    assert HostingCapacitySection.objects.count() == MANY
    assert HCIngestionRun.objects.latest("pk").status == RunStatus.HELD


def test_a_state_that_is_not_settled_or_not_whole_is_refused(dev: Environment, portal: Portal) -> None:
    dev.ask("UPDATE utilities_source SET lake_run_id = NULL")
    refused("ours/sections in dev is not settled: a run is under way or was interrupted")
    dev.ask("UPDATE utilities_source SET lake_run_id = published_run_id")
    dev.ask(
        "INSERT INTO hosting_finding (run_id, utility_id, check_id, severity, message, count, examples)"
        " SELECT id, utility_id, 'Q24', 'B', 'made by a test', 1, '[]' FROM hosting_hcingestionrun"
    )
    refused("has blocking findings that nobody decided on")
    dev.ask("DELETE FROM hosting_finding")
    dev.ask("DELETE FROM hosting_hostingcapacitysection WHERE key = 's0-0'")
    assert failed().startswith("The lake and the database do not belong together")
    [raw] = (portal.folder / "lake/dev/bronze/raw/ours/sections").iterdir()
    raw.write_bytes(raw.read_bytes()[:-9])


def failed() -> str:
    """The message of a promotion whose run failed, and of which readers see nothing."""
    with pytest.raises(CommandError, match="Not promoted: ours/sections"):
        promote("--utility", "ours")
    run = HCIngestionRun.objects.latest("pk")
    assert (run.status, HostingCapacitySection.objects.count()) == (RunStatus.FAILED, 0)
    return run.error_message


def test_bronze_that_was_damaged_is_not_promoted(dev: Environment, portal: Portal) -> None:
    [raw] = (portal.folder / "lake/dev/bronze/raw/ours/sections").iterdir()
    whole = raw.read_bytes()
    raw.write_bytes(whole[:-9])
    assert "The raw answers in" in failed()
    raw.write_bytes(whole)
    promote("--utility", "ours")
    assert HostingCapacitySection.objects.count() == MANY


def test_only_the_next_environment_is_promoted_to_unless_asked_for(settings: Settings) -> None:
    settings.HCP_DATABASES = {name: {"NAME": name} for name in ("dev", "qa", "prod")}
    settings.HCP_ENV = "dev"
    with pytest.raises(NotPromoted, match="prod is not promoted to dev: a state goes from dev to qa"):
        refuse_direction("prod", "dev", out_of_order=False)
    refuse_direction("prod", "dev", out_of_order=True)
    settings.HCP_ENV = "prod"
    with pytest.raises(NotPromoted, match="dev is not promoted to prod"):
        refuse_direction("dev", "prod", out_of_order=False)
    refuse_direction("qa", "prod", out_of_order=False)
    with pytest.raises(NotPromoted, match="both ends"):
        refuse_direction("prod", "prod", out_of_order=True)
    with pytest.raises(NotPromoted, match="with HCP_ENV=qa, and it is prod"):
        refuse_direction("dev", "qa", out_of_order=False)
    settings.HCP_DATABASES = {name: {"NAME": "one"} for name in ("dev", "qa", "prod")}
    with pytest.raises(NotPromoted, match="qa and prod are the same database"):
        refuse_direction("qa", "prod", out_of_order=False)


def test_a_utility_that_is_not_there_is_refused(dev: Environment) -> None:
    with pytest.raises(CommandError, match="dev has published nothing of nobody"):
        promote("--utility", "nobody")
    Source.objects.filter(utility__utility_code="ours").update(in_catalog=False)
    refused("ours/sections is not in the catalog of qa: sync_catalog first")


def test_the_other_environment_is_only_read(dev: Environment) -> None:
    with promoting.other_database("dev") as alias, pytest.raises(Exception, match="read-only transaction"):
        Source.objects.using(alias).update(title="written")
