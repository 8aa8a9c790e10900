"""Decisions on held runs: by the right person, once, with a note; what is approved is published whole."""

import io
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from hcportal.errors import LakeError, NotDecided, SourceBusy
from hosting import decisions
from hosting.approval import approve
from hosting.decisions import reject
from hosting.lake import tables
from hosting.lake_settings import open_lake
from hosting.locks import source_lock
from hosting.models import (
    HCIngestionRun,
    HostingCapacityRecord,
    HostingCapacityRecordVersion,
    HostingCapacitySection,
)
from tests import factories as make
from tests.conftest import Portal
from tests.hosting.test_gate import sections, serve, stopped, what_readers_see
from tests.layers import entry
from utilities.models import Source

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = ("viewer", "steward", "foreign steward", "operator", "admin", "superuser")
MAY = ("steward", "superuser")


@pytest.fixture
def source(portal: Portal) -> Source:
    """A source that has published 120 sections of 40 feeders."""
    added = portal.add(entry("ours"))
    serve(portal, sections())
    assert portal.ingest(added).status == "completed"
    return added


@pytest.fixture
def held(portal: Portal, source: Source) -> HCIngestionRun:
    """A run that found 30 of the 40 feeders."""
    return stopped(portal, source, sections(30), "held")


def person(who: str, source: Source) -> User:
    """Somebody of the group; `steward` is named for the source's utility, `foreign steward` for another."""
    if who == "superuser":
        return make.make_user(superuser=True)
    found = make.make_user(who.removeprefix("foreign "))
    if who == "steward":
        source.utility.stewards.add(found)
    elif who == "foreign steward":
        make.make_utility().stewards.add(found)
    return found


@pytest.fixture
def steward(source: Source) -> User:
    return person("steward", source)


def again(run: HCIngestionRun) -> HCIngestionRun:
    run.refresh_from_db()
    return run


@pytest.mark.parametrize("who", MAY)
@pytest.mark.parametrize("decide", [approve, reject])
def test_a_held_run_is_decided_by_its_stewards_and_superusers(
    source: Source, held: HCIngestionRun, who: str, decide: Any
) -> None:
    somebody, before = person(who, source), what_readers_see()
    decide(held, by=somebody, note="as announced")
    assert again(held).status == ("completed" if decide is approve else "rejected")
    assert (held.decided_by, held.decision_note) == (somebody, "as announced")
    assert held.decided_at is not None
    assert (what_readers_see() == before) == (decide is reject)


def test_nobody_else_decides_on_a_held_run(source: Source, held: HCIngestionRun) -> None:
    before = what_readers_see()
    others = [person(who, source) for who in PEOPLE if who not in MAY]
    for who in MAY:  # and who has left
        others.append(person(who, source))
        others[-1].is_active = False
        others[-1].save()
    for somebody in others:
        assert list(decisions.waiting_for(somebody)) == []
        for decide in (approve, reject):
            with pytest.raises(NotDecided, match=f"{somebody.username} may not decide on run {held.pk}"):
                decide(held, by=somebody, note="as announced")
    assert (again(held).status, held.decided_by) == ("held", None)
    assert what_readers_see() == before
    for who in MAY:
        assert list(decisions.waiting_for(person(who, source))) == [held]


def test_an_approved_run_is_published_as_any_other(
    portal: Portal, source: Source, held: HCIngestionRun, steward: User
) -> None:
    shapes = dict(HostingCapacityRecord.objects.values_list("key", "geometry"))
    approve(held, by=steward, note="ten feeders were taken down")
    run = again(held)
    assert (run.status, run.error_message, run.step) == ("completed", "", "lake")
    assert [step["name"] for step in run.steps][-3:] == ["publish", "published", "lake"]
    assert run.findings.filter(severity="B").exists()  # why it was held stays
    source.refresh_from_db()
    assert source.published_run == source.lake_run == run
    assert HostingCapacitySection.objects.count() == 90
    assert dict(HostingCapacityRecord.objects.values_list("key", "geometry")) == {
        key: shapes[key] for key in (f"F{n}" for n in range(30))
    }
    gone = HostingCapacityRecordVersion.objects.filter(ended_by_run=run)
    assert gone.count() == 10
    assert all(version.valid_to == run.completed_at for version in gone)
    assert open_lake().read(tables.RECORDS).count() == 30
    assert portal.ingest(source).status == "unchanged"  # the same rows again
    serve(portal, [{**row, "mw": row["mw"] + 1} if n == 0 else row for n, row in enumerate(sections(30))])
    assert portal.ingest(source).counts["sections"] == {"added": 0, "changed": 1, "removed": 0}


