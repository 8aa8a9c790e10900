"""Who may have the worker do what; asked again wherever something is posted.

| | viewer | steward, of their utilities | operator | admin |
|---|---|---|---|---|
| discover, dry run of a source (neither changes what readers see) | no | yes | yes | yes |
| discover an address typed by hand | no | no | yes | yes |
| ingest, upload monthly files, cancel a run | no | no | yes | yes |
| approve or reject a held run | no | yes | no | no |
| return a source to an earlier run | no | yes | no | yes |
| list DER whose feeder is not known | no | yes | no | yes |

Operators and admins hold `start_run`; a steward holds `decide_run` and stands on the utility
(accounts/groups.py); a superuser may all of it. Whoever asked for a trial may cancel it.
"""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from hosting.decisions import is_steward_of
from hosting.models import Trial, TrialKind, UnresolvedDER
from utilities.models import Source, Utility

Person = Any  # a User, or nobody


def may_start(person: Person) -> bool:
    """May start, cancel and repeat runs, of any source."""
    return bool(person.has_perm("hosting.start_run"))


def refusal(person: Person, kind: TrialKind, source: Source | None) -> str:
    """Why this person may not ask for this, as a sentence; empty where they may."""
    if may_start(person):
        return ""
    if kind == TrialKind.INGEST:
        return _("Only operators and admins start runs. Nothing was started.")
    if kind == TrialKind.UPLOAD:
        return _("Only operators and admins upload monthly files. Nothing was stored.")
    if source is None:
        return _("Only operators and admins ask addresses typed by hand. Nothing was asked.")
    if is_steward_of(person, source.utility_id):
        return ""
    return _("%(utility)s is asked by operators, admins and its own stewards. Nothing was started.") % {
        "utility": source.utility
    }


def may_cancel(person: Person, trial: Trial) -> bool:
    """Whoever asked, and whoever may start runs."""
    return may_start(person) or (
        trial.started_by_id is not None
        and trial.started_by_id == person.pk
        and not refusal(person, TrialKind(trial.kind), trial.source)
    )


def own_utilities(person: Person) -> list[Utility]:
    """Those that the person is a steward of."""
    if not person.has_perm("hosting.decide_run"):
        return []
    return list(person.stewarded_utilities.defer("config_json").order_by("utility_code"))


def may_list_unresolved(person: Person) -> bool:
    """Somebody who is shown some utility's DER whose feeder is not known."""
    if person.has_perm("hosting.view_every_unresolvedder"):
        return True
    return bool(person.has_perm("hosting.view_unresolvedder") and person.stewarded_utilities.exists())


def unresolved_for(person: Person) -> QuerySet[UnresolvedDER]:
    """Those that the person may see: stewards of their utilities', admins and superusers all."""
    found = UnresolvedDER.objects.all()
    if person.has_perm("hosting.view_every_unresolvedder"):
        return found
    if not person.has_perm("hosting.view_unresolvedder"):
        return found.none()
    # Named one by one: of a single utility, the index gives the rows in the list's order.
    return found.filter(utility__in=list(person.stewarded_utilities.order_by().values_list("pk", flat=True)))


def refused(request: HttpRequest, why: str, context: dict[str, Any]) -> HttpResponse:
    """A 403 that says why."""
    page = TemplateResponse(
        request, "admin/refused.html", {**context, "title": _("You may not do this"), "why": why}, status=403
    )
    return page.render()
