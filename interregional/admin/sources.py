"""Sources: where they are published, how they stand, pulling by hand, and gaps by day."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hcportal.errors import QueueUnreachable
from interregional.admin.runs import TONES
from interregional.coverage import by_day
from interregional.ingest import today
from interregional.models import FlowRun, FlowSource, RunStatus
from interregional.tasks import send
from utilities.admin import NOTHING, ChoicesOnlyAdmin

PULL = "interregional.start_flowrun"
DAYS_SHOWN = 60


@admin.register(FlowSource)
class FlowSourceAdmin(ChoicesOnlyAdmin):
    list_display = ("code", "title", "stands", "last_run", "frequency_minutes", "is_enabled")
    readonly_fields = ("code", "report_code", "is_synthetic", "stands", "last_run")
    fieldsets = (
        (None, {"fields": (("code", "report_code"), "title", "is_enabled", "stands", "last_run")}),
        (
            gettext_lazy("Where it is published"),
            {"fields": ("url_templates", "archive_templates", "frequency_minutes", "attribution")},
        ),
    )
    change_form_template = "interregional/admin_source.html"
    change_list_template = "interregional/admin_sources.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/pull/", wrap(self.pull), name="interregional_flowsource_pull"),
            path("gaps/", wrap(self.gaps), name="interregional_flowsource_gaps"),
            *super().get_urls(),
        ]

    @admin.display(description=gettext_lazy("stands"))
    def stands(self, source: FlowSource) -> SafeString:
        if not source.is_enabled:
            return format_html('<span class="state quiet">{}</span>', _("switched off"))
        run = _last_run(source)
        if run is None:
            return format_html('<span class="state quiet">{}</span>', _("not yet read"))
        return format_html(
            '<span class="state {}" title="{}">{}</span>', TONES[RunStatus(run.status)], run.error, run.status
        )

    @admin.display(description=gettext_lazy("last run"))
    def last_run(self, source: FlowSource) -> SafeString | str:
        run = _last_run(source)
        if run is None:
            return NOTHING
        where = reverse("admin:interregional_flowrun_change", args=[run.pk])
        return format_html('<a href="{}">{}</a>', where, f"{run.started_at:%Y-%m-%d %H:%M} UTC")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        may_pull = {"may_pull": request.user.has_perm(PULL)}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **may_pull})

    def pull(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Hand a pull to the worker."""
        if request.method != "POST" or not request.user.has_perm(PULL):
            raise PermissionDenied
        source = get_object_or_404(FlowSource, pk=pk)
        try:
            send(source, request.user.pk or 0)
            messages.success(
                request, _("A pull was handed to the worker; its run appears in the list in a moment.")
            )
        except QueueUnreachable as problem:
            messages.error(request, str(problem))
        return HttpResponseRedirect(reverse("admin:interregional_flowsource_change", args=[pk]))

    def gaps(self, request: HttpRequest) -> HttpResponse:
        """How whole each of the last days is."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        last = today()
        shown = by_day(last - timedelta(days=DAYS_SHOWN - 1), last)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Gaps by day"),
            "opts": self.opts,
            "days": reversed(shown),
            "today": last,
        }
        return TemplateResponse(request, "interregional/admin_gaps.html", context)


def _last_run(source: FlowSource) -> FlowRun | None:
    return FlowRun.objects.filter(source=source).order_by("-started_at").first()
