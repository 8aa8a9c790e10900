"""What there is to ingest, and why not where nothing is: one line for each utility of the catalog."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Subquery

from hosting.models import HCIngestionRun
from utilities.models import CatalogStatus, Redistribution, Source, Utility

BECAUSE = {
    "login": "behind a login",
    "not_machine_readable": "not machine-readable",
    "terms": "its terms forbid it",
    "not_found": "no service found",
}


@dataclass(frozen=True)
class Listed:
    """One utility: what its sources carry, its last probe and run, and the reason where nothing is scheduled.

    `fitting` is the number of sources whose last probe found every mapped field.
    """

    utility: Utility
    capacity_types: tuple[str, ...]
    grains: tuple[str, ...]
    sources: tuple[str, ...]
    scheduled: int
    probed_at: datetime | None
    fitting: int
    last_run_at: datetime | None
    last_run_status: str
    why_not: str


def utilities() -> list[Listed]:
    """Every utility of the catalog by its code. Two queries, however many there are."""
    latest = HCIngestionRun.objects.filter(utility=OuterRef("pk")).order_by("-id")
    found = (
        Utility.objects.filter(in_catalog=True)
        .prefetch_related("sources")
        .annotate(
            run_at=Subquery(latest.values("started_at")[:1]), run_status=Subquery(latest.values("status")[:1])
        )
        .order_by("utility_code")
    )
    return [_listed(utility) for utility in found]


def _listed(utility: Utility) -> Listed:
    sources = [source for source in utility.sources.all() if source.in_catalog]
    for source in sources:
        source.utility = utility
    figures = [figure for source in sources for figure in source.config_json.get("figures", [])]
    return Listed(
        utility=utility,
        capacity_types=tuple(sorted({figure["capacity_type"] for figure in figures})),
        grains=tuple(sorted({source.grain for source in sources} - {"none"})),
        sources=tuple(source.code for source in sources),
        scheduled=sum(source.is_scheduled for source in sources),
        probed_at=max((source.probed_at for source in sources if source.probed_at), default=None),
        fitting=sum(source.probe_fits for source in sources),
        last_run_at=getattr(utility, "run_at", None),
        last_run_status=getattr(utility, "run_status", None) or "",
        why_not=_why_not(utility, sources),
    )


def _why_not(utility: Utility, sources: list[Source]) -> str:
    """Why nothing of it is scheduled; empty where something is."""
    if any(source.is_scheduled for source in sources):
        return ""
    if utility.status == CatalogStatus.UNAVAILABLE:
        return BECAUSE.get(utility.config_json.get("unavailable_because", ""), "not available")
    if not sources:
        # Its layers are known, and each says why it is not read.
        known = utility.config_json.get("other_layers", [])
        return known[0]["not_read"] if known else "no source in the catalog"
    reasons = {
        "its terms forbid it": [s.redistribution == Redistribution.FORBIDDEN for s in sources],
        "switched off in the admin": [not s.is_enabled for s in sources],
        "fields not verified": [s.status == CatalogStatus.UNVERIFIED for s in sources],
    }
    return "; ".join(reason for reason, holds in reasons.items() if any(holds)) or "not available"
