"""The timetable: defaults from the catalog, an admin's edit wins, nothing runs that must not."""

import json
from typing import Any

import pytest
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from hosting.tasks import ingest_source
from hosting.timetable import MADE_FROM, TASK, sync_timetable
from tests.factories import make_source, make_utility
from utilities.models import Source

pytestmark = pytest.mark.django_db


def tasks() -> dict[str, PeriodicTask]:
    """Our tasks by `utility/source`."""
    found = PeriodicTask.objects.filter(task=TASK).select_related("crontab")
    return {json.loads(task.kwargs)["source"]: task for task in found}


def when(task: PeriodicTask) -> tuple[str, ...]:
    crontab: Any = task.crontab
    return tuple(
        str(part)
        for part in (
            crontab.minute,
            crontab.hour,
            crontab.day_of_month,
            crontab.month_of_year,
            crontab.day_of_week,
            crontab.timezone,
        )
    )


@pytest.mark.parametrize("cadence", ["daily", "weekly", "monthly"])
def test_a_source_is_asked_at_night_by_its_cadence(cadence: str) -> None:
    for number in range(20):
        make_source(make_utility(f"u{number}"), "hc", cadence=cadence)
    assert sync_timetable() == 20
    times = [when(task) for task in tasks().values()]
    for minute, hour, day_of_month, month, day_of_week, timezone in times:
        assert 0 <= int(minute) < 60
        assert 6 <= int(hour) < 11
        assert (month, timezone) == ("*", "UTC")
        assert (day_of_month == "*", day_of_week == "*") == {
            "daily": (True, True),
            "weekly": (True, False),
            "monthly": (False, True),
        }[cadence]
        if cadence == "monthly":
            assert 1 <= int(day_of_month) <= 28
        if cadence == "weekly":
            assert 0 <= int(day_of_week) <= 6
    assert len(set(times)) > 15  # publishers are not all asked at once


def test_a_second_sync_changes_nothing() -> None:
    for cadence in ("daily", "weekly", "monthly"):
        make_source(cadence=cadence)
    sync_timetable()
    before = list(PeriodicTask.objects.order_by("pk").values())
    assert sync_timetable() == 3
    assert list(PeriodicTask.objects.order_by("pk").values()) == before


def test_an_untouched_default_follows_the_catalog() -> None:
    source = make_source(cadence="weekly")
    sync_timetable()
    task = tasks()[str(source)]
    PeriodicTask.objects.filter(pk=task.pk).update(enabled=False)
    Source.objects.update(cadence="monthly")
    sync_timetable()
    after = tasks()[str(source)]
    assert after.pk == task.pk
    assert (when(after)[4], when(after)[2] != "*") == ("*", True)
    assert "monthly" in after.description
    assert not after.enabled


@pytest.mark.parametrize(
    "edit",
    [
        {"hour": "3"},
        {"minute": "*/5"},
        {"day_of_week": "*"},
        {"timezone": "America/New_York"},
    ],
    ids=", ".join,
)
def test_an_admin_s_edit_wins_over_a_changed_catalog(edit: dict[str, str]) -> None:
    source = make_source(cadence="weekly")
    sync_timetable()
    task = tasks()[str(source)]
    crontab: Any = task.crontab
    fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone")
    task.crontab = CrontabSchedule.objects.create(**{name: getattr(crontab, name) for name in fields} | edit)
    task.save()
    chosen = when(task)
    sync_timetable()
    assert when(tasks()[str(source)]) == chosen
    Source.objects.update(cadence="daily")
    sync_timetable()
    assert when(tasks()[str(source)]) == chosen


def test_an_admin_s_interval_wins_too() -> None:
    source = make_source(cadence="weekly")
    sync_timetable()
    task = tasks()[str(source)]
    task.crontab, task.interval = None, IntervalSchedule.objects.create(every=2, period="days")
    task.save()
    Source.objects.update(cadence="daily")
    sync_timetable()
    after = tasks()[str(source)]
    assert (after.crontab, after.interval) == (None, task.interval)


def test_schedules_that_stand_twice_do_not_stop_the_sync() -> None:
    source = make_source(cadence="weekly")
    sync_timetable()
    crontab: Any = tasks()[str(source)].crontab
    crontab.pk = None
    crontab.save()
    PeriodicTask.objects.all().delete()
    assert sync_timetable() == 1


@pytest.mark.parametrize(
    "reason",
    [
        {"is_enabled": False},
        {"in_catalog": False},
        {"status": "unverified"},
        {"status": "unavailable"},
        {"redistribution": "forbidden"},
    ],
    ids=lambda reason: ", ".join(f"{k} {v}" for k, v in reason.items()),
)
def test_what_must_not_run_has_no_task_and_is_skipped_if_it_comes_up(reason: dict[str, Any]) -> None:
    make_source(**reason)
    stays, goes = make_source(), make_source()
    other = PeriodicTask.objects.create(
        name="Somebody's own",
        task="somebody.else",
        interval=IntervalSchedule.objects.create(every=1, period="days"),
    )
    for name, description in (("Ingest of old", f"{MADE_FROM}daily"), ("An admin's own", "twice a day")):
        PeriodicTask.objects.create(
            name=name,
            task=TASK,
            kwargs=json.dumps({"source": f"{name}/hc"}),
            interval=other.interval,
            description=description,
        )
    assert sync_timetable() == 2
    PeriodicTask.objects.get(name="An admin's own").delete()  # a sync takes nothing that it did not make
    assert set(tasks()) == {str(stays), str(goes)}
    Source.objects.filter(pk=goes.pk).update(**reason)
    assert sync_timetable() == 1
    assert set(tasks()) == {str(stays)}
    assert PeriodicTask.objects.filter(pk=other.pk).exists()
    assert ingest_source(str(goes)) == "skipped"


def test_sources_that_only_display_are_fetched() -> None:
    source = make_source(redistribution="display_only")
    sync_timetable()
    assert set(tasks()) == {str(source)}
