"""From a run's changes of DER to what people read, within the transaction of its publication.

Street addresses go to their own table, which only the utility's stewards read; nothing else holds them.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connection

from hosting import publish_ders_sql as sql
from hosting.copying import copy_rows
from hosting.lake import changes
from hosting.lake.datasets import DATASETS
from hosting.lake.store import Lake
from hosting.models import HCIngestionRun
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

MANY = 10_000  # rows after which the planner must learn of them at once


def publish_ders(lake: Lake, run: HCIngestionRun, spec: SourceSpec, valid_from: datetime) -> None:
    """Write the run's logged changes of DER and of their addresses. The caller holds the transaction."""
    assert spec.ders is not None  # noqa: S101 - publish looked
    given: dict[str, Any] = {
        "utility": run.utility_id,
        "source": run.source_id,
        "run": run.pk,
        "valid_from": valid_from,
        "status": spec.ders.status,
    }
    changed = {name: sum(run.counts.get(name, {}).values()) for name in ("ders", "addresses")}
    with connection.cursor() as cursor:
        if changed["addresses"]:
            _staged(cursor, lake, run, "addresses", sql.STAGED_ADDRESSES)
            cursor.execute(sql.FORGET_ADDRESSES, given)
        if changed["ders"]:
            _staged(cursor, lake, run, "ders", sql.STAGED)
            cursor.execute(sql.STAGE_KNOWN)
            cursor.execute(sql.VERSIONS, given)
            cursor.execute(sql.MERGE, given)
            if changed["ders"] > MANY:
                cursor.execute(sql.KNOW)
            cursor.execute("DROP TABLE der_change")
        if changed["addresses"]:
            cursor.execute(sql.WRITE_ADDRESSES, given)
            cursor.execute("DROP TABLE address_change")


def _staged(
    cursor: "CursorWrapper", lake: Lake, run: HCIngestionRun, dataset: str, into: sql.Staging
) -> None:
    """The run's logged rows in a temporary table."""
    cursor.execute(into.make)
    logged = changes.logged(lake, DATASETS[dataset], run.utility.utility_code, run.pk)
    copy_rows(cursor, lake, logged.select(*into.columns), into.table)
