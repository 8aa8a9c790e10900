"""Changes: which utility changed when and how much, and the difference between two days or two runs."""

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from rest_framework.serializers import ValidationError

from hosting import diffs, publications
from hosting.api.as_of import FIRST, instant_of
from hosting.models import HCIngestionRun, RunStatus
from hosting.views import amounts
from hosting.views.wording import instant
from hosting.visible import visible_sources
from utilities.models import Redistribution, Utility

SHOWN = 40  # publications
MOST = 10  # movements, and feeders that closed or opened
ROWS = 100  # of the table; the file has all of them
LARGEST = 2**63 - 1


@require_safe
def changes_page(request: HttpRequest) -> HttpResponse:
    """`/changes/`: the latest publications of all utilities."""
    rows = [_publication(row) for row in publications.latest(SHOWN)]
    context = {
        "section": "changes",
        "rows": rows,
        "threshold": amounts.plain(publications.CLOSED_AT_MW),
        "has_synthetic": any(row["run"].utility.is_synthetic for row in rows),
    }
    return render(request, "changes/all.html", context)


@require_safe
def utility_changes(request: HttpRequest, code: str) -> HttpResponse:
    """`/changes/<utility>/`: what differs between two days or runs; by default what the last refresh did."""
    utility = Utility.objects.filter(utility_code=code).first()
    if utility is None:
        return render(request, "utilities/missing.html", {"code": code, "section": "changes"}, status=404)
    rows = [_publication(row) for row in publications.latest(SHOWN, utility=utility.pk)]
    threshold = _number(request.GET.get("threshold"), publications.CLOSED_AT_MW)
    context: dict[str, Any] = {
        "section": "changes",
        "utility": utility,
        "has_synthetic": utility.is_synthetic,
        "rows": rows,
        "threshold": threshold,
        "threshold_said": amounts.plain(threshold),
        "today": timezone.now().date(),
    }
    between, said = _between(request, utility, rows)
    if between is not None:
        context |= _difference(between, utility, threshold, said.get("dataset", "records"))
    return render(request, "changes/utility.html", context | said)


def _publication(row: dict[str, Any]) -> dict[str, Any]:
    """A publication with its address: what it did, against what was there before."""
    run = row["run"]
    query = {"from_run": run.compared_with_id, "to_run": run.pk}
    there = reverse("utility-changes", args=[run.utility.utility_code])
    link = "" if row["is_first"] else f"{there}?{urlencode(query)}"
    return row | {"at": instant(run.completed_at, run.utility.timezone), "link": link}


def _between(
    request: HttpRequest, utility: Utility, rows: list[dict[str, Any]]
) -> tuple[diffs.Between | None, dict[str, Any]]:
    """The two states that the address means, and what to say of them. What cannot be is said, not guessed."""
    given = request.GET
    if given.get("from") or given.get("to"):
        return _between_days(given.get("from", ""), given.get("to", ""), utility)
    ids = [_whole(given.get(name)) for name in ("from_run", "to_run")]
    if not any(ids):
        row = next((row for row in rows if not row["is_first"]), None)
        if row is None:
            return None, {}
        ids = [row["run"].compared_with_id, row["run"].pk]
    found = {
        run.pk: run
        for run in HCIngestionRun.objects.filter(
            pk__in=[pk for pk in ids if pk],
            utility=utility,
            status=RunStatus.COMPLETED,
            replaced_by=None,
            source__in=visible_sources().order_by(),
        ).defer("layer", "config_json", "discovery")
    }
    earlier, later = (found.get(pk or 0) for pk in ids)
    if earlier is None or later is None or earlier.source_id != later.source_id or earlier.pk > later.pk:
        fault = _("These are not two published runs of one source of this utility, the earlier one first.")
        return None, {"fault": fault}
    dataset = "ders" if later.source.config_json.get("holds") == "ders" else "records"
    query: dict[str, str | int] = {"dataset": dataset, "from_run": earlier.pk, "to_run": later.pk}
    return diffs.Between([later.source_id], from_run=earlier.pk, to_run=later.pk), {
        "dataset": dataset,
        "what": _("%(source)s: run %(from)s to run %(to)s")
        % {"source": later.source.title, "from": earlier.pk, "to": later.pk},
        "query": urlencode(query),
    }


