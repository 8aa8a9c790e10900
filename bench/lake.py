"""`bin/bench lake`: months of IEDR files from their folder into PostGIS, at 1 and 80 times their size.

Each scale in a database and a lake of its own: a first month, then a second of which 1 % changed, both
utilities, each as a new process of `ingest_hosting_capacity`, as the worker would. What is loaded is held
against the generator's answer. Then a change set of a million DER against a million, beside DuckDB's time for
the same difference, in the same run. Ends with 1 where a limit does not hold.
"""

import argparse
import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bench.processes import sql, timed

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "hcportal_bench_lake"
MONTHS = ("2026-01", "2026-02")
CODES = ("utility1", "utility2")
MOST_OF_FIRST, MOST_MB, MOST_TIMES_DUCKDB = 0.3, 6_000, 2.0


@dataclass(frozen=True)
class Loaded:
    """One month of one scale."""

    rows: int
    seconds: float
    peak_mb: float
    lake_mb: float
    database_mb: float


def main() -> int:
    parser = argparse.ArgumentParser("bin/bench lake", description="Measure months of files into PostGIS.")
    parser.add_argument("--scales", type=float, nargs="*", default=[1, 80], help="default 1 80")
    parser.add_argument("--keep", action="store_true", help="leave database and lake for a look")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the change set; 0: none")
    asked = parser.parse_args()
    from hcportal.services import paths

    host = str(paths.private_database()["HOST"])
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start\n", flush=True)
    folder = paths.var_dir() / "iedr"
    found = {scale: _scale(folder, host, scale, keep=asked.keep) for scale in asked.scales}
    broken = _said(found)
    if asked.rows:
        from bench.changes import measure

        ours, theirs = measure(folder / "changes", asked.rows)
        print(f"\nChange set of {asked.rows:,} DER against as many, 1 % changed, as Arrow")
        print(f"  hosting.lake.changes   {ours:7.2f} s")
        ratio = f"ratio {ours / theirs:.2f}, at most {MOST_TIMES_DUCKDB}"
        print(f"  DuckDB                 {theirs:7.2f} s   {ratio}")
        broken += ["change set"] if ours / theirs > MOST_TIMES_DUCKDB else []
    print(f"\nDoes not hold: {'; '.join(broken)}." if broken else "\nEvery limit holds.")
    return 1 if broken else 0


def _scale(folder: Path, host: str, scale: float, *, keep: bool) -> list[Loaded]:
    """Both months at one scale."""
    place = folder / f"{scale:g}x"
    data = place / "data"
    environment = _environment(place, host)
    if not (data / MONTHS[-1] / "expected.json").exists():
        shutil.rmtree(data, ignore_errors=True)
        words = ("--dir", str(data), "--scale", str(scale), "--months", str(len(MONTHS)))
        seconds, peak, _ = timed(_command("generate_iedr", *words), environment)
        print(f"{scale:g}x: files made in {seconds:.0f} s, peak {peak:.0f} MB", flush=True)
    shutil.rmtree(place / "lake", ignore_errors=True)
    sql(host, f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    sql(host, f"CREATE DATABASE {DATABASE}")
    for step in ("migrate", "sync_catalog"):
        timed(_command(step), environment)
    found = []
    for month in MONTHS:
        found.append(_month(place, host, month, environment))
        _held_against_the_answer(data / month, host)
        print(f"{scale:g}x {month}: {_line(found[-1])}", flush=True)
    if not keep:
        sql(host, f"DROP DATABASE {DATABASE} WITH (FORCE)")
        shutil.rmtree(place / "lake", ignore_errors=True)
    return found


def _month(place: Path, host: str, month: str, environment: dict[str, str]) -> Loaded:
    seconds, peaks = 0.0, []
    for code in CODES:
        words = ("--utility", code, "--data-dir", str(place / "data"), "--month", month)
        began = time.perf_counter()
        _, peak, said = timed(_command("ingest_hosting_capacity", *words), environment)
        seconds += time.perf_counter() - began
        peaks.append(peak)
        (place / f"{month}-{code}.log").write_text(said)
    expected = json.loads((place / "data" / month / "expected.json").read_text())
    rows = sum(one.get("rows", 0) for mine in expected.values() for one in mine.values())
    lake = sum(file.stat().st_size for file in (place / "lake").rglob("*") if file.is_file())
    size = int(sql(host, f"SELECT pg_database_size('{DATABASE}')"))
    return Loaded(rows, seconds, max(peaks), lake / 1e6, size / 1e6)


def _held_against_the_answer(month: Path, host: str) -> None:
    """Feeders and DER as they must be; a fast load of something else is no figure."""
    expected = json.loads((month / "expected.json").read_text())
    feeders = sum(mine["feeders"]["count"] for mine in expected.values())
    ders = sum(
        one["passed"] for mine in expected.values() for name, one in mine.items() if name.endswith("der")
    )
    sections = expected["utility1"]["circuits"]["passed"]
    for table, number in (
        ("hosting_hostingcapacityrecord", feeders),
        ("hosting_der", ders),
        ("hosting_hostingcapacitysection", sections),
    ):
        there = int(sql(host, f"SELECT count(*) FROM {table}", DATABASE))
        if there != number:
            sys.exit(f"{month.name}: {table} has {there:,} rows and must have {number:,}")


def _said(found: dict[float, list[Loaded]]) -> list[str]:
    """Print what holds; the names of what does not."""
    broken = []
    for scale, (first, second) in found.items():
        ratio = second.seconds / first.seconds
        print(f"{scale:g}x: second month {ratio:.2f} of the first, at most {MOST_OF_FIRST}")
        if ratio > MOST_OF_FIRST:
            broken.append(f"second month at {scale:g}x")
        if max(first.peak_mb, second.peak_mb) > MOST_MB:
            broken.append(f"memory at {scale:g}x")
    if len(found) > 1:
        least, most = min(found), max(found)
        for number, month in enumerate(MONTHS):
            small, large = found[least][number], found[most][number]
            growth, linear = large.seconds / small.seconds, large.rows / small.rows
            print(f"{month}: {growth:.1f} times the time for {linear:.1f} times the rows")
            if growth > linear:
                broken.append(f"growth of {month}")
    return broken


def _line(loaded: Loaded) -> str:
    return (
        f"{loaded.rows:>10,} rows {loaded.seconds:8.1f} s {loaded.rows / loaded.seconds:>8,.0f} rows/s, "
        f"peak {loaded.peak_mb:,.0f} MB, lake {loaded.lake_mb:,.0f} MB, database {loaded.database_mb:,.0f} MB"
    )


def _command(*words: str) -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), *words]


def _environment(place: Path, host: str) -> dict[str, str]:
    """For processes with a catalog of these two utilities alone."""
    catalog = place / "catalog"
    catalog.mkdir(parents=True, exist_ok=True)
    for code in CODES:
        shutil.copy(ROOT / "utilities" / "catalog" / f"{code}.yaml", catalog)
    return {
        **os.environ,
        "DATABASE_URL": f"postgis://hcportal@{quote(host, safe='')}/{DATABASE}",
        "HCP_CATALOG": str(catalog),
        "HCP_LAKE": str(place / "lake"),
    }


if __name__ == "__main__":
    sys.exit(main())
