"""New York's monthly files, as they come: segments and feeders, and the DER that refer to them."""

import csv
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from hosting.lake import tables
from hosting.lake_settings import open_lake
from hosting.models import (
    DER,
    DERAddress,
    Finding,
    HCIngestionRun,
    HostingCapacityRecord,
    HostingCapacitySection,
    QuarantinedRow,
)
from tests.conftest import Portal
from tests.hosting.test_file_feeds import ingest
from tests.reference import reference
from utilities.catalog_files import OWN_CATALOG
from utilities.sync import sync_catalog

pytestmark = pytest.mark.django_db(transaction=True)
FILES = {"circuits": "circuits", "install_der": "installed_der", "planned_der": "planned_der"}


def month(folder: Path, source: Path, suffix: str, name: str = "2022-10") -> Path:
    """The six files of a month, under their own names."""
    (folder / name).mkdir(parents=True)
    for utility in ("utility1", "utility2"):
        for kind in FILES:
            shutil.copy(source / f"{utility}_{kind}{suffix}", folder / name / f"{utility}_{kind}.csv")
    return folder


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def add_catalog(portal: Portal) -> None:
    for code in ("utility1", "utility2"):
        shutil.copy(OWN_CATALOG / f"{code}.yaml", portal.folder / "catalog")
    sync_catalog()


@pytest.fixture(params=[("iedr", ".first5.csv"), ("iedr/byte_exact", ".csv")], ids=["first5", "byte_exact"])
def loaded(request: pytest.FixtureRequest, portal: Portal, tmp_path: Path) -> Path:
    """A month of both utilities as it was seen, loaded; the folder of its files."""
    folder, suffix = request.param
    data = month(tmp_path / "data", reference(folder), suffix)
    add_catalog(portal)
    ingest("utility1", data_dir=data)
    ingest("utility2", data_dir=data)
    return data / "2022-10"


def test_every_row_is_loaded_or_quarantined_with_a_reason_or_unresolved_and_listed(loaded: Path) -> None:
    for utility in ("utility1", "utility2"):
        for kind, code in FILES.items():
            rows = len(lines(loaded / f"{utility}_{kind}.csv"))
            run = HCIngestionRun.objects.get(utility__utility_code=utility, source__code=code)
            assert (run.status, run.records_fetched, run.period) == ("completed", rows, date(2022, 10, 1))
            refused = QuarantinedRow.objects.filter(run=run)
            assert not refused.filter(reason="").exists()
            assert kept(run) + refused.count() == rows
            lost = DER.objects.filter(source=run.source).exclude(unresolved_references="")
            found = Finding.objects.filter(run=run, check_id="Q59").first()
            assert (found.count if found else 0) == lost.count()
            assert {row["key"] for row in (found.examples if found else [])} == {
                der.external_id for der in lost
            }
    check_against_the_files(loaded)
    check_that_addresses_are_kept_apart(loaded)
    check_the_platinum_tables()


def kept(run: HCIngestionRun) -> int:
    """The run's rows that readers see."""
    if "ders" in run.config_json:
        return DER.objects.filter(source=run.source).count()
    sections = HostingCapacitySection.objects.filter(source=run.source).count()
    return sections or HostingCapacityRecord.objects.filter(source=run.source).count()


def said(text: str) -> str | None:
    return None if text.strip().lower() in ("", "null") else text.strip()