def _between_days(since: str, until: str, utility: Utility) -> tuple[diffs.Between | None, dict[str, Any]]:
    days = {"since": _day(since), "until": _day(until) if until else timezone.now().date()}
    first, last = days["since"], days["until"]
    said: dict[str, Any] = {"since": first, "until": last if until else None}
    if first is None or last is None:
        return None, said | {"fault": _("Give two days, such as 2025-06-30.")}
    try:
        begin = instant_of(first, utility.timezone)
        end = instant_of(last, utility.timezone) if until else timezone.now()
    except ValidationError:
        return None, said | {"fault": _("A day that is to come has no state yet.")}
    assert isinstance(begin, datetime)  # noqa: S101 - a day was given
    assert isinstance(end, datetime)  # noqa: S101
    if begin > end:
        return None, said | {"fault": _("The earlier day comes first.")}
    sources = list(visible_sources().filter(utility=utility).order_by().values_list("pk", flat=True))
    query = {"from": first.isoformat()} | ({"to": last.isoformat()} if until else {})
    return diffs.Between(sources, since=begin, until=end), said | {
        "what": _("From the end of %(from)s to the end of %(to)s") % {"from": first, "to": last},
        "query": urlencode(query),
    }


def _difference(between: diffs.Between, utility: Utility, threshold: float, dataset: str) -> dict[str, Any]:
    """What differs: of feeders and cells with what moved most, or of DER, which close nothing."""
    asked = diffs.Asked(dataset)

    def moved(how: str) -> list[dict[str, Any]]:
        if dataset == "ders":
            return []
        found = diffs.movements(between, asked, how=how, threshold=threshold, limit=MOST)
        return [_movement(row, utility) for row in found]

    rows = diffs.page(between, asked, ROWS + 1)
    withheld = {Redistribution.DISPLAY_ONLY, Redistribution.FORBIDDEN, Redistribution.UNKNOWN}
    terms = utility.sources.filter(pk__in=between.sources).values_list("redistribution", flat=True)
    return {
        "counts": diffs.counts(between, asked),
        "ders": _ders(between) if between.to_run is None else None,
        "closed": moved("closed"),
        "opened": moved("opened"),
        "most": moved("most"),
        "changes": [_change(row, utility) for row in rows[:ROWS]],
        "has_more": len(rows) > ROWS,
        "has_file": not withheld & set(terms),
    }


def _ders(between: diffs.Between) -> dict[str, int] | None:
    """How many DER were added, changed and removed; None where there were none."""
    found = diffs.counts(between, diffs.Asked("ders"))
    return found if any(found.values()) else None


def _movement(row: dict[str, Any], utility: Utility) -> dict[str, Any]:
    return {
        "name": row["feeder_name"] or row["feeder_id_external"] or row["key"],
        "link": _feeder(row, utility),
        "figure": amounts.figure_name(row["capacity_type"], row["variant"]),
        "what": _("remaining") if row["what"] == "remaining_capacity_mw" else _("hosting"),
        "then": amounts.amount(row["then_mw"], pad=True),
        "now": amounts.amount(row["now_mw"], pad=True),
        "by": amounts.amount(row["by_mw"], pad=True),
        "total": row["total"],
    }


def _change(row: dict[str, Any], utility: Utility) -> dict[str, Any]:
    def value(side: str, name: str) -> str:
        of = row[side] or {}
        if name not in of or of[name] is None:
            return ""
        return amounts.plain(of[name]) if isinstance(of[name], int | float) else str(of[name])

    is_der = "external_id" in row
    return {
        "kind": row["kind"],
        "name": row["external_id"] if is_der else row["feeder_id_external"] or row["key"],
        "link": _feeder(row, utility),
        "figure": row["status"] if is_der else amounts.figure_name(row["capacity_type"], row["variant"]),
        "columns": [
            {"name": name.replace("_", " "), "then": value("earlier", name), "now": value("later", name)}
            for name in row["columns"]
        ]
        if row["kind"] == "changed"
        else [],
    }


def _feeder(row: dict[str, Any], utility: Utility) -> str:
    return reverse("feeder", args=[utility.utility_code, row["feeder_slug"]]) if row["feeder_slug"] else ""


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found >= FIRST else None


def _whole(text: str | None) -> int | None:
    is_number = bool(text) and str(text).isascii() and str(text).isdigit()
    return int(str(text)) if is_number and int(str(text)) <= LARGEST else None


def _number(text: str | None, otherwise: float) -> float:
    try:
        found = float(text or otherwise)
    except ValueError:
        return otherwise
    return found if -1e6 < found < 1e6 else otherwise
