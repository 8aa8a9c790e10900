"""Return a utility, or one of its sources, to what an earlier run showed; see docs/operations.md."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from hcportal.commands import PersonCommand
from hcportal.errors import NothingToReturnTo, UnknownName
from hosting.management.commands.decide_run import known_person, known_run
from hosting.management.commands.ingest_hosting_capacity import known_utility
from hosting.models import HCIngestionRun, RunStatus
from hosting.reporters import reporter
from utilities.models import Source, Utility


class Command(PersonCommand):
    help = "Return a utility to what an earlier run showed. Shows what would change unless --yes is given."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("utility", metavar="UTILITY", help="a utility's code")
        parser.add_argument("--source", metavar="CODE", help="only this source of the utility")
        parser.add_argument("--to", type=int, required=True, metavar="RUN", help="the run to return to")
        parser.add_argument("--yes", action="store_true", help="do it")
        parser.add_argument("--note", default="", help="why; kept with the run. Required with --yes")
        parser.add_argument("--user", metavar="NAME", help="who decides; asked for their rights")

    def handle(self, **options: Any) -> None:
        from hosting.rollback import runs_to_return_to

        utility, to = known_utility(options["utility"]), known_run(options["to"])
        if to.utility_id != utility.pk:
            raise UnknownName(
                f"Run {to.pk} is one of {to.utility.utility_code}, not of {options['utility']}."
            )
        source = known_source(utility, options["source"]) if options["source"] else None
        if options["yes"] and not options["note"].strip():
            raise CommandError("--yes needs --note: why is it rolled back?")
        todo = {
            each: shown
            for each, shown in runs_to_return_to(to, source).items()
            if each.published_run_id != shown.pk
        }
        if not todo:
            raise NothingToReturnTo(f"Readers see what run {to.pk} showed already. Nothing was changed.")
        for each, shown in todo.items():
            if options["yes"]:
                self._do(each, shown, options)
            else:
                self._show(each, shown)
        if not options["yes"]:
            self.stdout.write("Nothing was changed. --yes --note WHY does it.")

    def _show(self, source: Source, to: HCIngestionRun) -> None:
        from hosting.rollback import what_would_change

        self.stdout.write(f"{source} would go from run {source.published_run_id} back to run {to.pk}:")
        found = what_would_change(source, to)
        if not found:
            self.stdout.write(f"  its rows are read again from bronze, as run {to.pk} fetched them")
        for dataset, counted in found.items():
            done = [f"{counted[name]:,} {name}" for name in ("added", "changed", "removed")]
            self.stdout.write(f"  {dataset}: {', '.join(done)}")
            for moved in counted.get("movements", ()):
                was, now = (moved[name] if moved[name] is not None else "unknown" for name in ("then", "now"))
                self.stdout.write(f"    {moved['key']} ({moved['capacity_type']}): {was} MW to {now} MW")

    def _do(self, source: Source, to: HCIngestionRun, options: dict[str, Any]) -> None:
        from hosting.rollback import roll_back

        person = known_person(options["user"]) if options["user"] else None
        with reporter(self.out, str(source)) as follow:
            run = roll_back(source, to, note=options["note"], by=person, reporter=follow)
        if run.status == RunStatus.UNCHANGED:
            self.stdout.write(f"{source} showed what run {to.pk} showed already (run {run.pk}).")
        elif run.status != RunStatus.COMPLETED:
            raise CommandError(f"{source}: {run.error_message}")
        else:
            self.stdout.write(
                f"{source} shows again what run {to.pk} showed; {run.records_written or 0:,} rows changed "
                f"(run {run.pk})."
            )


def known_source(utility: Utility, code: str) -> Source:
    """Raises UnknownName where the utility has no such source."""
    found = utility.sources.filter(code=code).first()
    if found is None:
        codes = ", ".join(utility.sources.values_list("code", flat=True)) or "none"
        raise UnknownName(f"{utility.utility_code} has no source '{code}'; it has {codes}.")
    return found
