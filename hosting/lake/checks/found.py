"""What a check gives: what it noticed, and, for those on rows and feeders, the condition that is counted."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import Column

EXAMPLES = 100


@dataclass(frozen=True)
class Noticed:
    """What one check noticed. `examples` are rows as published or as staged, at most 100.

    `rows` are numbers of rows of which examples are still to be fetched; `of` is what `count` is a part of,
    where that is not the rows of the run.
    """

    check_id: str
    severity: str
    message: str
    count: int
    examples: list[dict[str, Any]] = field(default_factory=list)
    rows: tuple[int, ...] = ()
    of: int = 0


@dataclass(frozen=True)
class Rule:
    """A condition on one staged row that passed; `message` is filled with `count`, `rows` and `share`.

    It speaks from the share `least` of the rows on, and from one row on where that is 0.
    """

    check: str
    severity: str
    broken: "Column"
    message: str
    least: float = 0


@dataclass(frozen=True)
class FeederRule(Rule):
    """A condition on one feeder, over the columns of `profile`; `message` has `feeders` instead of `rows`."""
