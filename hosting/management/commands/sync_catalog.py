"""Write the catalog's files to the database, and the timetable that follows from them."""

from typing import Any

from django.db import transaction

from hcportal.commands import PersonCommand
from hosting.summaries import summarise
from hosting.timetable import sync_timetable
from utilities.models import Utility
from utilities.sync import sync_catalog


class Command(PersonCommand):
    help = "Write the utility catalog (utilities/catalog and HCP_CATALOG) to the database."

    def handle(self, **options: Any) -> None:
        synced = sync_catalog()
        scheduled = sync_timetable()
        for utility in Utility.objects.filter(sources__in_catalog=False).distinct():
            with transaction.atomic():
                summarise(utility.pk)
        parts = [f"{len(synced.added)} added", f"{len(synced.updated)} up to date"]
        if synced.left:
            parts.append(f"no longer in the catalog: {', '.join(synced.left)}")
        self.stdout.write(f"Catalog: {'; '.join(parts)}. {scheduled} sources are scheduled.")
