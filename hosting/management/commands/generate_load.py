"""Fill the database with as many rows as the portal is meant for, to measure with."""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from hcportal.commands import PersonCommand
from hosting.load.plan import PLANS
from hosting.load.store import generate, remove, there


class Command(PersonCommand):
    help = (
        "Make synthetic utilities for measurements, straight into the database; the same seed gives the same "
        "rows. The lake is not touched. Refused where HCP_ENV is prod."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=1, help="another drawing; default 1")
        parser.add_argument("--feeders", type=int, default=20_000, help="default 20000")
        parser.add_argument(
            "--sections",
            type=int,
            default=200_000,
            help="default 200000; each has a figure for generation and one for load",
        )
        parser.add_argument("--ders", type=int, default=1_000_000, help="default 1000000")
        parser.add_argument("--remove", action="store_true", help="take all of it away again")

    def handle(self, **options: Any) -> None:
        if settings.HCP_ENV == "prod":
            raise CommandError("HCP_ENV is prod: no load is generated or removed there.")
        self._began = time.monotonic()
        if options["remove"]:
            self._remove()
            return
        seed, feeders, sections, ders = (options[name] for name in ("seed", "feeders", "sections", "ders"))
        if seed < 0 or ders < 0:
            raise CommandError("--seed and --ders cannot be below zero.")
        if feeders < 10 * len(PLANS) or sections < 2 * feeders:
            raise CommandError(
                f"At least {10 * len(PLANS)} feeders are needed, and twice as many sections as feeders."
            )
        if found := there():
            codes = ", ".join(utility.utility_code for utility in found)
            raise CommandError(f"{codes}: the load is there already. `--remove` takes it away first.")
        generate(seed, feeders, sections, ders, self._say)
        self._say(f"{feeders:,} feeders, {sections:,} sections and {ders:,} DER are there")

    def _remove(self) -> None:
        removed = remove()
        if not removed:
            self.stdout.write("There was no load to remove.")
            return
        rows = ", ".join(f"{number:,} {name}" for name, number in sorted(removed.items()))
        self._say(f"rows removed: {rows}")

    def _say(self, text: str) -> None:
        self.stdout.write(f"{time.monotonic() - self._began:6.1f} s  {text}.")
        self.stdout.flush()
