"""Approve or reject a held run; see docs/operations.md, Held runs."""

from typing import Any

from django.core.management.base import CommandParser

from accounts.models import User
from hcportal.commands import PersonCommand
from hcportal.errors import UnknownName
from hosting.models import HCIngestionRun
from hosting.reporters import reporter


class Command(PersonCommand):
    help = "Approve or reject a held run, as a steward of its utility or a superuser."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int, metavar="RUN", help="the number of the run")
        parser.add_argument("decision", choices=["approve", "reject"])
        parser.add_argument("--note", required=True, help="why; kept with the run")
        parser.add_argument("--user", required=True, metavar="NAME", help="who decides")

    def handle(self, **options: Any) -> None:
        run, person = known_run(options["run"]), known_person(options["user"])
        if options["decision"] == "reject":
            from hosting.decisions import reject

            reject(run, by=person, note=options["note"])
            self.stdout.write(f"Run {run.pk} of {run.source} is rejected; readers keep what they have.")
            return
        from hosting.approval import approve

        with reporter(self.out, str(run.source)) as follow:
            run = approve(run, by=person, note=options["note"], reporter=follow)
        self.stdout.write(
            f"Run {run.pk} of {run.source} is published; {run.records_written or 0:,} rows changed."
        )


def known_run(number: int) -> HCIngestionRun:
    """Raises UnknownName where there is none."""
    run = HCIngestionRun.objects.select_related("source__utility", "utility").filter(pk=number).first()
    if run is None:
        raise UnknownName(f"There is no run {number}; /admin/hosting/hcingestionrun/ lists them.")
    return run


def known_person(name: str) -> User:
    """Raises UnknownName where nobody has that name."""
    person = User.objects.filter(username=name).first()
    if person is None:
        raise UnknownName(f"There is no user '{name}'.")
    return person
