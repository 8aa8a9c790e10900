"""A month's load that is killed ends, after the next start, in what one clean run would have made of it.

Two utilities get the same months. One is killed while it loads each of them, at other points each time, once
or twice before it may end; the other never is. After each month everything that is published of both must be
the same.
"""

import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hosting.lake import tables
from hosting.lake_settings import open_lake
from hosting.models import (
    DER,
    DERAddress,
    DERVersion,
    FeederDERTotals,
    HCIngestionRun,
    HostingCapacityRecord,
    HostingCapacityRecordVersion,
    HostingCapacitySection,
    HostingCapacitySectionVersion,
    HostingCapacitySummary,
)
from hosting.reconcile import reconcile_all
from tests.conftest import Portal
from tests.hosting.test_file_feeds import ingest, rows

STEPS = ("probe", "fetch", "bronze", "silver", "check", "publish", "published", "lake")
TIMES = 10
SEED = 20261127
REFERENCES = ("F1", "C8", '"F2,C3"', "X9", "")
pytestmark = pytest.mark.slow


def entry(code: str) -> dict[str, Any]:
    """Segments of feeders, and DER that refer to them, with addresses."""
    never = {"max_row_loss": 1, "max_feeder_change": 9, "max_key_change": 1, "max_quarantined": 1}
    shared = {"cadence": "monthly", "redistribution": "allowed", "geometry": "none", "thresholds": never}
    circuits = shared | {
        "code": "circuits",
        "title": "Segments",
        "file": {"name": "circuits.csv", "format": "csv", "monthly": True},
        "grain": "section",
        "key": ["SEGMENT"],
        "fields": {"feeder_id": {"id": "FEEDER"}, "circuit_id": {"id": "CIRCUIT"}},
        "figures": [
            {
                "capacity_type": "generation",
                "hosting_capacity_mw": {"mw": "MW"},
                "remaining": "hosting",
                "rollup": "min",
            }
        ],
    }
    ders = shared | {
        "code": "installed_der",
        "title": "Installed DER",
        "file": {"name": "ders.csv", "format": "csv", "monthly": True},
        "holds": "ders",
        "grain": "none",
        "key": ["ID"],
        "ders": {
            "status": "installed",
            "nameplate_kw": {"kw": "KW"},
            "feeder_reference": {"text": "ON"},
            "street_address": {"text": "ADDRESS"},
        },
    }
    return {
        "code": code,
        "name": f"{code.title()} Power",
        "states": ["NY"],
        "timezone": "America/New_York",
        "data_source_type": "csv",
        "synthetic": True,
        "sources": [circuits, ders],
    }


def write_month(folder: Path, number: int) -> None:
    """The files of a month: some rows as before, some changed, some new, some gone, some to be refused."""
    drawn = random.Random(number)
    name = f"{2000 + number // 12}-{number % 12 + 1:02}"
    segments = [
        f"s{n},F{n % 7},C{n % 9},{drawn.choice(['', '0', '1.5', str(n / 4)])}"
        for n in range(40)
        if drawn.random() < 0.9
    ]
    rows(folder / name, *segments, head="SEGMENT,FEEDER,CIRCUIT,MW", name="circuits.csv")
    ders = [
        f"d{n},{drawn.choice(['7.6', '12', 'many', '-1'])},{drawn.choice(REFERENCES)},"
        f"{drawn.choice(['', f'{n} Example Street'])}"
        for n in range(30)
        if drawn.random() < 0.9
    ]
    rows(folder / name, *ders, *ders[:1], head="ID,KW,ON,ADDRESS", name="ders.csv")


def months() -> list[list[str]]:
    """Where it is killed in each: as a step of each source ends, or at one of ten times from the seed."""
    drawn = random.Random(SEED)
    sys.stdout.write(f"seed {SEED}\n")
    at_steps = [[f"circuits:{step}", f"installed_der:{step}"] for step in STEPS]
    return at_steps + [[f"after {drawn.random():.3f}"] for _ in range(TIMES)]


