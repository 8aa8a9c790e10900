"""Promote what one environment shows to the next; see docs/operations.md."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from hcportal.commands import PersonCommand
from hcportal.errors import HcportalError
from hcportal.services.paths import ENVIRONMENTS
from hosting.models import HCIngestionRun, RunStatus
from hosting.reporters import reporter
from utilities.models import Source

ENDED = {
    RunStatus.COMPLETED: "promoted as run {run.pk}, {run.records_written:,} rows changed",
    RunStatus.UNCHANGED: "shows the same already (run {run.pk})",
    RunStatus.HELD: "held as run {run.pk}: {run.error_message}",
}


class Command(PersonCommand):
    help = "Publish here what another environment shows. Run it where it publishes: HCP_ENV is --to."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="origin", choices=ENVIRONMENTS, required=True, help="from where")
        parser.add_argument("--to", choices=ENVIRONMENTS, required=True, help="to where; must be HCP_ENV")
        parser.add_argument("--utility", metavar="CODE", help="only this utility; all of them otherwise")
        parser.add_argument("--out-of-order", action="store_true", help="another way than dev, qa, prod")

    def handle(self, **options: Any) -> None:
        from hosting import promoting

        origin = options["origin"]
        promoting.refuse_direction(origin, options["to"], out_of_order=options["out_of_order"])
        failed: list[str] = []
        with promoting.other_database(origin) as alias:
            published = Source.objects.using(alias).filter(published_run__isnull=False)
            codes = published.values_list("utility__utility_code", flat=True).order_by(
                "utility__utility_code"
            )
            for utility in [options["utility"]] if options["utility"] else list(codes.distinct()):
                try:
                    failed += self._promote(alias, origin, utility)
                except HcportalError as error:
                    if options["utility"]:
                        raise
                    self.stdout.write(str(error))
                    failed.append(utility)
        if failed:
            raise CommandError(f"Not promoted: {', '.join(failed)}. Readers keep what they had.")

    def _promote(self, alias: str, origin: str, utility: str) -> list[str]:
        """Promote one utility; the sources that were not."""
        from hosting import promoting

        failed = []
        for offer in promoting.offers(alias, origin, utility):
            if offer.is_here:
                self.stdout.write(f"{offer.ours}: run {offer.run.pk} of {origin} is here already.")
                continue
            with reporter(self.out, str(offer.ours)) as follow:
                run: HCIngestionRun = promoting.promote(offer, reporter=follow)
            run.refresh_from_db()
            ending = ENDED.get(RunStatus(run.status), "failed: {run.error_message}")
            self.stdout.write(f"{offer.ours}: {ending.format(run=run)}.".replace("..", "."))
            if run.status not in (RunStatus.COMPLETED, RunStatus.UNCHANGED):
                failed.append(str(offer.ours))
        return failed
