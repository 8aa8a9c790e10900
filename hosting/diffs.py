"""What changed between two states, asked of PostgreSQL: between two instants, or two runs of one source.

A row that is the same version in both states is never read. What changed and changed back is no change.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

KINDS = ("added", "changed", "removed")
_CAPACITY = (
    "hosting_capacity_mw", "capacity_status", "installed_dg_mw", "queued_dg_mw", "installed_since_study_mw",
    "remaining_capacity_mw", "remaining_basis", "constraining_metric", "criteria", "voltage_kv",
    "phase_config", "is_overhead", "is_network", "record_date", "der_date",
)  # fmt: skip
_RECORD = (
    *_CAPACITY, "hosting_capacity_min_mw", "hosting_capacity_max_mw", "section_count", "feeder_name",
    "substation_name", "county", "grain",
)  # fmt: skip
# No street address is in any of these columns, nor in the tables they are read from.
_DER = (
    "nameplate_kw", "der_type", "technologies", "is_hybrid", "installed_on", "planned_on", "completed_on",
    "project_status", "status_rationale", "queue_request_id", "queue_position", "costs", "feeder_reference",
)  # fmt: skip


@dataclass(frozen=True)
class Compared:
    """A dataset's view, its key within a source (of texts), the columns compared, and whether shapes are."""

    view: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    has_shape: bool = True


DATASETS = {
    "records": Compared("hosting_recordstate", ("key", "capacity_type", "variant"), _RECORD),
    "sections": Compared(
        "hosting_sectionstate", ("key", "capacity_type", "variant"), (*_CAPACITY, "circuit_id")
    ),
    "ders": Compared("hosting_derstate", ("external_id", "status"), _DER, has_shape=False),
}


@dataclass(frozen=True)
class Between:
    """Two states: at two instants (publisher time), or after two runs of one source (our time)."""

    sources: Sequence[int]
    since: datetime | None = None
    until: datetime | None = None
    from_run: int | None = None
    to_run: int | None = None

    @property
    def _ends(self) -> tuple[str, str]:
        """The columns that say from when and until when a row is there."""
        return ("ingestion_run_id", "ended_by_run_id") if self.to_run else ("valid_from", "valid_to")

    def before(self) -> str:
        """Rows of the earlier state that the later one has not."""
        begins, ends = self._ends
        return f"{begins} <= %(from)s AND {ends} > %(from)s AND {ends} <= %(to)s"

    def after(self) -> str:
        """Rows of the later state that the earlier one has not."""
        begins, ends = self._ends
        return f"{begins} > %(from)s AND {begins} <= %(to)s AND ({ends} IS NULL OR {ends} > %(to)s)"

    def given(self) -> dict[str, Any]:
        by_run = self.to_run is not None
        return {
            "sources": list(self.sources),
            "from": self.from_run if by_run else self.since,
            "to": self.to_run if by_run else self.until,
        }


@dataclass(frozen=True)
class Asked:
    """Which of the changes: of a dataset, of one kind or all, after a key, of one figure or all."""

    dataset: str = "records"
    kind: str | None = None
    after: tuple[Any, ...] | None = None
    figure: tuple[str, str] | None = field(default=None)


def changes_sql(between: Between, asked: Asked) -> tuple[str, dict[str, Any]]:
    """All differing rows: source_id, the key, feeder_id, kind, columns, earlier and later (JSON)."""
    compared = DATASETS[asked.dataset]
    key = ", ".join(("source_id", *compared.key))
    given = between.given()
    only = "source_id = ANY(%(sources)s)"
    if asked.after is not None:
        given |= {f"after_{n}": value for n, value in enumerate(asked.after)}
        only += f" AND ({key}) > ({', '.join(f'%(after_{n})s' for n in range(len(asked.after)))})"
    if asked.figure is not None:
        given |= {"capacity_type": asked.figure[0], "variant": asked.figure[1]}
        only += " AND capacity_type = %(capacity_type)s AND variant = %(variant)s"
    kind = "CASE WHEN b.id IS NULL THEN 'added' WHEN a.id IS NULL THEN 'removed' ELSE 'changed' END"
    chosen = ""
    if asked.kind is not None:
        given["kind"] = asked.kind
        chosen = " AND kind = %(kind)s"
    shape = ", geometry" if compared.has_shape else ""
    moved = "b.geometry IS DISTINCT FROM a.geometry" if compared.has_shape else "false"
    columns = ", ".join(compared.columns)
    return (
        f"""
WITH b AS (SELECT id, feeder_id, {key}, {columns}{shape} FROM {compared.view}
           WHERE {only} AND {between.before()}),
a AS (SELECT id, feeder_id, {key}, {columns}{shape} FROM {compared.view}
      WHERE {only} AND {between.after()}),
pairs AS (
    SELECT {key}, coalesce(a.feeder_id, b.feeder_id) AS feeder_id, {kind} AS kind, {moved} AS moved,
           CASE WHEN b.id IS NOT NULL THEN {_object("b", compared)} END AS earlier,
           CASE WHEN a.id IS NOT NULL THEN {_object("a", compared)} END AS later
    FROM b FULL JOIN a USING ({key})
), told AS (
    SELECT p.*, ARRAY(
        SELECT name FROM jsonb_object_keys(coalesce(later, earlier)) name
        WHERE earlier -> name IS DISTINCT FROM later -> name
          AND coalesce(nullif(earlier -> name, 'null'), nullif(later -> name, 'null')) IS NOT NULL
        ORDER BY name
    ) || CASE WHEN moved AND kind = 'changed' THEN ARRAY['geometry'] ELSE '{{}}' END AS columns
    FROM pairs p
)
SELECT * FROM told WHERE (kind <> 'changed' OR columns <> '{{}}'){chosen}
""",  # noqa: S608 every name is a constant of ours
        given,
    )


