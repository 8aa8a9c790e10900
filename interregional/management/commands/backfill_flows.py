"""Bring the files of past days."""

from datetime import date
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hcportal.commands import PersonCommand
from interregional.backfill import Step, backfill
from interregional.coverage import by_day
from interregional.ingest import today
from interregional.models import RunStatus
from interregional.wording import told

FIRST_DAY = date(2002, 1, 1)  # publishers have none before
MOST_GAPS = 40


class Command(PersonCommand):
    help = (
        "Bring the files of past days, oldest first. Started again, it goes on where it ended. "
        "Exit status: 0 every day was brought, 1 at least one was not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--from", dest="first", required=True, type=_day, metavar="DATE", help="first day in New York"
        )
        parser.add_argument(
            "--to", dest="last", required=True, type=_day, metavar="DATE", help="last day, included"
        )
        parser.add_argument("--force", action="store_true", help="also days that were read whole already")

    def handle(self, **options: Any) -> None:
        first, last = options["first"], options["last"]
        if not FIRST_DAY <= first <= last <= today():
            raise CommandError(f"--from and --to are days from {FIRST_DAY} to today, in this order.")
        failed: list[Step] = []
        rows = skipped = 0
        with self._progress() as bar:
            task = bar.add_task("days", total=(last - first).days + 1)
            for step in backfill(first, last, force=options["force"]):
                bar.advance(task)
                if step.run is None:
                    skipped += 1
                    continue
                rows += step.run.inserted
                if step.run.status == RunStatus.FAILED:
                    failed.append(step)
                bar.console.print(f"{step.day}: {told(step.run)}", highlight=False, soft_wrap=True)
        self._tell(first, last, rows, skipped)
        if failed:
            names = ", ".join(str(step.day) for step in failed[:20])
            raise CommandError(
                f"{len(failed)} of these days were not brought: {names}. Start again to try them again."
            )

    def _progress(self) -> Progress:
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(file=self.out),
            transient=True,
            disable=not self.out.isatty(),
        )

    def _tell(self, first: date, last: date, rows: int, skipped: int) -> None:
        known = f" {skipped} had been read before." if skipped else ""
        self.stdout.write(f"{(last - first).days + 1} days, {rows:,} new rows.{known}")
        gaps = [found for found in by_day(first, last) if found.missing]
        for found in gaps[:MOST_GAPS]:
            self.stdout.write(f"gap: {found.day} lacks {found.missing} of {found.marks} five-minute marks")
        if len(gaps) > MOST_GAPS:
            self.stdout.write(f"... and {len(gaps) - MOST_GAPS} more days with gaps; the admin lists them.")


def _day(text: str) -> date:
    return date.fromisoformat(text)
