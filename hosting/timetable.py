"""The timetable as data: what is done daily, and a periodic task for each source that may be fetched.

The catalog gives the default; an administrator's edit wins. A task remembers in its description which default
it was made from, so that an edit is told from an old default.
"""

import json
import zlib

from django_celery_beat.models import CrontabSchedule, PeriodicTask

from utilities.models import Source

TASK = "hosting.ingest_source"
NAME = "Ingest "
MADE_FROM = "Default of the catalog: "
# What runs whatever the sources are: task, its name, (minute, hour) in UTC, what it does.
DAILY = (
    (
        "hosting.maintain_lake",
        "Maintain the lake",
        ("41", "4"),
        "Compacts the lake's tables, every day; removes no row that counts.",
    ),
    (
        "hosting.probe",
        "Probe every source",
        ("23", "5"),
        "Asks each source how it is, every day; fetches no row.",
    ),
)


def sync_timetable() -> int:
    """Make, update and remove periodic tasks to match the sources; how many are to be fetched."""
    _daily()
    scheduled = [source for source in Source.objects.select_related("utility") if source.is_scheduled]
    for source in scheduled:
        _schedule(source)
    names = [_name(source) for source in scheduled]
    ours = PeriodicTask.objects.filter(task=TASK, description__startswith=MADE_FROM)
    ours.exclude(name__in=names).delete()
    return len(scheduled)


def _name(source: Source) -> str:
    return f"{NAME}{source}"


def _daily() -> None:
    """The daily tasks, before a night's first run; one that an administrator edited stays as it is."""
    for task, name, (minute, hour), description in DAILY:
        if PeriodicTask.objects.filter(task=task).exists():
            continue
        at = {"minute": minute, "hour": hour, "day_of_month": "*", "month_of_year": "*", "day_of_week": "*"}
        schedule = CrontabSchedule.objects.filter(**at, timezone="UTC").order_by("pk").first()
        PeriodicTask.objects.create(
            name=name,
            task=task,
            crontab=schedule or CrontabSchedule.objects.create(**at, timezone="UTC"),
            description=description,
            expire_seconds=3_600,
        )


def _schedule(source: Source) -> None:
    default = _crontab(source)
    # Nothing keeps a schedule from standing twice in the table: any of its equals will do.
    schedule = CrontabSchedule.objects.filter(**default, timezone="UTC").order_by("pk").first()
    schedule = schedule or CrontabSchedule.objects.create(**default, timezone="UTC")
    made_from = f"{MADE_FROM}{source.cadence}, {_text(schedule)}"
    task = PeriodicTask.objects.filter(name=_name(source)).first()
    if task is None:
        PeriodicTask.objects.create(
            name=_name(source),
            task=TASK,
            crontab=schedule,
            kwargs=json.dumps({"source": str(source)}),
            description=made_from,
            expire_seconds=3_600,  # runs of a worker that was away must not pile up
        )
    elif task.description != made_from and task.description == f"{MADE_FROM}{_was(task)}":
        task.crontab, task.description = schedule, made_from
        task.save()


def _was(task: PeriodicTask) -> str:
    """The default that the task still has, as its description would say it; differs after an edit."""
    cadence = task.description.removeprefix(MADE_FROM).partition(",")[0]
    return f"{cadence}, {_text(task.crontab)}" if task.crontab is not None else ""


def _text(schedule: CrontabSchedule) -> str:
    return (
        f"{schedule.minute} {schedule.hour} {schedule.day_of_month} {schedule.month_of_year} "
        f"{schedule.day_of_week} {schedule.timezone}"
    )


def _crontab(source: Source) -> dict[str, str]:
    """A time of night in the US that is the source's own, so that publishers are not all asked at once."""
    spread = zlib.crc32(str(source).encode())
    day = {"daily": ("*", "*"), "weekly": ("*", str(spread % 7)), "monthly": (str(1 + spread % 28), "*")}
    day_of_month, day_of_week = day[source.cadence]
    return {
        "minute": str(spread // 7 % 60),
        "hour": str(6 + spread // 420 % 5),  # 06:00 to 10:59 UTC
        "day_of_month": day_of_month,
        "month_of_year": "*",
        "day_of_week": day_of_week,
    }
