"""A promotion that is killed at a step: readers have a whole state, and the next one completes it."""

import signal
from decimal import Decimal
from typing import Any

import pytest

from hosting.lake import tables
from hosting.lake.store import Lake
from tests.conftest import Portal
from tests.hosting.environments import Environment, environments
from tests.hosting.test_gate import sections, serve
from tests.layers import FREE, entry

pytestmark = pytest.mark.slow

BEFORE_COMMIT = ("bronze", "silver", "check", "publish")
AFTER_COMMIT = ("published", "lake")
SHOWN = {
    "sections": "SELECT key, hosting_capacity_mw, ST_AsText(geometry) FROM hosting_hostingcapacitysection",
    "records": "SELECT key, hosting_capacity_mw, section_count, ST_AsText(geometry)"
    " FROM hosting_hostingcapacityrecord",
    "sums": "SELECT total_feeders::text, total_hosting_capacity_mw FROM hosting_hostingcapacitysummary",
}
LAKE = (tables.SECTIONS, tables.RECORDS, tables.FEEDER_CAPACITY)


def state(number: int) -> list[dict[str, Any]]:
    """Each state has other figures than the one before, a feeder less and one of its own."""
    rows = [row | {"mw": row["mw"] + number} for row in sections(12) if row["feeder"] != f"F{number}"]
    return [*rows, {"section": f"new-{number}", "feeder": f"N{number}", "mw": 3.5}]


def shown(environment: Environment) -> dict[str, list[tuple[Any, ...]]]:
    return {name: environment.ask(f"{query} ORDER BY 1") for name, query in SHOWN.items()}


def lake_rows(portal: Portal, environment: str) -> dict[str, list[str]]:
    """The lake's tables of an environment but for the runs that wrote them, by a reader that is no engine."""
    lake = Lake(root=str(portal.folder / "lake"), env=environment)
    return {
        table: sorted(
            repr({name: value for name, value in row.items() if name != "run_id"})
            for row in lake.delta(table).to_pyarrow_table().to_pylist()
        )
        for table in LAKE
    }


def ran(environment: Environment, *words: str) -> None:
    done = environment.manage(*words)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_promotion_killed_at_a_step_leaves_a_whole_state_and_the_next_completes_it(
    portal: Portal,
) -> None:
    portal.add(entry("ours", thresholds=FREE))
    promotion = ("promote", "--from", "dev", "--to", "qa", "--utility", "ours")
    with environments(portal, "dev", "qa") as [dev, qa]:
        serve(portal, state(0))
        ran(dev, "ingest_hosting_capacity", "--utility", "ours")
        ran(qa, *promotion)
        for number, step in enumerate((*BEFORE_COMMIT, *AFTER_COMMIT), start=1):
            old, old_lake = shown(qa), lake_rows(portal, "qa")
            assert (old, old_lake) == (shown(dev), lake_rows(portal, "dev"))
            serve(portal, state(number))
            ran(dev, "ingest_hosting_capacity", "--utility", "ours")
            new, new_lake = shown(dev), lake_rows(portal, "dev")
            assert new != old
            assert Decimal("3.50000") in [mw for key, mw, _shape in new["sections"] if "new" in key]

            died = qa.python("-m", "tests.hosting.interrupted_promotion", step, "ours")
            assert died.returncode == -signal.SIGKILL, (step, died.stdout + died.stderr)
            assert shown(qa) == (old if step in BEFORE_COMMIT else new), step
            assert lake_rows(portal, "qa") == (new_lake if step == "lake" else old_lake), step
            assert (shown(dev), lake_rows(portal, "dev")) == (new, new_lake), step

            ran(qa, *promotion)
            assert (shown(qa), lake_rows(portal, "qa")) == (new, new_lake), step
            [(status, settled)] = qa.ask(
                "SELECT r.status, s.lake_run_id = s.published_run_id FROM utilities_source s"
                " JOIN hosting_hcingestionrun r ON r.id = s.published_run_id"
            )
            assert (status, settled) == ("completed", True)
            assert not qa.ask("SELECT id FROM hosting_hcingestionrun WHERE status = 'running'")
        assert len(qa.ask("SELECT id FROM hosting_hcingestionrun WHERE status = 'failed'")) == len(
            BEFORE_COMMIT
        )
        assert not list(portal.folder.glob("lake/qa/bronze/raw/**/*.part"))
