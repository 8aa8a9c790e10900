"""The timetable of the flows, as data that an administrator can edit; edits win.

Celery's crontab has no seconds: the task that runs on the minute sends the one that pulls, some seconds
later.
"""

import json
from typing import Final

from django_celery_beat.models import CrontabSchedule, PeriodicTask

NEW_YORK: Final = "America/New_York"
# name: (task, crontab fields, time zone, seconds after which a task that was not taken up is dropped)
TASKS: Final = {
    "Flows: the latest interval": ("interregional.poll", {"minute": "*/5"}, "UTC", 240),
    "Flows: today's file": ("interregional.read_day", {"minute": "17"}, "UTC", 1800),
    "Flows: yesterday's file": (
        "interregional.read_yesterday",
        {"minute": "35", "hour": "0,3,9"},  # later once more: the file of a day is revised
        NEW_YORK,
        3600,
    ),
    "Flows: forget old runs": ("interregional.forget_old_runs", {"minute": "50", "hour": "8"}, "UTC", 3600),
}


def ensure_timetable() -> None:
    """Make the tasks that are missing; one that is there, edited or switched off, is left alone."""
    for name, (task, fields, zone, expires) in TASKS.items():
        if PeriodicTask.objects.filter(name=name).exists():
            continue
        found = CrontabSchedule.objects.filter(**_whole(fields), timezone=zone).order_by("pk").first()
        schedule = found or CrontabSchedule.objects.create(**_whole(fields), timezone=zone)
        PeriodicTask.objects.create(
            name=name,
            task=task,
            crontab=schedule,
            kwargs=json.dumps({}),
            expire_seconds=expires,
            description="Made by hcportal; what you change here stays.",
        )


def _whole(fields: dict[str, str]) -> dict[str, str]:
    every = {"minute": "*", "hour": "*", "day_of_month": "*", "month_of_year": "*", "day_of_week": "*"}
    return every | fields
