"""Months of files and their answer, in a folder as `ingest_hosting_capacity --data-dir` takes it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from hcportal.errors import HcportalError
from hosting.iedr_months import answer
from hosting.iedr_months.chance import Chance
from hosting.iedr_months.circuits import SecondFeeders, Segments, month_of
from hosting.iedr_months.ders import VOLUMES, Ders


def generate(
    folder: Path,
    *,
    scale: float,
    months: int,
    seed: int,
    changes: float,
    start: date,
    say: Callable[[str], None],
) -> None:
    """Write `folder/YYYY-MM/` for each month. Raises HcportalError where one is there already."""
    chance = Chance(seed)
    segments = Segments(scale, changes, chance)
    second = SecondFeeders(scale, changes, chance)
    lists = [Ders(utility, status, scale, changes, chance) for utility, status in VOLUMES]
    for number in range(months):
        month = month_of(start, number)
        target = folder / month.name
        if target.exists():
            raise HcportalError(f"{target} is there already, and was left as it is. Name another folder.")
        target.mkdir(parents=True)
        sources = {
            code: {name: answer.Source() for name in ("circuits", "installed_der", "planned_der")}
            for code in ("utility1", "utility2")
        }
        feeders = {
            "utility1": segments.write(target, month, sources["utility1"]["circuits"]),
            "utility2": second.write(target, month, sources["utility2"]["circuits"]),
        }
        for one in lists:
            one.write(target, month, feeders[one.utility], sources[one.utility][f"{one.status}_der"])
        answer.write(target, sources, list(feeders.values()))
        rows = sum(source.rows for mine in sources.values() for source in mine.values())
        say(f"{month.name}: {rows:,} rows in six files")
