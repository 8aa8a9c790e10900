"""Take the demonstration out again: rows, lake, files."""

from collections import Counter
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.db import transaction

from hcportal.commands import PersonCommand
from hosting.belonging import BELONGS_BY
from hosting.demo.generate import CODES, remove
from hosting.locks import source_lock
from hosting.models import HCIngestionRun
from hosting.tiles.grid import refresh as refresh_overview
from hosting.timetable import sync_timetable
from utilities.models import Source, Utility


class Command(PersonCommand):
    help = (
        "Remove the synthetic demonstration utilities: their rows with all history, lake partitions, files."
    )

    def handle(self, **options: Any) -> None:
        utilities = list(Utility.objects.filter(utility_code__in=CODES, is_synthetic=True))
        with ExitStack() as locks:
            for source in Source.objects.filter(utility__in=utilities).select_related("utility"):
                locks.enter_context(source_lock(source))
            removed = remove_rows(utilities)
            sync_timetable()
            self._forget_in_lake()
        folders = remove(settings.HCP_RECORDED)
        for utility in utilities:
            self.stdout.write(f"{utility.utility_name}: removed from the database and the lake.")
        if removed:
            rows = ", ".join(f"{number:,} {name}" for name, number in sorted(removed.items()))
            self.stdout.write(f"Rows removed: {rows}.")
        for folder in folders:
            self.stdout.write(f"Files removed: {folder}")
        if not utilities and not folders:
            self.stdout.write("There was no demonstration to remove.")

    def _forget_in_lake(self) -> None:
        """Also where the rows are gone already: an earlier removal may have been interrupted here."""
        from hosting.lake.maintain import forget_utility
        from hosting.lake_settings import open_lake

        lake = open_lake()
        for code in CODES:
            forget_utility(lake, code)


@transaction.atomic
def remove_rows(utilities: list[Utility]) -> Counter[str]:
    """Delete these utilities with all that belongs to them; how many rows of what."""
    Source.objects.filter(utility__in=utilities).update(published_run=None, lake_run=None)
    HCIngestionRun.objects.filter(utility__in=utilities).update(rollback_of=None, compared_with=None)
    removed: Counter[str] = Counter()
    for model, path in BELONGS_BY:
        mine = {f"{path}__in": [utility.pk for utility in utilities]}
        _, by_model = model._default_manager.filter(**mine).delete()
        removed.update(by_model)
    refresh_overview()
    return Counter({_plural(label): number for label, number in removed.items() if number})


def _plural(label: str) -> str:
    from django.apps import apps

    return str(apps.get_model(label)._meta.verbose_name_plural)
