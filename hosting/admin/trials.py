"""Trials in the admin: asked for from a source's page, followed while they are under way, read after."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from hcportal.errors import HcportalError
from hosting import trials
from hosting.admin.rights import may_cancel, refusal, refused
from hosting.admin.runs import in_minutes
from hosting.decisions import may_roll_back
from hosting.models import Trial, TrialKind, TrialStatus
from hosting.upload_trials import UploadWord
from utilities.admin import NOTHING, ReadOnlyAdmin
from utilities.models import Source

TONES = {
    TrialStatus.QUEUED: "waiting",
    TrialStatus.RUNNING: "waiting",
    TrialStatus.DONE: "good",
    TrialStatus.FAILED: "bad",
    TrialStatus.CANCELLED: "quiet",
}
UPLOAD_TONES = {
    UploadWord.WAITING: "waiting",
    UploadWord.UNDER_WAY: "waiting",
    UploadWord.LOADED: "good",
    UploadWord.UNCHANGED: "good",
    UploadWord.HELD: "waiting",
    UploadWord.REFUSED: "bad",
    UploadWord.CANCELLED: "quiet",
}
HELP = {
    TrialKind.DISCOVER: gettext_lazy("Ask the server what it has: layers, fields, counts. Changes nothing."),
    TrialKind.DRY_RUN: gettext_lazy("Fetch some rows and see what would come out. Changes nothing."),
    TrialKind.INGEST: gettext_lazy("Fetch all rows, check them, publish what is sound."),
}


class TypedAddress(forms.Form):
    """An address to discover; what it may be, the guarded client decides."""

    url = forms.CharField(
        label=gettext_lazy("Address of the service"),
        max_length=600,
        help_text=gettext_lazy("It ends in FeatureServer or MapServer, or in the number of a layer."),
        widget=forms.URLInput(attrs={"size": 90, "placeholder": "https://…/FeatureServer"}),
    )


class DryRunOptions(forms.Form):
    limit = forms.IntegerField(min_value=1, max_value=trials.MOST_ROWS, initial=2_000)


@admin.register(Trial)
class TrialAdmin(ReadOnlyAdmin):
    list_display = ("what", "state", "source", "started_by", "asked_at", "took", "outcome")
    list_filter = ("kind", "status", ("source__utility", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("source__utility", "utility", "started_by")
    search_fields = (
        "source__code",
        "source__utility__utility_code",
        "utility__utility_code",
        "url",
        "started_by__username",
    )
    date_hierarchy = "asked_at"
    list_per_page = 50
    change_list_template = "admin/trial_list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Trial]:
        found: QuerySet[Trial] = super().get_queryset(request)
        return found.defer(
            "result", "source__config_json", "source__utility__config_json", "utility__config_json"
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("discover/", view(self.discover_view), name="hosting_trial_discover"),
            path("<int:pk>/progress/", view(self.progress_view), name="hosting_trial_progress"),
            path("<int:pk>/cancel/", view(self.cancel_view), name="hosting_trial_cancel"),
            *super().get_urls(),
        ]

    @admin.display(description=gettext_lazy("what"), ordering="kind")
    def what(self, trial: Trial) -> str:
        return str(TrialKind(trial.kind).label)

    @admin.display(description=gettext_lazy("stands"), ordering="status")
    def state(self, trial: Trial) -> SafeString:
        return state_word(trial)

    @admin.display(description=gettext_lazy("took"))
    def took(self, trial: Trial) -> str:
        return elapsed(trial) or NOTHING

    @admin.display(description=gettext_lazy("outcome"))
    def outcome(self, trial: Trial) -> str:
        return trial.error.split("\n", 1)[0][:160] or trial.url

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",  # noqa: ARG002  # there is no form
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """How far it is, or what came out."""
        trials.settle()
        trial = self.get_object(request, object_id)
        if request.method == "POST" or not self.has_view_permission(request, trial):
            raise PermissionDenied
        if trial is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            **progress_of(trial),
            **(extra_context or {}),
            "title": str(trial),
            "opts": self.opts,
            "may_cancel": trial.is_open and may_cancel(request.user, trial),
            "published_run": trial.result.get("compared_with") if trial.result else None,
            "may_return": trial.source is not None and may_roll_back(request.user, trial.source.utility_id),
        }
        return TemplateResponse(request, "admin/trial.html", context)

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The part of the page that renews itself."""
        trials.settle()
        trial = self.get_object(request, str(pk))
        if not self.has_view_permission(request, trial):
            raise PermissionDenied
        if trial is None:
            raise Http404
        return render(request, "admin/parts/progress.html", progress_of(trial))

    @method_decorator(require_POST)
    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        trial = Trial.objects.select_related("source__utility", "utility", "run").filter(pk=pk).first()
        if trial is None:
            raise Http404
        if not may_cancel(request.user, trial):
            why = _("It is cancelled by whoever asked for it, by operators and by admins. It goes on.")
            return refused(request, why, self.admin_site.each_context(request))
        messages.info(request, trials.cancel(trial, request.user))  # type: ignore[arg-type]
        return HttpResponseRedirect(page_of(trial))

    def discover_view(self, request: HttpRequest) -> HttpResponse:
        """A form for an address typed by hand, and its taking."""
        context = self.admin_site.each_context(request)
        if why := refusal(request.user, TrialKind.DISCOVER, None):
            return refused(request, why, context)
        form = TypedAddress(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                trial = trials.ask(TrialKind.DISCOVER, by=request.user, url=form.cleaned_data["url"])  # type: ignore[arg-type]
            except HcportalError as error:
                form.add_error(None, str(error))
            else:
                return HttpResponseRedirect(page_of(trial))
        shown = {**context, "title": _("Discover a service"), "form": form, "opts": self.opts}
        return TemplateResponse(request, "admin/discover.html", shown)


def start(request: HttpRequest, kind: TrialKind, source: Source) -> Trial | None:
    """Ask for a trial with the request's options. None where that failed; the messages say why."""
    options: dict[str, Any] = {}
    if kind == TrialKind.DRY_RUN:
        form = DryRunOptions({"limit": request.POST.get("limit") or 2_000})
        if not form.is_valid():
            messages.error(request, _("A dry run takes 1 to 20,000 rows. Nothing was started."))
            return None
        options = form.cleaned_data
    elif kind == TrialKind.INGEST:
        options = {"force": request.POST.get("force") == "on"}
    try:
        return trials.ask(kind, by=request.user, source=source, **options)  # type: ignore[arg-type]
    except HcportalError as error:
        messages.error(request, str(error))
        return None


def page_of(trial: Trial) -> str:
    return reverse("admin:hosting_trial_change", args=[trial.pk])


def state_word(trial: Trial) -> SafeString:
    """How it stands, with its tone."""
    status = TrialStatus(trial.status)
    return format_html('<span class="state {}">{}</span>', TONES[status], status.label)


def elapsed(trial: Trial) -> str:
    """How long it has taken, or took; empty where no worker has it yet."""
    if trial.started_at is None:
        return ""
    return in_minutes(((trial.completed_at or timezone.now()) - trial.started_at).total_seconds())


def progress_of(trial: Trial) -> dict[str, Any]:
    """For templates/admin/parts/progress.html."""
    waited = timezone.now() - trial.asked_at
    return {
        "trial": trial,
        "live": reverse("admin:hosting_trial_progress", args=[trial.pk]),
        "is_open": trial.is_open,
        "tone": TONES[TrialStatus(trial.status)],
        "word": TrialStatus(trial.status).label,
        "step": trial.step,
        "fetched": trial.rows_fetched,
        "expected": trial.rows_expected,
        "counts_layers": trial.kind == TrialKind.DISCOVER,
        "uploaded": uploaded(trial) if trial.kind == TrialKind.UPLOAD else [],
        "elapsed": elapsed(trial),
        "is_waiting_long": trial.status == TrialStatus.QUEUED and waited > timedelta(seconds=15),
    }


def uploaded(trial: Trial) -> list[dict[str, Any]]:
    """Of an upload: each file with where it is from and what became of it."""
    lines = {line["source"]: line for line in (trial.result or {}).get("files", [])}
    shown = []
    for file in trial.options.get("files", []):
        line = {"word": UploadWord.WAITING, "said": "", **lines.get(file["source"], {})}
        if not trial.is_open and line["word"] in (UploadWord.WAITING, UploadWord.UNDER_WAY):
            line["word"] = UploadWord.CANCELLED  # whatever ended the trial came before it
        shown.append({**file, **line, "tone": UPLOAD_TONES[UploadWord(line["word"])]})
    return shown