def business(code: str) -> dict[str, Any]:
    """Everything that is published of a utility, in PostgreSQL and the lake, without ids of rows and runs."""
    mine = {"utility__utility_code": code}
    of_der, of_feeder = {"der__utility__utility_code": code}, {"feeder__utility__utility_code": code}
    capacity = ("key", "feeder__external_id", "hosting_capacity_mw", "capacity_status", "valid_from")
    ders = (
        "external_id", "feeder__external_id", "feeder_reference", "unresolved_references", "nameplate_kw",
        "valid_from",
    )  # fmt: skip
    lake = open_lake()

    def held(table: str, *columns: str) -> list[tuple[Any, ...]]:
        found = lake.delta(table).to_pyarrow_table(columns=["utility_code", *columns]).to_pylist()
        return sorted(
            (tuple(row[name] for name in columns) for row in found if row["utility_code"] == code), key=repr
        )

    return {
        "sections": _rows(HostingCapacitySection, mine, *capacity, "circuit_id"),
        "records": _rows(HostingCapacityRecord, mine, *capacity, "section_count"),
        "past sections": _rows(HostingCapacitySectionVersion, mine, *capacity, "valid_to"),
        "past records": _rows(HostingCapacityRecordVersion, mine, *capacity, "valid_to"),
        "sums": _rows(HostingCapacitySummary, mine, "total_feeders", "total_hosting_capacity_mw"),
        "ders": _rows(DER, mine, *ders),
        "past ders": _rows(DERVersion, mine, *ders, "valid_to"),
        "addresses": _rows(DERAddress, of_der, "der__external_id", "street_address"),
        "totals": _rows(FeederDERTotals, of_feeder, "feeder__external_id", "installed_count", "installed_kw"),
        "lake sections": held(tables.SECTIONS, "key", "feeder_id", "hosting_capacity_mw"),
        "lake ders": held(tables.DERS, "key", "feeder_id", "further_feeder_ids", "nameplate_kw"),
        "lake addresses": held(tables.ADDRESSES, "key", "street_address"),
        "feeder_capacity": held(
            tables.FEEDER_CAPACITY, "feeder_id", "max_hosting_capacity_mw", "installed_der_count"
        ),
        "der_details": held(tables.DER_DETAILS, "key", "feeder_id", "nameplate_kw"),
    }


def _rows(model: Any, mine: dict[str, str], *columns: str) -> list[tuple[Any, ...]]:
    return sorted(model._default_manager.filter(**mine).values_list(*columns), key=repr)


def settle() -> None:
    """What the next start does; a server may need a moment to notice that its client is gone."""
    until = time.monotonic() + 30
    reconcile_all()
    while HCIngestionRun.objects.filter(status="running").exists() and time.monotonic() < until:
        time.sleep(0.2)
        reconcile_all()
    assert not HCIngestionRun.objects.filter(status="running").exists()


def test_a_killed_load_ends_like_a_clean_one(portal: Portal, tmp_path: Path) -> None:
    for code in ("clean", "killed"):
        portal.add(entry(code))
    folder = tmp_path / "data"
    write_month(folder, 0)
    ingest("clean", data_dir=folder)
    begun = time.monotonic()
    whole = portal.python("-m", "tests.hosting.interrupted", "none", "killed", str(folder))
    assert whole.returncode == 0, whole.stdout + whole.stderr
    lasts = time.monotonic() - begun
    assert business("killed") == business("clean")
    ended_early = 0
    for number, points in enumerate(months(), start=1):
        write_month(folder, number)
        for point in points:
            when = point
            if point.startswith("after "):
                when = f"{float(point.removeprefix('after ')) * lasts:.2f}"
            done = portal.python("-m", "tests.hosting.interrupted", when, "killed", str(folder))
            assert done.returncode == -signal.SIGKILL or when != point, (point, done.stdout + done.stderr)
            ended_early += done.returncode == -signal.SIGKILL
            settle()
        told = ingest("killed", data_dir=folder)
        ingest("clean", data_dir=folder)
        seen, wanted = business("killed"), business("clean")
        assert seen.keys() == wanted.keys()
        for name in wanted:
            assert seen[name] == wanted[name], (points, name, told)
    assert ended_early >= 2 * len(STEPS) + TIMES // 2
    assert not list(portal.folder.glob("lake/dev/bronze/raw/**/*.part"))
