"""Files go the way of every other source: from a folder or an address to what readers see, month by month."""

import functools
import http.server
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from hosting.lake import tables
from hosting.lake_settings import open_lake
from hosting.models import (
    HCIngestionRun,
    HostingCapacityRecord,
    HostingCapacityRecordVersion,
    HostingCapacitySection,
)
from tests.conftest import Portal
from tests.hosting.sources.files.test_shapes import DRIVERS, workbook, written
from utilities.models import Source

pytestmark = pytest.mark.django_db(transaction=True)
NEVER = {"max_row_loss": 1, "max_feeder_change": 10, "max_key_change": 1}


def entry(code: str = "filed", **source: Any) -> dict[str, Any]:
    """A utility with one file of feeders."""
    described = {
        "code": "feeders",
        "title": "Feeders",
        "file": {"name": "feeders.csv", "format": "csv"},
        "geometry": "none",
        "grain": "feeder",
        "key": ["FEEDER"],
        "cadence": "monthly",
        "redistribution": "allowed",
        "fields": {"feeder_id": {"id": "FEEDER"}},
        "figures": [
            {
                "capacity_type": "generation",
                "hosting_capacity_mw": {"kw": {"field": "HC_KW", "not_studied": ["NA"]}},
                "remaining": "hosting",
            }
        ],
        "thresholds": NEVER,
        **source,
    }
    return {
        "code": code,
        "name": "Filed Power",
        "states": ["RI"],
        "timezone": "America/New_York",
        "data_source_type": "csv",
        "synthetic": True,
        "sources": [described],
    }


MONTHLY: dict[str, Any] = {"file": {"name": "feeders.csv", "format": "csv", "monthly": True}}


def rows(folder: Path, *lines: str, head: str = "FEEDER,HC_KW", name: str = "feeders.csv") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join([head, *lines, ""]))
    return folder


def ingest(utility: str = "filed", **options: Any) -> str:
    out = io.StringIO()
    call_command("ingest_hosting_capacity", utility=utility, stdout=out, **options)
    return out.getvalue()


def published() -> dict[str, str]:
    found = HostingCapacityRecord.objects.order_by("feeder_id_external")
    return {row.feeder_id_external: str(row.hosting_capacity_mw or row.capacity_status) for row in found}


def test_a_file_in_a_folder_is_published_and_kept_as_it_was(portal: Portal, tmp_path: Path) -> None:
    portal.add(entry())
    data = rows(tmp_path / "data", "007,1500", "8,NA", "9,")
    told = ingest(data_dir=data)
    assert "published 3 rows; records: 3 added" in told
    assert published() == {"007": "1.50000", "8": "not_studied", "9": "unknown"}
    run = HCIngestionRun.objects.get()
    assert (run.status, run.source_url, run.period) == ("completed", "file:feeders.csv", None)
    import zstandard

    raw = Path(open_lake().path(f"bronze/raw/filed/feeders/{run.pk}.zst")).read_bytes()
    reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(raw), read_across_frames=True)
    assert reader.read() == (data / "feeders.csv").read_bytes()
    assert "unchanged; 3 rows read" in ingest(data_dir=data)


def test_months_are_loaded_oldest_first_each_once_and_history_is_in_their_time(
    portal: Portal, tmp_path: Path
) -> None:
    portal.add(entry(**MONTHLY))
    data = tmp_path / "data"
    rows(data / "2026-02", "F1,2000", "F2,500")
    rows(data / "2026-01", "F1,1000")
    told = ingest(data_dir=data)
    assert told.index("2026-01, run") < told.index("2026-02, run")
    assert [f"{run.period:%Y-%m}" for run in HCIngestionRun.objects.order_by("id")] == ["2026-01", "2026-02"]
    version = HostingCapacityRecordVersion.objects.get()
    assert version.valid_from == datetime(2026, 1, 1, 5, tzinfo=UTC)  # midnight in New York
    assert version.valid_to == datetime(2026, 2, 1, 5, tzinfo=UTC)
    rows(data / "2026-03", "F1,2000", "F2,600")
    assert "2026-03, run" in (told := ingest(data_dir=data))
    assert "2026-02" not in told
    assert published() == {"F1": "2.00000", "F2": "0.60000"}
    before = HCIngestionRun.objects.count()
    assert "unchanged" in ingest(data_dir=data)  # the newest is looked at again, and nothing else
    assert HCIngestionRun.objects.count() == before + 1


def test_an_older_month_again_changes_nothing_and_another_content_of_it_is_refused(
    portal: Portal, tmp_path: Path
) -> None:
    portal.add(entry(**MONTHLY, feed="incremental"))
    data = tmp_path / "data"
    rows(data / "2026-01", "F1,1000", "F2,700")
    rows(data / "2026-02", "F1,2000")
    ingest(data_dir=data)
    assert published() == {"F1": "2.00000", "F2": "0.70000"}
    assert "unchanged" in ingest(data_dir=data, month="2026-01")
    assert published() == {"F1": "2.00000", "F2": "0.70000"}
    rows(data / "2026-01", "F1,9000")
    with pytest.raises(CommandError, match=r"holds other rows than run .* read of 2026-01, and later months"):
        ingest(data_dir=data, month="2026-01")
    rows(data / "2025-12", "F1,3")
    with pytest.raises(CommandError, match="2025-12 comes before 2026-02"):
        ingest(data_dir=data, month="2025-12")
    assert published() == {"F1": "2.00000", "F2": "0.70000"}


