"""Which sources' rows an answer may hold: published ones whose redistribution allows it, the others named.

`allowed` always; `unknown` where the answer is bounded, because nothing says that the whole may be passed on;
`display_only` and `forbidden` never. What is left out is said in the answer, but of what is `forbidden` not a
word: a number of rows around a place would tell where they lie. Where nothing is left, 403.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.db.models import Count, QuerySet
from rest_framework import exceptions

from hosting.api.missing import no_such_utility
from hosting.tiles.cached import keep, kept
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

    utility: int | None  # whose sources these are; None: all utilities'
    sources: list[int]  # ids of the sources whose rows it may hold
    withheld: list[dict[str, Any]]  # others that have rows for it, and why they are left out
    version: list[tuple[Any, ...]]  # changes whenever any of this or any row may have changed

    def note(self) -> dict[str, Any]:
        """What an answer says beside its rows: nothing, where nothing is left out."""
        return {"withheld": self.withheld} if self.withheld else {}


def is_bulk(given: dict[str, Any]) -> bool:
    """Whether an answer could be a utility's whole data."""
    box, limit = given["bbox"], given["limit"]
    few = limit is not None and limit <= BOUNDED_ROWS
    small = box is not None and box.width <= BOUNDED_DEGREES and box.height <= BOUNDED_DEGREES
    return not (few or small)


def access_to(code: str, rows: QuerySet[Any], *, bulk: bool = False) -> Access:
    """What may leave of a utility; `rows` are counted where they are withheld.

    Raises Http404 where there is no such utility, PermissionDenied where all of its sources are refused.
    """
    published = list(_published().filter(utility__utility_code=code))
    if not published and not Utility.objects.filter(utility_code=code).exists():
        raise no_such_utility(code)
    refused = [source for source in published if _is_refused(source, bulk=bulk)]
    if refused and len(refused) == len(published):
        raise exceptions.PermissionDenied(" ".join(f"{_reason(source)}." for source in published))
    utility = published[0].utility_id if published else None
    return _access(utility, published, refused, rows.filter(source__in=refused))


def access_to_all(
    rows: QuerySet[Any], *, bulk: bool = False, by_place: bool = False, whole: str = ""
) -> Access:
    """What may leave of all utilities together; `rows` are counted where they are withheld.

    `by_place`: they are those near a place. Asked for their sources too, PostgreSQL would read all rows of
    those, shapes and all, and not the few that the place has. `whole` names `rows` that depend on nothing but
    on what is published: their counts are kept, which takes 0.3 ms where counting 30,000 takes 10.
    """
    published = list(_published())
    refused = [source for source in published if _is_refused(source, bulk=bulk)]
    return _access(None, published, refused, rows if by_place else rows.filter(source__in=refused), whole)


def _is_refused(source: Source, *, bulk: bool) -> bool:
    never = source.redistribution in (Redistribution.DISPLAY_ONLY, Redistribution.FORBIDDEN)
    return never or (bulk and source.redistribution == Redistribution.UNKNOWN)


def _published() -> QuerySet[Source]:
    """Sources that readers see something of.

    A source that has left the catalog keeps its rows for its history; they are no answer any more.
    """
    return (
        Source.objects.filter(published_run__isnull=False, in_catalog=True)
        .select_related("utility")
        .only("code", "redistribution", "published_run_id", "utility__utility_code", "utility__is_synthetic")
        .order_by("utility__utility_code", "code")
    )


def _access(
    utility: int | None,
    published: Sequence[Source],
    refused: Sequence[Source],
    rows: QuerySet[Any],
    whole: str = "",
) -> Access:
    counts: dict[int, int] = {}
    counted = [source for source in refused if source.redistribution != Redistribution.FORBIDDEN]
    if counted:
        counts = _counts(rows, counted, whole)
    return Access(
        utility=utility,
        sources=[source.pk for source in published if source not in refused],
        withheld=[
            {
                "utility_code": source.utility.utility_code,
                "source": source.code,
                "records": counts[source.pk],
                "reason": f"{_reason(source)}.",
            }
            for source in counted
            if counts.get(source.pk)
        ],
        version=[
            (source.pk, source.published_run_id, source.redistribution, source.utility.is_synthetic)
            for source in published
        ],
    )


def _counts(rows: QuerySet[Any], sources: Sequence[Source], whole: str) -> dict[int, int]:
    """How many of the rows each source has; of `whole` ones, as counted when it last published."""
    runs = ",".join(f"{source.pk}:{source.published_run_id}" for source in sources)
    key = f"withheld/{whole}/{sha256(runs.encode()).hexdigest()[:32]}"
    if whole and (found := kept(key)) is not None:
        return dict(found)
    counts = dict(rows.order_by().values_list("source").annotate(Count("pk")))
    if whole:
        keep(key, counts)
    return counts


def _reason(source: Source) -> str:
    return f"{source} {REASONS[Redistribution(source.redistribution)]}"
