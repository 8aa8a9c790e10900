"""What readers of pages and tiles may see. What leaves as rows or files is stricter: hosting/api/access.py.

A source that has left the catalog keeps its rows for its history, and one whose terms have become forbidden
those that were read before: neither is shown any more.
"""

from typing import Final, TypeVar

from django.db.models import Model, QuerySet

from utilities.models import Redistribution, Source

Row = TypeVar("Row", bound=Model)

# The same in SQL, over utilities_source as `s`. tests/hosting/tiles/test_visible.py holds the two together.
VISIBLE_SQL: Final = (
    "(s.in_catalog AND s.published_run_id IS NOT NULL"
    f" AND s.redistribution <> '{Redistribution.FORBIDDEN.value}')"
)


def visible_sources() -> QuerySet[Source]:
    """Sources whose rows pages and tiles may show: in the catalog, published, and not forbidden."""
    return Source.objects.filter(in_catalog=True, published_run__isnull=False).exclude(
        redistribution=Redistribution.FORBIDDEN
    )


def visible(rows: QuerySet[Row]) -> QuerySet[Row]:
    """Those of `rows` (records, sections, DER: whatever has a `source`) that pages and tiles may show."""
    return rows.filter(source__in=visible_sources().order_by())
