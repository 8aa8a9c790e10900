"""The fault drill: whatever happens to a pull, the next one is right, nothing is lost, nothing is doubled."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from interregional import publishers as asking_of
from interregional import tasks
from interregional.defaults import CURRENT
from interregional.ingest import about_to_commit, pull_current, read_day
from interregional.locks import source_lock
from interregional.models import FlowFinding, FlowRun, FlowSource, InterfaceFlow
from interregional.noticing import Noticed
from tests.conftest import ROOT, Portal
from tests.interregional.conftest import Publishers
from tests.interregional.files import REAL_DAY, as_file, day_like_the_real_one, minutes, real_day, row
from tests.interregional.publisher import Answer, body, nothing, slow

Stored = list[tuple[object, ...]]


def mark() -> datetime:
    """The five-minute mark before now."""
    now = timezone.now().replace(second=0, microsecond=0)
    return now - minutes(now.minute % 5)


def latest(at: datetime, flow: float = 1) -> bytes:
    return as_file([row(at, 23316, flow), row(at, 23317, flow)])


def stored() -> Stored:
    return list(
        InterfaceFlow.objects.order_by("timestamp", "interface_id").values_list(
            "timestamp", "interface_id", "flow_mw"
        )
    )


FAULTS: dict[str, Answer] = {
    "404": body(b"no such file", 404),
    "500": body(b"<html>broken</html>", 500),
    "a web page": body(b"<!DOCTYPE html><html><title>Maintenance</title></html>"),
    "half a file": body(latest(mark())[:-9]),
    "half a body": body(latest(mark())[:-9], claimed=len(latest(mark()))),
    "yesterday's file": body(latest(mark() - minutes(1440))),
    "a slow body": slow(latest(mark()), 30),
    "nothing": nothing,
    "an empty body": body(b""),
    "another report": body(b"Time Stamp,Name,PTID\r\n"),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_publishers_leaves_the_last_good_data_and_the_next_poll_is_right(
    publishers: Publishers, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(asking_of, "DEADLINE_SECONDS", 1.0)
    both = (publishers.first, publishers.second)
    before = mark() - minutes(5)
    for each in both:
        each.answers["/current.csv"] = body(latest(before))
    assert pull_current().status == "completed"
    good = stored()
    for each in both:
        each.answers["/current.csv"] = FAULTS[fault]
    run = pull_current()
    if fault == "yesterday's file":  # it is a file, only not the one that was hoped for
        assert run.status == "completed"
        assert "stale" in run.error
        assert set(good) < set(stored())
    else:
        assert run.status == "failed"
        assert "What was stored before stays" in run.error
        assert len(run.attempts) == 2
        assert stored() == good
    for each in both:
        each.answers["/current.csv"] = body(latest(mark()))
    assert pull_current().status == "completed"
    assert len(set(stored())) == len(stored()) == (6 if fault == "yesterday's file" else 4)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", FAULTS)
def test_where_the_first_publisher_fails_the_second_one_is_taken(
    publishers: Publishers, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(asking_of, "DEADLINE_SECONDS", 1.0)
    publishers.first.answers["/current.csv"] = FAULTS[fault]
    publishers.second.answers["/current.csv"] = body(latest(mark()))
    run = pull_current()
    assert (run.status, run.inserted, run.error) == ("completed", 2, "")
    assert run.source_url.startswith(publishers.second.url)


@pytest.mark.django_db
def test_a_days_file_of_another_day_is_not_taken(publishers: Publishers) -> None:
    publishers.first.answers["/2017/11/23.csv"] = body(real_day())
    run = read_day(REAL_DAY.replace(day=23))
    assert run.status == "failed"
    assert "holds 2017-11-22 instead of 2017-11-23" in run.error
    assert not InterfaceFlow.objects.exists()


@pytest.mark.django_db
def test_rows_of_hours_to_come_are_not_taken_for_the_newest(publishers: Publishers) -> None:
    """They would stand on the page, alone and never old, until their time came."""
    publishers.first.answers["/current.csv"] = body(latest(mark() + minutes(300)))
    publishers.second.answers["/current.csv"] = body(latest(mark()))
    assert pull_current().newest == mark()
    del publishers.second.answers["/current.csv"]
    run = pull_current()
    assert run.status == "failed"
    assert "no rows; line 2: it is more than a quarter of an hour ahead of the clock" in run.error


@pytest.mark.django_db
def test_polls_that_were_missed_are_made_up_for_by_the_days_file(publishers: Publishers) -> None:
    rows = day_like_the_real_one(REAL_DAY)
    publishers.first.answers["/2017/11/22.csv"] = body(as_file(rows[: 18 * 100]))
    assert "not the whole day" in read_day(REAL_DAY).error
    publishers.first.answers["/2017/11/22.csv"] = body(as_file(rows))
    run = read_day(REAL_DAY)
    assert (run.inserted, run.unchanged) == (len(rows) - 1_800, 1_800)


@pytest.mark.django_db
def test_data_that_are_old_are_found_once_for_as_long_as_they_are(publishers: Publishers) -> None:
    old = mark() - minutes(60)
    for each in (publishers.first, publishers.second):
        each.answers["/current.csv"] = body(latest(old))
    for _ in range(3):
        pull_current()
    found = FlowFinding.objects.get(kind=Noticed.STALE)
    assert found.starts_at == old
    assert found.count >= 60


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_mid_load_leaves_nothing_and_the_next_poll_is_right(
    portal: Portal, publishers: Publishers
) -> None:
    publishers.first.answers["/current.csv"] = body(latest(mark()))
    done = portal.python("-m", "tests.interregional.interrupted")
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    assert stored() == []
    assert FlowRun.objects.get().status == "running"
    assert pull_current().status == "completed"
    assert len(stored()) == 2
    assert [run.status for run in FlowRun.objects.order_by("id")] == ["failed", "completed"]
    assert "Its process ended" in FlowRun.objects.order_by("id")[0].error


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_right_after_the_commit_has_told_what_it_stored(
    portal: Portal, publishers: Publishers
) -> None:
    publishers.first.answers["/current.csv"] = body(latest(mark()))
    done = portal.python("-m", "tests.interregional.interrupted", "after")
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    assert len(stored()) == 2
    assert pull_current().inserted in {0, 2}  # the mark may have passed meanwhile
    first = FlowRun.objects.order_by("id")[0]
    assert (first.status, first.inserted) == ("completed", 2)
    assert "when its rows were stored" in first.error


@pytest.mark.django_db(transaction=True)
def test_the_same_rows_from_several_processes_at_once_are_stored_once(
    portal: Portal, publishers: Publishers, tmp_path: Path
) -> None:
    """A file loaded twice by hand while the timetable reads the same as today's and as the latest."""
    whole = as_file([r for n in range(40) for r in (row(mark() - minutes(5 * n), p) for p in (23316, 23317))])
    publishers.first.answers["/current.csv"] = body(whole)
    path = tmp_path / "same.csv"
    path.write_bytes(whole)
    load = [sys.executable, "manage.py", "load_flows", str(path)]
    commands = [load, load, [sys.executable, "manage.py", "pull_flows"]]
    running = [
        subprocess.Popen(
            command, cwd=ROOT, env=portal.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for command in commands
    ]
    for process in running:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said.decode()
    assert len(stored()) == len(set(stored())) == 80
    assert sorted(run.inserted for run in FlowRun.objects.all()) == [0, 0, 80]
    assert {run.updated for run in FlowRun.objects.all()} == {0}


@pytest.mark.django_db(transaction=True)
def test_two_sources_write_one_after_the_other(
    portal: Portal, publishers: Publishers, tmp_path: Path
) -> None:
    """A poll is about to commit when a file with the same rows comes: the file waits, and finds them."""
    same = latest(mark())
    publishers.first.answers["/current.csv"] = body(same)
    path = tmp_path / "same.csv"
    path.write_bytes(same)
    waiting = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    others: list[subprocess.Popen[bytes]] = []

    def load_beside(**_sent: object) -> None:
        command = [sys.executable, "manage.py", "load_flows", str(path)]
        others.append(subprocess.Popen(command, cwd=ROOT, env=portal.environment(), stdout=subprocess.PIPE))
        with connection.cursor() as cursor:
            for _ in range(600):
                cursor.execute(waiting)
                if cursor.fetchone() == (1,):
                    return
                assert others[0].poll() is None, "the file did not wait for the poll"
                time.sleep(0.1)
        raise AssertionError("the file neither waited nor ended")

    about_to_commit.connect(load_beside)
    try:
        assert pull_current().inserted == 2
        said, _ = others[0].communicate(timeout=60)
    finally:
        about_to_commit.disconnect(load_beside)
        for other in others:
            other.kill()
    assert b"0 new, 0 revised, 2 known" in said
    assert len(stored()) == 2


@pytest.mark.django_db(transaction=True)
def test_one_run_at_a_time_of_a_source(portal: Portal, publishers: Publishers) -> None:
    publishers.first.answers["/current.csv"] = body(latest(mark()))
    source = FlowSource.objects.get(code=CURRENT)
    script = "import django; django.setup(); from interregional.tasks import pull; print(pull())"
    with source_lock(source):
        done = portal.python("-c", script)
        assert done.stdout.strip() == "skipped", done.stderr
    assert not FlowRun.objects.exists()
    done = portal.python("-c", script)
    assert done.stdout.strip() == "completed", done.stderr
    other = "import django; django.setup(); from interregional.ingest import pull_current; pull_current()"
    with source_lock(source):
        assert "SourceBusy: Another run of P-32-CURRENT is under way" in portal.python("-c", other).stderr


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_postgresql_ends_fails_the_run_and_not_the_next(publishers: Publishers) -> None:
    """What a restart of PostgreSQL does to a run: its connection is gone in the middle."""
    from django.db import DatabaseError

    publishers.first.answers["/current.csv"] = body(latest(mark()))

    def cut(**_sent: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    about_to_commit.connect(cut)
    try:
        with pytest.raises(DatabaseError):
            pull_current()
    finally:
        about_to_commit.disconnect(cut)
    assert stored() == []
    assert FlowRun.objects.get().status == "failed"
    assert pull_current().status == "completed"
    assert len(stored()) == 2


@pytest.mark.slow
def test_postgresql_may_restart_in_the_middle_of_a_run_and_the_next_poll_is_right() -> None:
    """A PostgreSQL of its own that stops before the commit, is away for one poll, and comes back."""
    folder = Path("/tmp") / f"hcp-restart-{time.time_ns() % 10**9}"  # where the server's user may go
    folder.mkdir(mode=0o755)
    (folder / "static").mkdir()
    python = (sys.executable, "-P", "-m")
    environment = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
    try:
        done = subprocess.run(
            [*python, "hcportal.services", "run", *python, "tests.interregional.restarted"],
            env=environment | {"HCP_VAR": str(folder), "HCP_ALLOW_LOOPBACK": "1", "PYTHONPATH": str(ROOT)},
            cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert "the poll after the restart was right" in done.stdout, done.stdout + done.stderr
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    ["https://169.254.169.254/latest", "https://10.0.0.1/x.csv", "http://127.0.0.1/x.csv", "https://[::1]/x"],
)
def test_an_address_inside_of_this_network_is_refused_whoever_wrote_it_down(
    settings: Settings, address: str
) -> None:
    settings.HCP_ALLOW_LOOPBACK = False
    FlowSource.objects.filter(code=CURRENT).update(url_templates=[address])
    run = pull_current()
    assert run.status == "failed"
    assert "not a public address" in run.error or "this machine" in run.error, run.error


@contextmanager
def redis(folder: Path) -> "Iterator[subprocess.Popen[bytes]]":
    program = shutil.which("redis-server")
    assert program is not None
    socket = folder / "r.sock"
    command = [program, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    for _ in range(100):
        if socket.exists():
            break
        time.sleep(0.05)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_redis_may_stop_and_the_next_poll_after_it_is_right(
    portal: Portal, publishers: Publishers, tmp_path: Path
) -> None:
    """A worker and a sender of polls over a Redis that stops and starts again."""
    publishers.first.answers["/current.csv"] = body(latest(mark()))
    folder = Path("/tmp") / f"hcp-redis-{time.time_ns() % 10**9}"  # a socket's path is short
    folder.mkdir()
    environment = portal.environment() | {"REDIS_URL": f"unix://{folder}/r.sock"}
    send = "import django; django.setup(); from interregional.tasks import pull;"
    send += "pull.apply_async(queue='flows', retry=False)"

    def sent() -> bool:
        done = subprocess.run(
            [sys.executable, "-c", send],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return done.returncode == 0

    def runs(number: int) -> list[str]:
        for _ in range(300):
            found = list(
                FlowRun.objects.exclude(completed_at=None).order_by("id").values_list("status", flat=True)
            )
            if len(found) >= number:
                return found
            time.sleep(0.1)
        raise AssertionError(f"no {number} runs: {found}")

    worker = None
    try:
        with redis(folder):
            worker = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "hcportal", "worker", "--concurrency", "1",
                 "-Q", "flows",
                 "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR"],
                env=environment, cwd=ROOT, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            assert sent()
            assert runs(1) == ["completed"]
        assert not sent()
        with redis(folder):
            publishers.first.answers["/current.csv"] = body(latest(mark(), flow=2))
            assert sent()
            assert runs(2)[1] in {"completed"}
            assert len(stored()) in {2, 4}  # the mark may have passed meanwhile
            worker.terminate()
            worker.wait(30)
    finally:
        if worker is not None and worker.poll() is None:
            worker.kill()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_poll_is_sent_some_seconds_after_the_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, float]] = []
    monkeypatch.setattr(tasks.pull, "apply_async", lambda **given: sent.append(given))
    for _ in range(50):
        tasks.poll()
    waits = [given["countdown"] for given in sent]
    assert min(waits) >= 40
    assert max(waits) <= 52
    assert len(set(waits)) > 40
    assert all(given["expires"] < 300 for given in sent)


@pytest.mark.django_db
def test_the_timetable_pulls_every_five_minutes_and_closes_gaps_after_midnight_in_new_york() -> None:
    from django_celery_beat.models import PeriodicTask

    found = {
        task.task: task.crontab for task in PeriodicTask.objects.filter(task__startswith="interregional.")
    }
    assert found["interregional.poll"].minute == "*/5"
    assert (found["interregional.read_day"].minute, found["interregional.read_day"].hour) == ("17", "*")
    yesterday = found["interregional.read_yesterday"]
    assert yesterday is not None
    assert str(yesterday.timezone) == "America/New_York"
    assert yesterday.hour.split(",")[0] == "0"
