"""The list of checks against the code that makes findings."""

import re
from pathlib import Path

from hosting.lake.checks.listed import SEVERITIES
from hosting.lake.checks.registry import CHECKS, PARTS
from utilities.spec import Thresholds

ROOT = Path(__file__).resolve().parents[4]
CODE = [*(ROOT / "hosting").rglob("*.py"), *(ROOT / "interregional").rglob("*.py")]


def in_code() -> set[str]:
    """Ids as code writes them in findings and rules, not in sentences."""
    files = [file for file in CODE if not file.name.startswith("listed") and "migrations" not in file.parts]
    return {found for file in files for found in re.findall(r'"(Q[0-9]{2})"', file.read_text())}


def test_every_id_is_listed_once() -> None:
    assert sorted(check.id for checks in PARTS.values() for check in checks) == [
        f"Q{number:02d}" for number in range(1, 69)
    ]


def test_code_makes_no_finding_that_is_not_listed() -> None:
    assert in_code() - CHECKS.keys() == set()


def test_every_check_that_is_listed_is_made_somewhere() -> None:
    assert CHECKS.keys() - in_code() == set()


def test_a_check_says_what_it_does_and_names_thresholds_that_are_there() -> None:
    for check in CHECKS.values():
        assert set(check.severity) <= SEVERITIES.keys()
        assert check.title
        assert check.explanation[-1] in ".?"
    named = {key for check in CHECKS.values() for key in check.threshold}
    assert named == Thresholds.model_fields.keys()
