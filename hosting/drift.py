"""What a layer says of its columns today beside what it said at the published run.

A mapped field that is missing stops a run before this (hosting/fetching.py). One whose type is of another
kind holds it: text where numbers were is read by another rule. The rest is told and published with.
"""

from hosting.lake.quality import Noticed
from hosting.models import HCIngestionRun
from utilities.spec import SourceSpec

NUMBERS = {"OID", "Integer", "SmallInteger", "BigInteger", "Double", "Single"}
DATES = {"Date", "DateOnly", "TimestampOffset"}


def drift(run: HCIngestionRun, spec: SourceSpec) -> list[Noticed]:
    """Q06: B where a mapped field is of another kind, I for any other difference of the columns."""
    before, now = _types(run.compared_with), _types(run)
    if not before or not now:
        return []
    changed = {name: (before[name], kind) for name, kind in now.items() if before.get(name, kind) != kind}
    mapped = set(spec.published_fields())
    grave = {n: pair for n, pair in changed.items() if n in mapped and _kind(pair[0]) != _kind(pair[1])}
    found = []
    if grave:
        found.append(_noticed("B", "A mapped field is of another kind than at the published run", grave))
    if slight := {name: pair for name, pair in changed.items() if name not in grave}:
        found.append(_noticed("I", "Columns have another type than at the published run", slight))
    for what, names in (("gained", now.keys() - before.keys()), ("lost", before.keys() - now.keys())):
        if names:
            listed = ", ".join(sorted(names))
            found.append(
                Noticed("Q06", "I", f"The layer {what} columns that are not read: {listed}.", len(names))
            )
    return found


def _types(run: HCIngestionRun | None) -> dict[str, str]:
    fields = (run.layer or {}).get("fields", []) if run is not None else []
    return {field["name"]: str(field.get("type", "")).removeprefix("esriFieldType") for field in fields}


def _kind(esri_type: str) -> str:
    return "number" if esri_type in NUMBERS else "date" if esri_type in DATES else "text"


def _noticed(severity: str, sentence: str, changed: dict[str, tuple[str, str]]) -> Noticed:
    listed = ", ".join(f"{name} ({was} was, {now} is)" for name, (was, now) in sorted(changed.items()))
    return Noticed("Q06", severity, f"{sentence}: {listed}.", len(changed))
