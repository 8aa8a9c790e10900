"""Decisions in the admin, from a run's page: a held one approved or rejected, an earlier one returned to."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from hcportal.errors import HcportalError
from hosting import decision_trials, decisions
from hosting.admin.rights import refused
from hosting.models import HCIngestionRun, RunStatus, TrialKind
from hosting.models.trials import OPEN
from utilities.admin import AnyModelAdmin


class WaitingFilter(admin.SimpleListFilter):
    """Held runs that whoever looks may decide on."""

    title = gettext_lazy("decision")
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:  # noqa: ARG002
        person: Any = request.user  # the admin asks nobody in who has not signed in
        may_any = person.is_superuser or person.has_perm("hosting.decide_run")
        return [("me", gettext_lazy("Waiting for me"))] if may_any else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[HCIngestionRun]) -> QuerySet[HCIngestionRun]:
        if self.value() != "me":
            return queryset
        return queryset.filter(pk__in=decisions.waiting_for(request.user).order_by().values("pk"))


def decision_on(request: HttpRequest, run: HCIngestionRun) -> dict[str, Any]:
    """For a held run's page: whether this person may decide, and what stands against it."""
    published = run.source.published_run_id
    return {
        "may_decide": decisions.may_decide(request.user, run.utility_id),
        "stewards": decisions.stewards_of(run.utility),
        "superseded_by": published if run.compared_with_id != published else None,
        "under_way": run.trials.filter(kind=TrialKind.APPROVE, status__in=OPEN).first(),
    }


def rollback_to(request: HttpRequest, run: HCIngestionRun) -> dict[str, Any]:
    """For a published run's page, where readers see another now and this person may return to it."""
    published = run.source.published_run_id
    is_earlier = run.status == RunStatus.COMPLETED and published not in (None, run.pk)
    if not is_earlier or not decisions.may_roll_back(request.user, run.utility_id):
        return {}
    return {"may_return": True, "published": published}


class DecisionPages(AnyModelAdmin):
    """For the admin of runs."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/decide/", view(self.decide_view), name="hosting_hcingestionrun_decide"),
            path("<int:pk>/rollback/", view(self.rollback_view), name="hosting_hcingestionrun_rollback"),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Approve, through the worker, or reject, at once; back to the run with a sentence where neither."""
        run = HCIngestionRun.objects.select_related("source__utility", "utility").filter(pk=pk).first()
        decision = request.POST.get("decision")
        if run is None or decision not in ("approve", "reject"):
            raise Http404
        if not decisions.may_decide(request.user, run.utility_id):
            why = _("Stewards of %(utility)s decide on its runs. Nothing was decided.") % {
                "utility": run.utility
            }
            return refused(request, why, self.admin_site.each_context(request))
        person: Any = request.user
        note = request.POST.get("note", "")
        back = reverse("admin:hosting_hcingestionrun_change", args=[pk])
        try:
            if decision == "reject":
                decisions.reject(run, by=person, note=note)
                messages.success(
                    request, _("Run %(run)s is rejected; readers keep what they have.") % {"run": pk}
                )
            else:
                trial = decision_trials.ask_approval(run, by=person, note=note)
                return HttpResponseRedirect(reverse("admin:hosting_trial_change", args=[trial.pk]))
        except HcportalError as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(back)

    @method_decorator(require_POST)
    def rollback_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Have the worker say what returning to this run would change, or with a note return to it."""
        run = HCIngestionRun.objects.select_related("source__utility", "utility").filter(pk=pk).first()
        if run is None:
            raise Http404
        if not decisions.may_roll_back(request.user, run.utility_id):
            why = _("Stewards of %(utility)s and admins roll it back. Nothing was changed.") % {
                "utility": run.utility
            }
            return refused(request, why, self.admin_site.each_context(request))
        person: Any = request.user
        dry = request.POST.get("do") != "yes"
        try:
            trial = decision_trials.ask_rollback(run, by=person, note=request.POST.get("note", ""), dry=dry)
        except HcportalError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(reverse("admin:hosting_hcingestionrun_change", args=[pk]))
        return HttpResponseRedirect(reverse("admin:hosting_trial_change", args=[trial.pk]))
