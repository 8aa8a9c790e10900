"""Takes a source's rows back to what they were before an instant, ids and all, as if nothing had come since.

For months that are loaded anew: within one transaction, before their successors are published again.
"""

from datetime import datetime
from typing import Any

from django.db import connection

from hosting import publish_ders_sql, publish_sql
from utilities.models import Source

_OWN_ID = {"sections": "section_id", "records": "record_id", "ders": "der_id"}


def rewind(source: Source, holds: str, instant: datetime) -> None:
    """Make current what was so just before `instant`, and forget what came after. Call in a transaction."""
    given: dict[str, Any] = {"source": source.pk, "instant": instant}
    datasets = ("ders",) if holds == "ders" else ("sections", "records")
    with connection.cursor() as cursor:
        for dataset in datasets:
            for statement in _statements(dataset):
                cursor.execute(statement, given)
        if holds == "ders":
            cursor.execute(publish_ders_sql.FORGET_LOST_ADDRESSES, given)


def _statements(dataset: str) -> tuple[str, ...]:
    """Statements that take one table back. `valid_to` is when the next version, or none, began."""
    table, kept, made = _columns(dataset)
    names = ", ".join([*kept, *made])
    values = ", ".join([*(f"v.{name}" for name in kept), *made.values()])
    version = f"{table}version"
    return (
        f"DELETE FROM {table} WHERE source_id = %(source)s AND valid_from >= %(instant)s",  # noqa: S608 names of ours
        f"DELETE FROM {version} WHERE source_id = %(source)s AND valid_from >= %(instant)s",  # noqa: S608
        f"INSERT INTO {table} (id, {names}) SELECT v.{_OWN_ID[dataset]}, {values} FROM {version} v "  # noqa: S608
        "WHERE v.source_id = %(source)s AND v.valid_to >= %(instant)s",
        f"DELETE FROM {version} WHERE source_id = %(source)s AND valid_to >= %(instant)s",  # noqa: S608
    )


def _columns(dataset: str) -> tuple[str, list[str], dict[str, str]]:
    """The table, the columns that its versions keep, and those that are made from them."""
    if dataset == "ders":
        return "hosting_der", list(publish_ders_sql.KEPT), {}
    table, kept = publish_sql.kept(dataset)
    made = {"geometry_3857": publish_sql.web_mercator("v.geometry")}
    if dataset == "records":
        made["centroid"] = "ST_PointOnSurface(v.geometry)"
    return table, kept, made