def _object(row: str, compared: Compared) -> str:
    """A row's compared columns as JSON; numbers as short as they are exact, empty text as null."""
    parts = []
    for name in compared.columns:
        value = f"{row}.{name}"
        if name.endswith(("_mw", "_kw", "_kv")):
            value = f"trim_scale({value})"
        elif name in ("feeder_name", "substation_name", "county", "remaining_basis", *_DER_TEXTS):
            value = f"nullif({value}, '')"
        parts.append(f"'{name}', {value}")
    return f"jsonb_build_object({', '.join(parts)})"


_DER_TEXTS = tuple(
    name
    for name in _DER
    if name.endswith(("_type", "_status", "_rationale", "_id", "_position", "_reference"))
)


def page(between: Between, asked: Asked, limit: int) -> list[dict[str, Any]]:
    """Up to `limit` changes in the order of their keys, with source, feeder and slug; values as they are."""
    sql, given = changes_sql(between, asked)
    key = ", ".join(f"c.{name}" for name in ("source_id", *DATASETS[asked.dataset].key))
    found = _rows(
        f"SELECT c.*, s.code AS source, f.external_id AS feeder_id_external, f.slug AS feeder_slug "  # noqa: S608
        f"FROM ({sql}) c JOIN utilities_source s ON s.id = c.source_id "
        f"LEFT JOIN hosting_feeder f ON f.id = c.feeder_id ORDER BY {key} LIMIT %(limit)s",
        given | {"limit": limit},
    )
    for row in found:
        for name in ("earlier", "later"):
            row[name] = None if row[name] is None else json.loads(row[name])
    return found


def counts(between: Between, asked: Asked) -> dict[str, int]:
    """How many of each kind."""
    sql, given = changes_sql(between, asked)
    found = _rows(f"SELECT kind, count(*) AS n FROM ({sql}) c GROUP BY kind", given)  # noqa: S608
    return dict.fromkeys(KINDS, 0) | {row["kind"]: row["n"] for row in found}


# What a feeder offered: what remains where that is known both times, else what it hosts.
_MOVED = """
SELECT c.source_id, c.key, c.capacity_type, c.variant, c.feeder_id, what,
       (earlier ->> what)::numeric AS then_mw, (later ->> what)::numeric AS now_mw
FROM (SELECT *, CASE WHEN earlier ->> 'remaining_capacity_mw' IS NOT NULL
                      AND later ->> 'remaining_capacity_mw' IS NOT NULL
                     THEN 'remaining_capacity_mw' ELSE 'hosting_capacity_mw' END AS what
      FROM ({}) told WHERE kind = 'changed') c
"""


def movements(
    between: Between, asked: Asked, *, how: str, threshold: float, limit: int
) -> list[dict[str, Any]]:
    """Records that `closed` (to or below the threshold, MW), `opened` (above it), or moved the `most`."""
    sql, given = changes_sql(between, asked)
    which = {
        "closed": "then_mw > %(threshold)s AND now_mw <= %(threshold)s",
        "opened": "then_mw <= %(threshold)s AND now_mw > %(threshold)s",
        "most": "then_mw <> now_mw",
    }[how]
    return _rows(
        f"SELECT m.*, m.now_mw - m.then_mw AS by_mw, count(*) OVER () AS total, "  # noqa: S608
        f"f.external_id AS feeder_id_external, f.name AS feeder_name, f.slug AS feeder_slug "
        f"FROM ({_MOVED.format(sql)}) m LEFT JOIN hosting_feeder f ON f.id = m.feeder_id WHERE {which} "
        "ORDER BY abs(m.now_mw - m.then_mw) DESC, m.key, m.capacity_type, m.variant LIMIT %(limit)s",
        given | {"threshold": threshold, "limit": limit},
    )


def _rows(sql: str, given: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        assert cursor.description is not None  # noqa: S101 - it selects
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def csv_sql(between: Between, asked: Asked, formula: str) -> tuple[str, dict[str, Any]]:
    """A line for each column that differs, in the order of CSV_COLUMNS, as texts that are no formulas.

    A shape that changed has a line without values.
    """
    sql, given = changes_sql(between, asked)
    key = DATASETS[asked.dataset].key
    harmless = "CASE WHEN {0} ~ %(formula)s AND {0} !~ '^-?[0-9.]+$' THEN '''' || {0} ELSE {0} END"
    capacity = ("c.capacity_type", "c.variant") if "variant" in key else ("NULL", "NULL")
    cells = [
        "c.kind", "s.code", harmless.format(f"c.{key[0]}"), harmless.format("f.external_id"), *capacity,
        "col.changed", harmless.format("(c.earlier ->> col.changed)"),
        harmless.format("(c.later ->> col.changed)"),
    ]  # fmt: skip
    order = ", ".join(f"c.{name}" for name in ("source_id", *key))
    return (
        f"SELECT {', '.join(cells)} FROM ({sql}) c JOIN utilities_source s ON s.id = c.source_id "  # noqa: S608
        "LEFT JOIN hosting_feeder f ON f.id = c.feeder_id "
        "LEFT JOIN LATERAL unnest(c.columns) col(changed) ON true "
        f"ORDER BY {order}, col.changed",
        given | {"formula": formula},
    )


CSV_COLUMNS = (
    "kind", "source", "key", "feeder_id_external", "capacity_type", "variant", "column", "before", "after",
)  # fmt: skip
