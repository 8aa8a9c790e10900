"""Write the catalog's files to the database, and the timetable that follows from them."""

from typing import Any

from django.db import transaction
from django.db.models import Q

from hcportal.commands import PersonCommand
from hosting.der_totals import refresh_der_totals
from hosting.summaries import summarise
from hosting.timetable import sync_timetable
from hosting.visible import visible_sources
from utilities.models import Redistribution, Source, Utility
from utilities.sync import sync_catalog


class Command(PersonCommand):
    help = "Write the utility catalog (utilities/catalog and HCP_CATALOG) to the database."

    def handle(self, **options: Any) -> None:
        before = _counted()
        synced = sync_catalog()
        _sum_again(before ^ _counted())
        scheduled = sync_timetable()
        parts = [f"{len(synced.added)} added", f"{len(synced.updated)} up to date"]
        if synced.left:
            parts.append(f"no longer in the catalog: {', '.join(synced.left)}")
        self.stdout.write(f"Catalog: {'; '.join(parts)}. {scheduled} sources are scheduled.")


def _counted() -> set[tuple[int, int]]:
    """Utility and source of all that is published and counts in sums."""
    return set(visible_sources().order_by().values_list("utility", "pk"))


def _sum_again(changed: set[tuple[int, int]]) -> None:
    """New sums where a source went or came back, and always where one is hidden, in case a sync broke off."""
    hidden = Source.objects.filter(Q(in_catalog=False) | Q(redistribution=Redistribution.FORBIDDEN))
    hidden = hidden.filter(published_run__isnull=False)
    utilities = {utility for utility, _source in changed} | set(hidden.values_list("utility", flat=True))
    for pk in sorted(utilities):
        with transaction.atomic():
            Utility.objects.select_for_update(no_key=True).only("pk").get(pk=pk)  # as a publication does
            summarise(pk)
            refresh_der_totals(pk)
