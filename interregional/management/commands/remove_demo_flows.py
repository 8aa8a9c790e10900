"""Take the synthetic flows out."""

from typing import Any

from django.db import transaction

from hcportal.commands import PersonCommand
from interregional.demonstration import forget_demonstration, is_demonstration
from interregional.locks import lock_writing


class Command(PersonCommand):
    help = "Remove the synthetic flows. Real ones are not touched."

    def handle(self, **options: Any) -> None:
        with transaction.atomic():
            lock_writing()
            there = is_demonstration()
            forget_demonstration()
        self.stdout.write(
            "Synthetic flows: removed." if there else "There were no synthetic flows to remove."
        )
