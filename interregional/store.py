"""Writes what was read: COPY beside, one upsert of what differs, what was revised kept. In one
transaction."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from django.db import connection, transaction
from django.dispatch import Signal
from django.utils import timezone
from pyarrow import csv as pa_csv

from interregional import store_sql as sql
from interregional.demonstration import forget_demonstration
from interregional.findings import absent, frozen, gaps, keep
from interregional.locks import lock_writing
from interregional.models import FlowRun, Interface, InterfaceName, QuarantinedFlow, Region
from interregional.noticing import Flows, Notice, Noticed
from interregional.nyiso import NameSeen, Reading


@dataclass(frozen=True)
class Stored:
    """What became of the rows."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    quarantined: int = 0


def store(
    run: FlowRun,
    readings: Sequence[Reading],
    *,
    asked_at: datetime,
    is_snapshot: bool = False,
    before_commit: Signal | None = None,
) -> Stored:
    """Bring these readings to the readers, all or nothing; the rows may be known already."""
    with transaction.atomic():
        lock_writing()
        if any(len(reading.flows) for reading in readings):
            forget_demonstration()
        total = Stored()
        for reading in readings:
            total = _added(total, _store(run, reading, asked_at, is_snapshot=is_snapshot))
        # With the rows, not after them: what readers hold is told old by these counts.
        FlowRun.objects.filter(pk=run.pk).update(inserted=total.inserted, updated=total.updated)
        if before_commit is not None:
            before_commit.send(FlowRun, run=run)
    return total


def _added(one: Stored, other: Stored) -> Stored:
    return Stored(
        *(
            getattr(one, name) + getattr(other, name)
            for name in ("inserted", "updated", "unchanged", "quarantined")
        )
    )


def _store(run: FlowRun, reading: Reading, asked_at: datetime, *, is_snapshot: bool) -> Stored:
    notices = [notice for notice in reading.notices if notice.kind is not Noticed.GAP]
    inserted = updated = 0
    if len(reading.flows):
        known, met = _meet(reading.names)
        notices += met + absent(reading)
        see(reading.names, known)
        inserted, updated = write_rows(run, reading.flows, {i.point_id: i.pk for i in known.values()})
        notices += frozen(reading)
        if not is_snapshot:
            notices += gaps(reading.dates, asked_at)
    QuarantinedFlow.objects.bulk_create(
        [
            QuarantinedFlow(
                run=run, line=fault.line, text=fault.text.replace("\0", ""), reason=fault.reason[:200]
            )
            for fault in {(fault.text, fault.reason): fault for fault in reading.refused}.values()
        ],
        update_conflicts=True,
        unique_fields=["text", "reason"],
        update_fields=["run", "line"],
    )
    keep(run, notices)
    return Stored(inserted, updated, len(reading.flows) - inserted - updated, len(reading.refused))


def write_rows(run: FlowRun, flows: Flows, ids: dict[int, int]) -> tuple[int, int]:
    """How many rows were new, and how many were revised. `ids`: Point ID to the interface's own."""
    names: dict[str, Any] = {"run": run.pk, "now": timezone.now()}
    with connection.cursor() as cursor:
        cursor.execute(sql.STAGE)
        with cursor.copy(sql.COPY) as copy:
            copy.write(_as_csv(flows, ids))
        cursor.execute("ANALYZE flow_stage")
        cursor.execute(sql.FORGET_KNOWN)
        cursor.execute(sql.KEEP_REVISED, names)
        revised = cursor.rowcount
        cursor.execute(sql.UPSERT, names)
        written = cursor.rowcount
        cursor.execute("DROP TABLE flow_stage")
    return written - revised, revised


def _as_csv(flows: Flows, ids: dict[int, int]) -> bytes:
    """The rows as COPY reads them: null is nothing."""
    points, where = np.unique(flows.point_id, return_inverse=True)
    own = np.array([ids[point_id] for point_id in points.tolist()], dtype=np.int64)[where]
    table = pa.table(
        {
            "timestamp": pa.array(flows.microseconds).cast(pa.timestamp("us", "UTC")),
            "interface_id": own,
            "flow_mw": flows.flow_mw,
            "positive": pa.array(flows.positive_limit_mw, mask=np.isnan(flows.positive_limit_mw)),
            "negative": pa.array(flows.negative_limit_mw, mask=np.isnan(flows.negative_limit_mw)),
        }
    )
    buffer = io.BytesIO()
    pa_csv.write_csv(table, buffer, pa_csv.WriteOptions(include_header=False))
    return buffer.getvalue()


def _meet(names: Sequence[NameSeen]) -> tuple[dict[int, Interface], list[Notice]]:
    """The interfaces by Point ID, new ones made; and what is new about them."""
    newest: dict[int, NameSeen] = {}
    for seen in sorted(names, key=lambda seen: seen.last):
        newest[seen.point_id] = seen
    known = {i.point_id: i for i in Interface.objects.filter(point_id__in=newest)}
    notices = []
    for point_id in newest.keys() - known.keys():
        seen = newest[point_id]
        known[point_id] = Interface.objects.create(
            point_id=point_id,
            name=seen.name,
            label=seen.name,
            region=Region.UNCLASSIFIED,
            is_external=True,
            is_summed=False,
        )
        message = (
            f"Point ID {point_id}, {seen.name}, is not known. "
            "It is stored and shown as unclassified, in no total."
        )
        notices.append(Notice(Noticed.UNKNOWN, message, 1, seen.first, seen.last, point_id))
    had = {
        (name.interface.point_id, name.name)
        for name in InterfaceName.objects.filter(interface__in=known.values()).select_related("interface")
    }
    for seen in names:
        others = {name for point_id, name in had if point_id == seen.point_id}
        if others and seen.name not in others:
            message = f"Point ID {seen.point_id} is named {seen.name}; so far {', '.join(sorted(others))}."
            notices.append(Notice(Noticed.RENAMED, message, 1, seen.first, seen.last, seen.point_id))
    return known, notices


def see(names: Sequence[NameSeen], known: dict[int, Interface]) -> None:
    """Widen the times between which interfaces and their names were seen; the newest name is the
    interface's."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO interregional_interfacename AS n (interface_id, name, first_seen, last_seen)
            VALUES (%s, %s, %s, %s)
            ON CONFLICT (interface_id, name) DO UPDATE SET
                first_seen = least(n.first_seen, excluded.first_seen),
                last_seen = greatest(n.last_seen, excluded.last_seen)
            WHERE n.first_seen > excluded.first_seen OR n.last_seen < excluded.last_seen
            """,
            [(known[seen.point_id].pk, seen.name, seen.first, seen.last) for seen in names],
        )
        cursor.execute(
            """
            UPDATE interregional_interface i
            SET first_seen = s.first_seen, last_seen = s.last_seen, name = s.name
            FROM (
                SELECT interface_id, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
                    (array_agg(name ORDER BY last_seen DESC, name))[1] AS name
                FROM interregional_interfacename WHERE interface_id = ANY(%s) GROUP BY interface_id
            ) s
            WHERE i.id = s.interface_id
              AND (i.first_seen, i.last_seen, i.name) IS DISTINCT FROM (s.first_seen, s.last_seen, s.name)
            """,
            [[interface.pk for interface in known.values()]],
        )
