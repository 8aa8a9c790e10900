"""`bin/bench serve`: what readers are answered, how fast, beside the SQL alone and beside peers, in one run.

On the generated load (20,000 feeders, 200,000 sections with two figures each, 1,000,000 DER), through
gunicorn as bin/up runs it, over loopback. One client asks one thing after another where a limit is set; wrk
asks with many at once. Ends with 1 where a limit does not hold. Five minutes, and two more where the load is
not there yet.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

import django

PARTS = ("tiles", "geojson", "queries", "crowd")


def main() -> int:
    parser = argparse.ArgumentParser("bin/bench serve", description="Measure what readers are answered.")
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="only these; all by default")
    parts = parser.parse_args().part or PARTS
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hcportal.settings")
    django.setup()
    from django.db import connection

    from bench.serving import crowd, data, geojson, places, queries, servers, tiles
    from bench.serving.client import PASSES, Client
    from bench.serving.table import HEAD, Figure, written
    from hosting.models import Substation

    wrk = servers.wrk()
    data.prepare()
    began = time.monotonic()

    def substations(**which: str) -> list[places.Place]:
        there = Substation.objects.filter(**which).order_by("utility__utility_code", "external_id")
        return [(point.x, point.y) for point in there.values_list("geometry", flat=True) if point]

    everywhere, of_one = substations(), substations(utility__utility_code=queries.UTILITY)
    asked = places.tiles(everywhere)
    figures: list[Figure] = []
    with ExitStack() as running:
        address = running.enter_context(servers.portal())
        with servers.tipg(connection.settings_dict) as peer, data.direct() as plain:
            ours, theirs = Client(address), Client(peer)
            for path in (asked[0].path, geojson.PATH, queries.RECORDS) * 8:
                ours.get(path)  # both processes have loaded what they need
            print(f"One client, {_machine()}; ms until the last byte, of the quietest of {PASSES} passes\n")
            print(HEAD, flush=True)
            measured: dict[str, Callable[[], list[Figure]]] = {
                "tiles": lambda: tiles.measure(asked, ours, plain, theirs),
                "geojson": lambda: geojson.measure(ours, plain, theirs),
                "queries": lambda: queries.measure(ours, everywhere, of_one),
            }
            for part in (part for part in measured if part in parts):
                found = measured[part]()
                print(written(found), flush=True)
                figures += found
        if "crowd" in parts:
            print(f"\nMany clients: wrk with one thread, {crowd.SECONDS} s each; requests a second, p95\n")
            crowd.measure(wrk, address, asked, list(places.many_tiles(everywhere)), everywhere)
    broken = [figure.what for figure in figures if not figure.holds]
    print(f"\n{time.monotonic() - began:.0f} s. ", end="")
    print(f"Does not hold: {'; '.join(broken)}." if broken else "Every limit holds.")
    return 1 if broken else 0


def _machine() -> str:
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start"


if __name__ == "__main__":
    sys.exit(main())
