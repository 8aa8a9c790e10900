"""Draw the synthetic utilities and write them where `recorded://` addresses are answered from."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from hcportal.commands import PersonCommand
from hosting.demo.generate import SEED, generate


class Command(PersonCommand):
    help = "Write the files of the synthetic demonstration utilities. The same seed gives the same bytes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=SEED, help=f"another drawing; default {SEED}")

    def handle(self, **options: Any) -> None:
        for written in generate(settings.HCP_RECORDED, options["seed"]):
            said = "written" if written.changed else "was there already"
            self.stdout.write(f"{written.code}: {written.rows:,} rows {said}: {written.folder}")