def test_a_rejected_run_changes_nothing_and_the_next_is_compared_as_before(
    portal: Portal, source: Source, held: HCIngestionRun, steward: User
) -> None:
    reject(held, by=steward, note="their mistake")
    next_one = stopped(portal, source, sections(30), "held")
    assert next_one.compared_with == held.compared_with
    serve(portal, sections(39))
    assert portal.ingest(source).counts["sections"]["removed"] == 3
    assert again(held).status == "rejected"


def test_a_decision_needs_a_note(held: HCIngestionRun, steward: User) -> None:
    for decide in (approve, reject):
        for note in ("", " \n\t", "\0"):
            with pytest.raises(NotDecided, match="needs a note"):
                decide(held, by=steward, note=note)
        with pytest.raises(NotDecided, match=r"longer than 2,000"):
            decide(held, by=steward, note="x" * 2_001)
    assert again(held).status == "held"


def test_a_run_is_decided_on_once(held: HCIngestionRun, steward: User) -> None:
    approve(held, by=steward, note="yes")
    before = what_readers_see()
    for decide in (approve, reject):
        with pytest.raises(NotDecided, match=f"Run {held.pk} was approved already by {steward.username}"):
            decide(held, by=steward, note="again")
    assert (what_readers_see(), again(held).decision_note) == (before, "yes")


def test_a_rejected_run_is_not_approved_later(held: HCIngestionRun, steward: User) -> None:
    reject(held, by=steward, note="no")
    with pytest.raises(NotDecided, match=f"Run {held.pk} was rejected already by {steward.username}"):
        approve(held, by=steward, note="yes after all")
    assert again(held).status == "rejected"


def test_a_run_that_is_not_held_is_not_decided_on(source: Source, steward: User) -> None:
    run = HCIngestionRun.objects.get()
    for decide in (approve, reject):
        with pytest.raises(NotDecided, match=f"Run {run.pk} is not held"):
            decide(run, by=steward, note="yes")


def test_a_run_that_was_compared_with_what_is_no_more_is_superseded(
    portal: Portal, source: Source, held: HCIngestionRun, steward: User
) -> None:
    serve(portal, sections(39))
    later = portal.ingest(source)
    assert later.status == "completed"
    # As if it had not been closed then: what it was compared with decides, not whether somebody closed it.
    HCIngestionRun.objects.filter(pk=held.pk).update(status="held", decision_note="", decided_at=None)
    before = what_readers_see()
    for decide in (approve, reject):
        HCIngestionRun.objects.filter(pk=held.pk).update(status="held")
        with pytest.raises(NotDecided, match=f"readers see run {later.pk} now: it is superseded"):
            decide(again(held), by=steward, note="yes")
        assert (again(held).status, held.decision_note) == ("cancelled", f"Superseded by run {later.pk}.")
    assert what_readers_see() == before
    with pytest.raises(NotDecided, match=f"waits no more: Superseded by run {later.pk}"):
        approve(held, by=steward, note="yes")


def test_the_newest_held_run_is_the_one_to_decide_on(
    portal: Portal, source: Source, held: HCIngestionRun, steward: User
) -> None:
    newest = stopped(portal, source, sections(29), "held")
    assert (again(held).status, held.decision_note) == ("cancelled", f"Superseded by run {newest.pk}.")
    approve(newest, by=steward, note="yes")
    assert HostingCapacityRecord.objects.count() == 29


def test_a_first_publication_that_was_held_can_be_approved(portal: Portal) -> None:
    source = portal.add(entry("ours"))
    rows: list[dict[str, Any]] = [{**row, "mw": str(row["mw"])} for row in sections()]
    serve(portal, [{**row, "mw": "lots"} if n < 70 else row for n, row in enumerate(rows)])
    held = portal.ingest(source)
    assert (held.status, held.compared_with) == ("held", None)
    approve(held, by=person("steward", source), note="known to be partial")
    assert HostingCapacitySection.objects.count() == 50
    source.refresh_from_db()
    assert source.published_run == held


def test_a_run_held_for_another_kind_of_column_alone_is_approved_with_nothing_to_change(
    portal: Portal, source: Source, steward: User
) -> None:
    rows = [{**row, "mw": str(row["mw"])} for row in sections()]
    held = stopped(portal, source, rows, "held")
    assert list(held.findings.filter(severity="B").values_list("check_id", flat=True)) == ["Q06"]
    approve(held, by=steward, note="numbers are text now")
    assert again(held).status == "completed"
    assert HostingCapacityRecordVersion.objects.count() == 0
    assert portal.ingest(source).status == "unchanged"  # and no longer held for it


