"""Synthetic flows for a portal that has not pulled any."""

from typing import Any

from hcportal.commands import PersonCommand
from interregional.demonstration import advance, is_demonstration


class Command(PersonCommand):
    help = "Draw a day and a half of synthetic flows, up to now, where no real ones are stored."

    def handle(self, **options: Any) -> None:
        rows = advance(begin=True)
        if rows:
            self.stdout.write(f"Synthetic flows: {rows:,} rows drawn. The first real pull replaces them.")
        elif is_demonstration():
            self.stdout.write("Synthetic flows: up to date.")
        else:
            self.stdout.write("Real flows are stored; nothing was drawn.")
