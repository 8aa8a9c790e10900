"""A run's page before its form: how far it is, why it is held, what it would change, what was decided."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from hosting import trials
from hosting.admin.decisions import DecisionPages, decision_on, rollback_to
from hosting.admin.rights import may_start, refusal, refused, unresolved_for
from hosting.locks import is_busy
from hosting.models import HCIngestionRun, RunStatus, Severity, TrialKind


class RunPages(DecisionPages):
    """For the admin of runs."""

    change_form_template = "admin/run.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/progress/", view(self.progress_view), name="hosting_hcingestionrun_progress"),
            path("<int:pk>/cancel/", view(self.cancel_view), name="hosting_hcingestionrun_cancel"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        trials.settle()
        run = self.get_object(request, object_id)
        if run is not None:
            extra_context = {**(extra_context or {}), "run": run, **self._before_its_form(request, run)}
            extra_context["has_unresolved"] = _has_unresolved(request, run)
        return super().change_view(request, object_id, form_url, extra_context)

    def _before_its_form(self, request: HttpRequest, run: HCIngestionRun) -> dict[str, Any]:
        if run.status == RunStatus.RUNNING:
            may_stop = may_start(request.user) and run.decided_by_id is None
            return {**progress_of(run), "may_cancel": may_stop}
        if run.status == RunStatus.HELD:
            from hosting.held_changes import held_changes

            return {
                "held": True,
                "reasons": run.findings.filter(severity=Severity.BLOCK),
                "other_findings": run.findings.exclude(severity=Severity.BLOCK),
                "counted": [
                    (name.replace("_", " "), by) for name, by in run.counts.items() if isinstance(by, dict)
                ],
                "changes": held_changes(run),
                "may_try": not refusal(request.user, TrialKind.DRY_RUN, run.source),
                **decision_on(request, run),
            }
        return rollback_to(request, run)

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The part of the page that renews itself."""
        trials.settle()
        run = self.get_object(request, str(pk))
        if run is None or not self.has_view_permission(request, run):
            raise Http404
        return render(request, "admin/parts/progress.html", progress_of(run))

    @method_decorator(require_POST)
    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not may_start(request.user):
            why = _("Only operators and admins cancel runs. This one goes on.")
            return refused(request, why, self.admin_site.each_context(request))
        run = HCIngestionRun.objects.filter(pk=pk).first()
        if run is None:
            raise Http404
        messages.info(request, trials.cancel_run(run, request.user))  # type: ignore[arg-type]
        return HttpResponseRedirect(reverse("admin:hosting_hcingestionrun_change", args=[pk]))


def _has_unresolved(request: HttpRequest, run: HCIngestionRun) -> bool:
    """The run noticed DER whose feeder is not known, and this person may see such of its utility now."""
    if not run.findings.filter(check_id="Q59").exists():
        return False
    return unresolved_for(request.user).filter(utility=run.utility_id).exists()


def progress_of(run: HCIngestionRun) -> dict[str, Any]:
    """For templates/admin/parts/progress.html."""
    from hosting.admin.runs import TONES, in_minutes

    status = RunStatus(run.status)
    trial = run.trials.defer("result").first()
    seconds = ((run.completed_at or timezone.now()) - run.started_at).total_seconds()
    is_open = status == RunStatus.RUNNING
    return {
        "live": reverse("admin:hosting_hcingestionrun_progress", args=[run.pk]),
        "is_open": is_open,
        "tone": TONES[status],
        "word": status.label,
        "step": _("asked to stop, after %(step)s") % {"step": run.step or _("its start")}
        if is_open and run.decided_by_id
        else run.step,
        "fetched": run.records_fetched if run.records_fetched is not None else trial and trial.rows_fetched,
        "expected": run.records_fetched if run.records_fetched is not None else trial and trial.rows_expected,
        "elapsed": in_minutes(seconds),
        "is_dead": is_open and not is_busy(run.source),
    }
