"""`bin/bench ingest`: a real layer from a server into PostGIS, ours against ogr2ogr, in one run.

Koop serves the 59,535 Rhode Island sections. Ours does everything a run does (fetch and verify, bronze,
silver, change set, checks, history, roll-up, publication, lake); ogr2ogr copies rows into a table. Both start
as a new process and write to the same PostgreSQL server, each time into a new database or table. Medians of
three.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from urllib.parse import quote

import yaml

from bench.processes import sql, timed

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 3
DATABASE = "hcportal_bench"
SECTIONS = "hosting/rhode_island_sections.geojson.gz"
PYTHON = sys.executable


def main() -> None:
    from hcportal.services import paths
    from tests.layers import entry
    from tests.peers.koop import serve
    from tests.reference import reference

    served = serve(reference(SECTIONS))
    host = str(paths.private_database()["HOST"])
    folder = Path(tempfile.mkdtemp(prefix="hcp-bench-"))
    source = entry(
        "ri_bench",
        served.url.removesuffix("/0"),
        key=["Section_ID"],
        fields={"feeder_id": {"id": "Network_ID"}},
        figures=[
            {
                "capacity_type": "generation",
                "hosting_capacity_mw": {"mw": "hosting_capacity_mw"},
                "remaining": "hosting",
                "rollup": "max",
            }
        ],
    ) | {"synthetic": False}
    (folder / "ri_bench.yaml").write_text(yaml.safe_dump(source))
    try:
        ours, theirs, peaks, steps = [], [], [], defaultdict(list)
        for number in range(ROUNDS):
            seconds, peak, took = _ours(folder, host, number)
            ours.append(seconds)
            peaks.append(peak)
            for name, spent in took.items():
                steps[name].append(spent)
            theirs.append(_ogr2ogr(served.url, host))
        last = _environment(folder, host, ROUNDS - 1)
        unchanged, _, _ = timed(_command("ingest_hosting_capacity", "--utility", "ri_bench"), last)
        _print(ours, theirs, peaks, steps, unchanged)
    finally:
        served.stop()
        sql(host, f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        shutil.rmtree(folder, ignore_errors=True)


def _ours(folder: Path, host: str, number: int) -> tuple[float, float, dict[str, float]]:
    """Seconds, peak MB of the process tree, and seconds by step of a first ingest into a new database."""
    sql(host, f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    sql(host, f"CREATE DATABASE {DATABASE}")
    environment = _environment(folder, host, number)
    for step in ("migrate", "sync_catalog"):
        subprocess.run(_command(step), env=environment, check=True, stdout=subprocess.DEVNULL)
    seconds, peak, said = timed(_command("ingest_hosting_capacity", "--utility", "ri_bench"), environment)
    took = {}
    for line in said.splitlines():
        words = line.split()
        if len(words) == 4 and words[-1] == "s":
            took[words[1]] = float(words[2])
    return seconds, peak, took


def _ogr2ogr(url: str, host: str) -> float:
    """Seconds for the same layer, paged by GDAL itself, with COPY and a spatial index."""
    query = f"{url}/query?where=1%3D1&outFields=*&orderByFields=OBJECTID&outSR=4326&f=json"
    command = [
        "ogr2ogr", "-f", "PostgreSQL", f"PG:host={host} user=hcportal dbname={DATABASE}", query,
        "-nln", "copied_by_ogr2ogr", "-overwrite", "-nlt", "GEOMETRY",
        "--config", "PG_USE_COPY", "YES",
    ]  # fmt: skip
    seconds, _peak, _said = timed(command, dict(os.environ))
    rows = sql(host, "SELECT count(*) FROM copied_by_ogr2ogr", DATABASE)
    assert rows == "59535", f"ogr2ogr copied {rows} rows"
    return seconds


def _command(*words: str) -> list[str]:
    return [PYTHON, str(ROOT / "manage.py"), *words]


def _environment(folder: Path, host: str, number: int) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": f"postgis://hcportal@{quote(host, safe='')}/{DATABASE}",
        "HCP_CATALOG": str(folder),
        "HCP_LAKE": str(folder / f"lake-{number}"),
        "HCP_ALLOW_LOOPBACK": "1",
    }


def _print(
    ours: list[float],
    theirs: list[float],
    peaks: list[float],
    steps: dict[str, list[float]],
    unchanged: float,
) -> None:
    mine, peer = statistics.median(ours), statistics.median(theirs)
    print(f"59,535 sections from Koop into PostGIS, median of {ROUNDS}")
    print(f"  hcportal, first ingest  {mine:6.2f} s   ({', '.join(f'{s:.2f}' for s in ours)})")
    print(f"  ogr2ogr                 {peer:6.2f} s   ({', '.join(f'{s:.2f}' for s in theirs)})")
    print(f"  ratio                   {mine / peer:6.2f}     (aim 1.0, no worse than 2.0)")
    print(f"  hcportal, unchanged     {unchanged:6.2f} s")
    print(f"  peak memory             {max(peaks):6.0f} MB  (the ingest's process tree; under 600)")
    print("  by step:")
    counted = 0.0
    for name, spent in steps.items():
        counted += statistics.median(spent)
        print(f"    {name:<12} {statistics.median(spent):6.2f} s")
    print(f"    {'start, rest':<12} {mine - counted:6.2f} s")


if __name__ == "__main__":
    main()
