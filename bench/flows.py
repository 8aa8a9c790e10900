"""`bin/bench flows`: the reader beside gridstatus, storing, and answers with 20 years stored. All in one run.

Medians of rounds that take turns. The 40 million rows are the real day's, written by PostgreSQL itself, with
the index made afterwards, as after a restore. Answers come from gunicorn over HTTP, with the connection kept,
against the very statements of an answer sent over psycopg on one connection, their rows fetched whole.
"""

import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "hcportal_bench_flows"
ROUNDS, REPEATS, REQUESTS = 3, 15, 40
YEARS = int(os.environ.get("HCP_BENCH_YEARS", "20"))
PYTHON = sys.executable


def main() -> None:
    from hcportal.services import paths

    host = str(paths.private_database()["HOST"])
    os.environ["DATABASE_URL"] = f"postgis://hcportal@{quote(host, safe='')}/{DATABASE}"
    os.environ["DJANGO_SETTINGS_MODULE"] = "hcportal.settings"
    administer(host, f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)", f"CREATE DATABASE {DATABASE}")
    try:
        subprocess.run([PYTHON, str(ROOT / "manage.py"), "migrate", "-v", "0"], check=True)
        import django

        django.setup()
        reading()
        storing()
        answering()
    finally:
        from django.db import connection

        connection.close()
        administer(host, f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


def administer(host: str, *statements: str) -> None:
    """Run statements outside of the benchmark's database."""
    import psycopg

    with psycopg.connect(host=host, user="hcportal", dbname="postgres", autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def reading() -> None:
    """A day's file, its bytes in memory, to rows at their instants."""
    from interregional.nyiso import read
    from tests.interregional.files import REAL_DAY, real_day
    from tests.peers import gridstatus_days

    content = real_day()
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        theirs += gridstatus_days.read({REAL_DAY: content}, REAL_DAY, None, REPEATS)
        ours += [seconds(lambda: read(content)) for _ in range(REPEATS)]
    one, other = statistics.median(ours), statistics.median(theirs)
    say("read a day, 5,202 rows: ours", one * 1000, "ms")
    say("read a day: gridstatus", other * 1000, "ms")
    say("times faster (at least 5 wanted)", other / one, "x")


def storing() -> None:
    """A day and a month from files, each round into empty tables."""
    from interregional.ingest import load_file
    from tests.interregional.files import as_file, as_zip, day_like_the_real_one, real_day

    month = {
        f"201710{number:02}ExternalLimitsFlows.csv": as_file(day_like_the_real_one(date(2017, 10, number)))
        for number in range(1, 32)
    }
    with tempfile.TemporaryDirectory() as folder:
        day_file, month_file = Path(folder, "day.csv"), Path(folder, "month.zip")
        day_file.write_bytes(real_day())
        month_file.write_bytes(as_zip(month))
        for name, path in (("a day's file", day_file), ("a month's zip", month_file)):
            took, rows = [], 0
            for _ in range(ROUNDS):
                empty()
                began = time.perf_counter()
                run = load_file(path)
                took.append(time.perf_counter() - began)
                rows = run.inserted
                assert run.status == "completed", run.error
            middle = statistics.median(took)
            say(f"read and store {name}, {rows:,} rows", middle, "s")
            say(f"{name}", rows / middle, "rows/s")
            again = seconds(lambda path=path: load_file(path))  # type: ignore[misc]
            say(f"{name} again, nothing new", again, "s")


def answering() -> None:
    """With YEARS years stored: the latest instant, and a day of all interfaces."""
    from django.db import connection
    from django.utils import timezone

    empty()
    fill(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM interregional_interfaceflow")
        say("rows stored", cursor.fetchone()[0], "")
        cursor.execute(
            "SELECT pg_relation_size(t), pg_indexes_size(t)"
            " FROM (SELECT 'interregional_interfaceflow'::regclass t) s"
        )
        table, index = cursor.fetchone()
        say("table", table / 2**30, "GiB")
        say("index", index / 2**30, "GiB")
    latest, day = questions()
    with server() as port:
        for name, address, question in (
            ("latest of all interfaces", "/api/v1/interface-flows", latest),
            ("24 hours of all interfaces", day_address(day), day),
        ):
            compare(name, port, address, question)
        old = day_long_ago(day)
        compare("24 hours of all interfaces, ten years ago", port, day_address(old), old)
        hourly = f"{day_address(day)}&resolution=hour"
        say("24 hours by hour over HTTP, median", statistics.median(requests(port, hourly)) * 1000, "ms")
        say("the page over HTTP, median", statistics.median(requests(port, "/interregional/")) * 1000, "ms")


def compare(name: str, port: int, address: str, question: Any) -> None:
    """HTTP and SQL in turns."""
    over_http: list[float] = []
    as_sql: list[float] = []
    for _ in range(ROUNDS):
        over_http += requests(port, address)
        as_sql += [seconds(lambda: direct(question)) for _ in range(REQUESTS)]
    one, other = statistics.median(over_http), statistics.median(as_sql)
    say(f"{name}: HTTP", one * 1000, "ms")
    say(f"{name}: the same SQL", other * 1000, "ms")
    say(f"{name}: ratio (at most 3 wanted)", one / other, "x")


def questions() -> tuple[Any, Any]:
    from interregional.rows import Interfaces, Question, state

    newest = state().newest
    assert newest is not None
    wanted = Interfaces(None, [])
    just_after = newest + timedelta(microseconds=1)
    return Question(newest, just_after, wanted), Question(newest - timedelta(hours=24), just_after, wanted)


def day_long_ago(day: Any) -> Any:
    from dataclasses import replace

    passed = timedelta(days=365 * YEARS // 2)
    return replace(day, since=day.since - passed, until=day.until - passed)


def day_address(day: Any) -> str:
    last = day.until - timedelta(microseconds=1)
    form = "%Y-%m-%dT%H:%M:%SZ"
    return f"/api/v1/interface-flows?start_date={day.since:{form}}&end_date={last:{form}}&limit=10000"


def direct(question: Any) -> int:
    """The two statements that the API sends, their rows fetched."""
    from django.db import connection

    from interregional import rows_sql as sql

    with connection.cursor() as cursor:
        cursor.execute(sql.STATE)
        cursor.fetchall()
        cursor.execute(
            sql.statement(interfaces=True, regions=False, resolution="5min"),
            {
                "since": question.since, "until": question.until, "interfaces": question.wanted.ids,
                "regions": [],
                "after_at": question.after[0], "after_place": question.after[1], "limit": 10_001,
            },
        )  # fmt: skip
        return len(cursor.fetchall())


def fill(until: datetime) -> None:
    """YEARS years of 19 interfaces every five minutes, up to now."""
    from django.db import connection

    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE interregional_interfaceflow DROP CONSTRAINT interregional_interfaceflow_pkey"
        )
        cursor.execute(
            """
            INSERT INTO interregional_interfaceflow
                ("timestamp", interface_id, run_id, flow_mw, positive_limit_mw, negative_limit_mw)
            SELECT at, i.id, 1,
                round((1000 * sin(extract(epoch FROM at)::float8 / 1e4 + i.id))::numeric, 2), 1950,
                CASE WHEN i.id %% 3 = 0 THEN NULL ELSE -1350 END
            FROM generate_series(date_bin('5 min', %s, '2000-01-01Z') - make_interval(days => 365 * %s),
                                 date_bin('5 min', %s, '2000-01-01Z'), interval '5 minutes') AS at
            CROSS JOIN interregional_interface i
            """,
            [until, YEARS, until],
        )
        cursor.execute('ALTER TABLE interregional_interfaceflow ADD PRIMARY KEY ("timestamp", interface_id)')
        cursor.execute(
            "UPDATE interregional_interface SET first_seen = s.a, last_seen = s.b FROM"
            ' (SELECT min("timestamp") a, max("timestamp") b FROM interregional_interfaceflow) s'
        )
        cursor.execute("VACUUM ANALYZE interregional_interfaceflow")
    say(f"{YEARS} years written and indexed", time.perf_counter() - began, "s")


def empty() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE interregional_interfaceflow, interregional_flowrun, interregional_flowfinding CASCADE"
        )
        cursor.execute("DELETE FROM interregional_interfacename")
        cursor.execute("UPDATE interregional_interface SET first_seen = NULL, last_seen = NULL")


class server:  # noqa: N801  # used as a function
    """gunicorn as `bin/up` runs it; its port."""

    def __enter__(self) -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        self.process = subprocess.Popen(
            [PYTHON, "-m", "gunicorn", "hcportal.wsgi:application", "--bind", f"127.0.0.1:{port}",
             "--workers", "2",
             "--threads", "4", "--preload", "--no-control-socket", "--log-level", "warning"],
            cwd=ROOT,
        )  # fmt: skip
        for _ in range(200):
            try:
                requests(port, "/api/v1/interface-flows", 1)
                break
            except OSError:
                time.sleep(0.1)
        return port

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)


def requests(port: int, address: str, number: int = REQUESTS) -> list[float]:
    """Seconds of each request over one connection, until its body is there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask() -> None:
        connection.request("GET", address)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content[:300]

    try:
        return [seconds(ask) for _ in range(number)]
    finally:
        connection.close()


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def say(what: str, figure: float, unit: str) -> None:
    shown = f"{figure:,.0f}" if figure >= 1000 or float(figure).is_integer() else f"{figure:,.2f}"
    print(f"{what:<62} {shown:>14} {unit}", flush=True)


if __name__ == "__main__":
    main()
