"""Background work. Each task is a few lines around the same function that commands call.

A source that is at work is left alone: another run is as good.
"""

import logging
import random
from datetime import timedelta

from hcportal.celery import app
from hcportal.errors import SourceBusy, UnknownName

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
    from accounts.models import User
    from interregional.demonstration import advance
    from interregional.ingest import pull_current

    try:
        person = User.objects.filter(pk=started_by).first() if started_by is not None else None
        status = str(pull_current(started_by=person).status)
    except (SourceBusy, UnknownName) as reason:
        log.info("%s", reason)
        status = "skipped"
    advance()
    return status


@app.task(name="interregional.read_day")
def read_day(days_ago: int = 0) -> str:
    """Today's file in New York, which closes gaps that polls left."""
    from interregional import ingest

    try:
        return str(ingest.read_day(ingest.today() - timedelta(days=days_ago)).status)
    except (SourceBusy, UnknownName) as reason:
        log.info("%s", reason)
        return "skipped"


@app.task(name="interregional.read_yesterday")
def read_yesterday() -> str:
    """Yesterday's file, once it is whole."""
    return read_day(days_ago=1)


@app.task(name="interregional.forget_old_runs")
def forget_old_runs() -> int:
    """Polls that brought nothing, after a month."""
    from interregional import ingest

    return ingest.forget_old_runs()
