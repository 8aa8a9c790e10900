"""Ask sources' servers how they are; see docs/commands.md."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from hcportal.commands import PersonCommand
from hosting.timetable import sync_timetable
from utilities.models import Source


class Command(PersonCommand):
    help = (
        "Ask each source whether it is reachable, how many rows it has, when it was edited and whether the "
        "mapped fields are there; kept on the source. Fetches no row. Exit status 1 where one does not fit."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--utility", metavar="CODE", help="only this utility's sources; default all")
        parser.add_argument("--source", metavar="CODE", help="only this source of the utility")

    def handle(self, **options: Any) -> None:
        from hosting.management.commands.ingest_hosting_capacity import known_utility
        from hosting.probe import may_be_probed, probe

        if options["source"] and not options["utility"]:
            raise CommandError("--source is a source of a utility: give --utility CODE too.")
        sources = Source.objects.filter(in_catalog=True).select_related("utility", "published_run")
        if options["utility"]:
            sources = sources.filter(utility=known_utility(options["utility"]))
        if options["source"]:
            sources = sources.filter(code=options["source"])
        asked = [source for source in sources if may_be_probed(source)]
        if not asked:
            raise CommandError("No source that may be asked; --list-utilities of the ingest says why.")
        misfits = []
        for found in probe(asked):
            line = f"{found.source}: {found.told()}"
            if found.reached and not found.missing:
                self.stdout.write(line)
            else:
                misfits.append(line)
        sync_timetable()
        if misfits:
            raise CommandError("\n".join(misfits), returncode=1)
