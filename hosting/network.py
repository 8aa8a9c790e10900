"""Substations, their load and outlines of divisions: from bronze to their tables, in one transaction.

History: bronze keeps every state that was fetched; the tables hold the newest. A substation that is no longer
published stays, without a source, because records and feeders refer to it. Hours of load and divisions that
are no longer published go. No states in between are kept in PostgreSQL: nobody's question is about them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.utils.timezone import now
from pyspark.sql import functions as F

from hcportal.errors import FetchError
from hosting import linking
from hosting import network_sql as sql
from hosting.copying import copy_rows
from hosting.lake import cells, readers, silver, tables
from hosting.lake.quality import Noticed
from hosting.lake.store import Lake
from hosting.models import HCIngestionRun, RunStatus
from hosting.recording import Held, Recorder
from hosting.steps import field_codes, field_types
from utilities.models import Source, Utility
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper
    from pyspark.sql import DataFrame

MOST_EXAMPLES = 100


def load(
    lake: Lake,
    spec: SourceSpec,
    recorder: Recorder,
    *,
    approved: Callable[[], None] | None = None,
    rows_of: HCIngestionRun | None = None,
) -> None:
    """Make a run's rows the utility's network, and the run `completed`. Raises FetchError, Held.

    A held run's rows wait in bronze, and are loaded from there again where a person `approved` of what they
    change; that is called within the transaction. A rollback loads the `rows_of` an earlier run.
    """
    counted: dict[str, int] = {}
    try:
        _load(lake, spec, recorder, counted, approved=approved, rows_of=rows_of or recorder.run)
    except Held as held:  # all was rolled back; what there is to decide on is kept apart
        recorder.note(counts={spec.holds: counted})
        recorder.keep_findings([Noticed("Q56", "B", str(held), counted["removed"])])
        raise Held(f"Held for a person to look at: {held}") from None


def _load(
    lake: Lake,
    spec: SourceSpec,
    recorder: Recorder,
    counted: dict[str, int],
    *,
    approved: Callable[[], None] | None,
    rows_of: HCIngestionRun,
) -> None:
    run = recorder.run
    assert spec.network is not None  # noqa: S101 - the pipeline looked
    with transaction.atomic(), connection.cursor() as cursor:
        Utility.objects.select_for_update(no_key=True).only("pk").get(pk=run.utility_id)
        cursor.execute(sql.STAGE)
        _copy(cursor, lake, spec, rows_of)
        recorder.done("silver")
        found = _refused(cursor, spec)
        given = {"utility": run.utility_id, "source": run.source_id, "hour_first": int(spec.network.hours[0])}
        if spec.holds == "load_profiles":
            found += _check_hours(cursor, given)
        counted |= _write(cursor, spec, given)
        if approved is None:
            _guard(spec, counted)
        unlinked = linking.link(run.utility_id) if spec.holds == "substations" else None
        recorder.note(counts={spec.holds: counted}, records_written=sum(counted.values()) - counted["kept"])
        recorder.keep_findings([*found, *([unlinked] if unlinked else [])])
        recorder.done("check")
        at = now()
        Source.objects.filter(pk=run.source_id).update(published_run=run, last_checked_at=at)
        Utility.objects.filter(pk=run.utility_id).update(last_ingested_at=at)
        HCIngestionRun.objects.filter(pk=run.pk).update(status=RunStatus.COMPLETED, completed_at=at)
        if approved is not None:
            approved()
    run.refresh_from_db(fields=["status", "completed_at"])
    recorder.done("published")


def _copy(cursor: CursorWrapper, lake: Lake, spec: SourceSpec, run: HCIngestionRun) -> None:
    """The run's rows in our words and units, into the temporary table."""
    rows = lake.read_run(tables.BRONZE, run.utility.utility_code, run.pk)
    frame = read_rows(rows, spec, field_types(run), timezone=run.utility.timezone, codes=field_codes(run))
    copy_rows(cursor, lake, frame, "network_row")
    cursor.execute("ANALYZE network_row")


