"""The views behind `as_of`, made from the models: current rows and versions, one on top of the other.

They are taken away before migrations change the tables below them, and made again afterwards.
"""

from hashlib import sha256
from typing import Any

from django.db import connection

from hosting.models.states import STATES, State


def view_sql(model: type[State]) -> str:
    """What the view selects: the model's columns, from both tables."""
    names = [str(field.column) for field in model._meta.concrete_fields]
    now = {"valid_to": "NULL::timestamptz", "ended_by_run_id": "NULL::bigint"}
    then = {"id": f"v.{model.version_id}", "centroid": "ST_PointOnSurface(v.geometry)"}
    current = ", ".join(f"{now.get(name, f't.{name}')} AS {name}" for name in names)
    version = ", ".join(f"{then.get(name, f'v.{name}')} AS {name}" for name in names)
    return (
        f"SELECT {current} FROM {model.current._meta.db_table} t "  # noqa: S608 names are the models'
        f"UNION ALL SELECT {version} FROM {model.version._meta.db_table} v"
    )


def drop(plan: Any = (), **_signal: Any) -> None:
    """Before migrations of this app: PostgreSQL changes no column that a view shows."""
    if any(migration.app_label == "hosting" for migration, _backwards in plan):
        with connection.cursor() as cursor:
            for model in STATES:
                cursor.execute(f"DROP VIEW IF EXISTS {model._meta.db_table}")


def create(**_signal: Any) -> None:
    """After migrations: each view as the models say, unless it is that already."""
    with connection.cursor() as cursor:
        for model in STATES:
            table, sql = model._meta.db_table, view_sql(model)
            mark = sha256(sql.encode()).hexdigest()
            cursor.execute("SELECT obj_description(to_regclass(%s), 'pg_class')", [table])
            if cursor.fetchone() == (mark,) or not _has_columns(cursor, model):
                continue
            cursor.execute(f"DROP VIEW IF EXISTS {table}")
            cursor.execute(f"CREATE VIEW {table} AS {sql}")
            cursor.execute(f"COMMENT ON VIEW {table} IS '{mark}'")


def _has_columns(cursor: Any, model: type[State]) -> bool:
    """False where the database was brought to an earlier migration, which lacks a column."""
    wanted = {field.column for field in model._meta.concrete_fields} - {"id", "centroid"}
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND NOT attisdropped",
        [model.version._meta.db_table],
    )
    return wanted <= {name for (name,) in cursor.fetchall()}
