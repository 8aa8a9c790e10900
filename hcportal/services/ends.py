"""How a process ended, in words."""

import signal
from pathlib import Path


def end_of(log: Path, text: str) -> str:
    """The last lines that it said, and where the others are."""
    quoted = "".join(f"\n    {line}" for line in text.strip().splitlines()[-15:])
    return f"{quoted}\nThe whole log is in {log}."


def status_of(returncode: int) -> str:
    """What it ended with."""
    if returncode < 0:
        return f"signal {signal.Signals(-returncode).name}"
    return f"exit status {returncode}"
