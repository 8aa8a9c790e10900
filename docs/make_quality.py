"""Writes docs/quality.md from the list of checks and the thresholds of the catalog.

.venv/bin/python docs/make_quality.py           write it
.venv/bin/python docs/make_quality.py --check   exit status 1 if it is out of date
"""

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(__file__).with_name("quality.md")

INTRODUCTION = """\
# Data quality

Made by `docs/make_quality.py` from `hosting/lake/checks` and `utilities/spec_thresholds.py`; not by hand.

Every run is checked before anything that readers see changes. A check has an id, a severity, and words
for a person; what it noticed is kept as a finding of the run, with the number of rows and up to 100 of
them as they were published, street addresses masked. Findings stand in the admin, and in short on the
pages of the utility and the feeder; `/quality/` explains every check.

A check on rows counts figures: a published row that carries two figures counts twice. How the score is made
of findings: [decision 014](decisions/014-quality-scores.md).
"""

AFTER_SEVERITIES = """
Where a check has two, its findings say which of them holds.
"""

THRESHOLDS = """\
## Thresholds

A source sets its own under `thresholds` where its data give a reason ([the catalog](catalog.md#thresholds)).

| key | default | what |
|---|---|---|
"""


def written() -> Iterator[str]:
    """The page, piece by piece."""
    from hosting.lake.checks.listed import SEVERITIES
    from hosting.lake.checks.registry import PARTS
    from utilities.spec import Thresholds

    yield INTRODUCTION
    yield "\n| severity | what happens |\n|---|---|\n"
    for letter, meaning in SEVERITIES.items():
        yield f"| {letter} | It {meaning} |\n"
    yield AFTER_SEVERITIES
    for part, checks in PARTS.items():
        yield f"\n## {'DER' if part == 'ders' else part.capitalize()}\n\n"
        yield "| check | severity | asks | means | thresholds |\n|---|---|---|---|---|\n"
        for check in checks:
            keys = ", ".join(f"`{key}`" for key in check.threshold)
            severity = "/".join(check.severity)
            yield f"| {check.id} | {severity} | {check.title} | {check.explanation} | {keys} |\n"
    yield "\n" + THRESHOLDS
    for name, field in Thresholds.model_fields.items():
        yield f"| `{name}` | {_said(field.default)} | {field.description} |\n"


def _said(default: object) -> str:
    if isinstance(default, tuple):
        return ", ".join(f"{kv:g} kV: {mw:g} MW" for kv, mw in default)
    return f"{default:,}" if isinstance(default, int) else str(default)


def main() -> int:
    sys.path.insert(0, str(ROOT))
    page = "".join(written())
    if "--check" in sys.argv:
        if TARGET.exists() and TARGET.read_text() == page:
            return 0
        print("docs/quality.md is out of date: run docs/make_quality.py", file=sys.stderr)  # noqa: T201
        return 1
    TARGET.write_text(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
