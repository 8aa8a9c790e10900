"""Sources that are files: from the folder a person names, or from an address, to bronze; month by month.

A file goes the way of a service's layer: the same entry, bronze, checks, gate, runs and history. Months of a
monthly source are loaded oldest first, each as one run with its `period`; a month that others stand on is
compared and never loaded again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from django.utils import timezone

from hcportal.errors import EmptySource, FetchError, LakeError
from hosting import months
from hosting.fetching import acquaint, http_client, last_read, noted
from hosting.lake import bronze, tables
from hosting.lake.store import Lake
from hosting.mapped import refuse_without_fields
from hosting.models import HCIngestionRun
from hosting.reconcile import FOREIGN_LAKE
from hosting.recording import Recorder
from hosting.sources import arcgis
from hosting.sources.files import folder
from hosting.sources.files.opened import OpenFile, open_file
from hosting.steps import spec_of
from utilities.models import Source
from utilities.spec import SourceSpec


@dataclass(frozen=True)
class Given:
    """What a person names: the folder of the files, and the month."""

    data_dir: Path | None = None
    month: date | None = None


NOTHING = Given()


def months_to_load(source: Source, spec: SourceSpec, given: Given) -> list[Given]:
    """One for each run to be made: the month that was asked for, or each not yet loaded, oldest first.

    A source that is not monthly has one run. Raises NoFile, FetchError.
    """
    if spec.file is None or not spec.file.monthly:
        if given.month:
            raise FetchError(f"{source} has no months: its entry does not say file.monthly.")
        return [given]
    there = folder.months(_data_dir(given, spec), spec.file)
    if given.month:
        return [given]  # where it is missing, the run says so
    if not there:
        raise folder.NoFile(f"There is no folder like 2026-03 with {spec.file.name} in {given.data_dir}.")
    done = set(months.loaded(source).values_list("period", flat=True))
    todo = [month for month in there if month not in done]
    return [replace(given, month=month) for month in todo or there[-1:]]


def is_there(source: Source, data_dir: Path) -> bool:
    """True where the folder has the source's file, of any month. Raises NoFile where there is no folder."""
    feed = spec_of(source).file
    if feed is None:
        return False
    return bool(folder.months(data_dir, feed) if feed.monthly else folder.fitting(data_dir, feed.name))


def fetch_file(lake: Lake, spec: SourceSpec, recorder: Recorder, given: Given, *, force: bool) -> bool:
    """Bring the file's rows into bronze. False where it holds what was last read, under the same entry.

    Raises FetchError; nothing is stored then.
    """
    run = recorder.run
    if lake.has_run(tables.BRONZE, run.utility.utility_code, run.pk):
        raise LakeError(f"{FOREIGN_LAKE} It holds rows of run {run.pk} already, which only begins.")
    with opened(spec, given) as file:
        recorder.note(source_url=file.layer.url)
        # Before its fields are kept: of a file without a heading they are a row, and may be a person's.
        refuse_without_fields(file.layer, spec)
        recorder.note(layer=noted(lake, file.layer, spec, run.utility))
        recorder.done("probe")
        newest = months.newest(run.source)
        behind = given.month and newest and newest.period and given.month < newest.period
        if given.month and newest and behind and not force:
            _compare_old_month(spec, recorder, file, given.month, newest)
            return False
        last = None if force else last_read(run)
        origin = bronze.Origin(
            run.utility.utility_code, spec.code, run.pk, file.layer.url, file.layer.description.decode()
        )
        pages = _followed(_pages(file, spec), recorder)
        stored = bronze.store(lake, pages, origin, published_sha256=last.content_sha256 if last else "")
    recorder.note(records_fetched=stored.rows, content_sha256=stored.content_sha256)
    if stored.rows == 0:
        raise EmptySource(f"{file.layer.url} has no rows.")
    recorder.done("bronze")
    Source.objects.filter(pk=run.source_id).update(last_checked_at=timezone.now())
    return stored.is_new


def some_pages(spec: SourceSpec, given: Given, limit: int) -> tuple[arcgis.Layer, list[arcgis.Page]]:
    """The first rows of a file, for a dry run. Raises FetchError."""
    if spec.file and spec.file.monthly and given.month is None:
        there = folder.months(_data_dir(given, spec), spec.file)
        given = replace(given, month=there[-1] if there else None)
    with opened(spec, given) as file:
        refuse_without_fields(file.layer, spec)
        return file.layer, list(file.pages(where=spec.where, geometry=spec.geometry != "none", limit=limit))


@contextmanager
def opened(spec: SourceSpec, given: Given) -> Iterator[OpenFile]:
    """The source's file: the one in the folder that a person names, else the one at its address."""
    assert spec.file is not None  # noqa: S101 - callers ask only for sources that are files
    if given.data_dir is None and spec.service_url:
        with http_client() as client:
            acquaint(client, spec.url, spec.access)
            with folder.downloaded(client, spec.url, spec.file) as found, open_file(found, spec.file) as file:
                yield file
        return
    found = folder.find(_data_dir(given, spec), spec.file, given.month)
    with open_file(found, spec.file) as file:
        yield file


def _data_dir(given: Given, spec: SourceSpec) -> Path:
    if given.data_dir is None:
        raise folder.NoFile(
            f"'{spec.code}' is a file: say with --data-dir DIR where it is. Nothing was read."
        )
    return given.data_dir


def _pages(file: OpenFile, spec: SourceSpec) -> Iterator[arcgis.Page]:
    yield from file.pages(where=spec.where, geometry=spec.geometry != "none")


def _followed(pages: Iterator[arcgis.Page], recorder: Recorder) -> Iterator[arcgis.Page]:
    """The pages, while somebody hears of each and may stop the run."""
    done, planned = 0, int((recorder.run.layer or {}).get("count") or 0)
    for page in pages:
        yield page
        done += len(page.object_ids)
        recorder.progress(done, max(done, planned))
    recorder.done("fetch")


def _compare_old_month(
    spec: SourceSpec, recorder: Recorder, file: OpenFile, month: date, newest: HCIngestionRun
) -> None:
    """A month before the newest: the same rows as then are fine, anything else would undo later months."""
    run = recorder.run
    before = months.loaded(run.source).filter(period=month).order_by("-id").first()
    if before is None:
        why = months.too_late(run.source, month)
        raise FetchError(f"{why}; replaying history (--force) loads it, and what came after it anew")
    rows, content = bronze.digest(_followed(_pages(file, spec), recorder))
    recorder.note(records_fetched=rows, content_sha256=content)
    if content != before.content_sha256:
        raise FetchError(
            f"{file.layer.url} holds other rows than run {before.pk} read of {month:%Y-%m}, and later months "
            f"stand on it, up to {newest.period:%Y-%m}; it was not loaded again"
        )
