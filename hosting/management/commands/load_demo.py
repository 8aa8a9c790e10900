"""Fill a new installation: draw the synthetic utilities and take them through the pipeline of real ones."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from hcportal.commands import PersonCommand
from hosting.demo.files import FILES
from hosting.demo.generate import CODES, Written, generate
from hosting.models import RunStatus
from hosting.timetable import sync_timetable
from utilities.models import Source
from utilities.sync import sync_catalog

GOOD = (RunStatus.COMPLETED, RunStatus.UNCHANGED)


class Command(PersonCommand):
    help = "Generate the synthetic demonstration utilities, add them to the catalog and ingest them."

    def handle(self, **options: Any) -> None:
        written = {layer.code: layer for layer in generate(settings.HCP_RECORDED)}
        sync_catalog(include_synthetic=True)
        sync_timetable()
        troubles = []
        for source in Source.objects.filter(utility__utility_code__in=CODES, in_catalog=True).select_related(
            "utility", "published_run"
        ):
            name = source.utility.utility_name
            if not source.is_enabled:
                self.stdout.write(f"{name}: switched off in the admin, left alone.")
            elif is_published(source, written[source.utility.utility_code]):
                self.stdout.write(f"{name}: published already, nothing to do.")
            elif trouble := self._ingest(source):
                troubles.append(f"{name} was not published: {trouble}")
        if troubles:
            raise CommandError("\n".join(troubles))

    def _ingest(self, source: Source) -> str:
        """What went wrong, in a sentence; empty where nothing did."""
        from hosting.pipeline import ingest  # brings the engine, which takes longer to load than all the rest

        run = ingest(source)
        if run.status not in GOOD:
            return run.error_message
        outcome = "unchanged" if run.status == RunStatus.UNCHANGED else "published"
        self.stdout.write(f"{source.utility.utility_name}: {run.records_fetched or 0:,} rows {outcome}.")
        return ""


def is_published(source: Source, layer: Written) -> bool:
    """True where the last run succeeded, under the present catalog entry, on the files as they are now."""
    last = source.runs.order_by("-id").first()
    if source.published_run is None or last is None or last.status not in GOOD:
        return False
    newest = max((layer.folder / name).stat().st_mtime for name in FILES)
    return last.config_json == source.config_json and last.started_at > datetime.fromtimestamp(newest, UTC)
