"""The lake without the portal: silver and platinum of a utility from its bronze, as one job on any engine.

`hcportal-lake --lake ROOT --into ROOT --env dev --utility CODE` reads the latest bronze of each source in one
lake and brings another to it. Knows no database: it decides nothing for a portal's readers, and never writes
into the lake that it reads from.
"""

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from hcportal.errors import HcportalError, LakeError
from hosting.lake import (
    changes,
    der_quality,
    ders,
    platinum,
    quality,
    references,
    rollup,
    session,
    silver,
    staging,
    tables,
)
from hosting.lake.datasets import DATASETS, of_source
from hosting.lake.quality import Noticed
from hosting.lake.store import Lake
from utilities.catalog_files import read_catalog
from utilities.spec import SourceSpec, UtilitySpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ORDER = {"capacity": 0, "ders": 1}  # DER refer to feeders, which must be there before them
DONE, FAILED, HELD = 0, 1, 3


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; 0 where all is done, 1 where it cannot be, 3 where a check holds it."""
    options = _options(arguments)
    remote = os.environ.get("HCP_SPARK_REMOTE", "")
    bronze = Lake(root=options.lake, env=options.env, remote=remote)
    into = replace(bronze, root=options.into)
    try:
        if bronze.root.rstrip("/") == into.root.rstrip("/"):
            raise LakeError("--into names the lake that is read from. Nothing was written.")
        entry = read_catalog(options.catalog).get(options.utility)
        if entry is None:
            raise LakeError(f"The catalog has no utility '{options.utility}'.")
        held = [found for spec in _sources(entry) for found in bring(bronze, into, entry, spec)]
    except HcportalError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's own words
        return FAILED
    finally:
        if remote != session.AMBIENT:
            session.stop()
    return HELD if held else DONE


def task() -> None:
    """The wheel's entry point: Databricks looks at how the process ends, not at what a function gives."""
    if status := main():
        sys.exit(status)


def bring(bronze: Lake, into: Lake, entry: UtilitySpec, spec: SourceSpec) -> list[Noticed]:
    """Bring `into` to the latest bronze of a source; the findings that held it, where there are any.

    Doing it again does nothing.
    """
    run, types, codes = latest(bronze, entry.code, spec.code)
    if run is None:
        _say(entry, spec, "has no bronze; left alone")
        return []
    types = dict.fromkeys(spec.published_fields(), "") | types  # a file declares none: all of it is text
    of_run: dict[str, Any] = {
        "utility": entry.code, "timezone": entry.timezone, "run_id": run, "codes": codes,
    }  # fmt: skip
    rows = bronze.read_run(tables.BRONZE, entry.code, run)
    table, before = tables.DER_STAGE if spec.ders else tables.STAGE, _before(into, entry, spec)
    staging.drop(into, entry.code, run)  # of a job that was ended
    if spec.ders:
        frame = ders.stage(rows, spec, types, references.names_of(into, entry.code), **of_run)
    else:
        frame = silver.stage(rows, spec, types, **of_run)
    staged = staging.keep(into, frame, table, entry.code, run)
    stops = [found for found in _noticed(into, entry, spec, staged, before) if found.severity in "FB"]
    if stops:
        _say(entry, spec, f"run {run} is held: {' '.join(found.message for found in stops)}")
        return stops
    if into.read_run(tables.MANIFEST, entry.code, run).count() == 0:
        _log(into, entry, spec, staged, before, run=run)
        into.append(tables.MANIFEST, bronze.read_run(tables.MANIFEST, entry.code, run))  # the log is whole
    for dataset in of_source(spec.holds):
        changes.advance(into, dataset, entry.code, spec.code, run)
    staging.drop(into, entry.code, run)
    if spec.ders:
        platinum.refresh_der_details(into, entry.code)
    platinum.refresh_feeder_capacity(into, entry.code)
    counted = changes.counts(into, of_source(spec.holds), entry.code, run)
    _say(entry, spec, f"run {run}: {json.dumps(counted)}")
    return []


