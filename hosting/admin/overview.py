"""The admin's first screen: is everything well? Django's index, with how the sources stand on top."""

from collections.abc import Collection
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from hosting import trials
from hosting.admin.rights import own_utilities
from hosting.admin.unresolved import unresolved_in_short
from hosting.decisions import waiting_for
from hosting.models import HCIngestionRun, Trial
from hosting.models.trials import OPEN
from hosting.views.standing import Standing, standing, with_last_run
from utilities.models import Source


def overview(request: HttpRequest) -> HttpResponseBase:
    """The index for whoever may see sources; the plain one for others."""
    return admin.site.admin_view(_index)(request)


def _index(request: HttpRequest) -> HttpResponseBase:
    if not request.user.has_perm("utilities.view_source"):
        return admin.site.index(request)
    trials.settle()
    mine = {utility.pk for utility in own_utilities(request.user)}
    waiting = waiting_for(request.user).select_related("source__utility")
    shown = {
        **how_sources_stand(mine),
        "waiting_for_me": waiting.defer("layer", "config_json", "discovery"),
        "unresolved": unresolved_in_short(request.user),
    }
    return admin.site.index(request, extra_context=shown)


def how_sources_stand(mine: Collection[int] = ()) -> dict[str, Any]:
    """For the template: a verdict, the sources that need a person, counts by standing, the latest runs,

    what people have asked for that is under way, and the sources of the utilities in `mine` (their ids).
    """
    sources = with_last_run(Source.objects.filter(in_catalog=True)).select_related("utility")
    stood: list[tuple[Any, Standing]] = [
        (source, standing(source)) for source in sources.defer("config_json", "utility__config_json")
    ]
    counts: dict[Standing, int] = {}
    for _source, said in stood:
        counts[said] = counts.get(said, 0) + 1
    return {
        "verdict": _verdict(stood),
        "needing_a_person": [pair for pair in stood if pair[1].for_a_person],
        "own_sources": [pair for pair in stood if pair[0].utility_id in mine],
        "under_way": Trial.objects.filter(status__in=OPEN)
        .select_related("source__utility", "utility", "started_by")
        .defer("result", "source__config_json", "source__utility__config_json"),
        "standings": sorted(counts.items(), key=lambda item: -item[1]),
        "latest_runs": HCIngestionRun.objects.select_related("source__utility").only(
            "status",
            "started_at",
            "source__code",
            "source__utility__utility_code",
            "source__utility__is_synthetic",
        )[:5],
    }


def _verdict(stood: list[tuple[Any, Standing]]) -> Standing:
    """The screen's first sentence; its tone is the worst among the sources."""
    waiting = [said for _source, said in stood if said.for_a_person]
    if not stood:
        return Standing(_("No sources yet. Run bin/manage sync_catalog."), "quiet")
    if not waiting:
        return Standing(_("All is well: no source needs a person."), "good")
    tone = "bad" if any(said.tone == "bad" for said in waiting) else "waiting"
    if len(waiting) == 1:
        return Standing(_("One source needs a person."), tone)
    return Standing(_("%(number)d sources need a person.") % {"number": len(waiting)}, tone)
