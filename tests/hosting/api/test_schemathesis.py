"""Whatever the description allows is asked for, and what it does not: every answer is held against it.

schemathesis draws requests from /api/v1/openapi.json, valid and invalid, and sends them to a server over
PostGIS. Drawn the same way each time.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from hosting.api.openapi import description
from hosting.der_totals import refresh_der_totals
from hosting.models import Feeder, HostingCapacityRecord
from interregional.ingest import load_file
from tests.conftest import ROOT
from tests.factories import (
    line,
    make_der,
    make_feeder,
    make_published_run,
    make_record,
    make_run,
    make_source,
    make_summary,
    make_utility,
)
from tests.interregional.files import real_day

pytestmark = pytest.mark.slow

REQUESTS_AN_ADDRESS = 30
FEWEST_ANSWERS, FEWEST_GOOD = 100, 25  # for each address, on average: fewer would try too little of it
OURS = "^/api/v1/(utilities|feeders|hosting-capacity|openapi)|^/api/(v1/)?(interface|interregional)-flows"
CODES = "alpha,beta,gamma,nobody"
SLUGS = "0000,0001,9999"


@pytest.fixture
def filled(transactional_db: None, tmp_path: Path) -> None:
    """alpha: allowed and display only, all sorts of rows; beta: display only; gamma: nothing; no `nobody`.
    Flows of the real day."""
    alpha = make_utility("alpha", is_synthetic=True)
    source = make_published_run(make_source(alpha, "feeders")).source
    for number in range(40):
        make_record(
            make_feeder(source.published_run, f"{number:04}", name=f"Øst {number}"),
            capacity_type=("generation", "load", "storage")[number % 3],
            variant=("default", "0")[number % 2],
            hosting_capacity_mw=None if number % 5 == 0 else Decimal(number) / 3,
            remaining_capacity_mw=None if number % 4 == 0 else Decimal(number - 5) / 7,
            constraining_metric=("thermal", "voltage", None, "unknown")[number % 4],
            geometry=None if number % 11 == 0 else line((-1 + number / 20, 0), (0, number / 30)),
        )
    HostingCapacityRecord.objects.filter(feeder_id_external__startswith="003").update(
        feeder=None, feeder_id_external="", grain="cell"
    )
    make_record(make_feeder(make_published_run(make_source(alpha, "shown", redistribution="display_only"))))
    make_summary(alpha, constraint_breakdown={"thermal": 3}, avg_utilization_pct=Decimal("12.5"))
    make_record(
        make_feeder(make_published_run(make_source(make_utility("beta"), redistribution="display_only")))
    )
    first = Feeder.objects.get(utility=alpha, slug="0000")
    for number in range(8):
        status = ("installed", "planned")[number % 2]
        make_der(first, status=status, technologies={"Wind": number}, costs={"CESIR": 1.5})
    refresh_der_totals(alpha.pk)
    make_run(source, status="failed", error_message="No answer.\nNothing was changed.")
    make_utility("gamma")
    day = tmp_path / "day.csv"
    day.write_bytes(real_day())
    assert load_file(day).status == "completed"


def test_no_request_finds_an_answer_that_the_description_does_not_know(
    filled: None, live_server: LiveServer, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{live_server.url}/api/v1/openapi.json"),
        *("--checks", "all", "--mode", "all", "--phases", "examples,coverage,fuzzing"),
        *("--max-examples", str(REQUESTS_AN_ADDRESS), "--generation-deterministic"),
        *("--header", "Connection: close"),  # the test's server waits 40 ms in one that is kept
        *("--include-path-regex", OURS, "--report", "ndjson", "--report-ndjson-path", str(report)),
    ]
    told = {
        "SCHEMATHESIS_HOOKS": "tests.hosting.api.asking_hooks",
        "HCP_TEST_CODES": CODES,
        "HCP_TEST_SLUGS": SLUGS,
        "PYTHONPATH": str(ROOT),
    }
    run = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    if run.returncode != 0:
        pytest.fail(run.stdout[-8000:] + run.stderr[-2000:], pytrace=False)
    statuses = _statuses(report)
    assert statuses.keys() >= {200, 400, 403, 404, 405}, "it did not get far enough to find anything"
    asked = [path for path in description()["paths"] if re.match(OURS, path)]
    assert f"{len(asked)} selected" in run.stdout
    assert statuses.total() >= FEWEST_ANSWERS * len(asked), statuses
    assert statuses[200] >= FEWEST_GOOD * len(asked), f"nearly everything was refused: {statuses}"


def _statuses(report: Path) -> Counter[int]:
    """How many answers came, by status."""
    found: Counter[int] = Counter()

    def look(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("status_code"), int):
                found[part["status_code"]] += 1
            for value in part.values():
                look(value)
        elif isinstance(part, list):
            for value in part:
                look(value)

    for text in report.read_text().splitlines():
        look(json.loads(text))
    return found
