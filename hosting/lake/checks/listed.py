"""What is said of a check."""

from dataclasses import dataclass

SEVERITIES = {
    "F": "fails the run: there is nothing whole to publish",
    "B": "holds the run: readers keep the last good state until a person decides",
    "E": "keeps the row back, with its reason",
    "W": "publishes with a flag",
    "I": "is information",
}


@dataclass(frozen=True)
class Check:
    """`severity` is what its findings may have, the usual one first; `threshold` names keys of Thresholds."""

    id: str
    severity: str
    title: str
    explanation: str
    threshold: tuple[str, ...] = ()
