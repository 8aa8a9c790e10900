"""A dry run shows what would come out, and writes nothing anywhere."""

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from hcportal.errors import MissingField
from hosting.dry_run import dry_run
from tests.conftest import Portal
from tests.layers import entry, write_layer
from utilities.models import Source

Row = dict[str, Any]


def everything(folder: Path) -> tuple[list[tuple[str, list[Any]]], dict[str, tuple[int, int]]]:
    """Every row of every table of ours, and every file with its size and time."""
    rows = []
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')
            rows.append((table, cursor.fetchall()))
    files = {
        str(file.relative_to(folder)): (file.stat().st_size, file.stat().st_mtime_ns)
        for file in folder.rglob("*")
        if file.is_file()
    }
    return rows, files


def rows(count: int) -> list[Row]:
    return [{"section": f"s{n}", "feeder": f"F{n % 3}", "mw": str(n)} for n in range(count)]


@pytest.fixture
def source(portal: Portal) -> Source:
    """A source of 12 sections, of which two are not read."""
    added = portal.add(entry("ours"))
    given = rows(12)
    given[5]["mw"], given[6]["feeder"] = "lots", ""
    write_layer(portal.folder / "recorded", "ours", given)
    return added


def test_it_shows_what_a_run_would_make_of_the_rows(source: Source) -> None:
    result = dry_run(source)
    assert (result.source, result.fetched, result.of) == ("ours/sections", 12, 12)
    assert result.refused == [
        ("Q10", "it names no feeder", 1),
        ("Q27", "not a number: hosting_capacity_mw (field mw)", 1),
    ]
    [figure] = result.statistics
    assert (figure["rows"], figure["feeders"], figure["refused"]) == (12, 3, 2)
    assert figure["hosting_capacity_mw known"] == 11
    assert (figure["hosting_capacity_mw min"], figure["hosting_capacity_mw max"]) == (Decimal(0), Decimal(11))
    assert figure["remaining_capacity_mw known"] == 0
    published, ours = result.sample[1]
    assert '"section":"s1"' in published
    assert (ours["key"], ours["feeder_id"], ours["hosting_capacity_mw"]) == ("s1", "F1", Decimal(1))


def test_it_takes_no_more_rows_than_it_was_asked_for(source: Source) -> None:
    result = dry_run(source, limit=4)
    assert (result.fetched, result.of) == (4, 12)
    assert result.statistics[0]["rows"] == 4


def test_it_writes_nothing_before_the_first_run_and_nothing_after_it(portal: Portal, source: Source) -> None:
    before = everything(portal.folder)
    assert len(before[0]) > len(list(apps.get_models())) / 2
    dry_run(source)
    assert everything(portal.folder) == before
    assert portal.ingest(source).status == "completed"
    after_a_run = everything(portal.folder)
    assert after_a_run != before
    out = io.StringIO()
    call_command("ingest_hosting_capacity", "--utility", "ours", "--dry-run", "--limit", "5", stdout=out)
    assert "ours/sections: 5 of 12 rows fetched; nothing was written." in out.getvalue()
    assert everything(portal.folder) == after_a_run


def test_it_says_what_the_layer_lacks_and_writes_nothing(portal: Portal, source: Source) -> None:
    write_layer(portal.folder / "recorded", "ours", [{"section": "s", "Feeder_": "F", "mw": 1.0}])
    before = everything(portal.folder)
    with pytest.raises(MissingField, match="is it 'Feeder_' now"):
        dry_run(source)
    assert everything(portal.folder) == before
