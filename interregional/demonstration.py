"""A synthetic day and a half of flows, for a portal that has not pulled any: drawn, badged, moving with the
clock.

The first real rows replace it whole, in the transaction that brings them.
"""

from datetime import datetime, timedelta
from typing import Final

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from interregional import store_sql as sql
from interregional.defaults import DEMONSTRATION
from interregional.locks import lock_writing
from interregional.models import FlowRun, FlowSource, Interface, InterfaceFlow, InterfaceName, RunStatus
from interregional.noticing import MARK, Flows, instant_of, microseconds_of
from interregional.nyiso import NameSeen

LENGTH: Final = timedelta(hours=36)
# Point ID: megawatts around which it moves, how far it does over a day, and in less than an hour; its limits.
SHAPES: Final[dict[int, tuple[float, float, float, float | None, float | None]]] = {
    23316: (420, 510, 60, 1950, -1350),
    325905: (0, 0, 0, 660, -660),
    325305: (560, 100, 0, 660, -660),
    325658: (150, 110, 12, 315, -315),
    23318: (-480, 420, 45, 1400, -1600),
    325277: (60, 50, 6, 200, -200),
    325154: (180, 150, 0, 330, 0),
    23317: (1250, 380, 40, 1750, -1700),
    23324: (1080, 220, 0, 1320, -500),
    325274: (40, 0, 0, 190, -40),
    625211: (1050, 200, 0, 1250, -100),
    325376: (1080, 220, 0, 1310, None),
    23312: (700, 300, 40, None, None),
    23326: (980, 320, 40, 1950, None),
    23319: (1500, 380, 45, 2850, -1600),
    23330: (1820, 420, 50, 2455, None),
    23314: (3600, 700, 60, 6800, None),
    23315: (2600, 900, 70, 5700, None),
    23320: (2400, 500, 60, 4600, None),
}


def is_demonstration() -> bool:
    """True while what is stored was made up."""
    return FlowSource.objects.filter(is_synthetic=True, runs__inserted__gt=0).exists()


def advance(now: datetime | None = None, *, begin: bool = False) -> int:
    """Draw what has passed since the last stamp; the number of new rows.

    Only where a demonstration is shown, or, with `begin`, where nothing is stored at all.
    """
    now = now or timezone.now()
    with transaction.atomic():
        lock_writing()
        if not (is_demonstration() or (begin and not InterfaceFlow.objects.exists())):
            return 0
        run = _run(now)
        newest = run.newest or now - LENGTH
        flows = _drawn(max(newest, now - LENGTH), now)
        if not len(flows):
            return 0
        return _write(run, flows)


def _run(now: datetime) -> FlowRun:
    source, _ = FlowSource.objects.get_or_create(
        code=DEMONSTRATION,
        defaults={
            "report_code": "none",
            "title": "Synthetic flows for demonstration",
            "frequency_minutes": 5,
            "is_synthetic": True,
            "attribution": "Synthetic: drawn by a script",
        },
    )
    run = FlowRun.objects.filter(source=source).first()
    return run or FlowRun.objects.create(source=source, started_at=now, status=RunStatus.COMPLETED)


def _write(run: FlowRun, flows: Flows) -> int:
    from interregional.store import see, write_rows

    known = {interface.point_id: interface for interface in Interface.objects.filter(point_id__in=SHAPES)}
    first, last = instant_of(flows.microseconds[0]), instant_of(flows.microseconds[-1])
    see([NameSeen(i.point_id, i.name, first, last) for i in known.values()], known)
    inserted, _ = write_rows(run, flows, {i.point_id: i.pk for i in known.values()})
    run.inserted += inserted
    run.rows_read = run.inserted
    run.oldest, run.newest, run.completed_at = run.oldest or first, last, timezone.now()
    run.save()
    return inserted


def _drawn(after: datetime, until: datetime) -> Flows:
    """Every five minutes after one instant up to another, a stretch of each night left out as a gap."""
    first = (microseconds_of(after) // MARK + 1) * MARK
    marks = np.arange(first, microseconds_of(until) + 1, MARK, dtype=np.int64)
    minute_of_day = marks // 60_000_000 % 1440
    marks = marks[(minute_of_day < 8 * 60 + 10) | (minute_of_day > 8 * 60 + 35)]
    hours = marks / 3.6e9
    points = np.array(sorted(SHAPES), dtype=np.int64)
    columns = [_flow(int(point), hours) for point in points]
    flow = np.column_stack(columns).ravel() if len(marks) else np.zeros(0)
    limits = np.array([[np.nan if limit is None else limit for limit in SHAPES[int(p)][3:]] for p in points])
    positive, negative = (np.tile(limits[:, side], len(marks)) for side in (0, 1))
    return Flows(np.repeat(marks, len(points)), np.tile(points, len(marks)), flow, positive, negative)


def _flow(
    point: int, hours: "np.ndarray[tuple[int], np.dtype[np.float64]]"
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Megawatts at each hour: a daily wave, and smaller ones that never repeat together."""
    middle, daily, quick, *limits = SHAPES[point]
    turn = point % 97 / 97 * 2 * np.pi
    wave = np.sin(hours / 24 * 2 * np.pi + turn) + 0.3 * np.sin(hours / 7.3 * 2 * np.pi + 2 * turn)
    ripple = np.sin(hours * 5.1 + turn) + np.sin(hours * 13.7 + 3 * turn) + np.sin(hours * 37.3 + 5 * turn)
    flow = middle + daily * wave / 1.3 + quick * ripple / 2
    highest, lowest = (
        (limit if limit is not None else side * 9e4) for limit, side in zip(limits, (1, -1), strict=True)
    )
    flow = np.clip(flow, lowest, highest)
    # What is measured has decimals, what is scheduled comes in steps.
    return np.round(flow, 2) if quick >= 40 else np.round(flow / 5) * 5


def forget_demonstration() -> None:
    """Take it out, inside the transaction of whoever brings real rows, or of `remove_demo_flows`."""
    if not FlowSource.objects.filter(is_synthetic=True).exists():
        return
    with connection.cursor() as cursor:
        cursor.execute(sql.FORGET_DEMONSTRATION)
    InterfaceName.objects.all().delete()
    Interface.objects.update(first_seen=None, last_seen=None)
    FlowRun.objects.filter(source__is_synthetic=True).delete()
    FlowSource.objects.filter(is_synthetic=True).delete()