def _log(
    into: Lake,
    entry: UtilitySpec,
    spec: SourceSpec,
    staged: "DataFrame",
    before: dict[str, Any],
    *,
    run: int,
) -> None:
    """Log what the run changes, anew where a job was ended while it did."""
    for table in sorted({dataset.log for dataset in of_source(spec.holds)}):
        into.forget(table, f"utility_code = '{entry.code}' AND run_id = {run}")
    for name, frame in _passed(staged, spec).items():
        changes.log_differences(
            into,
            DATASETS[name],
            frame,
            before[name],
            utility=entry.code,
            run_id=run,
            snapshot=spec.feed == "snapshot",
            rows=0 if name == "records" and spec.rolls_up else staged.count(),
        )


def latest(
    lake: Lake, utility: str, source: str
) -> tuple[int | None, dict[str, str], dict[str, dict[str, str]]]:
    """The latest run with bronze, its fields' types, and the meanings of its coded fields."""
    mine = (F.col("utility_code") == utility) & (F.col("source_code") == source)
    rows = lake.read(tables.MANIFEST).where(mine).orderBy(F.desc("run_id")).limit(1).collect()
    if not rows:
        return None, {}, {}
    layer = json.loads(rows[0]["layer"] or "{}")
    fields = [field for field in layer.get("fields") or [] if isinstance(field, dict)]
    codes = {
        field["name"]: {str(one["code"]): str(one["name"]) for one in field["domain"]["codedValues"]}
        for field in fields
        if (field.get("domain") or {}).get("codedValues")
    }
    return rows[0]["run_id"], {field["name"]: field["type"] for field in fields}, codes


def _sources(entry: UtilitySpec) -> list[SourceSpec]:
    held = [spec for spec in entry.sources if spec.holds in ORDER]
    return sorted(held, key=lambda spec: ORDER[spec.holds])


def _before(lake: Lake, entry: UtilitySpec, spec: SourceSpec) -> dict[str, Any]:
    return {each.name: changes.current(lake, each, entry.code, spec.code) for each in of_source(spec.holds)}


def _passed(staged: Any, spec: SourceSpec) -> dict[str, Any]:
    """What passed of stage rows, by dataset."""
    passed = staged.where("reject_check IS NULL")
    if spec.ders is not None:
        return {"ders": passed, "addresses": ders.addresses(passed)}
    if spec.grain != "section":
        return {"records": passed}
    rolled_up = {"records": rollup.feeders(passed, spec)} if spec.rolls_up else {}
    return {"sections": passed} | rolled_up


def _noticed(
    lake: Lake, entry: UtilitySpec, spec: SourceSpec, staged: Any, before: dict[str, Any]
) -> list[Noticed]:
    own = before[next(iter(_passed(staged, spec)))]
    if spec.ders is None:
        if spec.rolls_up:
            own = rollup.with_own_figures(own, before["records"], spec)
        return quality.check(quality.measure(staged, own, spec))
    beside = der_quality.beside(lake, entry.code, spec)
    return der_quality.check(der_quality.measure(staged, own, spec, beside))


def _say(entry: UtilitySpec, spec: SourceSpec, what: str) -> None:
    print(f"{entry.code}/{spec.code}: {what}")  # noqa: T201 - the job's log


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("hcportal-lake", description="Silver and platinum from bronze.")
    parser.add_argument("--lake", required=True, metavar="ROOT", help="the lake whose bronze is read")
    parser.add_argument("--into", required=True, metavar="ROOT", help="the lake that is written")
    parser.add_argument("--env", default="dev", choices=["dev", "qa", "prod"], help="of both (default dev)")
    parser.add_argument("--utility", required=True, metavar="CODE")
    parser.add_argument("--catalog", action="append", default=[], type=Path, metavar="FOLDER", help="further")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    task()
