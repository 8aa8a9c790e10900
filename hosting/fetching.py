"""From the server to bronze: the first step of a run, and what others need to ask a source's server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from hcportal.errors import EmptySource, LakeError, SourceChanged
from hcportal.http import Client, token_from_environment
from hosting.lake import bronze, references, tables
from hosting.lake.store import Lake
from hosting.mapped import lacking, refuse_without_fields
from hosting.models import HCIngestionRun, RunStatus
from hosting.reconcile import FOREIGN_LAKE
from hosting.recording import Recorder
from hosting.sources import arcgis, moving
from hosting.sources.told import told
from utilities.models import Source, Utility
from utilities.spec import Access, SourceSpec

TRANSFORMS = 1  # raised when rows are read differently, so that unchanged sources are read again


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


def open_mapped_layer(client: Client, spec: SourceSpec) -> arcgis.Layer:
    """The layer at the entry's own address, with every mapped field in it. Raises MissingField."""
    acquaint(client, spec.url, spec.access)
    layer = arcgis.open_layer(client, spec.url)
    refuse_without_fields(layer, spec)
    return layer


def locate(client: Client, source: Source, spec: SourceSpec) -> moving.Found:
    """The layer that the source is read from today, wherever its name has moved to; it may lack fields.

    What was published last is the fallback, and then the entry's own address. Raises FetchError.
    """
    acquaint(client, spec.url, spec.access)
    rules = moving.rules_of(spec, source.utility.data_source_type)
    last = source.published_run.source_url if source.published_run else ""
    return moving.find_by(client, spec, rules, lambda layer: lacking(layer, spec), last_url=last)


def fetch(lake: Lake, spec: SourceSpec, recorder: Recorder, *, force: bool) -> bool:
    """Bring the whole layer into bronze. False where it holds what was last read, under the same entry.

    A layer that says when it was edited, and says the same as at the last reading, is not read at all. One
    edited while it was read is read once more from the start. Raises FetchError.
    """
    if lake.has_run(tables.BRONZE, recorder.run.utility.utility_code, recorder.run.pk):
        raise LakeError(f"{FOREIGN_LAKE} It holds rows of run {recorder.run.pk} already, which only begins.")
    with http_client() as client:
        found = locate(client, recorder.run.source, spec)
        layer = found.layer
        refuse_without_fields(layer, spec)
        recorder.note(
            discovery=found.told() if found.strategy != "static" else None,
            layer=noted(lake, layer, spec, recorder.run.utility),
            source_url=layer.url,
            source_edited_at=layer.edited_at,
        )
        recorder.done("probe")
        if not force and (before := _as_last_read(client, layer, spec, recorder.run)):
            recorder.note(records_fetched=before.records_fetched, content_sha256=before.content_sha256)
            Source.objects.filter(pk=recorder.run.source_id).update(last_checked_at=timezone.now())
            return False
        try:
            stored = _store(lake, client, layer, spec, recorder, force=force)
        except SourceChanged:
            layer = arcgis.open_layer(client, layer.url)
            refuse_without_fields(layer, spec)
            recorder.note(source_edited_at=layer.edited_at)
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
    run, utility = recorder.run, recorder.run.utility.utility_code
    unfinished = arcgis.Unfinished(Path(lake.path(f"bronze/unfinished/{utility}/{spec.code}")))
    most = spec.page_size or arcgis.largest_page(layer)
    size = arcgis.PageSize(most, worked=run.source.page_rows)

    def pages() -> Iterator[arcgis.Page]:
        yield from arcgis.fetch(
            client,
            layer,
            where=spec.where,
            geometry=spec.geometry != "none",
            page_size=size,
            progress=recorder.progress,
            unreadable=spec.unreadable,
            unfinished=unfinished,
        )
        recorder.done("fetch")

    last = None if force else last_read(run)
    origin = bronze.Origin(utility, spec.code, run.pk, layer.url, layer.description.decode())
    try:
        stored = bronze.store(lake, pages(), origin, published_sha256=last.content_sha256 if last else "")
    finally:  # what a server could give is worth knowing of a failure too
        Source.objects.filter(pk=run.source_id).update(page_rows=size.rows if size.rows < most else None)
    unfinished.clear()
    return stored


def _as_last_read(
    client: Client, layer: arcgis.Layer, spec: SourceSpec, run: HCIngestionRun
) -> HCIngestionRun | None:
    """The run that last read the layer, where edit date and count say that it holds the same; else None."""
    last = last_read(run)
    if last is None or layer.edited_at is None or last.source_edited_at != layer.edited_at:
        return None
    if last.source_url != layer.url:
        return None
    count = layer.count if spec.where == "1=1" else arcgis.count_rows(client, layer, spec.where)
    read = (last.records_fetched or 0) + len(spec.unreadable)
    return last if count is not None and count == read else None


def last_read(run: HCIngestionRun) -> HCIngestionRun | None:
    """The run with what is published; None where the rows would be read differently today."""
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
        return None
    return last if _read_by(last) == _read_by(run) else None


def _read_by(run: HCIngestionRun) -> dict[str, Any]:
    """What decides, beside the entry, how a row is read."""
    layer = run.layer or {}
    return {name: layer.get(name) for name in ("fields", "geometry_type", "timezone", "transforms", "names")}


def noted(lake: Lake, layer: arcgis.Layer, spec: SourceSpec, utility: Utility) -> dict[str, Any]:
    """What later runs compare with: the layer, and for DER where their references lead."""
    found = described(layer, utility)
    if spec.ders is not None:  # the same rows say something else where feeders came or went
        found["names"] = references.digest(references.names_of(lake, utility.utility_code))
    return found


def described(layer: arcgis.Layer, utility: Utility) -> dict[str, Any]:
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
        **told(layer.description).kept(),
    }
