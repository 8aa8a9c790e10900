"""From a run's change set to what people read, in one transaction: all of it, or nothing.

COPY into a temporary table, one MERGE a table, versions of what was replaced, merged shapes, sums, and the
pointer `Source.published_run`. Readers see the state before or the state after, never between.
"""

import re
from collections.abc import Callable
from datetime import datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils import timezone
from django.utils.text import slugify
from pyspark.sql import functions as F

from hosting import publish_sql as sql
from hosting.copying import copy_rows
from hosting.der_totals import refresh_der_totals
from hosting.lake import changes
from hosting.lake.datasets import CAPACITY, Dataset
from hosting.lake.store import Lake
from hosting.linking import link
from hosting.markers import markers_off
from hosting.models import Feeder, Finding, HCIngestionRun, RunStatus, Severity
from hosting.publish_ders import publish_ders
from hosting.quality_records import record_quality
from hosting.recording import keep_findings
from hosting.summaries import summarise
from hosting.tiles.grid import refresh as refresh_overview
from utilities.models import Source, Utility
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MANY = 10_000  # rows after which the planner must learn of them at once, not when autovacuum comes


def publish(
    lake: Lake, run: HCIngestionRun, spec: SourceSpec, *, before_commit: Callable[[], None] | None = None
) -> None:
    """Make a run's logged change set what readers see, and the run `completed`.

    The lake's current tables follow afterwards (reconcile.advance_lake); if that is interrupted, the next
    start does it.
    """
    now = timezone.now()
    valid_from = _of_month(run) or now
    with transaction.atomic():
        # Feeders and sums belong to the utility: two of its sources publish one after the other.
        # (NO KEY: others may still refer to it, or no run of it could even begin.)
        Utility.objects.select_for_update(no_key=True).only("pk").get(pk=run.utility_id)
        if spec.ders is not None:
            publish_ders(lake, run, spec, valid_from)
        else:
            _publish_capacity(lake, run, spec, valid_from)
        record_quality(lake, run, spec)
        refresh_der_totals(run.utility_id)  # of new feeders too: none is not unknown
        Source.objects.filter(pk=run.source_id).update(published_run=run, last_checked_at=now)
        Utility.objects.filter(pk=run.utility_id).update(last_ingested_at=now)
        # On the row, not on `run`: what is rolled back must not be remembered as done.
        HCIngestionRun.objects.filter(pk=run.pk).update(status=RunStatus.COMPLETED, completed_at=now)
        if spec.ders is None:
            refresh_overview()  # last: it waits for whoever else publishes
        if before_commit is not None:
            before_commit()
    run.refresh_from_db(fields=["status", "completed_at"])


def _publish_capacity(lake: Lake, run: HCIngestionRun, spec: SourceSpec, valid_from: datetime) -> None:
    for dataset in CAPACITY:
        _publish_dataset(lake, run, spec, dataset, valid_from)
    with connection.cursor() as cursor:
        cursor.execute(sql.SEE_FEEDERS, _names(run))
    noticed = (link(run.utility_id), markers_off(run))
    keep_findings(run, [one for one in noticed if one is not None])
    summarise(run.utility_id)


def _of_month(run: HCIngestionRun) -> datetime | None:
    """When a monthly file's rows began to hold: as the month did, where the utility is.

    Not where a rollback has shown something else since: then they hold again from now on.
    """
    if run.period is None:
        return None
    began = datetime.combine(run.period, time(), ZoneInfo(run.utility.timezone))
    rolled_back = run.source.runs.filter(status=RunStatus.COMPLETED, rollback_of__isnull=False)
    return None if rolled_back.filter(completed_at__gt=began).exists() else began


def _names(run: HCIngestionRun) -> dict[str, Any]:
    return {"utility": run.utility_id, "source": run.source_id, "run": run.pk}


