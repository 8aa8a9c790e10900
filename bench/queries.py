"""`bin/bench queries`: the two questions of the lakehouse, over HTTP and as the same SQL run directly.

Which feeders take at least X MW, and what is on a feeder: at 200,000 feeders and 1,000,000 DER, warm, one
client, through gunicorn as bin/up runs it. Ends with 1 where the p95 is above 20 ms. The SQL is the one that
the API runs, taken from it, over the same values. Ten minutes more where the load is not there yet.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    import psycopg

    from bench.serving.client import Client

FEEDERS, SECTIONS, DERS = 200_000, 400_000, 1_000_000
LIMIT_MS, ROUNDS, WARM = 20.0, 400, 60
LIST = "/api/v1/feeders"


def main() -> int:
    parser = argparse.ArgumentParser("bin/bench queries", description="Measure the two questions.")
    parser.add_argument("--feeders", type=int, default=FEEDERS, help=f"default {FEEDERS:,}")
    parser.add_argument("--ders", type=int, default=DERS, help=f"default {DERS:,}")
    asked = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hcportal.settings")
    django.setup()
    from bench.serving import data, servers
    from bench.serving.client import Client
    from bench.serving.table import HEAD, Figure, written

    data.prepare(asked.feeders, 2 * asked.feeders, asked.ders)
    questions = _questions()
    figures: list[Figure] = []
    print(f"{asked.feeders:,} feeders, {asked.ders:,} DER; {os.cpu_count()} cores, ", end="")
    print(f"load {os.getloadavg()[0]:.1f} at the start; p95 of {ROUNDS} requests, one client\n")
    print(HEAD)
    with servers.portal() as address, data.direct() as plain:
        ours = Client(address)
        for what, paths in questions.items():
            taken, alone = _over_http(ours, paths), _directly(plain, paths)
            figures.append(Figure(what, taken, alone, "the same SQL, psycopg", LIMIT_MS))
            print(written(figures[-1:]), flush=True)
    broken = [figure.what for figure in figures if not figure.holds]
    print(f"\nDoes not hold: {'; '.join(broken)}." if broken else "\nEvery limit holds.")
    return 1 if broken else 0


def _questions() -> dict[str, list[str]]:
    """What is asked, by the name of its line; each line a list of addresses."""
    from hosting.models import Feeder

    dice = random.Random(11)
    megawatts = [f"{dice.uniform(0, 10):.2f}" for _ in range(ROUNDS)]
    slugs = list(
        Feeder.objects.filter(utility__utility_code="load_1").order_by("pk").values_list("slug", flat=True)
    )
    feeders = [f"{LIST}/load_1/{slug}/ders" for slug in dice.choices(slugs, k=ROUNDS)]
    return {
        "feeders with at least X MW, first 100": [f"{LIST}?min_hosting_mw={mw}" for mw in megawatts],
        "the same of one utility": [f"{LIST}?min_hosting_mw={mw}&utility=load_2" for mw in megawatts],
        "the same, a page far down": [
            f"{LIST}?min_hosting_mw=0.1&after={mw}:{dice.randrange(10**6)}" for mw in megawatts
        ],
        "all DER of a feeder": feeders,
        "planned DER of a feeder": [f"{path}?status=planned" for path in feeders],
    }


def _over_http(ours: "Client", paths: Sequence[str]) -> float:
    from bench.serving.client import p95

    for path in paths[:WARM]:
        ours.get(path)
    return p95(ours.get(path).ms for path in paths)


def _directly(plain: "psycopg.Connection[Any]", paths: Sequence[str]) -> float:
    """p95 of the rows' SQL alone, in ms: what the API asks of the database for each of these addresses."""
    from bench.serving.client import p95

    statements = [_statement(path) for path in paths]

    def run(sql: str) -> float:
        began = time.perf_counter()
        plain.execute(sql).fetchall()
        return (time.perf_counter() - began) * 1000

    plain.execute("SET max_parallel_workers_per_gather = 0")  # as hcportal/wsgi.py
    for sql in statements[:WARM]:
        run(sql)
    return p95(run(sql) for sql in statements)


def _statement(path: str) -> str:
    """The statement by which the API answers an address: the one that reads rows."""
    from django.db import connection, reset_queries
    from django.test import Client as InProcess
    from django.test.utils import CaptureQueriesContext

    reads: Callable[[str], bool] = lambda sql: "LIMIT 101" in sql  # noqa: E731
    reset_queries()  # Django keeps 9,000 and lets the oldest go
    with CaptureQueriesContext(connection) as captured:
        InProcess().get(path, headers={"host": "127.0.0.1"})
    (found,) = (one["sql"] for one in captured if reads(one["sql"]))
    return str(found)


if __name__ == "__main__":
    sys.exit(main())
