"""The steps of a run between its record and its publication, each one thing with a name of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from hcportal.errors import EmptySource, FetchError, LakeError, MissingField, RefusedAddress, SourceChanged
from hcportal.http import Client, token_from_environment
from hosting.lake import bronze, changes, maintain, quality, quarantine, rollup, silver, tables
from hosting.lake.quality import Noticed
from hosting.lake.store import Lake
from hosting.models import HCIngestionRun, RunStatus
from hosting.reconcile import FOREIGN_LAKE
from hosting.recording import Held, Recorder
from hosting.sources import arcgis
from utilities.models import Redistribution, Source, Utility
from utilities.spec import Access, SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


TRANSFORMS = 1  # raised when rows are read differently, so that unchanged sources are read again


@dataclass(frozen=True)
class Staged:
    """A run's rows in our words, and what passed of them: sections where the source has any, and records."""

    everything: "DataFrame"
    sections: "DataFrame | None"
    records: "DataFrame | None"


def spec_of(source: Source) -> SourceSpec:
    """The source's catalog entry as it was last synced."""
    return SourceSpec.model_validate(source.config_json)


def http_client() -> Client:
    """The one polite client, as the settings want it."""
    return Client(
        allow_loopback=settings.HCP_ALLOW_LOOPBACK,
        contact=settings.HCP_CONTACT,
        recorded_root=settings.HCP_RECORDED,
        pace_folder=settings.HCP_PACE,
        **settings.HCP_CLIENT,
    )


def acquaint(client: Client, url: str, access: Access) -> None:
    """Tell the client what the host of `url` wants to see; a token is read from the environment by name."""
    token = token_from_environment(access.token_env) if access.token_env else None
    client.know(urlsplit(url).hostname or "", headers=access.headers(), token=token)


def refuse_what_must_not_be_fetched(source: Source) -> None:
    """Raise RefusedAddress where terms forbid it, or nothing is known to fetch."""
    if source.redistribution == Redistribution.FORBIDDEN:
        raise RefusedAddress(f"{source} is never fetched: its terms forbid it.")
    if not source.is_enabled:
        raise RefusedAddress(f"{source} is switched off in the admin; nothing was fetched.")


def open_mapped_layer(client: Client, spec: SourceSpec) -> arcgis.Layer:
    """The layer, with every mapped field in it. Raises MissingField, with the nearest names it has."""
    acquaint(client, spec.url, spec.access)
    layer = arcgis.open_layer(client, spec.url)
    names = [field.name for field in layer.fields]
    folded = {name.lower(): name for name in names}
    missing = []
    for name in spec.published_fields():
        if name not in names:
            near = get_close_matches(name.lower(), folded, n=1)
            missing.append(f"'{name}'" + (f" (is it '{folded[near[0]]}' now?)" if near else ""))
    if missing:
        raise MissingField(
            f"{spec.url} lacks the mapped field{'s' if len(missing) > 1 else ''} {', '.join(missing)}. "
            "Correct the catalog entry and run again."
        )
    return layer


def fetch(lake: Lake, spec: SourceSpec, recorder: Recorder, *, force: bool) -> bool:
    """Bring the whole layer into bronze. False where it holds what was last read, under the same entry.

    A layer edited while it was read is read once more from the start. Raises FetchError.
    """
    if lake.has_run(tables.BRONZE, recorder.run.utility.utility_code, recorder.run.pk):
        raise LakeError(f"{FOREIGN_LAKE} It holds rows of run {recorder.run.pk} already, which only begins.")
    with http_client() as client:
        layer = open_mapped_layer(client, spec)
        recorder.note(
            layer=_described(layer, recorder.run.utility),
            source_url=layer.url,
            source_edited_at=layer.edited_at,
        )
        recorder.done("probe")
        try:
            stored = _store(lake, client, layer, spec, recorder, force=force)
        except SourceChanged:
            layer = open_mapped_layer(client, spec)
            stored = _store(lake, client, layer, spec, recorder, force=force)
    run = recorder.run
    recorder.note(records_fetched=stored.rows, content_sha256=stored.content_sha256)
    if stored.rows == 0:
        raise EmptySource(f"{layer.url} has no rows.")
    recorder.done("bronze")
    Source.objects.filter(pk=run.source_id).update(last_checked_at=timezone.now())
    return stored.is_new


def _store(
    lake: Lake, client: Client, layer: arcgis.Layer, spec: SourceSpec, recorder: Recorder, *, force: bool
) -> bronze.Bronze:
    run = recorder.run

    def pages() -> Iterator[arcgis.Page]:
        yield from arcgis.fetch(
            client,
            layer,
            where=spec.where,
            geometry=spec.geometry != "none",
            page_size=spec.page_size,
            progress=recorder.progress,
        )
        recorder.done("fetch")

    origin = bronze.Origin(run.utility.utility_code, spec.code, run.pk, layer.url, layer.description.decode())
    return bronze.store(lake, pages(), origin, published_sha256="" if force else _last_read(run))


def _last_read(run: HCIngestionRun) -> str:
    """The content hash of the published state; empty where the rows would be read differently today."""
    last = (
        HCIngestionRun.objects.filter(source_id=run.source_id)
        .filter(
            Q(pk=run.compared_with_id) | Q(status=RunStatus.UNCHANGED, compared_with_id=run.compared_with_id)
        )
        .exclude(content_sha256="")
        .order_by("-id")
        .first()
    )
    if last is None or run.compared_with_id is None or last.config_json != run.config_json:
        return ""
    alike = _read_by(last) == _read_by(run)
    return last.content_sha256 if alike else ""


