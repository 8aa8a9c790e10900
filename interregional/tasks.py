"""Background work. Each task is a few lines around the same function that commands call.

A source that is at work is left alone: another run is as good.
"""

import logging
import random
from datetime import timedelta
from typing import TYPE_CHECKING

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from hcportal.celery import app
from hcportal.errors import QueueUnreachable, SourceBusy, UnknownName
from interregional.models import FlowSource

if TYPE_CHECKING:
    from accounts.models import User

log = logging.getLogger(__name__)
SECONDS_AFTER_THE_MARK = 40  # the site rolls at 36 to 40 s past each five-minute mark
JITTER_SECONDS = 12  # so that not everybody asks at once
EXPIRES_SECONDS = 240  # the next poll is as good


@app.task(name="interregional.poll")
def poll() -> None:
    """On the five-minute mark: pull a little later, when the publisher's file has rolled."""
    later = SECONDS_AFTER_THE_MARK + random.uniform(0, JITTER_SECONDS)  # noqa: S311 - jitter
    pull.apply_async(countdown=later, expires=EXPIRES_SECONDS)


@app.task(name="interregional.pull")
def pull(started_by: int | None = None) -> str:
    """The latest interval. Where there is none and a demonstration is shown, that goes on."""
    from interregional.demonstration import advance
    from interregional.ingest import pull_current

    try:
        status = str(pull_current(started_by=_person(started_by)).status)
    except (SourceBusy, UnknownName) as reason:
        log.info("%s", reason)
        status = "skipped"
    advance()
    return status


@app.task(name="interregional.read_day")
def read_day(days_ago: int = 0, started_by: int | None = None) -> str:
    """Today's file in New York, which closes gaps that polls left."""
    from interregional import ingest

    try:
        day = ingest.today() - timedelta(days=days_ago)
        return str(ingest.read_day(day, started_by=_person(started_by)).status)
    except (SourceBusy, UnknownName) as reason:
        log.info("%s", reason)
        return "skipped"


@app.task(name="interregional.read_yesterday")
def read_yesterday() -> str:
    """Yesterday's file, once it is whole."""
    return str(read_day(days_ago=1))


@app.task(name="interregional.forget_old_runs")
def forget_old_runs() -> int:
    """Polls that brought nothing, after a month."""
    from interregional import ingest

    return ingest.forget_old_runs()


def send(source: FlowSource, person: int) -> None:
    """Hand a pull that somebody asked for to the worker. Raises QueueUnreachable."""
    task = pull if source.is_static else read_day
    try:
        task.apply_async(kwargs={"started_by": person}, retry=False, expires=EXPIRES_SECONDS)
    except (OperationalError, RedisError, OSError) as trouble:
        raise QueueUnreachable(
            "The queue (Redis) does not answer, so nothing was started. See that Redis and the worker run, "
            "then try again."
        ) from trouble


def _person(pk: int | None) -> "User | None":
    from accounts.models import User

    return User.objects.filter(pk=pk).first() if pk is not None else None
