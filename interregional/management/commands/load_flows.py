"""Load files of NYISO's report P-32 that somebody has."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from hcportal.commands import PersonCommand
from interregional.ingest import load_file
from interregional.models import RunStatus
from interregional.wording import told


class Command(PersonCommand):
    help = (
        "Load P-32 files: a CSV of any days, or a zip of such. What is known already is left alone. "
        "Exit status: 0 all were loaded, 1 at least one was not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a CSV or zip file")

    def handle(self, **options: Any) -> None:
        troubles = []
        for path in options["files"]:
            run = load_file(path)
            if run.status == RunStatus.FAILED:
                troubles.append(f"{path}: {told(run)}")
            else:
                self.stdout.write(f"{path}: {told(run)}")
        if troubles:
            raise CommandError("\n".join(troubles))
