"""Which runs' bronze the lake need not keep, and the whole of its upkeep in one call.

Bronze goes of runs that failed or were cancelled long ago: nobody ever saw what they read. What somebody
held, approved or rejected stays, and so does everything that was published once.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from hosting.lake import upkeep
from hosting.lake.store import Lake
from hosting.models import HCIngestionRun, RunStatus

KEPT_FAILED = timedelta(days=90)
NEVER_SEEN = (RunStatus.FAILED, RunStatus.CANCELLED)


@dataclass(frozen=True)
class Kept:
    """A table before and after."""

    table: str
    before: upkeep.Size
    after: upkeep.Size


@dataclass(frozen=True)
class Upkeep:
    """What was done: tables, runs whose bronze went, leftovers by name."""

    tables: list[Kept]
    runs: int
    leftovers: list[str]


def long_failed() -> list[upkeep.OfRun]:
    """Runs that ended without readers or a person seeing what they read, long ago."""
    runs = HCIngestionRun.objects.filter(
        status__in=NEVER_SEEN, decided_at__isnull=True, completed_at__lt=timezone.now() - KEPT_FAILED
    )
    named = runs.order_by("pk").values_list("utility__utility_code", "source__code", "pk")
    return [upkeep.OfRun(*one) for one in named]


def keep_up(lake: Lake, *, retention_hours: int = upkeep.RETENTION) -> Upkeep:
    """Bring every table of the lake into shape."""
    before = {table: upkeep.size(lake, table) for table in upkeep.made(lake)}
    runs = upkeep.drop_bronze(lake, long_failed())
    leftovers = upkeep.drop_leftovers(lake)
    done = []
    for table, was in before.items():
        upkeep.tidy(lake, table, retention_hours=retention_hours)
        done.append(Kept(table, was, upkeep.size(lake, table)))
    return Upkeep(done, runs, leftovers)