def test_months_behind_one_that_failed_wait(portal: Portal, tmp_path: Path) -> None:
    portal.add(entry(**MONTHLY))
    data = tmp_path / "data"
    rows(data / "2026-01", "F1,1000")
    rows(data / "2026-02", "F1,2000,3")
    rows(data / "2026-03", "F1,3000")
    with pytest.raises(CommandError, match=r"file:2026-02/feeders\.csv, line 2 has 3 cells"):
        ingest(data_dir=data)
    assert published() == {"F1": "1.00000"}
    assert [run.status for run in HCIngestionRun.objects.order_by("id")] == ["completed", "failed"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "'feeders' is a file: say with --data-dir DIR where it is"),
        ({"data_dir": Path("/nowhere")}, "There is no folder /nowhere"),
        ({"month": "2026-1"}, "2026-1 is no month; write it like 2026-03"),
        ({"data_dir": Path(), "month": "2026-01"}, "has no months"),
    ],
)
def test_what_is_missing_is_said(portal: Portal, options: dict[str, Any], said: str) -> None:
    portal.add(entry())
    with pytest.raises(CommandError, match=said):
        ingest(**options)
    assert published() == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("FEEDER,HC_KW\nF1,1\nF2", "line 3 has 1 cells"),
        ("FEEDER,CAPACITY\nF1,1\n", "lacks the mapped field 'HC_KW'"),
        ("FEEDER,HC_KW\n", "has no rows"),
        ("", "is empty"),
        ("<html>Sign in</html>", "is a web page"),
    ],
)
def test_of_a_file_that_is_refused_nothing_is_stored(
    portal: Portal, tmp_path: Path, content: str, said: str
) -> None:
    portal.add(entry())
    (tmp_path / "feeders.csv").write_text(content)
    with pytest.raises(CommandError, match=said):
        ingest(data_dir=tmp_path)
    run = HCIngestionRun.objects.get()
    assert run.status == "failed"
    lake = open_lake()
    assert not lake.has_run(tables.BRONZE, "filed", run.pk)
    assert not list(Path(lake.path("bronze/raw/filed/feeders")).glob("*"))


def test_a_dry_run_shows_the_first_rows_of_the_newest_month(portal: Portal, tmp_path: Path) -> None:
    portal.add(entry(**MONTHLY))
    rows(tmp_path / "2026-01", "F1,1000")
    rows(tmp_path / "2026-02", *[f"F{n},{n}" for n in range(1, 9)])
    assert "4 rows fetched" in ingest(data_dir=tmp_path, dry_run=True, limit=4)
    assert HCIngestionRun.objects.count() == 0


def test_a_file_without_an_address_is_never_scheduled_and_all_takes_it_only_with_a_folder(
    portal: Portal, tmp_path: Path
) -> None:
    source = portal.add(entry())
    assert not source.is_scheduled
    with pytest.raises(CommandError, match=r"Nothing to ingest|no source"):
        ingest("all", category="csv")
    rows(tmp_path, "F1,1")
    assert "published 1 rows" in ingest("all", category="csv", data_dir=tmp_path)


def sections(name: str, kind: str, **source: Any) -> dict[str, Any]:
    """A utility with one file of lines, two of which are of feeders of their own."""
    figure = {
        "capacity_type": "generation",
        "hosting_capacity_mw": {"mw": "HC_MW"},
        "remaining": "hosting",
        "rollup": "max",
    }
    described: dict[str, Any] = {"grain": "section", "key": "geometry", "geometry": "polyline"}
    made = entry(file={"name": name, "format": kind}, figures=[figure], **described, **source)
    return made | {"data_source_type": "file"}


@pytest.mark.parametrize(
    ("kind", "place"), [*((kind, "folder") for kind in (*DRIVERS, "kmz")), ("shapefile", "address")]
)
def test_sections_of_each_format_are_rolled_up_like_those_of_a_service(
    portal: Portal, tmp_path: Path, kind: str, place: str
) -> None:
    file = written(tmp_path, "kml" if kind == "kmz" else kind)
    if kind == "kmz":
        kml, file = file, tmp_path / "feeders.kmz"
        with zipfile.ZipFile(file, "w") as zipped:
            zipped.write(kml, "doc.kml")
        kind = "kml"
    if place == "folder":
        portal.add(sections(file.name, kind))
        ingest(data_dir=tmp_path)
    else:
        with web(tmp_path) as address:
            portal.add(sections(file.name, kind, service_url=f"{address}/{file.name}"))
            ingest()
    assert HostingCapacitySection.objects.filter(geometry__isnull=False).count() == 2
    assert published() == {"007": "1.50000", "8": "0.25000"}


@pytest.mark.parametrize("place", ["folder", "address"])
def test_feeders_of_a_workbook_are_published(portal: Portal, tmp_path: Path, place: str) -> None:
    workbook(tmp_path, [["FEEDER", "HC_KW"], ["007", 1500], ["8", "NA"]])
    file = {"name": "feeders.xlsx", "format": "xlsx"}
    with web(tmp_path) as address:
        portal.add(entry(file=file, service_url=f"{address}/feeders.xlsx" if place == "address" else ""))
        ingest(data_dir=tmp_path if place == "folder" else None)
    assert published() == {"007": "1.50000", "8": "not_studied"}


@contextmanager
def web(folder: Path) -> Iterator[str]:
    """A web server of a folder on this machine."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def test_a_file_at_an_address_is_fetched_and_scheduled(portal: Portal, tmp_path: Path) -> None:
    rows(tmp_path, "F1,250")
    with web(tmp_path) as address:
        source: Source = portal.add(entry(service_url=f"{address}/feeders.csv"))
        assert source.is_scheduled
        ingest()
    assert published() == {"F1": "0.25000"}
    assert HCIngestionRun.objects.get().source_url == f"{address}/feeders.csv"