def _part(spec: SourceSpec, run: HCIngestionRun) -> int:
    """Which part of a collection of shapes is the source's: points, lines or surfaces."""
    declared = sql.PARTS.get(spec.geometry)
    return declared or sql.PARTS_OF_LAYERS.get(str((run.layer or {}).get("geometry_type")), 2)


def _publish_dataset(
    lake: Lake, run: HCIngestionRun, spec: SourceSpec, published: Dataset, valid_from: datetime
) -> None:
    dataset = published.name
    if not any(run.counts.get(dataset, {}).values()):
        return
    given = {**_names(run), "valid_from": valid_from, "part": _part(spec, run)}
    logged = changes.logged(lake, published, run.utility.utility_code, run.pk)
    with connection.cursor() as cursor:
        cursor.execute(sql.STAGE_TABLE)
        copy_rows(cursor, lake, _as_copied(logged), "change")
        cursor.execute(sql.STAGE_KNOWN)
        _meet_feeders(run)
        cursor.execute(sql.OUT_OF_THIS_WORLD)
        _note_coordinates(run, dataset, *cursor.fetchone())
        rolled_up = dataset == "records" and spec.rolls_up
        if spec.key != "none" or rolled_up:  # rows without identity are replaced whole and have no history
            cursor.execute(sql.versions(dataset), given)
        if rolled_up:
            cursor.execute(sql.MERGE_SHAPES, given)
        cursor.execute(sql.merge(dataset, shapes_from_sections=rolled_up), given)
        if sum(run.counts[dataset].values()) > MANY:
            cursor.execute(sql.KNOW[dataset])
        cursor.execute(sql.NAME_FEEDERS, given)
        cursor.execute("DROP TABLE change" + (", shape" if rolled_up else ""))


def _note_coordinates(run: HCIngestionRun, dataset: str, count: int, keys: list[str]) -> None:
    """Q52: such rows are published as they are; they have no place on the map."""
    if count:
        Finding.objects.create(
            run=run,
            utility_id=run.utility_id,
            check_id="Q52",
            severity=Severity.WARNING,
            message=f"{count:,} {dataset} have coordinates that are no longitude and latitude.",
            count=count,
            examples=[{"key": key} for key in keys],
        )


def _as_copied(logged: "DataFrame") -> "DataFrame":
    """Columns in the order of COPY; geometry as EWKB in hex: WKB's type with the SRID flag, then 4326."""
    wkb = F.hex("geometry")
    ewkb = F.concat(F.substring(wkb, 1, 8), F.lit("20E6100000"), F.expr("substring(hex(geometry), 11)"))
    return logged.withColumn("geometry", F.when(F.col("geometry").isNotNull(), ewkb)).select(
        *sql.COPY_COLUMNS
    )


def _meet_feeders(run: HCIngestionRun) -> None:
    """Make a Feeder for every id met for the first time, with a slug of its own."""
    with connection.cursor() as cursor:
        cursor.execute(sql.NEW_FEEDERS, _names(run))
        met = cursor.fetchall()
    if not met:
        return
    taken = set(Feeder.objects.filter(utility_id=run.utility_id).values_list("slug", flat=True))
    feeders = []
    for external_id, name in met:
        slug = _free_slug(external_id, taken)
        taken.add(slug)
        feeders.append(
            Feeder(
                utility_id=run.utility_id,
                external_id=external_id,
                slug=slug,
                name=name,
                first_seen=run,
                last_seen=run,
            )
        )
    Feeder.objects.bulk_create(feeders, batch_size=2_000)
    with connection.cursor() as cursor:
        cursor.execute(sql.KNOW_FEEDERS)


def _free_slug(external_id: str, taken: set[str]) -> str:
    """'36_13_81756' stays; '12 KV/3' becomes '12-kv-3', and '12-kv-3-2' where that is taken."""
    base = slugify(re.sub(r"[^\w\s-]", "-", external_id))[:120] or "feeder"
    slug, number = base, 1
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug
