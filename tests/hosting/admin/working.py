"""A real worker on the default queue, for what people ask for in the admin."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hosting.models import Trial
from tests.conftest import ROOT, Portal


@contextmanager
def worker(portal: Portal) -> "Iterator[subprocess.Popen[bytes]]":
    """A Celery worker of this portal, as `bin/up` starts it; what earlier tests left in the queue goes."""
    command = [
        sys.executable, "-m", "celery", "-A", "hcportal", "worker", "--pool", "prefork", "--concurrency", "1",
        "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING",
    ]  # fmt: skip
    process = subprocess.Popen(command, env=portal.environment(), cwd=ROOT, start_new_session=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def wait_until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    """Until `is_so`, looked at ten times a second; an AssertionError when it takes longer."""
    for _ in range(int(seconds * 10)):
        if is_so():
            return
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s; trials: {list(Trial.objects.values())}")


def ended(trial: Trial) -> Trial:
    """The trial, once it has ended."""

    def has_ended() -> bool:
        trial.refresh_from_db()
        return not trial.is_open

    wait_until(has_ended)
    return trial
