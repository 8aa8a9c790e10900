"""A month that comes late: loaded where it belongs, and every later month again on top of it.

Nothing that readers see changes until all of them are staged, compared and logged; then history is taken back
to the month before and written anew, in one transaction. The lake follows run by run, as always.
"""

from collections.abc import Callable
from datetime import date, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone
from pyspark.sql import functions as F

from hcportal.errors import FetchError
from hosting.lake import states, tables
from hosting.lake.datasets import Dataset
from hosting.lake.store import Lake
from hosting.lineage import undone
from hosting.models import HCIngestionRun, RunStatus
from hosting.publish import publish
from hosting.recording import Recorder, Silent, end
from hosting.rewinding import rewind
from hosting.steps import compare, judge, normalise
from utilities.models import Source
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from pyspark.sql import DataFrame

LOADED = (RunStatus.COMPLETED, RunStatus.UNCHANGED)


def is_behind(source: Source, month: date | None) -> bool:
    """True for a month before the newest that is loaded."""
    return month is not None and _loaded(source).filter(period__gt=month).exists()


def replay(lake: Lake, spec: SourceSpec, recorder: Recorder) -> None:
    """Publish the run's month, whose rows are in bronze, and all later months anew. Raises FetchError."""
    run = recorder.run
    assert run.period is not None  # noqa: S101 - the pipeline looked
    _refuse_after_rollback(run)
    later = _last_of_each_month(run)
    before = run.source.runs.filter(status=RunStatus.COMPLETED, period__lt=run.period, replaced_by=None)
    published = sorted(before.values_list("pk", flat=True))
    new = [recorder]
    try:
        for old in later:
            new.append(Recorder(_again(lake, run, old), Silent()))
        for each in new:
            each.note(compared_with_id=published[-1] if published else None)
            _log(lake, spec, each, published)
            published.append(each.run.pk)
        recorder.done("check")
        with transaction.atomic():
            rewind(run.source, spec.holds, _began(run))
            for each in new:
                publish(lake, each.run, spec)
            replaced = run.source.runs.filter(period__gte=run.period, status__in=LOADED, replaced_by=None)
            replaced.exclude(pk__in=[each.run.pk for each in new]).update(replaced_by=run)
            recorder.done("publish")
    except BaseException:
        for each in new[1:]:
            end(each.run, RunStatus.FAILED, f"Run {run.pk}, for which it was loaded anew, was not published.")
        raise
    recorder.done("published")


def _loaded(source: Source) -> "QuerySet[HCIngestionRun]":
    loaded = source.runs.filter(status__in=LOADED, period__isnull=False, replaced_by=None)
    return loaded.exclude(pk__in=undone(source))  # a rollback took these back


def _refuse_after_rollback(run: HCIngestionRun) -> None:
    rolled_back = run.source.runs.filter(status=RunStatus.COMPLETED, rollback_of__isnull=False).first()
    if rolled_back is not None:
        raise FetchError(
            f"Run {rolled_back.pk} rolled {run.source} back, which is no month of its own: what came after "
            f"{run.period:%Y-%m} cannot be replayed"
        )


def _last_of_each_month(run: HCIngestionRun) -> list[HCIngestionRun]:
    """Of each month after the run's, the run that loaded it last; oldest month first."""
    by_month: dict[date, HCIngestionRun] = {}
    for loaded in _loaded(run.source).filter(period__gt=run.period).order_by("pk"):
        assert loaded.period is not None  # noqa: S101 - filtered
        by_month[loaded.period] = loaded
    return [by_month[month] for month in sorted(by_month)]


def _again(lake: Lake, run: HCIngestionRun, old: HCIngestionRun) -> HCIngestionRun:
    """A run that loads a month anew, with its rows in bronze. Raises FetchError where they are not kept."""
    utility = run.utility.utility_code
    kept = (
        run.source.runs.filter(content_sha256=old.content_sha256, pk__lte=old.pk)
        .exclude(content_sha256="")
        .order_by("-pk")
    )
    of_rows = next((one for one in kept if lake.has_run(tables.BRONZE, utility, one.pk)), None)
    if of_rows is None:
        raise FetchError(f"The rows of {old.period:%Y-%m}, run {old.pk}, are in bronze no more")
    again = HCIngestionRun.objects.create(
        utility_id=run.utility_id,
        source_id=run.source_id,
        started_at=timezone.now(),
        source_url=old.source_url,
        config_json=run.config_json,
        started_by_id=run.started_by_id,
        period=old.period,
        layer=old.layer,
        records_fetched=of_rows.records_fetched,
        content_sha256=old.content_sha256,
    )
    # Under its own number too, so that each row leads to what was published.
    for table in (tables.BRONZE, tables.MANIFEST):
        rows = lake.read_run(table, utility, of_rows.pk)
        lake.append(table, rows.withColumn("run_id", F.lit(again.pk).cast("bigint")))
    return again


def _log(lake: Lake, spec: SourceSpec, recorder: Recorder, published: list[int]) -> None:
    """Stage a run's rows, check them, and log what they change in the state after `published`."""
    run = recorder.run
    staged = normalise(lake, spec, run)
    before = _state(lake, spec, run, published)
    found = judge(lake, spec, staged, recorder, before)
    if reasons := [noticed.message for noticed in found if noticed.severity == "B"]:
        raise FetchError(f"{run.period:%Y-%m} would be held, so nothing was replayed: {' '.join(reasons)}")
    compare(lake, spec, staged, recorder, before)


def _state(
    lake: Lake, spec: SourceSpec, run: HCIngestionRun, published: list[int]
) -> "Callable[[Dataset], DataFrame]":
    return lambda dataset: states.after(lake, dataset, run.utility.utility_code, spec.code, published)


def _began(run: HCIngestionRun) -> datetime:
    """When the run's month began, where the utility is."""
    assert run.period is not None  # noqa: S101 - the pipeline looked
    return datetime.combine(run.period, time(), ZoneInfo(run.utility.timezone))
