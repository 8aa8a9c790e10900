"""gridstatus in its own environment, its download answered from files."""

import csv
import os
import subprocess
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from tests.interregional.publisher import body, publisher

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "tests" / "peers" / "gridstatus" / "read.py"


def installed() -> Path:
    """Its Python; skips where it is not installed, fails in CI."""
    folder = Path(os.environ.get("HCP_GRIDSTATUS_DIR") or ROOT / "var" / "peers" / "gridstatus")
    python = folder / "bin" / "python"
    if not python.exists():
        missing = f"gridstatus is not installed in {folder} (bin/test does it)"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    return python


def read(days: Mapping[date, bytes], day: date, out: Path | None, repeats: int = 0) -> list[float]:
    """Let it read a day of these files into `out`; the seconds of each further reading.

    Raises CalledProcessError, with what it said, where it fails.
    """
    with publisher() as served:
        for which, content in days.items():
            path = f"/INTERFACE_LIMITS_FLOWS/CSV/{which:%Y/%m/%d}/ExternalLimitsFlows-{which:%Y%m%d}.csv"
            served.answers[path] = body(content)
        done = subprocess.run(
            [installed(), SCRIPT, served.url, str(day), str(out or "-"), str(repeats)],
            capture_output=True,
            text=True,
            timeout=180,
            check=True,
        )
    return [float(line) for line in done.stdout.split()]


def rows_of(out: Path) -> list[tuple[str, int, float, float, float]]:
    """(instant, Point ID, flow, positive and negative limit) as it read them, in this order."""
    with out.open(newline="") as file:
        return sorted(
            (
                line["Interval Start"],
                int(line["Point ID"]),
                float(line["Flow MW"]),
                float(line["Positive Limit MW"]),
                float(line["Negative Limit MW"]),
            )
            for line in csv.DictReader(file)
        )