def check_against_the_files(folder: Path) -> None:
    """Feeders and DER as worked out from the files, without anything of ours."""
    segments = lines(folder / "utility1_circuits.csv")
    by_feeder: dict[str, list[dict[str, str]]] = {}
    for row in segments:
        by_feeder.setdefault(row["NYHCPV_csv_NFEEDER"], []).append(row)
    records = {r.feeder_id_external: r for r in HostingCapacityRecord.objects.filter(grain="section")}
    assert records.keys() == by_feeder.keys()
    for feeder, rows in by_feeder.items():
        highest = max(Decimal(row["NYHCPV_csv_FMAXHC"]) for row in rows)
        lowest = min(Decimal(row["NYHCPV_csv_FMINHC"]) for row in rows)
        record = records[feeder]
        assert (record.hosting_capacity_mw, record.hosting_capacity_min_mw) == (highest, lowest)
        assert (record.hosting_capacity_max_mw, record.section_count) == (highest, len(rows))
        assert record.record_date == date(2022, 10, 15)
    known = {"utility1": {row["NYHCPV_csv_NFEEDER"]: row["NYHCPV_csv_NFEEDER"] for row in segments}}
    known["utility1"] |= {row["Circuits_Phase3_CIRCUIT"]: row["NYHCPV_csv_NFEEDER"] for row in segments}
    feeders = [row["Master_CDF"] for row in lines(folder / "utility2_circuits.csv")]
    known["utility2"] = dict(zip(feeders, feeders, strict=True))
    for utility, kind, key, rating, reference_field in (
        ("utility1", "install_der", "ProjectID", "NamePlateRating", "ProjectCircuitID"),
        ("utility1", "planned_der", "ProjectID", "NamePlateRating", "ProjectCircuitID"),
        ("utility2", "install_der", "DER_ID", "DER_NAMEPLATE_RATING", "DER_INTERCONNECTION_LOCATION"),
        (
            "utility2",
            "planned_der",
            "INTERCONNECTION_QUEUE_REQUEST_ID",
            "DER_NAMEPLATE_RATING",
            "DER_INTERCONNECTION_LOCATION",
        ),
    ):
        for row in lines(folder / f"{utility}_{kind}.csv"):
            rated, name = said(row[rating]), said(row[reference_field])
            status = "installed" if kind == "install_der" else "planned"
            der = DER.objects.filter(
                utility__utility_code=utility, external_id=row[key], status=status
            ).first()
            if rated is not None and Decimal(rated) <= 0:
                assert der is None
                assert QuarantinedRow.objects.filter(key=row[key], check_id="Q61").exists()
                continue
            assert der is not None
            assert der.nameplate_kw == (Decimal(rated) if rated else None)
            assert der.feeder_reference == (name or "")
            assert (der.feeder.external_id if der.feeder else None) == known[utility].get(name or "")
            assert bool(der.unresolved_references) == bool(name and name not in known[utility])


def check_that_addresses_are_kept_apart(folder: Path) -> None:
    published = {
        row["DER_ID"]: row["SERVICE_STREET_ADDRESS"]
        for row in lines(folder / "utility2_install_der.csv")
        if said(row["SERVICE_STREET_ADDRESS"])
    }
    assert {a.der.external_id: a.street_address for a in DERAddress.objects.all()} == published


def test_a_dry_run_shows_der_and_no_address(portal: Portal, tmp_path: Path) -> None:
    data = tmp_path / "data" / "2022-10"
    data.mkdir(parents=True)
    (data / "utility2_install_der.csv").write_text(
        "DER_ID,SERVICE_STREET_ADDRESS,DER_TYPE,DER_NAMEPLATE_RATING,DER_INTERCONNECTION_LOCATION,"
        "INTERCONNECTION_COST\n1,9 Example Street,Solar,7.6,36_13_81757,0\n2,null,Solar,-1,,0\n"
    )
    add_catalog(portal)
    told = ingest("utility2", source="installed_der", data_dir=tmp_path / "data", dry_run=True)
    assert "nameplate_kw=7.600" in told
    assert "installed DER: 2 rows on 0 feeders, 1 refused" in told
    assert "(address withheld)" in told.replace("\n", "")  # lines are wrapped
    assert "Example Street" not in told
    assert not DER.objects.exists()


def test_a_month_like_the_one_before_is_not_held(portal: Portal, tmp_path: Path) -> None:
    """The feeder's own figure is far above that of its segments; only one segment changes."""
    head = (reference("iedr/byte_exact") / "utility1_circuits.csv").read_text().splitlines()[0]
    for month_name, changed in (("2022-10", "0.2"), ("2022-11", "0.3")):
        rows = [
            f"{n},{n},3,O,ABC,{n},{n},4.8,{changed if n == 1 else 0.2},A,{n},4.8,{n + 2},0.1,2022-10-15,,1"
            for n in range(30)
        ]
        folder = tmp_path / "data" / month_name
        folder.mkdir(parents=True)
        (folder / "utility1_circuits.csv").write_text("\n".join([head, *rows, ""]))
    add_catalog(portal)
    told = ingest("utility1", source="circuits", data_dir=tmp_path / "data")
    assert "2022-11, run" in told
    assert "sections: 1 changed" in told
    assert HostingCapacityRecord.objects.get(feeder_id_external="29").hosting_capacity_mw == 31


def check_the_platinum_tables() -> None:
    """Read by an engine that did not write them."""
    lake = open_lake()
    capacity = lake.delta(tables.FEEDER_CAPACITY).to_pyarrow_table().to_pylist()
    details = lake.delta(tables.DER_DETAILS).to_pyarrow_table().to_pylist()
    for row in capacity:
        for status in ("installed", "planned"):
            mine = [
                der
                for der in details
                if (der["utility_code"], der["feeder_id"], der["status"])
                == (row["utility_code"], row["feeder_id"], status)
            ]
            assert row[f"{status}_der_count"] == len(mine)
            assert row[f"{status}_der_kw"] == sum(der["nameplate_kw"] for der in mine)
    assert {row["feeder_id"] for row in capacity} == set(
        HostingCapacityRecord.objects.values_list("feeder_id_external", flat=True)
    )
    assert len(details) == DER.objects.count()