def read_rows(
    rows: DataFrame, spec: SourceSpec, types: Mapping[str, str], *, timezone: str, codes: cells.Codes
) -> DataFrame:
    """Bronze rows in our words and units, all as text: row_no, geometry (hex EWKB), unread, `sql.COLUMNS`.

    `types` are those that the layer declared; `unread` names what was published and is not understood.
    """
    assert spec.network is not None  # noqa: S101 - the pipeline looked
    rows = rows.withColumn("attributes", silver.without_nul(F.col("attributes")))
    a, readings = F.col("a"), spec.network.readings()
    values = {
        name: readers.read(reading, a, types[reading.field], timezone) for name, reading in readings.items()
    }
    wkb = F.hex("geometry")
    ewkb = F.concat(F.substring(wkb, 1, 8), F.lit("20E6100000"), F.expr("substring(hex(geometry), 11)"))
    unread = [F.when(readers.unread(readings[name], a, value), F.lit(name)) for name, value in values.items()]
    return cells.texts(rows, spec, codes).select(
        "row_no",
        F.when(F.col("geometry").isNotNull(), ewkb).alias("geometry"),
        F.concat_ws(", ", *unread).alias("unread"),
        *[values.get(name, F.lit(None)).cast("string").alias(name) for name in sql.COLUMNS],
    )


def _refused(cursor: CursorWrapper, spec: SourceSpec) -> list[Noticed]:
    """Rows that cannot be used leave the temporary table, each kind with a finding."""
    rules = [
        ("Q10", sql.REFUSE_NAMELESS, "it names no substation or division"),
        ("Q27", sql.REFUSE_UNREAD, "a number in it is none"),
    ]
    if spec.geometry != "none":
        rules.append(("Q49", sql.REFUSE_PLACELESS, "it has no geometry, or an empty one"))
    if spec.holds == "substations":
        rules.append(("Q08", sql.REFUSE_REPEATED, "its name stands in an earlier row"))
    found = []
    for check, refuse, reason in rules:
        cursor.execute(refuse)
        rows = cursor.fetchall()
        if rows:
            examples = [{"row": number, "name": name} for number, name in rows[:MOST_EXAMPLES]]
            message = f"{len(rows):,} rows were left out: {reason}."
            found.append(Noticed(check, "E", message, len(rows), examples))
    cursor.execute("SELECT count(*) FROM network_row")
    if not cursor.fetchone()[0]:
        raise FetchError(f"No row of {spec.code} could be used: {' '.join(one.message for one in found)}")
    return found


def _check_hours(cursor: CursorWrapper, given: dict[str, Any]) -> list[Noticed]:
    """Month and hour out of one field; rows without both leave, and whoever has not 288 is named."""
    cursor.execute(sql.READ_HOURS, given)
    cursor.execute(sql.REFUSE_HOURS)
    refused = cursor.fetchall()
    found = []
    if refused:
        examples = [{"row": number, "name": name, "month_hour": said} for number, name, said in refused]
        message = f"{len(refused):,} rows were left out: month and hour cannot be read, or stand there twice."
        found.append(Noticed("Q47", "E", message, len(refused), examples[:MOST_EXAMPLES]))
    cursor.execute(sql.INCOMPLETE_PROFILES)
    partial = cursor.fetchall()
    if partial:
        message = f"{len(partial):,} substations have not 288 hours of load, 24 for each month."
        examples = [{"name": name, "hours": hours} for name, hours in partial[:MOST_EXAMPLES]]
        found.append(Noticed("Q68", "W", message, len(partial), examples))
    return found


def _write(cursor: CursorWrapper, spec: SourceSpec, given: dict[str, Any]) -> dict[str, int]:
    """Add, change and remove; how many of each, and how many are as they were."""
    counted = {"added": 0, "changed": 0, "removed": 0, "kept": 0}
    for statement in sql.WRITE[spec.holds]:
        cursor.execute(statement, given)
        if cursor.description is not None:
            for name, count in cursor.fetchall():
                counted[name] += count
    return counted


def _guard(spec: SourceSpec, counted: dict[str, int]) -> None:
    """A layer that lost a share of its rows at once waits for a person, as with capacities."""
    before = counted["kept"] + counted["changed"] + counted["removed"]
    if before and counted["removed"] / before > spec.thresholds.max_row_loss:
        raise Held(
            f"{counted['removed']:,} of {before:,} {spec.holds.replace('_', ' ')} are gone, more than "
            f"{spec.thresholds.max_row_loss:.0%}."
        )
