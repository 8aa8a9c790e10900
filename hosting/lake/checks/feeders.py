"""Which feeders a finding concerns, and with how many of their rows."""

from typing import TYPE_CHECKING

import pyarrow.compute as pc

from hosting.lake.checks.found import Rule

if TYPE_CHECKING:
    import pyarrow as pa

    from hosting.lake.checks.judged import Judged

Concerned = dict[tuple[str, str, str], int]  # feeder, check, severity: rows


def of_refusals(judged: "Judged") -> Concerned:
    """Rows that were kept back and name their feeder."""
    found: Concerned = {}
    for one in judged.refused:
        if one.feeder is not None:
            found[one.feeder, one.check, "E"] = found.get((one.feeder, one.check, "E"), 0) + one.rows
    return found


def add_rows(found: Concerned, rule: Rule, groups: "pa.Table", column: str) -> None:
    """Add the rows of each feeder for which a rule's condition held."""
    some = groups.filter(pc.greater(pc.fill_null(groups[column], 0), 0)).select(["feeder_id", column])
    for row in some.to_pylist():
        if row["feeder_id"] is not None:
            key = (row["feeder_id"], rule.check, rule.severity)
            found[key] = found.get(key, 0) + row[column]


def rows_of(groups: "pa.Table") -> dict[str, int]:
    """Feeder to its rows in a table of groups."""
    summed = groups.group_by(["feeder_id"]).aggregate([("rows", "sum")]).to_pylist()
    return {row["feeder_id"]: row["rows_sum"] for row in summed if row["feeder_id"] is not None}


def all_rows(judged: "Judged") -> dict[str, int]:
    """Feeder to its rows in the run, those kept back included."""
    found = dict(judged.rows_of)
    for one in judged.refused:
        if one.feeder is not None:
            found[one.feeder] = found.get(one.feeder, 0) + one.rows
    return found
