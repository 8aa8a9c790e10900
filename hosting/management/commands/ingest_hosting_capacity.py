"""Bring sources from their servers to what people read; see docs/commands.md."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet

from hcportal.commands import PersonCommand
from hcportal.errors import UnknownName
from hosting.models import RunStatus
from hosting.reporters import Bar, Lines, reporter
from utilities.models import DataSourceType, Source, Utility

if TYPE_CHECKING:
    from hosting.file_feeds import Given
    from hosting.series import Outcome

FAILED, HELD = 1, 3
BAD = {RunStatus.FAILED: FAILED, RunStatus.CANCELLED: FAILED, RunStatus.HELD: HELD}


class Command(PersonCommand):
    help = (
        "Fetch, check and publish hosting capacity. "
        "Exit status: 0 completed or unchanged, 1 failed, 3 held for a person."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--utility", metavar="CODE", help="a utility's code, or 'all'")
        parser.add_argument("--source", metavar="CODE", help="only this source of the utility")
        parser.add_argument(
            "--category",
            metavar="TYPE",
            choices=DataSourceType.values,
            help=f"with 'all', only utilities that publish this way: {', '.join(DataSourceType.values)}",
        )
        parser.add_argument("--force", action="store_true", help="read it anew although it seems unchanged")
        parser.add_argument("--dry-run", action="store_true", help="show what would come out; write nothing")
        parser.add_argument("--limit", type=int, metavar="N", help="rows of a dry run (default 2,000)")
        parser.add_argument(
            "--discover",
            nargs="?",
            const="",
            metavar="URL",
            help="list the layers of a service (default: the utility's) and propose a catalog entry",
        )
        parser.add_argument("--list-utilities", action="store_true", help="what there is to ingest")
        parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where file sources are read")
        parser.add_argument("--month", metavar="YYYY-MM", help="only this month of monthly files")

    def handle(self, **options: Any) -> None:
        if options["list_utilities"]:
            self._list_utilities()
        elif options["discover"] is not None:
            self._discover(options["discover"], options["utility"])
        elif not options["utility"]:
            raise CommandError(
                "Which utility? Give --utility CODE or --utility all; --list-utilities lists them."
            )
        else:
            self._check(options)
            sources = chosen_sources(
                options["utility"], options["source"], options["category"], options["data_dir"]
            )
            given = self._given(options, sources)
            if options["dry_run"]:
                self._dry_run(sources, options["limit"] or 2_000, given)
            else:
                self._ingest(sources, given, force=options["force"])

    def _check(self, options: dict[str, Any]) -> None:
        if options["limit"] is not None and not options["dry_run"]:
            raise CommandError("--limit is for --dry-run; a run that is published is always whole.")
        if options["limit"] is not None and options["limit"] < 1:
            raise CommandError("--limit must be 1 or more.")
        if options["category"] and options["utility"] != "all":
            raise CommandError("--category narrows --utility all; a single utility needs none.")

    def _given(self, options: dict[str, Any], sources: list[Source]) -> "Given":
        from hosting.file_feeds import Given
        from hosting.sources.files.folder import month_of

        month = month_of(options["month"]) if options["month"] else None
        if options["month"] and month is None:
            raise CommandError(f"--month {options['month']} is no month; write it like 2026-03.")
        given = Given(options["data_dir"], month)
        if given != Given() and not any("file" in source.config_json for source in sources):
            raise CommandError(
                "--data-dir and --month are for utilities that publish files; none of these do."
            )
        return given

    def _ingest(self, sources: list[Source], given: "Given", *, force: bool) -> None:
        from hosting.series import ingest_all

        follow = partial(follow_on, self.out)
        outcomes = [*ingest_all(sources, given, force=force, follow=follow)]
        if len(outcomes) > 1:
            self._table(outcomes)
        self._tell(outcomes)

    def _tell(self, outcomes: "list[Outcome]") -> None:
        """Good outcomes on stdout; the others on stderr, with the exit status of the worst."""
        from hosting.series import told

        statuses, faults = set(), []
        for outcome in outcomes:
            if outcome.run is None or outcome.run.status in BAD:
                statuses.add(FAILED if outcome.run is None else BAD[RunStatus(outcome.run.status)])
                faults.append(f"{outcome.source}: {outcome.message}")
            else:
                self.stdout.write(f"{outcome.source}: {told(outcome.run)}")
        if faults:
            raise CommandError("\n".join(faults), returncode=min(statuses))

    def _table(self, outcomes: "list[Outcome]") -> None:
        from rich.console import Console
        from rich.table import Table

        table = Table("source", "status", "rows", "written", "seconds", box=None, pad_edge=False)
        for outcome in outcomes:
            source, run = outcome.source, outcome.run
            if run is None:
                table.add_row(str(source), "failed")
                continue
            seconds = sum(step["seconds"] for step in run.steps)
            table.add_row(
                str(source),
                run.get_status_display().split(":")[0].lower(),
                f"{run.records_fetched or 0:,}",
                f"{run.records_written or 0:,}",
                f"{seconds:.1f}",
            )
        Console(file=self.out, highlight=False).print(table)

    def _dry_run(self, sources: list[Source], limit: int, given: "Given") -> None:
        from hosting.dry_run import dry_run, show

        for source in sources:
            show(dry_run(source, limit=limit, given=given), self.out)

    def _discover(self, url: str, utility_code: str | None) -> None:
        from hosting.fetching import http_client
        from hosting.sources.discovery import discover
        from hosting.sources.proposal import proposal

        if not url:
            if not utility_code or utility_code == "all":
                raise CommandError("Discover what? Give --discover URL, or --utility CODE --discover.")
            url = known_utility(utility_code).service_url
            if not url:
                raise UnknownName(f"The catalog knows no service of {utility_code}; give --discover URL.")
        with http_client() as client:
            found = discover(client, url)
            draft = proposal(client, found)
        for line in found.listing():
            self.stdout.write(line)
        self.stdout.write("")
        self.stdout.write(draft)

    def _list_utilities(self) -> None:
        from rich.console import Console
        from rich.table import Table

        from hosting.listing import utilities

        table = Table(
            *("code", "utility", "states", "status", "scheduled", "types", "grain"),
            *("last probe", "last run", "why not"),
            box=None,
            pad_edge=False,
        )
        for listed in utilities():
            utility, at, probed = listed.utility, listed.last_run_at, listed.probed_at
            table.add_row(
                utility.utility_code,
                utility.utility_name,
                " ".join(utility.states),
                utility.status,
                f"{listed.scheduled} of {len(listed.sources)}" if listed.sources else "none",
                ", ".join(listed.capacity_types),
                ", ".join(listed.grains),
                f"{probed:%Y-%m-%d}, {listed.fitting} of {len(listed.sources)} fit" if probed else "never",
                f"{at:%Y-%m-%d %H:%M} UTC, {listed.last_run_status}" if at else "never",
                listed.why_not,
            )
        Console(file=self.out, width=None if self.stdout.isatty() else 240).print(table)


def follow_on(out: TextIO, source: Source) -> Bar | Lines:
    """Who follows a source's run: the terminal or the log."""
    return reporter(out, str(source))