def _read_by(run: HCIngestionRun) -> dict[str, Any]:
    """What decides, beside the entry, how a row is read."""
    layer = run.layer or {}
    return {name: layer.get(name) for name in ("fields", "geometry_type", "timezone", "transforms")}


def _described(layer: arcgis.Layer, utility: Utility) -> dict[str, Any]:
    """What later runs compare with, and what the readers need."""
    return {
        "name": layer.name,
        "geometry_type": layer.geometry_type,
        "object_id_field": layer.object_id_field,
        "count": layer.count,
        "max_record_count": layer.max_record_count,
        "wkid": layer.wkid,
        "fields": [
            {"name": field.name, "alias": field.alias, "type": field.type}
            | ({"codes": field.codes} if field.codes else {})
            for field in layer.fields
        ],
        "timezone": utility.timezone,
        "transforms": TRANSFORMS,
    }


def normalise(lake: Lake, spec: SourceSpec, run: HCIngestionRun) -> Staged:
    """Bronze to stage: our words, our units; written once, then read by checks and comparison."""
    utility = run.utility.utility_code
    rows = lake.read_run(tables.BRONZE, utility, run.pk)
    frame = silver.stage(
        rows,
        spec,
        field_types(run),
        utility=utility,
        timezone=run.utility.timezone,
        run_id=run.pk,
        codes=field_codes(run),
    )
    lake.append(tables.STAGE, frame)
    return staged_rows(lake.read_run(tables.STAGE, utility, run.pk), spec)


def staged_rows(everything: "DataFrame", spec: SourceSpec) -> Staged:
    """What passed of stage rows, as sections and records."""
    passed = everything.where("reject_check IS NULL")
    if spec.grain != "section":
        return Staged(everything, None, passed)
    return Staged(everything, passed, rollup.feeders(passed, spec) if spec.rolls_up else None)


def field_types(run: HCIngestionRun) -> dict[str, str]:
    """Published field to the esriFieldType that the layer declared in this run."""
    layer = run.layer or {}
    return {field["name"]: field["type"] for field in layer.get("fields", [])}


def field_codes(run: HCIngestionRun) -> dict[str, dict[str, str]]:
    """Published field to what its codes mean, by the layer's coded domains in this run."""
    layer = run.layer or {}
    return {field["name"]: field["codes"] for field in layer.get("fields", []) if "codes" in field}


def judge(lake: Lake, spec: SourceSpec, staged: Staged, recorder: Recorder) -> list[Noticed]:
    """Run the checks; keep what they noticed and the rows they refused. Raises FetchError on severity F."""
    run = recorder.run
    utility = run.utility.utility_code
    dataset = "sections" if spec.grain == "section" else "records"
    before = changes.current(lake, dataset, utility, spec.code)
    measured = quality.measure(staged.everything, before, spec)
    found = quality.check(measured)
    recorder.keep_findings(found)
    if measured.rejected:
        quarantine.keep(lake, staged.everything, lake.read_run(tables.BRONZE, utility, run.pk))
        list_quarantined(lake, run)
    recorder.note(
        counts={**run.counts, "staged": measured.passed, "quarantined": sum(measured.rejected.values())}
    )
    if fatal := [noticed.message for noticed in found if noticed.severity == "F"]:
        maintain.drop_stage(lake, utility, run.pk)
        raise FetchError(" ".join(fatal))
    return found


def list_quarantined(lake: Lake, run: HCIngestionRun) -> None:
    """Copy a run's quarantine to where stewards read it."""
    columns = ("run_id", "source_id", "check_id", "reason", "object_id", "key", "attributes")
    kept = lake.read_run(tables.QUARANTINE, run.utility.utility_code, run.pk)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY hosting_quarantinedrow ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        for batch in changes.batches(lake, kept):
            for row in batch.to_pylist():
                copy.write_row(
                    (
                        run.pk,
                        run.source_id,
                        row["check_id"],
                        row["reason"][:300],
                        row["object_id"],
                        (row["key"] or "")[:200],
                        row["attributes"],
                    )
                )


def compare(lake: Lake, spec: SourceSpec, staged: Staged, recorder: Recorder) -> int:
    """Log what is new, changed and gone since the published run; the number of rows that differ."""
    run = recorder.run
    utility = run.utility.utility_code
    for dataset, rows in (("sections", staged.sections), ("records", staged.records)):
        before = changes.current(lake, dataset, utility, spec.code)
        if rows is not None:
            found = changes.compare(rows, before, dataset, snapshot=spec.feed == "snapshot")
        else:  # what an earlier entry of this source made and this one does not, goes
            found = changes.compare(staged.everything.limit(0), before, dataset, snapshot=True)
        changes.log(lake, found, dataset, utility, run.pk)
    counted = changes.counts(lake, utility, run.pk)
    written = sum(sum(operations.values()) for operations in counted.values())
    recorder.note(counts={**run.counts, **counted}, records_written=written)
    maintain.drop_stage(lake, utility, run.pk)
    recorder.done("silver")
    return written


def gate(found: list[Noticed]) -> None:
    """Raise Held where a finding asks for a person."""
    if reasons := [noticed.message for noticed in found if noticed.severity == "B"]:
        raise Held(f"Held for a person to look at: {' '.join(reasons)}")
