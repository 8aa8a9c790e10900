"""Runs: how each went, step by step, and what its checks noticed."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hosting.admin.decisions import WaitingFilter
from hosting.admin.run_pages import RunPages
from hosting.models import Finding, HCIngestionRun, QuarantinedRow, RunStatus
from utilities.admin import (
    NOTHING,
    MineFilter,
    ReadOnlyAdmin,
    ReadOnlyInline,
    count_column,
    json_column,
    page_link,
    utility_column,
)

UTILITY = utility_column()
FETCHED = count_column("records_fetched", "Rows fetched")
WRITTEN = count_column("records_written", "Rows written")
TONES = {
    RunStatus.RUNNING: "waiting",
    RunStatus.COMPLETED: "good",
    RunStatus.UNCHANGED: "good",
    RunStatus.HELD: "waiting",
    RunStatus.FAILED: "bad",
    RunStatus.REJECTED: "quiet",
    RunStatus.CANCELLED: "quiet",
}


class FindingInline(ReadOnlyInline):
    model = Finding
    _rows = count_column("count", "Rows")
    _page = page_link("Examples")
    fields = ("severity", "check_id", "message", _rows, "feeder", _page)
    readonly_fields = (_rows, _page)
    ordering = ("check_id", "pk")
    verbose_name_plural = _("findings")


@admin.register(HCIngestionRun)
class RunAdmin(RunPages, ReadOnlyAdmin):
    list_display = (
        "id",
        UTILITY,
        "source",
        "state",
        "started_at",
        "took",
        FETCHED,
        WRITTEN,
        "finding_count",
        "started_by",
        "error",
    )
    list_filter = (
        WaitingFilter,
        MineFilter.through("utility__stewards"),
        "status",
        "utility",
        "utility__is_synthetic",
    )
    list_select_related = ("utility", "source__utility", "started_by")
    search_fields = ("=id", "source__code", "utility__utility_code", "utility__utility_name", "error_message")
    date_hierarchy = "started_at"
    show_full_result_count = False
    list_per_page = 50
    inlines = (FindingInline,)
    _discovery = json_column("discovery", "Discovery")
    _promoted = json_column("promoted_from", "Promoted from another environment")
    _layer = json_column("layer", "Layer as described by the server")
    _catalog_entry = json_column("config_json", "Catalog entry as it was then")
    readonly_fields = (
        UTILITY,
        "state",
        "took",
        "begun_by",
        FETCHED,
        WRITTEN,
        "steps_done",
        "counted",
        "quarantined",
        _discovery,
        _promoted,
        _layer,
        _catalog_entry,
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    (UTILITY, "source", "state"),
                    "error_message",
                    ("started_at", "completed_at", "took"),
                    "begun_by",
                    (FETCHED, WRITTEN, "quarantined"),
                )
            },
        ),
        (_("Step by step"), {"fields": (("step", "steps_done", "counted"),)}),
        (_("Decision"), {"fields": (("decided_by", "decided_at"), "decision_note")}),
        (
            _("What was read"),
            {
                "fields": (
                    "source_url",
                    ("source_edited_at", "period"),
                    "content_sha256",
                    ("compared_with", "rollback_of"),
                )
            },
        ),
        (
            _("Configuration"),
            {"classes": ("collapse",), "fields": (_discovery, _promoted, _layer, _catalog_entry)},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[HCIngestionRun]:
        findings = Finding.objects.filter(run=OuterRef("pk")).order_by().values("run")
        counted = Coalesce(Subquery(findings.annotate(rows=Count("pk")).values("rows")), 0)
        found: QuerySet[HCIngestionRun] = super().get_queryset(request)
        return found.annotate(finding_count=counted).defer("layer", "discovery", "config_json")

    @admin.display(description=_("status"), ordering="status")
    def state(self, run: HCIngestionRun) -> SafeString:
        status = RunStatus(run.status)
        return format_html('<span class="state {}" title="{}">{}</span>', TONES[status], status.label, status)

    @admin.display(description=_("took"))
    def took(self, run: HCIngestionRun) -> str:
        if run.completed_at is None:
            return NOTHING
        return in_minutes((run.completed_at - run.started_at).total_seconds())

    @admin.display(description=_("started by"))
    def begun_by(self, run: HCIngestionRun) -> str:
        return str(run.started_by) if run.started_by else gettext("the timetable or a command")

    @admin.display(description=_("findings"))
    def finding_count(self, run: Any) -> int:
        return int(run.finding_count)

    @admin.display(description=_("error"))
    def error(self, run: HCIngestionRun) -> str:
        first_line = run.error_message.split("\n", 1)[0]
        return first_line if len(first_line) <= 120 else first_line[:119] + "…"

    @admin.display(description=_("steps"))
    def steps_done(self, run: HCIngestionRun) -> str:
        """A table of each step and its time."""
        if not run.steps:
            return NOTHING
        rows = format_html_join(
            "",
            '<tr><th scope="row">{}</th><td class="number">{}</td></tr>',
            ((step.get("name", ""), in_minutes(step.get("seconds"))) for step in run.steps),
        )
        return format_html('<table class="facts">{}</table>', rows)

    @admin.display(description=_("counts"))
    def counted(self, run: HCIngestionRun) -> str:
        """A table of the counts; those of a table of the lake or database in a line of their own."""
        if not run.counts:
            return NOTHING
        rows = format_html_join(
            "",
            '<tr><th scope="row">{}</th><td class="number">{}</td></tr>',
            ((name, number) for name, number in flat_counts(run.counts)),
        )
        return format_html('<table class="facts">{}</table>', rows)

    @admin.display(description=_("quarantined"))
    def quarantined(self, run: HCIngestionRun) -> SafeString:
        rows = QuarantinedRow.objects.filter(run=run).count()
        there = reverse("admin:hosting_quarantinedrow_changelist")
        return format_html('<a href="{}?run__id__exact={}">{}</a>', there, run.pk, f"{rows:,}")


def in_minutes(seconds: float | None) -> str:
    """A duration as people say it: "0.4 s", "3 min 20 s"."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def flat_counts(counts: dict[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Counts of any depth as lines: {"sections": {"added": 3}} is [("sections added", "3")]."""
    lines: list[tuple[str, str]] = []
    for name, value in counts.items():
        words = f"{above} {name}".strip().replace("_", " ")
        if isinstance(value, dict):
            lines += flat_counts(value, words)
        else:
            lines.append((words, f"{value:,}" if isinstance(value, int | float) else str(value)))
    return lines
