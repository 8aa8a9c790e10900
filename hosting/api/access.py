"""Which sources' rows an answer may hold: published ones whose redistribution allows it, the others named.

`allowed` always; `unknown` where the answer is bounded, because nothing says that the whole may be passed on;
`display_only` and `forbidden` never. What is left out is said in the answer; where nothing is left, 403.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce
from rest_framework import exceptions

from hosting.api.utilities import no_such_utility
from hosting.models import HostingCapacityRecord
from utilities.models import Redistribution, Source, Utility

BOUNDED_ROWS = 1_000  # as many as a page of rows can have
BOUNDED_DEGREES = 0.5  # smaller than any state; Rhode Island is 0.8 degrees wide

REASONS = {
    Redistribution.DISPLAY_ONLY: (
        "is display only: its terms let it be shown on pages and maps, and not be passed on as rows or files"
    ),
    Redistribution.FORBIDDEN: "is forbidden: its terms do not let this portal pass it on at all",
    Redistribution.UNKNOWN: (
        "is not exported in bulk, because it is unknown whether its terms allow that: "
        f"ask for a limit of at most {BOUNDED_ROWS} or a bbox of at most {BOUNDED_DEGREES} degrees each way"
    ),
}


@dataclass(frozen=True)
class Access:
    """What one answer may be made of."""

    sources: list[int]  # ids of the sources whose rows it may hold
    withheld: list[dict[str, Any]]  # the others that have rows for it, and why they are left out
    version: list[tuple[Any, ...]]  # changes whenever any of this or any row may have changed

    def note(self) -> dict[str, Any]:
        """What an answer says beside its rows: nothing, where nothing is left out."""
        return {"withheld": self.withheld} if self.withheld else {}


def access_to(code: str, rows: QuerySet[HostingCapacityRecord], *, bulk: bool = False) -> Access:
    """What may leave of a utility; `rows` are counted where they are withheld.

    Raises Http404 where there is no such utility, PermissionDenied where all of its sources are refused.
    """
    refused = _refused(bulk=bulk)
    published = list(_published(rows, refused).filter(utility__utility_code=code))
    if not published and not Utility.objects.filter(utility_code=code).exists():
        raise no_such_utility(code)
    if published and all(source.redistribution in refused for source in published):
        raise exceptions.PermissionDenied(" ".join(f"{_reason(source)}." for source in published))
    return _access(published, refused)


def access_to_all(rows: QuerySet[HostingCapacityRecord]) -> Access:
    """What may leave of all utilities together; `rows` are counted where they are withheld."""
    refused = _refused(bulk=False)
    return _access(list(_published(rows, refused)), refused)


def _refused(*, bulk: bool) -> set[str]:
    never = {Redistribution.DISPLAY_ONLY.value, Redistribution.FORBIDDEN.value}
    return never | {Redistribution.UNKNOWN.value} if bulk else never


def _published(rows: QuerySet[HostingCapacityRecord], refused: set[str]) -> "QuerySet[Any]":
    """Sources that readers see something of, those refused with the number of their rows: one query.

    A source that has left the catalog keeps its rows for its history; they are no answer any more.
    """
    count = rows.filter(source=OuterRef("pk")).order_by().values("source").annotate(n=Count("pk")).values("n")
    return (
        Source.objects.filter(published_run__isnull=False, in_catalog=True)
        .select_related("utility")
        .annotate(withheld=Case(When(redistribution__in=refused, then=Coalesce(Subquery(count), 0))))
        .order_by("utility__utility_code", "code")
    )


def _access(published: Sequence[Any], refused: set[str]) -> Access:
    return Access(
        sources=[source.pk for source in published if source.redistribution not in refused],
        withheld=[
            {
                "utility_code": source.utility.utility_code,
                "source": source.code,
                "records": source.withheld,
                "reason": f"{_reason(source)}.",
            }
            for source in published
            if source.withheld
        ],
        version=[
            (source.pk, source.published_run_id, source.redistribution, source.utility.is_synthetic)
            for source in published
        ],
    )


def _reason(source: Source) -> str:
    return f"{source} {REASONS[Redistribution(source.redistribution)]}"
