"""After an interruption: end what died, let the lake catch up. `bin/up` calls it at every start."""

from typing import Any

from hcportal.commands import PersonCommand
from hosting.reconcile import reconcile_all


class Command(PersonCommand):
    help = "End runs whose process died and bring the lake to the published state."

    def handle(self, **options: Any) -> None:
        ended = reconcile_all()
        for run in ended:
            self.stdout.write(f"Run {run.pk} of {run.source}: {run.error_message}")
        if not ended:
            self.stdout.write("Nothing was left unfinished.")
