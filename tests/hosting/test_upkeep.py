"""maintain_lake on a portal's lake: readers, history and what a person decided on keep all they need."""

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from hosting.lake import tables, upkeep
from hosting.lake_settings import open_lake
from hosting.models import HCIngestionRun, RunStatus
from hosting.rollback import roll_back
from hosting.timetable import sync_timetable
from hosting.upkeep import keep_up, long_failed
from tests import factories as make
from tests.conftest import Portal
from tests.hosting.test_gate import sections, serve, what_readers_see
from tests.hosting.test_rollback import shown
from tests.layers import FREE, entry

LONG_AGO = timezone.now() - timedelta(days=200)


def bronze_runs() -> set[int]:
    return set(open_lake().delta(tables.BRONZE).to_pyarrow_table(columns=["run_id"]).column(0).to_pylist())


def test_upkeep_changes_nothing_that_readers_see_and_the_next_run_goes_on(portal: Portal) -> None:
    source = portal.add(entry("ours"))
    rows = sections()
    for number in range(3):
        rows[0]["mw"] = 5 + number
        serve(portal, rows)
        assert portal.ingest(source).status == RunStatus.COMPLETED
    # The second run as one that failed long ago: its bronze was never seen, the others' was.
    failed = HCIngestionRun.objects.create(
        utility=source.utility, source=source, started_at=LONG_AGO, completed_at=LONG_AGO,
        status=RunStatus.FAILED, config_json={},
    )  # fmt: skip
    published = bronze_runs()
    before = what_readers_see()
    said = io.StringIO()
    call_command("maintain_lake", stdout=said)
    assert "silver/sections" in said.getvalue()
    assert "Bronze of 0 runs" in said.getvalue()
    assert failed.pk not in published
    assert (what_readers_see(), bronze_runs()) == (before, published)
    said = io.StringIO()
    call_command("maintain_lake", "--history", "--versions", "2", stdout=said)
    assert "silver/sections: version" in said.getvalue()
    rows[0]["mw"] = 9.5
    serve(portal, rows)
    assert portal.ingest(source).status == RunStatus.COMPLETED


def test_what_each_run_showed_is_still_known_after_the_harshest_upkeep(portal: Portal) -> None:
    """History is rows of the log, not versions of a table: none of it is lost with old files."""
    source = portal.add(entry("ours", thresholds=FREE))
    runs, seen = [], []
    for number, rows in enumerate((sections(10), sections(7), sections(9))):
        serve(portal, [row | {"mw": row["mw"] + number} for row in rows])
        runs.append(portal.ingest(source))
        seen.append(shown())
    lake = open_lake()
    keep_up(lake, retention_hours=0)
    keep_up(lake, retention_hours=0)
    for table in (tables.SECTIONS, tables.RECORDS):
        assert upkeep.size(lake, table).files == 1
    for run in (runs[0], runs[1], runs[2]):
        assert roll_back(source, run, note="to see it").status == "completed"
        assert shown() == seen[runs.index(run)]


@pytest.mark.django_db
def test_bronze_goes_of_runs_that_nobody_saw_long_ago_and_of_no_others() -> None:
    source = make.make_source()

    def run(status: str, **given: object) -> int:
        return make.make_run(source, status, **{"started_at": LONG_AGO, "completed_at": LONG_AGO} | given).pk

    going = [run(RunStatus.FAILED), run(RunStatus.CANCELLED)]
    for status in (RunStatus.COMPLETED, RunStatus.HELD, RunStatus.REJECTED, RunStatus.UNCHANGED):
        run(status)
    run(RunStatus.FAILED, completed_at=timezone.now() - timedelta(days=80))
    run(RunStatus.CANCELLED, decided_at=LONG_AGO)  # it was held, and a person looked at it
    run(RunStatus.RUNNING, completed_at=None)
    assert [one.run_id for one in long_failed()] == going


@pytest.mark.django_db
def test_the_timetable_has_it_once_every_day_and_leaves_an_edit_alone() -> None:
    sync_timetable()
    task = PeriodicTask.objects.get(task="hosting.maintain_lake")
    assert (task.crontab.hour, task.enabled) == ("4", True)
    PeriodicTask.objects.filter(pk=task.pk).update(enabled=False)
    sync_timetable()
    assert not PeriodicTask.objects.get(task="hosting.maintain_lake").enabled
