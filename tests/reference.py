"""Where the reference data lies: real material that is used by path and never copied into the project."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def reference(path: str = "") -> Path:
    """The reference file or folder `path`; the test is skipped where there is none and none was promised.

    `HCP_REFERENCE_DATA` names the folder; `../shared/data` beside the project otherwise. A clone without it
    can still run the other tests; where the variable is set, a missing file is a failure.
    """
    promised = os.environ.get("HCP_REFERENCE_DATA")
    folder = Path(promised) if promised else ROOT.parent / "shared" / "data"
    found = folder / path
    if found.exists():
        return found
    if promised:
        pytest.fail(f"HCP_REFERENCE_DATA is {promised}, and {found} does not exist")
    pytest.skip(f"no reference data: {found} does not exist (HCP_REFERENCE_DATA names its folder)")
