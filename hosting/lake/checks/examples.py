"""Example rows of findings, as they were published: fetched once, and only for checks that spoke."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from hosting.lake.checks.found import EXAMPLES, Noticed
from hosting.lake.masking import masked
from hosting.lake.silver import without_nul
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from hosting.lake.checks.judged import Judged


def illustrate(found: Sequence[Noticed], staged: "Judged", bronze: "DataFrame") -> list[Noticed]:
    """The same findings, with up to 100 example rows where the check is one on rows; addresses are masked."""
    passed = F.col("reject_check").isNull()
    conditions = {(rule.check, rule.severity): passed & rule.broken for rule in staged.row_rules}
    wanted: dict[int, Column] = {}
    for number, one in enumerate(found):
        if one.severity == "E" and one.check_id in staged.rejected:
            wanted[number] = F.col("reject_check") == one.check_id
        elif one.rows:
            wanted[number] = F.col("row_no").isin(list(one.rows))
        elif (one.check_id, one.severity) in conditions and not one.examples:
            wanted[number] = conditions[one.check_id, one.severity]
    if not wanted:
        return list(found)
    rows = fetch(staged.frame, bronze, wanted, staged.spec.personal_fields)
    return [
        replace(one, examples=[_told(row, staged.spec) for row in rows.get(number, [])])
        if number in wanted
        else one
        for number, one in enumerate(found)
    ]


def fetch(
    frame: "DataFrame", bronze: "DataFrame", wanted: "dict[int, Column]", personal: Iterable[str]
) -> dict[int, list[dict[str, Any]]]:
    """Of each condition the first rows in the order of publication, with their published attributes."""
    carried = [name for name in ("key", "feeder_id", "capacity_type", "variant") if name in frame.columns]
    first = [
        frame.where(condition)
        .orderBy("row_no", *carried[2:])
        .limit(EXAMPLES)
        .select(F.lit(number).alias("number"), "row_no", *carried)
        for number, condition in wanted.items()
    ]
    chosen = reduce(lambda one, other: one.unionAll(other), first)
    published = bronze.select(
        F.col("row_no").alias("published_row"),
        masked(without_nul(F.col("attributes")), personal).alias("attributes"),
    )
    rows = chosen.join(published, F.col("row_no") == F.col("published_row"), "left").toArrow().to_pylist()
    rows.sort(key=lambda row: (row["number"], row["row_no"], *(row[name] or "" for name in carried[2:])))
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["number"], []).append(row)
    return found


def _told(row: dict[str, Any], spec: SourceSpec) -> dict[str, Any]:
    """Key, feeder and figure, and the mapped fields as they were published."""
    attributes = json.loads(row["attributes"] or "{}")
    published = {name: attributes[name] for name in spec.published_fields() if name in attributes}
    told = {"key": row["key"], "feeder": row.get("feeder_id")}
    if len(spec.figures) > 1:
        told["figure"] = f"{row['capacity_type']} ({row['variant']})"
    return told | {"published": published}
