"""Pull the latest interval of New York's interface flows now."""

from typing import Any

from django.core.management.base import CommandError

from hcportal.commands import PersonCommand
from interregional.ingest import pull_current
from interregional.models import RunStatus
from interregional.wording import told


class Command(PersonCommand):
    help = "Pull the latest interval of New York's interface flows. Exit status: 0 stored or known, 1 failed."

    def handle(self, **options: Any) -> None:
        run = pull_current(wait=True)
        if run.status == RunStatus.FAILED:
            raise CommandError(told(run))
        self.stdout.write(told(run))
