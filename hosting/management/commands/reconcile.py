"""After an interruption: end what died, let the lake catch up. `bin/up` calls it at every start."""

from typing import Any

from hcportal.commands import PersonCommand
from hosting.reconcile import reconcile_all


class Command(PersonCommand):
    help = "End runs whose process died and bring the lake to the published state."

    def handle(self, **options: Any) -> None:
        for sentence in reconcile_all() or ["Nothing was left unfinished."]:
            self.stdout.write(sentence)
