"""Keep the lake small and quick, or show its tables' versions; see docs/operations.md."""

from typing import Any

from django.core.management.base import CommandParser

from hcportal.commands import PersonCommand
from hosting.lake_settings import open_lake


class Command(PersonCommand):
    help = "Compact the lake's tables and remove files that no version needs. No row that counts is removed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--history", action="store_true", help="show each table's versions, change nothing"
        )
        parser.add_argument("--versions", type=int, default=5, metavar="N", help="of each table (default 5)")

    def handle(self, **options: Any) -> None:
        if options["history"]:
            self._show(options["versions"])
        else:
            self._keep_up()

    def _keep_up(self) -> None:
        from hosting.upkeep import keep_up

        done = keep_up(open_lake())
        self.stdout.write(f"{'table':<28}{'files':>15}{'bytes in its folder':>36}")
        for kept in done.tables:
            files = f"{kept.before.files:,} to {kept.after.files:,}"
            folder = f"{_bytes(kept.before.bytes_on_disk)} to {_bytes(kept.after.bytes_on_disk)}"
            self.stdout.write(f"{kept.table:<28}{files:>15}{folder:>36}")
        self.stdout.write(
            f"Bronze of {done.runs:,} runs that failed long ago and {len(done.leftovers):,} leftovers of "
            "broken-off fetches were removed."
        )

    def _show(self, most: int) -> None:
        from hosting.lake import upkeep

        lake = open_lake()
        for table in upkeep.made(lake):
            size = upkeep.size(lake, table)
            self.stdout.write(
                f"{table}: version {size.version}, {size.files:,} files of {_bytes(size.live_bytes)} bytes, "
                f"{_bytes(size.bytes_on_disk)} bytes in its folder"
            )
            for version in upkeep.versions(lake, table, most):
                added, removed = (
                    "?" if count is None else f"{count:,}" for count in (version.added, version.removed)
                )
                self.stdout.write(
                    f"  {version.number:>6}  {version.at:%Y-%m-%d %H:%M:%S}  {version.operation:<20}"
                    f" files added {added}, removed {removed}"
                )


def _bytes(count: int | None) -> str:
    return "?" if count is None else f"{count:,}"
