"""Months made up at a chosen scale: the same each time, dirty in every way, and loaded as they must be."""

import csv
import filecmp
import json
import re
import shutil
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from hosting.iedr_months.chance import Chance
from hosting.iedr_months.forms import HEADERS
from hosting.iedr_months.population import Population
from hosting.models import (
    DER,
    DERAddress,
    FeederDERTotals,
    HCIngestionRun,
    HostingCapacityRecord,
    QuarantinedRow,
)
from tests.conftest import Portal
from tests.hosting.test_file_feeds import ingest
from tests.hosting.test_iedr import add_catalog
from tests.reference import reference

MONTHS = ("2026-01", "2026-02")
FILES = tuple(HEADERS)
CODES = ("circuits", "installed_der", "planned_der")


def made(folder: Path, *words: str) -> Path:
    call_command("generate_iedr", "--dir", str(folder), *words)
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("iedr"), "--scale", "0.3")


def cells(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_seed_gives_the_same_files_and_another_others(small: Path, tmp_path: Path) -> None:
    again = made(tmp_path / "again", "--scale", "0.3", "--months", "1")
    other = made(tmp_path / "other", "--scale", "0.3", "--months", "1", "--seed", "8")
    for name in (*(f"{file}.csv" for file in FILES), "expected.json", "expected_feeders.csv"):
        first = small / MONTHS[0] / name
        assert filecmp.cmp(first, again / MONTHS[0] / name, shallow=False), name
        assert not filecmp.cmp(first, other / MONTHS[0] / name, shallow=False), name


def test_headers_are_those_of_the_files_seen(small: Path) -> None:
    for name in FILES:
        real = (reference("iedr/byte_exact") / f"{name}.csv").read_bytes().split(b"\n")[0]
        ours = (small / MONTHS[0] / f"{name}.csv").read_bytes().split(b"\n")[0]
        assert ours.replace(b'""', b"") == real.rstrip(b"\r")


def test_as_many_rows_as_in_the_files_seen(tmp_path: Path) -> None:
    made(tmp_path / "whole", "--months", "1")
    said = json.loads((tmp_path / "whole" / MONTHS[0] / "expected.json").read_text())
    rows = {f"{code}/{name}": said[code][name]["rows"] for code in said for name in CODES}
    twice = {key: said[key.split("/")[0]][key.split("/")[1]]["quarantined"] for key in rows}
    rows = {key: rows[key] - twice[key].get("Q08", 0) - twice[key].get("Q60", 0) for key in rows}
    assert rows == {
        "utility1/circuits": 64_539, "utility1/installed_der": 13_727, "utility1/planned_der": 1_688,
        "utility2/circuits": 1_909, "utility2/installed_der": 25_537, "utility2/planned_der": 30_957,
    }  # fmt: skip
    assert said["utility1"]["feeders"]["count"] == 267


def test_about_one_row_in_a_hundred_changes_from_month_to_month(small: Path) -> None:
    for name in FILES:
        first, second = ((small / month / f"{name}.csv").read_text().splitlines() for month in MONTHS)
        same = sum((Counter(first) & Counter(second)).values())
        assert 0.97 < same / len(first) < 0.999, name
        assert set(second) - set(first)


def test_every_kind_of_dirt_is_there(small: Path) -> None:
    segments = cells(small / MONTHS[0] / "utility1_circuits.csv")
    installed = cells(small / MONTHS[0] / "utility1_install_der.csv")
    planned = cells(small / MONTHS[0] / "utility2_planned_der.csv")
    for word in ("NULL", "null", ""):
        assert any(row["NYHCPV_csv_FNOTES"] == word for row in segments)
        assert any(row["ProjectCircuitID"] == word for row in installed)
    assert any(row["NYHCPV_csv_NFEEDER"].endswith(".0") for row in segments)
    assert any(row["ProjectID"].startswith("0") for row in installed)
    assert any(row["Circuits_Phase3_CIRCUIT"].startswith("7000") for row in segments)
    assert any("," in row["ProjectCircuitID"] for row in installed)
    highest: dict[str, set[str]] = {}
    for row in segments:
        highest.setdefault(row["NYHCPV_csv_FFEEDER"], set()).add(row["NYHCPV_csv_FMAXHC"])
    assert any(len(values - {"NULL", "null", ""}) > 1 for values in highest.values())
    forms = {re.sub(r"\d+", "9", row["PLANNED_INSTALLATION_DATE"]) for row in planned}
    assert {"9-9-9", "9/9/9", "9/9/9 9:9", "9-9-9 9:9:9+9:9", "9/9/9 9:9:9+9", "NULL"} <= forms
    assert all(
        re.fullmatch(r"\d+/\d+/\d+ \d+:\d\d", row["INTERCONNECTION_QUEUE_POSITION"]) for row in planned
    )
    parts = [name for name in installed[0] if name in HEADERS["utility1_install_der"].split(",")[9:]]
    sums = [sum(Decimal(row[name]) for name in parts) for row in installed]
    assert any(
        row["NamePlateRating"] not in ("NULL", str(total)) for row, total in zip(installed, sums, strict=True)
    )
    assert any(row["Hybrid"] == "Y" and sum(Decimal(row[n]) > 0 for n in parts) == 2 for row in installed)
    ids = {row["ProjectID"] for row in installed}
    assert ids & {row["ProjectID"] for row in cells(small / MONTHS[0] / "utility1_planned_der.csv")}
    addresses = {
        row["SERVICE_STREET_ADDRESS"] for row in cells(small / MONTHS[0] / "utility2_install_der.csv")
    }
    assert any(address.endswith("Example Street") for address in addresses)
    checks: set[str] = set()
    for month in MONTHS:
        said = json.loads((small / month / "expected.json").read_text())
        checks |= {
            check for mine in said.values() for one in mine.values() for check in one.get("quarantined", ())
        }
    assert {"Q08", "Q10", "Q15", "Q27", "Q41", "Q47", "Q60", "Q61"} <= checks


def test_rows_do_not_depend_on_how_they_are_chunked(monkeypatch: pytest.MonkeyPatch) -> None:
    population = Population("rows", 1_000, 0.1, Chance(7))
    whole = [rows.tolist() for rows, _ in population.chunks(3)]
    monkeypatch.setattr("hosting.iedr_months.population.ROWS_A_CHUNK", 77)
    assert [row for rows, _ in population.chunks(3) for row in rows.tolist()] == whole[0]


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    made(tmp_path, "--scale", "0.01", "--months", "1")
    with pytest.raises(CommandError, match="is there already"):
        made(tmp_path, "--scale", "0.01")
    with pytest.raises(CommandError, match="--changes"):
        made(tmp_path / "other", "--changes", "0.9")


@pytest.mark.django_db(transaction=True)
def test_two_months_load_as_they_must(portal: Portal, tmp_path: Path) -> None:
    """Through the command, one month and then the other: all of it as the generator drew it."""
    data = made(tmp_path / "data", "--scale", "0.05")
    later = tmp_path / "later"
    shutil.move(data / MONTHS[1], later)
    add_catalog(portal)
    for month in MONTHS:
        if month == MONTHS[1]:
            shutil.move(later, data / month)
        for code in ("utility1", "utility2"):
            ingest(code, data_dir=data)
        check(data / month)
    assert not DERAddress.objects.exclude(street_address__endswith="Example Street").exists()
    assert DERAddress.objects.exists()


def check(month: Path) -> None:
    said = json.loads((month / "expected.json").read_text())
    for utility, sources in said.items():
        for code in CODES:
            check_source(month.name, utility, code, sources[code])
    read = {(row["utility_code"], row["feeder_id"]): row for row in cells(month / "expected_feeders.csv")}
    records = HostingCapacityRecord.objects.select_related("feeder", "utility")
    assert {(r.utility.utility_code, r.feeder_id_external) for r in records} == set(read)
    totals = FeederDERTotals.objects.in_bulk()
    for record in records:
        assert record.feeder is not None
        check_feeder(
            record, totals[record.feeder.pk], read[record.utility.utility_code, record.feeder_id_external]
        )


def check_source(month: str, utility: str, code: str, said: dict[str, Any]) -> None:
    run = HCIngestionRun.objects.get(
        utility__utility_code=utility, source__code=code, period=f"{month}-01", status="completed"
    )
    assert run.records_fetched == said["rows"], f"{utility}/{code}"
    refused = Counter(QuarantinedRow.objects.filter(run=run).values_list("check_id", flat=True))
    assert refused == said["quarantined"], f"{utility}/{code}"
    if code == "circuits":
        return
    ders = DER.objects.filter(source=run.source)
    assert ders.count() == said["passed"], f"{utility}/{code}"
    assert ders.exclude(unresolved_references="").count() == said["unresolved"], f"{utility}/{code}"
    assert ders.filter(feeder=None).count() == said["without_feeder"], f"{utility}/{code}"
    kilowatts = sum(kw for kw in ders.values_list("nameplate_kw", flat=True) if kw is not None)
    assert kilowatts == Decimal(said["nameplate_kw"]), f"{utility}/{code}"


def check_feeder(record: HostingCapacityRecord, totals: FeederDERTotals, said: dict[str, str]) -> None:
    def number(text: str) -> Decimal | None:
        return Decimal(text) if text else None

    assert record.hosting_capacity_max_mw == number(said["max_hosting_capacity_mw"]), said
    assert record.hosting_capacity_min_mw == number(said["min_hosting_capacity_mw"]), said
    assert str(record.record_date) == said["record_date"], said
    assert (record.section_count or 1) == int(said["section_count"]), said
    for status in ("installed", "planned"):
        assert getattr(totals, f"{status}_count") == int(said[f"{status}_der_count"]), said
        assert getattr(totals, f"{status}_kw") == Decimal(said[f"{status}_der_kw"]), said
