"""Several processes at once: other sources do not disturb each other, the same source is run by one alone."""

import subprocess
import sys
from typing import Any

from hosting.lake import tables
from hosting.lake_settings import open_lake
from hosting.models import HCIngestionRun, HostingCapacityRecord, HostingCapacitySummary
from tests.conftest import ROOT, Portal
from tests.layers import entry, write_layer
from utilities.models import Source

CODE = "together"


def rows(prefix: str, feeders: int) -> list[dict[str, Any]]:
    return [
        {"section": f"{prefix}{n}", "feeder": f"{prefix}{n % feeders}", "mw": n / 10}
        for n in range(feeders * 20)
    ]


def two_sources(portal: Portal) -> list[Source]:
    """One utility that publishes its north and its south apart."""
    both = entry(CODE)
    [north] = both["sources"]
    both["sources"] = [
        north
        | {
            "code": name,
            "part": name,
            "service_url": f"recorded://{name}/FeatureServer",
            "thresholds": {"max_changed_feeders": 1, "max_total_change": 9},  # every figure moves
        }
        for name in ("north", "south")
    ]
    write_layer(portal.folder / "recorded", "north", rows("n", 15))
    write_layer(portal.folder / "recorded", "south", rows("s", 25))
    portal.add(both)
    return list(Source.objects.order_by("code"))


def started(portal: Portal, source: str) -> "subprocess.Popen[str]":
    words = ["manage.py", "ingest_hosting_capacity", "--utility", CODE, "--source", source]
    return subprocess.Popen(
        [sys.executable, *words],
        env=portal.environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_sources_of_a_utility_published_at_once_are_both_whole(portal: Portal) -> None:
    two_sources(portal)
    for _round in range(3):
        processes = [started(portal, "north"), started(portal, "south")]
        for process in processes:
            out, said = process.communicate(timeout=120)
            assert process.returncode == 0, out + said
        for prefix, feeders in (("n", 15), ("s", 25)):  # the next round has something to change
            name = "north" if prefix == "n" else "south"
            moved = [row | {"mw": row["mw"] + _round + 1} for row in rows(prefix, feeders)]
            write_layer(portal.folder / "recorded", name, moved)
    assert not HCIngestionRun.objects.exclude(status="completed").exists()
    summary = HostingCapacitySummary.objects.get()
    records = HostingCapacityRecord.objects.all()
    assert summary.total_feeders == records.count() == 40
    assert summary.total_hosting_capacity_mw == sum(record.hosting_capacity_mw or 0 for record in records)
    lake = open_lake()
    assert lake.delta(tables.FEEDER_CAPACITY).to_pyarrow_table().num_rows == 40
    assert lake.delta(tables.SECTIONS).to_pyarrow_table().num_rows == 40 * 20


def test_a_source_is_run_by_one_process_alone(portal: Portal) -> None:
    two_sources(portal)
    processes = [started(portal, "north") for _ in range(3)]
    outcomes = [(process.communicate(timeout=120), process.returncode) for process in processes]
    runs = HCIngestionRun.objects.order_by("id")
    assert [run.status for run in runs].count("completed") == 1
    for (out, said), status in outcomes:
        assert (status, said) == (0, "") or "under way" in said, out + said
    assert HostingCapacityRecord.objects.count() == 15
