"""Make months of IEDR files at a chosen scale, with the answer that loading them must give."""

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from hcportal.commands import PersonCommand
from hosting.iedr_months.generate import generate


class Command(PersonCommand):
    help = (
        "Write monthly files as two utilities send them to New York's Integrated Energy Data Resource, all "
        "of it made up, with everything that is wrong in real ones, and beside them what loading them must "
        "give (expected.json, expected_feeders.csv). The same seed gives the same files. Nothing is loaded."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dir", required=True, type=Path, help="the folder; each month is one in it")
        parser.add_argument(
            "--scale", type=float, default=1.0, help="1, the default: as real files; 80: 80 times"
        )
        parser.add_argument("--months", type=int, default=2, help="default 2")
        parser.add_argument("--seed", type=int, default=7, help="another drawing; default 7")
        parser.add_argument(
            "--changes", type=float, default=0.01, help="share of rows that change each month; default 0.01"
        )
        parser.add_argument("--start", default="2026-01", help="the first month; default 2026-01")

    def handle(self, **options: Any) -> None:
        if not 0 < options["scale"] <= 1_000 or not 1 <= options["months"] <= 120:
            raise CommandError("--scale is above 0 and at most 1000, --months 1 to 120.")
        if not 0 <= options["changes"] <= 0.5:
            raise CommandError("--changes is a share from 0 to 0.5.")
        try:
            start = date.fromisoformat(f"{options['start']}-01")
        except ValueError as error:
            raise CommandError("--start is a month, as 2026-01.") from error
        generate(
            options["dir"],
            scale=options["scale"],
            months=options["months"],
            seed=options["seed"],
            changes=options["changes"],
            start=start,
            say=lambda text: self.stdout.write(f"{text}."),
        )