def known_utility(code: str) -> Utility:
    """Raises UnknownName, with near codes, where there is none."""
    from difflib import get_close_matches

    codes = list(Utility.objects.values_list("utility_code", flat=True))
    if code not in codes:
        near = get_close_matches(code, codes, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "--list-utilities lists them."
        raise UnknownName(f"There is no utility '{code}'. {hint}")
    return Utility.objects.get(utility_code=code)


def chosen_sources(
    utility: str, source: str | None, category: str | None, data_dir: Path | None = None
) -> list[Source]:
    """The sources to run, in a stable order; of `all`, those that are files only where the folder has them.

    Raises UnknownName where nothing fits.
    """
    from hosting.file_feeds import is_there

    sources: QuerySet[Source] = Source.objects.filter(in_catalog=True).select_related("utility")
    if utility == "all":
        if category:
            sources = sources.filter(utility__data_source_type=category)
        found = [
            candidate
            for candidate in sources
            if candidate.is_scheduled
            or (data_dir is not None and candidate.is_file_to_bring and is_there(candidate, data_dir))
        ]
    else:
        found = list(sources.filter(utility=known_utility(utility)))
    if source:
        codes = [candidate.code for candidate in found]
        found = [candidate for candidate in found if candidate.code == source]
        if not found:
            raise UnknownName(f"{utility} has no source '{source}'; it has {', '.join(codes) or 'none'}.")
    if not found:
        from hosting.listing import utilities

        why = next(
            (f" ({known.why_not})" for known in utilities() if known.utility.utility_code == utility), ""
        )
        raise UnknownName(
            f"Nothing to ingest for '{utility}': the catalog has no source that can be fetched{why}."
        )
    return found
