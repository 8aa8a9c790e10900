"""The manifest: one answer that says where every file is, and under which terms."""

from typing import Any, ClassVar

from django.http import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hcportal.api.parameters import StrictView
from hcportal.api.versions import etag_of, not_modified, stamp
from hosting.api.answers import JSON, Answers
from hosting.manifest import Entry, entries
from hosting.views.terms import terms
from utilities.models import Redistribution


class FileSerializer(serializers.Serializer[Any]):
    """Where some of a source's data are."""

    form = serializers.CharField(
        help_text="csv, geojson, feeders.csv (with DER counts), or json: page by page"
    )
    url = serializers.URLField(help_text="Of the utility: all of its sources whose terms allow it")


class ManifestEntrySerializer(serializers.Serializer[Any]):
    """A published source, its terms, and what may be taken of it."""

    utility_code = serializers.CharField(help_text="Whose source it is")
    utility_name = serializers.CharField(help_text="As the catalog has it")
    synthetic = serializers.BooleanField(help_text="Made for demonstration; no real utility")
    source = serializers.CharField(  # type: ignore[assignment]  # a field of that name
        help_text="The source's code within its utility"
    )
    title = serializers.CharField(help_text="What it is")
    redistribution = serializers.ChoiceField(Redistribution.choices, help_text="What its terms let leave")
    terms = serializers.CharField(
        help_text="The same in a sentence; why there are no files where there are none"
    )
    licence = serializers.CharField(help_text="As its publisher names it; empty where it does not")
    attribution = serializers.CharField(help_text="Whom to name")
    citation = serializers.CharField(help_text="How to cite this state of it")
    cadence = serializers.CharField(help_text="How often it is asked")
    rows = serializers.IntegerField(allow_null=True, help_text="As published, of the last read")
    refreshed_at = serializers.DateTimeField(allow_null=True, help_text="When readers got this state")
    ingestion_run_id = serializers.IntegerField(help_text="The run that published it: changes with the data")
    files = FileSerializer(many=True, help_text="Where its data are; none where its terms keep them back")


class ManifestSerializer(serializers.Serializer[Any]):
    """Everything that there is to take away."""

    results = ManifestEntrySerializer(many=True, help_text="Each published source, by utility")


class Manifest(StrictView):
    """Where all data are, and under which terms.

    For whoever takes everything regularly: read this, compare `ingestion_run_id` with the last one, and fetch
    the files of what changed. No pages, no parameters.
    """

    tag: ClassVar = "Data"
    is_versioned: ClassVar = True
    answers: ClassVar[Answers] = {JSON: ManifestSerializer}

    def get(self, request: Request) -> HttpResponseBase:
        found = entries()
        version = [(e.source.pk, e.source.published_run_id, e.source.redistribution) for e in found]
        etag = etag_of(request, version)
        if unchanged := not_modified(request, etag):
            return unchanged
        root = request.build_absolute_uri("/").rstrip("/")
        answer = Response({"results": [_said(entry, root) for entry in found]})
        stamp(answer, etag)
        return answer


def _said(entry: Entry, root: str) -> dict[str, Any]:
    source = entry.source
    return {
        "utility_code": source.utility.utility_code,
        "utility_name": source.utility.utility_name,
        "synthetic": source.utility.is_synthetic,
        "source": source.code,
        "title": source.title,
        "redistribution": source.redistribution,
        "terms": str(terms(source).sentence),
        "licence": source.licence,
        "attribution": source.attribution,
        "citation": entry.citation,
        "cadence": source.cadence,
        "rows": entry.rows,
        "refreshed_at": entry.refreshed_at,
        "ingestion_run_id": source.published_run_id,
        "files": [{"form": file.form, "url": root + file.path} for file in entry.files],
    }
