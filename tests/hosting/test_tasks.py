"""Runs in the background: a real worker, a real broker."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hosting.locks import source_lock
from hosting.models import HCIngestionRun, HostingCapacitySection
from hosting.tasks import ingest_source
from tests.conftest import ROOT, Portal
from tests.layers import entry, write_layer

CODE = "background"
QUEUE = "tests"  # so that no worker but the test's own takes them


@contextmanager
def worker(portal: Portal) -> "Iterator[subprocess.Popen[bytes]]":
    """A Celery worker of this portal, as `bin/up` starts it."""
    command = [
        sys.executable, "-m", "celery", "-A", "hcportal", "worker", "--pool", "prefork", "--concurrency", "1",
        "--without-gossip", "--without-mingle", "--without-heartbeat", "-Q", QUEUE, "--loglevel", "WARNING",
    ]  # fmt: skip
    process = subprocess.Popen(command, env=portal.environment(), cwd=ROOT)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def wait_for(number: int) -> list[HCIngestionRun]:
    """The runs, once `number` of them have ended."""
    for _ in range(600):
        runs = list(HCIngestionRun.objects.exclude(completed_at=None).order_by("id"))
        if len(runs) >= number:
            return runs
        time.sleep(0.1)
    raise AssertionError(f"no {number} runs ended within a minute: {list(HCIngestionRun.objects.all())}")


def test_a_worker_ingests_what_it_is_sent_again_and_again(portal: Portal) -> None:
    rows = [{"section": f"s{n}", "feeder": f"f{n % 3}", "mw": n / 2} for n in range(30)]
    write_layer(portal.folder / "recorded", CODE, rows)
    source = portal.add(entry(CODE))
    with worker(portal):
        ingest_source.apply_async(kwargs={"source": str(source)}, queue=QUEUE)
        assert [run.status for run in wait_for(1)] == ["completed"]
        assert HostingCapacitySection.objects.count() == 30
        write_layer(portal.folder / "recorded", CODE, rows[:-1])
        ingest_source.apply_async(kwargs={"source": str(source)}, queue=QUEUE)
        assert [run.status for run in wait_for(2)] == ["completed", "completed"]
        assert HostingCapacitySection.objects.count() == 29


def test_a_source_at_work_is_left_alone(portal: Portal) -> None:
    write_layer(portal.folder / "recorded", CODE, [{"section": "s", "feeder": "f", "mw": 1.0}])
    source = portal.add(entry(CODE))
    script = "import django; django.setup(); from hosting.tasks import ingest_source as task;"
    script += "print(task('background/sections'))"
    with source_lock(source):
        done = portal.python("-c", script)
        assert done.stdout.strip() == "busy", done.stderr
    assert not HCIngestionRun.objects.exists()
    assert ingest_source(str(source)) == "completed"


def test_a_source_that_is_switched_off_is_not_fetched(portal: Portal) -> None:
    source = portal.add(entry(CODE))
    source.is_enabled = False
    source.save()
    assert ingest_source(str(source)) == "skipped"
    assert not HCIngestionRun.objects.exists()