def test_a_scale_that_shifted_is_approved_with_every_row(
    portal: Portal, source: Source, steward: User
) -> None:
    was = HostingCapacityRecord.objects.get(key="F3").hosting_capacity_mw
    assert was is not None
    held = stopped(portal, source, [{**row, "mw": row["mw"] * 1000} for row in sections()], "held")
    approve(held, by=steward, note="they say so")
    assert HostingCapacityRecord.objects.get(key="F3").hosting_capacity_mw == was * 1000
    assert HostingCapacityRecordVersion.objects.count() == 40


def test_an_incomplete_change_log_is_not_published(held: HCIngestionRun, steward: User) -> None:
    lake, before = open_lake(), what_readers_see()
    lake.forget(tables.CHANGES, f"run_id = {held.pk} AND key = 's35-1'")
    with pytest.raises(LakeError, match=f"does not hold what run {held.pk} logged"):
        approve(held, by=steward, note="yes")
    assert (again(held).status, what_readers_see()) == ("held", before)


def test_a_decision_waits_for_nobody_who_has_the_source(
    source: Source, held: HCIngestionRun, steward: User
) -> None:
    from django.db import connection

    other = connection.copy()
    try:
        with other.cursor() as cursor:
            from hosting.locks import _number

            cursor.execute("SELECT pg_advisory_lock(%s, %s)", _number("source", str(source.pk)))
            for decide in (approve, reject):
                with pytest.raises(SourceBusy, match=r"or another decision on one, is under way"):
                    decide(held, by=steward, note="yes")
    finally:
        other.close()
    assert again(held).status == "held"
    with source_lock(source):
        pass


def test_what_terms_forbid_now_is_not_approved(source: Source, held: HCIngestionRun, steward: User) -> None:
    for column, value in (("redistribution", "forbidden"), ("in_catalog", False)):
        Source.objects.update(**{column: value})
        with pytest.raises(NotDecided, match="must not be published"):
            approve(again(held), by=steward, note="yes")
        Source.objects.update(redistribution="allowed", in_catalog=True)
    assert again(held).status == "held"


def test_an_interrupted_approval_leaves_the_run_held_or_published(
    portal: Portal, source: Source, held: HCIngestionRun, steward: User
) -> None:
    """Killed at the last moment before the commit, and right after it."""
    before = what_readers_see()
    words = ("-m", "tests.hosting.interrupted_approval")
    died = portal.python(*words, "publish", str(held.pk), steward.username)
    assert died.returncode == -9, died.stderr
    assert (again(held).status, held.decided_by, what_readers_see()) == ("held", None, before)
    died = portal.python(*words, "published", str(held.pk), steward.username)
    assert died.returncode == -9, died.stderr
    assert (again(held).status, held.decided_by) == ("completed", steward)
    source.refresh_from_db()
    assert source.lake_run != held
    call_command("reconcile", stdout=io.StringIO())
    source.refresh_from_db()
    assert source.lake_run == held
    assert open_lake().read(tables.RECORDS).count() == HostingCapacityRecord.objects.count() == 30


def test_the_command_decides_for_a_person(source: Source, held: HCIngestionRun, steward: User) -> None:
    out = io.StringIO()

    def decide(*words: str, **options: Any) -> None:
        call_command("decide_run", str(held.pk), *words, stdout=out, **options)

    operator = person("operator", source)
    with pytest.raises(CommandError, match="may not decide"):
        decide("approve", note="yes", user=operator.username)
    with pytest.raises(CommandError, match="There is no user 'nobody'"):
        decide("approve", note="yes", user="nobody")
    with pytest.raises(CommandError, match="There is no run 9999999"):
        call_command("decide_run", "9999999", "reject", note="x", user=steward.username)
    with pytest.raises(CommandError, match="needs a note"):
        decide("reject", note=" ", user=steward.username)
    decide("approve", note="yes", user=steward.username)
    assert f"Run {held.pk} of ours/sections is published; 40 rows changed." in out.getvalue()
    assert again(held).decided_by == steward
    with pytest.raises(CommandError, match="was approved already"):
        decide("reject", note="no", user=steward.username)


def test_figures_are_exact_after_an_approval(portal: Portal, source: Source, steward: User) -> None:
    held = stopped(portal, source, [{**row, "mw": 0.00001} for row in sections(30)], "held")
    approve(held, by=steward, note="yes")
    assert set(HostingCapacityRecord.objects.values_list("hosting_capacity_mw", flat=True)) == {
        Decimal("0.00001")
    }
