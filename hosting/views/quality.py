"""How far to trust the numbers: every check in words, and how each utility's sources stand under them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from hosting.lake.checks import score
from hosting.lake.checks.listed import Check
from hosting.lake.checks.registry import CHECKS, PARTS
from hosting.models import FeederQuality, Finding, HostingCapacityRecord, Severity
from hosting.visible import visible_sources
from utilities.models import Source, Utility

PART_NAMES = {
    "completeness": _("Completeness"),
    "values": _("Values"),
    "dates": _("Dates"),
    "geometry": _("Places and shapes"),
    "change": _("Change between refreshes"),
    "ders": _("DER"),
    "flows": _("Interregional flows"),
    "network": _("Substations"),
    "legal": _("Terms and privacy"),
}


@dataclass(frozen=True)
class Part:
    """One part of a score, 0 to 100."""

    name: Any
    points: float


@dataclass(frozen=True)
class SourceQuality:
    """A source's published run under the checks."""

    source: Source
    score: float
    parts: list[Part]
    findings: list[Finding]


@dataclass(frozen=True)
class Mark:
    """The quality mark of a feeder, and the checks that noticed something about it, with rows."""

    score: float
    checks: list[tuple[Check, int]]


@require_safe
def quality_page(request: HttpRequest) -> HttpResponse:
    """`/quality/`: utilities with their scores, then all checks."""
    rows = utility_rows()
    return render(
        request,
        "quality.html",
        {
            "section": "quality",
            "rows": rows,
            "has_synthetic": any(row["utility"].is_synthetic for row in rows),
            "parts": [
                {"name": PART_NAMES[part], "weight": score.PART.get(part, 0), "checks": checks}
                for part, checks in PARTS.items()
            ],
            "severities": {severity.value: severity.label for severity in Severity},
        },
    )


def utility_rows() -> list[dict[str, Any]]:
    """Each utility that something is shown of: its score, and how many findings of which severity."""
    shown = visible_sources().filter(published_run__quality__isnull=False)
    found: dict[int, dict[str, Any]] = {}
    for source in shown.select_related("utility", "published_run").defer(*_HEAVY):
        row = found.setdefault(source.utility_id, {"utility": source.utility, "scores": [], "sources": 0})
        row["scores"].append(_quality(source)["score"])
        row["sources"] += 1
    counted = (
        Finding.objects.filter(run__in=shown.values("published_run"))
        .values("utility_id", "severity")
        .annotate(number=Count("id"))
    )
    for one in counted:
        found[one["utility_id"]].setdefault("findings", {})[one["severity"]] = one["number"]
    rows = [row | {"score": sum(row["scores"]) / len(row["scores"])} for row in found.values()]
    return sorted(rows, key=lambda row: (row["utility"].is_synthetic, row["utility"].utility_name))


def utility_scores() -> dict[int, float]:
    """Utility's id to its score, of those of which something that is shown was judged. One query."""
    shown = visible_sources().filter(published_run__quality__isnull=False)
    found: dict[int, list[float]] = {}
    for utility, score_of_source in shown.values_list("utility", "published_run__quality__score"):
        found.setdefault(utility, []).append(score_of_source)
    return {utility: sum(scores) / len(scores) for utility, scores in found.items()}


def of_utility(utility: Utility) -> list[SourceQuality]:
    """The utility's sources whose published run was judged, with what the checks noticed, gravest first."""
    shown = visible_sources().filter(utility=utility, published_run__quality__isnull=False)
    sources = list(shown.select_related("published_run").defer(*_HEAVY).order_by("code"))
    findings: dict[int, list[Finding]] = {}
    for finding in Finding.objects.filter(run__in=[one.published_run_id for one in sources]).defer(
        "examples"
    ):
        findings.setdefault(finding.run_id, []).append(finding)
    return [
        SourceQuality(
            source,
            _quality(source)["score"],
            _parts(_quality(source)["parts"]),
            _gravest_first(findings.get(source.published_run_id or 0, [])),
        )
        for source in sources
    ]


def mark_of(record: HostingCapacityRecord) -> Mark | None:
    """The mark of a record's feeder by its source; None where the source's published run was not judged."""
    judged = Source.objects.filter(pk=record.source_id, published_run__quality__isnull=False)
    if record.feeder_id is None or not judged.exists():
        return None
    mark = FeederQuality.objects.filter(feeder=record.feeder_id, source=record.source_id).first()
    if mark is None:
        return Mark(100, [])
    checks = [(CHECKS[check], rows) for check, rows in sorted(mark.checks.items()) if check in CHECKS]
    return Mark(float(mark.score), checks)


_HEAVY = ("config_json", "utility__config_json", "published_run__config_json", "published_run__layer")


def _quality(source: Source) -> dict[str, Any]:
    quality: dict[str, Any] = (source.published_run.quality if source.published_run else None) or {}
    return quality


def _parts(points: dict[str, float]) -> list[Part]:
    return [Part(PART_NAMES[part], points[part]) for part in PARTS if part in points]


def _gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda one: ("FBEWI".index(one.severity), one.check_id, one.pk or 0))
