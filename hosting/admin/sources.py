"""Sources: how each stands, what readers see of it, whether it is enabled, and what can be done with it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from hosting import trials
from hosting.admin.rights import may_start, own_utilities, refusal, refused
from hosting.admin.trials import HELP, page_of, start
from hosting.admin.uploads import may_upload
from hosting.models import Trial, TrialKind
from hosting.models.trials import OPEN, TRIED
from hosting.views.standing import standing, with_last_run
from utilities.admin import NOTHING, ChoicesOnlyAdmin, MineFilter, json_column, utility_column
from utilities.models import Source

UTILITY = utility_column()
LABELS = {
    TrialKind.DISCOVER: _("Discover"),
    TrialKind.DRY_RUN: _("Dry run"),
    TrialKind.INGEST: _("Ingest now"),
}
MOST_AT_ONCE = 25  # sources of one click in the list


@admin.register(Source)
class SourceAdmin(ChoicesOnlyAdmin):
    list_display = (
        "__str__",
        UTILITY,
        "title",
        "stands",
        "last_run",
        "readers_see",
        "redistribution",
        "is_enabled",
        "last_checked_at",
    )
    list_filter = (
        MineFilter.through("utility__stewards"),
        "status",
        "redistribution",
        "grain",
        "is_enabled",
        "in_catalog",
        "cadence",
        "utility__is_synthetic",
        "utility",
    )
    list_select_related = ("utility",)
    search_fields = ("code", "title", "utility__utility_code", "utility__utility_name", "service_url")
    _catalog_entry = json_column("config_json", "Catalog entry")
    readonly_fields = (
        UTILITY,
        "stands",
        "last_run",
        *(
            field.name
            for field in Source._meta.concrete_fields
            if field.name not in {"id", "utility", "config_json", "is_enabled"}
        ),
        _catalog_entry,
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    (UTILITY, "code"),
                    "title",
                    "stands",
                    "is_enabled",
                    "last_run",
                    ("published_run", "lake_run"),
                    "last_checked_at",
                )
            },
        ),
        (
            _("What it is"),
            {
                "fields": (
                    ("service_url", "layer"),
                    ("grain", "feed_mode", "cadence"),
                    ("status", "in_catalog"),
                    ("redistribution", "licence", "attribution"),
                )
            },
        ),
        (
            _("Last probe"),
            {
                "fields": (
                    ("probed_at", "probe_reached", "probe_count"),
                    ("probe_message", "probe_missing"),
                    ("probe_url", "probe_edited_at", "page_rows"),
                )
            },
        ),
        (_("Configuration"), {"classes": ("collapse",), "fields": (_catalog_entry,)}),
    )

    change_form_template = "admin/source.html"
    actions: Any = ("dry_run_selected", "ingest_selected")

    def get_urls(self) -> list[URLPattern]:
        begin = self.admin_site.admin_view(self.start_view)
        return [
            path("<int:pk>/start/<slug:kind>/", begin, name="utilities_source_start"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        found: QuerySet[Source] = with_last_run(super().get_queryset(request))
        return found

    @admin.display(description=_("stands"))
    def stands(self, source: Source) -> SafeString:
        said = standing(source)
        return format_html('<span class="state {}">{}</span>', said.tone, said.word)

    @admin.display(description=_("last run"))
    def last_run(self, source: Any) -> str:
        if source.last_run_id is None:
            return NOTHING
        return format_html(
            '<a href="{}">{} {}</a>',
            reverse("admin:hosting_hcingestionrun_change", args=[source.last_run_id]),
            source.last_run_id,
            source.last_run_status,
        )

    @admin.display(description=_("readers see"), ordering="published_run")
    def readers_see(self, source: Source) -> str:
        if source.published_run_id is None:
            return NOTHING
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:hosting_hcingestionrun_change", args=[source.published_run_id]),
            source.published_run_id,
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        source = self.get_object(request, object_id)
        if source is not None and request.method == "GET":
            trials.settle()
            extra_context = {**(extra_context or {}), **self._work_on(request, source)}
        return super().change_view(request, object_id, form_url, extra_context)

    def _work_on(self, request: HttpRequest, source: Source) -> dict[str, Any]:
        """For the page: each action with why it is closed, and what was done last."""
        mine = source.trials.defer("result").select_related("started_by")
        runs = source.runs.select_related("started_by")
        open_trials = {trial.kind: trial for trial in mine.filter(status__in=OPEN)}
        actions = [
            {
                "kind": kind,
                "label": LABELS[kind],
                "help": HELP[kind],
                "refusal": refusal(request.user, kind, source) or trials.refusal(source, kind),
                "under_way": open_trials.get(kind),
            }
            for kind in TRIED
        ]
        return {
            "work": [] if all(refusal(request.user, kind, source) for kind in TRIED) else actions,
            "is_mine": any(utility.pk == source.utility_id for utility in own_utilities(request.user)),
            "may_upload": "file" in source.config_json and may_upload(request, source.utility),
            "latest_trials": mine[:5],
            "latest_runs": runs.defer("layer", "config_json", "discovery")[:5],
        }

    @method_decorator(require_POST)
    def start_view(self, request: HttpRequest, pk: int, kind: str) -> HttpResponse:
        """Ask for a trial of the source; on to its page, or back with the reason."""
        source = Source.objects.select_related("utility").filter(pk=pk).first()
        if source is None or kind not in TRIED:
            raise Http404
        if why := refusal(request.user, TrialKind(kind), source):
            return refused(request, why, self.admin_site.each_context(request))
        trial = start(request, TrialKind(kind), source)
        under_way = Trial.objects.filter(source=source, kind=kind, status__in=OPEN).first()
        if shown := trial or under_way:
            return HttpResponseRedirect(page_of(shown))
        return HttpResponseRedirect(reverse("admin:utilities_source_change", args=[pk]))

    def has_try_permission(self, request: HttpRequest) -> bool:
        """May have some source tried; which ones is asked for each."""
        return may_start(request.user) or bool(own_utilities(request.user))

    def has_start_permission(self, request: HttpRequest) -> bool:
        return may_start(request.user)

    @admin.action(description=_("Dry run of the selected sources"), permissions=["try"])
    def dry_run_selected(self, request: HttpRequest, sources: QuerySet[Source]) -> None:
        self._start_selected(request, TrialKind.DRY_RUN, sources)

    @admin.action(description=_("Ingest the selected sources now"), permissions=["start"])
    def ingest_selected(self, request: HttpRequest, sources: QuerySet[Source]) -> None:
        self._start_selected(request, TrialKind.INGEST, sources)

    def _start_selected(self, request: HttpRequest, kind: TrialKind, sources: QuerySet[Source]) -> None:
        if sources.count() > MOST_AT_ONCE:
            messages.error(
                request,
                gettext("At most %(most)d sources at once. Nothing was started.") % {"most": MOST_AT_ONCE},
            )
            return
        started = 0
        for source in sources.select_related("utility"):
            if why := refusal(request.user, kind, source):
                messages.error(request, why)
            elif start(request, kind, source):
                started += 1
        if started:
            there = format_html(
                '<a href="{}">{}</a>',
                reverse("admin:hosting_trial_changelist"),
                gettext("See how far they are."),
            )
            said = ngettext("%(number)d was started.", "%(number)d were started.", started)
            messages.info(request, format_html("{} {}", said % {"number": started}, there))
