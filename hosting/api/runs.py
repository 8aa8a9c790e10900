"""Runs: each attempt to read a source, and how it ended."""

from typing import Any, ClassVar

from django.db.models import F, QuerySet
from django.http import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request

from hcportal.api.parameters import StrictView
from hcportal.api.versions import unless_held
from hosting.api.answers import JSON, Answers, listed
from hosting.api.missing import no_such_utility
from hosting.api.paging import IdPageParameters, page
from hosting.models import HCIngestionRun, RunStatus
from utilities.models import Utility


class RunParameters(IdPageParameters):
    """Runs of one status, or all."""

    status = serializers.ChoiceField(RunStatus.choices, default=None, help_text="How the run stands")


class RunSerializer(serializers.ModelSerializer[HCIngestionRun]):
    """A run of a source."""

    utility_code = serializers.CharField(read_only=True, help_text="Whose source was read")
    source = serializers.CharField(  # type: ignore[assignment]  # a field of that name
        source="source_code", read_only=True, help_text="Which of the utility's sources"
    )

    class Meta:
        model = HCIngestionRun
        fields = [
            "id",
            "utility_code",
            "source",
            "started_at",
            "completed_at",
            "status",
            "records_fetched",
            "records_written",
            "error_message",
        ]
        read_only_fields = fields
        extra_kwargs = {
            "id": {"help_text": "Given in the order in which runs start"},
            "started_at": {"help_text": "When it started"},
            "completed_at": {"help_text": "When it ended, however it did; null while it runs"},
            "status": {"help_text": "How it ended, or that it runs"},
            "records_fetched": {"help_text": "Rows that came; null where it did not get that far"},
            "error_message": {"help_text": "What went wrong and what to do; empty where nothing did"},
        }


COLUMNS = [str(field.source) for field in RunSerializer().fields.values()]


class RunList(StrictView):
    """Runs of all utilities, the newest first.

    A run is one attempt to read a source. Only a `completed` one changed what readers see.
    """

    tag: ClassVar = "Runs"
    is_versioned: ClassVar = True
    answers: ClassVar[Answers] = {JSON: listed(RunSerializer)}
    example: ClassVar = {"limit": 10}
    parameters_class: ClassVar = RunParameters

    def get(self, request: Request, code: str | None = None) -> HttpResponseBase:
        given = self.parameters
        runs = HCIngestionRun.objects.all()
        if code is not None:
            utility = Utility.objects.filter(utility_code=code).only("pk").first()
            if utility is None:
                raise no_such_utility(code)
            runs = runs.filter(utility=utility)
        rows = _rows(runs, given)
        return unless_held(request, page(request, rows, given["limit"], "id"))


class UtilityRunList(RunList):
    """Runs of one utility, the newest first.

    A run is one attempt to read a source. Only a `completed` one changed what readers see.
    """


def _rows(runs: QuerySet[HCIngestionRun], given: dict[str, Any]) -> list[dict[str, Any]]:
    """Up to limit + 1 runs; ids are given in the order in which runs start."""
    if given["status"] is not None:
        runs = runs.filter(status=given["status"])
    if given["after"] is not None:
        runs = runs.filter(id__lt=given["after"])
    found = runs.annotate(utility_code=F("utility__utility_code"), source_code=F("source__code")).order_by(
        "-id"
    )
    columns = found.values(*COLUMNS)[: given["limit"] + 1]
    return list(RunSerializer(columns, many=True).data)
