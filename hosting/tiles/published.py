"""Which sources an answer is made of, and the data version that follows from them."""

import hashlib
from dataclasses import dataclass
from typing import Final

from django.db import connection

from hosting.tiles.grid import RUNS_SQL
from hosting.tiles.refusals import Refused
from hosting.visible import VISIBLE_SQL

# ruff: noqa: S608  # what the SQL is put together from are constants of ours

FORM: Final = 1  # raise it when a tile's form changes: addresses of an old version are kept for a year

_VISIBLE = f"""
SELECT {RUNS_SQL},
    -- Numbers start again where a database is made anew, and the cache may be the one of before.
    coalesce(max(run.completed_at)::text, '')
        || (SELECT oid FROM pg_database WHERE datname = current_database()), (
    SELECT o.sources FROM hosting_overviewstate o LEFT JOIN utilities_utility u ON u.id = o.utility_id
    WHERE CASE WHEN %(utility)s::text IS NULL THEN o.utility_id IS NULL ELSE u.utility_code = %(utility)s END)
FROM utilities_source s
JOIN utilities_utility u ON u.id = s.utility_id
JOIN hosting_hcingestionrun run ON run.id = s.published_run_id
WHERE {VISIBLE_SQL} AND (%(utility)s::text IS NULL OR u.utility_code = %(utility)s)
"""
# Substations are not published by runs. Number, ids and the transactions that wrote them change when any
# does.
_SUBSTATIONS = "SELECT count(*), sum(id), sum(xmin::text::bigint) FROM hosting_substation"
_KNOWN = "SELECT EXISTS (SELECT 1 FROM utilities_utility WHERE utility_code = %(utility)s)"


@dataclass(frozen=True)
class Published:
    """What readers see at one moment: of one utility, or of all."""

    sources: list[int]
    version: str  # of everything that a tile is made of
    cells_are_kept: bool  # whether the overview's cells in the database are of these runs


def published(utility: str | None, *, with_substations: bool = False) -> Published:
    """What there is to show: one small query, two with substations. Raises Refused."""
    given = {"utility": utility}
    with connection.cursor() as cursor:
        cursor.execute(_VISIBLE, given)
        runs, database, cells_of = cursor.fetchone()
        if runs is None and utility is not None:
            cursor.execute(_KNOWN, given)
            if not cursor.fetchone()[0]:
                raise Refused(404, f"There is no utility '{utility}'. /api/v1/utilities lists all of them.")
        said = [FORM, runs, database]
        if with_substations:
            cursor.execute(_SUBSTATIONS)
            said.append(cursor.fetchone())
    sources = [int(pair.partition(":")[0]) for pair in runs.split(",")] if runs else []
    version = hashlib.sha256(repr(said).encode()).hexdigest()[:12]
    return Published(sources, version, cells_are_kept=runs == cells_of)
