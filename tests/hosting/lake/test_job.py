"""The lake's wheel, built and installed apart, makes silver and platinum on the embedded engine."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from deltalake import DeltaTable, write_deltalake

from hosting.lake import bronze, job, tables
from hosting.lake.store import Lake
from tests.conftest import ROOT
from tests.hosting.lake.test_bronze import Page
from tests.layers import entry

BUNDLE = ROOT / "databricks" / "databricks.yml"


def store(root: Path, run: int, megawatts: dict[str, float]) -> None:
    """Bronze of a run: sections of one feeder."""
    layer = (
        '{"fields": ['
        + ", ".join(
            f'{{"name": "{name}", "type": "esriFieldTypeString"}}' for name in ("section", "feeder", "mw")
        )
        + "]}"
    )
    shape = bytes.fromhex("010200000002000000") + bytes(32)
    texts = [f'{{"section": "{key}", "feeder": "F1", "mw": "{mw}"}}' for key, mw in megawatts.items()]
    page = Page(list(range(1, len(texts) + 1)), texts, [shape] * len(texts), b"{}")
    origin = bronze.Origin("ours", "sections", run, "https://gis.example.org/FeatureServer/0", layer)
    bronze.store(Lake(root=str(root)), iter([page]), origin)


def rows(root: Path, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = DeltaTable(root / "dev" / table).to_pyarrow_table().to_pylist()
    return sorted(found, key=lambda row: (str(row.get("key")), row["run_id"]))


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "ours.yaml").write_text(yaml.safe_dump(entry("ours")))
    return tmp_path / "catalog"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's packages, in a folder of their own."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # building leaves files in the folder that is built
    source.mkdir()
    for name in ("accounts", "hcportal", "hosting", "interregional", "utilities"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip("wheel", ".", "--no-deps", "--wheel-dir", str(folder / "dist"), cwd=source)
    [wheel] = (folder / "dist").glob("*.whl")
    pip("install", "--no-deps", "--target", str(folder / "site"), str(wheel), cwd=folder)
    return folder / "site"


def pip(*words: str, cwd: Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *words]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def run(site: Path, tmp_path: Path, catalog: Path) -> "subprocess.CompletedProcess[str]":
    program = site / "bin" / "hcportal-lake"
    words = [f"--lake={tmp_path / 'lake'}", f"--into={tmp_path / 'into'}", "--env=dev", "--utility=ours"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO")}
    return subprocess.run(
        [sys.executable, str(program), *words, f"--catalog={catalog}"],
        env=environment | {"PYTHONPATH": str(site)},
        cwd=tmp_path,  # not the project's folder: only what the wheel holds is found
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_the_wheel_brings_a_lake_to_the_latest_bronze(installed: Path, catalog: Path, tmp_path: Path) -> None:
    store(tmp_path / "lake", 1, {"a": 1.5, "b": 2.5, "c": 4})
    done = run(installed, tmp_path, catalog)
    assert done.returncode == 0, done.stderr
    assert '"sections": {"added": 3, "changed": 0, "removed": 0}' in done.stdout
    [capacity] = rows(tmp_path / "into", tables.FEEDER_CAPACITY)
    assert (capacity["feeder_id"], float(capacity["max_hosting_capacity_mw"])) == ("F1", 4)

    store(tmp_path / "lake", 2, {"a": 1.5, "b": 3, "c": 4})
    assert run(installed, tmp_path, catalog).returncode == 0
    again = run(installed, tmp_path, catalog)  # and once more, which changes nothing
    assert again.returncode == 0, again.stderr
    assert [float(row["hosting_capacity_mw"]) for row in rows(tmp_path / "into", tables.SECTIONS)] == [
        1.5,
        3,
        4,
    ]
    assert {row["run_id"] for row in rows(tmp_path / "into", tables.SECTIONS)} == {1, 2}


def test_a_job_that_was_ended_while_it_logged_logs_anew(catalog: Path, tmp_path: Path) -> None:
    words = [f"--lake={tmp_path / 'lake'}", f"--into={tmp_path / 'into'}", f"--catalog={catalog}"]
    store(tmp_path / "lake", 1, {"a": 1.5, "b": 2.5, "c": 4})
    into = Lake(root=str(tmp_path / "into"))
    half = {"utility_code": "ours", "run_id": 1, "source_code": "sections", "dataset": "sections"}
    half |= {"operation": "added", "key": "a", "capacity_type": "generation", "variant": "default"}
    write_deltalake(
        into.delta(tables.CHANGES),
        pa.Table.from_pylist([half], schema=tables.SCHEMAS[tables.CHANGES]),
        mode="append",
    )
    assert job.main([*words, "--utility=ours"]) == 0
    logged = [row for row in rows(tmp_path / "into", tables.CHANGES) if row["dataset"] == "sections"]
    assert sorted(row["key"] for row in logged) == ["a", "b", "c"]
    assert len(rows(tmp_path / "into", tables.SECTIONS)) == 3


def test_a_check_holds_the_job_and_the_lake_stays_as_it_was(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"--lake={tmp_path / 'lake'}", f"--into={tmp_path / 'into'}", f"--catalog={catalog}"]
    store(tmp_path / "lake", 1, {f"s{number}": 2 for number in range(40)})
    assert job.main([*words, "--utility=ours"]) == 0
    store(tmp_path / "lake", 2, {f"s{number}": 2 for number in range(10)})
    assert job.main([*words, "--utility=ours"]) == 3
    assert "run 2 is held: " in capsys.readouterr().out
    assert len(rows(tmp_path / "into", tables.SECTIONS)) == 40


def test_the_lake_that_is_read_is_never_written(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"--lake={tmp_path / 'lake'}", f"--catalog={catalog}"]
    assert job.main([*words, f"--into={tmp_path / 'lake'}/", "--utility=ours"]) == 1
    assert "--into names the lake that is read from" in capsys.readouterr().err
    assert job.main([*words, f"--into={tmp_path / 'into'}", "--utility=nobody"]) == 1
    assert "The catalog has no utility 'nobody'" in capsys.readouterr().err


def test_the_bundle_names_what_there_is() -> None:
    bundle = yaml.safe_load(BUNDLE.read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [task] = bundle["resources"]["jobs"]["lake"]["tasks"]
    wheel = task["python_wheel_task"]
    assert wheel["package_name"] == project["name"]
    assert wheel["entry_point"] in project["scripts"]
    assert (BUNDLE.parent / bundle["artifacts"]["wheel"]["path"] / "pyproject.toml").exists()
    assert set(bundle["targets"]) == {"dev", "qa", "prod"}
    used = set(re.findall(r"\$\{var\.(\w+)\}", BUNDLE.read_text()))
    assert used == set(bundle["variables"])
    clusters = {one["job_cluster_key"] for one in bundle["resources"]["jobs"]["lake"]["job_clusters"]}
    assert task["job_cluster_key"] in clusters
    filled = [re.sub(r"\$\{[^}]*\}|\{\{[^}]*\}\}", "dev", word) for word in wheel["parameters"]]
    assert vars(job._options(filled))["utility"] == "dev"
