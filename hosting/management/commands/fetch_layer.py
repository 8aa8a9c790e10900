"""Fetch one ArcGIS layer into a file, all of it or nothing."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from hcportal.commands import PersonCommand
from hosting.fetching import acquaint, http_client
from hosting.reporters import reporter
from hosting.sources.export import export_layer
from utilities.spec import Access


class Command(PersonCommand):
    help = (
        "Fetch an ArcGIS layer into GeoJSONSeq (.geojsonl), GeoParquet (.parquet) or GeoPackage (.gpkg). "
        "Exit status 0 only when the file is complete."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", help="…/FeatureServer/<n> or …/MapServer/<n>")
        parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
        parser.add_argument("--where", default="1=1", help="SQL filter, as the service understands it")
        parser.add_argument("--fields", help="comma list of published fields; default all")
        parser.add_argument("--limit", type=int, metavar="N", help="only the first N rows")
        parser.add_argument("--no-geometry", action="store_true")
        parser.add_argument("--referer", default="", help="what the host wants to see as Referer")
        parser.add_argument("--token-env", metavar="NAME", help="the environment variable that holds a token")

    def handle(self, **options: Any) -> None:
        if options["limit"] is not None and options["limit"] < 1:
            raise CommandError("--limit must be 1 or more.")
        fields = [name.strip() for name in options["fields"].split(",")] if options["fields"] else None
        access = Access.model_validate({"referer": options["referer"], "token_env": options["token_env"]})
        with http_client() as client, reporter(self.out, options["output"].name) as follow:
            acquaint(client, options["url"], access)
            rows = export_layer(
                client,
                options["url"],
                options["output"],
                where=options["where"],
                fields=fields,
                limit=options["limit"],
                geometry=not options["no_geometry"],
                progress=follow.progress,
            )
        self.stdout.write(f"{options['output']}: {rows:,} rows, complete.")
