"""Runs: each attempt to read a source, and how it ended."""

from typing import Any, ClassVar

from django.db.models import F, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hosting.api.paging import IdPageParameters, page
from hosting.api.parameters import StrictView
from hosting.api.utilities import no_such_utility
from hosting.models import HCIngestionRun, RunStatus
from utilities.models import Utility


class RunParameters(IdPageParameters):
    """Runs of one status, or all."""

    status = serializers.ChoiceField(RunStatus.choices, default=None, help_text="How the run stands")


class RunSerializer(serializers.ModelSerializer[HCIngestionRun]):
    """A run of a source."""

    utility_code = serializers.CharField(read_only=True)
    source = serializers.CharField(source="source_code", read_only=True)  # type: ignore[assignment]  # a field of that name

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


COLUMNS = [str(field.source) for field in RunSerializer().fields.values()]


class RunList(StrictView):
    """Runs, the newest first; of one utility where the address names one."""

    parameters_class: ClassVar = RunParameters

    def get(self, request: Request, code: str | None = None) -> Response:
        given = self.parameters
        runs = HCIngestionRun.objects.all()
        if code is not None:
            utility = Utility.objects.filter(utility_code=code).only("pk").first()
            if utility is None:
                raise no_such_utility(code)
            runs = runs.filter(utility=utility)
        rows = _rows(runs, given)
        return Response(page(request, rows, given["limit"], "id"))


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
