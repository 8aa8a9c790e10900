"""Runs, what they noticed, and lines that were not taken in."""

from datetime import timedelta

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from interregional.models import FlowFinding, FlowRevision, FlowRun, QuarantinedFlow, RunStatus
from utilities.admin import NOTHING, ReadOnlyAdmin, ReadOnlyInline, count_column, json_column

TONES = {
    RunStatus.RUNNING: "waiting",
    RunStatus.COMPLETED: "good",
    RunStatus.UNCHANGED: "good",
    RunStatus.FAILED: "bad",
    RunStatus.CANCELLED: "quiet",
}
COUNTS = tuple(
    count_column(name) for name in ("rows_read", "inserted", "updated", "unchanged", "quarantined")
)


class FlowFindingInline(ReadOnlyInline):
    model = FlowFinding
    fields = ("severity", "kind", "interface", "starts_at", "ends_at", "count", "message")
    verbose_name_plural = _("findings")


@admin.register(FlowRun)
class FlowRunAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "source",
        "target_date",
        "state",
        "started_at",
        "took",
        *COUNTS,
        "publisher",
        "short_error",
    )
    list_filter = ("status", "source", "publisher")
    list_select_related = ("source",)
    date_hierarchy = "started_at"
    show_full_result_count = False
    inlines = (FlowFindingInline,)
    _attempts = json_column("attempts", "What each publisher said")
    exclude = ("attempts",)
    readonly_fields = ("state", "took", _attempts)

    @admin.display(description=_("status"), ordering="status")
    def state(self, run: FlowRun) -> SafeString:
        status = RunStatus(run.status)
        return format_html('<span class="state {}" title="{}">{}</span>', TONES[status], status.label, status)

    @admin.display(description=_("took"))
    def took(self, run: FlowRun) -> str:
        if run.completed_at is None:
            return NOTHING
        return f"{(run.completed_at - run.started_at) / timedelta(seconds=1):.1f} s"

    @admin.display(description=_("error"))
    def short_error(self, run: FlowRun) -> str:
        return run.error if len(run.error) <= 120 else run.error[:119] + "…"


@admin.register(FlowFinding)
class FlowFindingAdmin(ReadOnlyAdmin):
    list_display = ("kind", "severity", "interface", "starts_at", "ends_at", "count", "message")
    list_filter = ("severity", "kind", "interface")
    list_select_related = ("interface",)
    date_hierarchy = "starts_at"
    exclude = ("examples",)
    readonly_fields = (json_column("examples", "Examples"),)


@admin.register(QuarantinedFlow)
class QuarantinedFlowAdmin(ReadOnlyAdmin):
    list_display = ("text", "reason", "line", "run")
    list_select_related = ("run__source",)
    search_fields = ("text", "reason")


@admin.register(FlowRevision)
class FlowRevisionAdmin(ReadOnlyAdmin):
    list_display = (
        "interface",
        "timestamp",
        "revised_at",
        "flow_mw",
        "positive_limit_mw",
        "negative_limit_mw",
        "run",
    )
    list_filter = ("interface",)
    list_select_related = ("interface", "run__source")
    date_hierarchy = "revised_at"
    show_full_result_count = False
