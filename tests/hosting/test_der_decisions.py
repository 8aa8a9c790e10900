"""DER through the gate: a month that a check holds, approved, rejected, undone, and gone on from.

Months are those of the generator, in the form of both utilities' files: one publishes addresses, the other
the parts of each technology. All that is published of them must be as before, or as the change set says.
"""

import csv
import json
import shutil
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.test import Client

from hosting.approval import approve
from hosting.decisions import reject
from hosting.iedr_months.forms import HEADERS, TECHNOLOGIES
from hosting.lake import tables
from hosting.lake_settings import open_lake
from hosting.models import DER, DERAddress, DERVersion, Feeder, FeederDERTotals, HCIngestionRun
from hosting.rollback import roll_back, what_would_change
from tests.conftest import Portal
from tests.hosting.api.asking import get
from tests.hosting.test_decisions import person
from tests.hosting.test_file_feeds import ingest
from tests.hosting.test_iedr import add_catalog
from tests.hosting.test_iedr_months import MONTHS, cells, made
from tests.hosting.test_interrupted_months import business
from utilities.models import Source

pytestmark = pytest.mark.django_db(transaction=True)
UTILITIES = ("utility1", "utility2")
ALL_MONTHS = (*MONTHS, "2026-03")
KEY = {"utility1": "ProjectID", "utility2": "DER_ID"}
RATING = {"utility1": "NamePlateRating", "utility2": "DER_NAMEPLATE_RATING"}
NEW, MOVED, CHANGED_KW = "NEW-1", "99 Moved Street", "12.5"
# What says when and by which run a row came, and not what it says.
OF_TIME = {"past sections", "past records", "past ders"}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three months, of which those after the first change a row in ten."""
    return made(tmp_path_factory.mktemp("ders"), "--scale", "0.01", "--months", "3", "--changes", "0.1")


class Loaded:
    """A utility whose first month readers see, and of whose second everything but the installed DER."""

    def __init__(self, portal: Portal, code: str, generated: Path, folder: Path) -> None:
        self.code, self.generated, self.folder = code, generated, folder
        add_catalog(portal)
        self.bring(MONTHS[0])
        ingest(code, data_dir=folder)
        self.bring(MONTHS[1])
        ingest(code, source="planned_der", data_dir=folder)
        self.source = Source.objects.get(utility__utility_code=code, code="installed_der")

    def bring(self, month: str) -> None:
        """Put a month's files where they are looked for; the feeders are those of the first month."""
        shutil.copytree(self.generated / month, self.folder / month)
        shutil.copy(self.generated / MONTHS[0] / f"{self.code}_circuits.csv", self.folder / month)

    def file(self, month: str) -> Path:
        return self.folder / month / f"{self.code}_install_der.csv"

    def collapse(self, month: str) -> None:
        """Half of a month's rows are gone; of the others one has moved or changed, and one is new."""
        rows = cells(self.file(month))
        kept = rows[: len(rows) // 2]
        sound = next(row for row in kept if is_sound(self.code, row))
        if self.code == "utility2":
            sound |= {"SERVICE_STREET_ADDRESS": MOVED}
        else:
            sound |= dict.fromkeys(TECHNOLOGIES, "0") | {"Wind": CHANGED_KW, RATING[self.code]: CHANGED_KW}
        write(self.file(month), self.code, [*kept, sound | {KEY[self.code]: NEW}])

    def load(self, month: str) -> HCIngestionRun:
        """Load what of the installed DER was not loaded yet; the run of `month`."""
        try:
            ingest(self.code, source="installed_der", data_dir=self.folder)
        except CommandError as error:
            assert "eld" in str(error)  # noqa: PT017 - held, as the caller sees by the run
        self.source.refresh_from_db()
        return self.source.runs.filter(period=date.fromisoformat(f"{month}-01")).latest("pk")


def is_sound(code: str, row: dict[str, str]) -> bool:
    """Of a nameplate that passes, with an address or a technology."""
    try:
        rated = Decimal(row[RATING[code]]) > 0
    except ArithmeticError:
        return False
    return rated and row.get("SERVICE_STREET_ADDRESS", "x").lower() not in ("", "null")


def write(path: Path, code: str, rows: list[dict[str, str]]) -> None:
    names = HEADERS[f"{code}_install_der"].lstrip("\ufeff").split(",")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(params=UTILITIES)
def loaded(request: pytest.FixtureRequest, portal: Portal, generated: Path, tmp_path: Path) -> Loaded:
    return Loaded(portal, request.param, generated, tmp_path / "data")


def everything(client: Client, code: str) -> dict[str, Any]:
    """All that is published of a utility, by PostgreSQL, API and lake, without the ids of rows and runs."""
    said = {}
    for slug in Feeder.objects.filter(utility__utility_code=code).values_list("slug", flat=True):
        answer = get(client, f"/api/v1/feeders/{code}/{slug}/ders?limit=1000")
        rows = [
            {name: value for name, value in row.items() if name not in ("id", "ingestion_run_id")}
            for row in answer["results"]
        ]
        said[slug] = (sorted(rows, key=repr), answer["totals"])
    assert any(rows for rows, _totals in said.values())
    return business(code) | {"api": said, "details": in_lake(tables.DER_DETAILS, code), "parts": parts(code)}


def in_lake(table: str, code: str) -> list[str]:
    """All of a utility's rows in a table of the lake but the runs that wrote them, in one order."""
    rows = open_lake().delta(table).to_pyarrow_table().to_pylist()
    return sorted(
        json.dumps({k: v for k, v in row.items() if k != "run_id"}, default=str, sort_keys=True)
        for row in rows
        if row["utility_code"] == code
    )


def parts(code: str) -> dict[tuple[str, str], Any]:
    """Each DER's technologies, costs and type."""
    found = DER.objects.filter(utility__utility_code=code)
    return {
        (key, status): rest
        for key, status, *rest in found.values_list(
            "external_id", "status", "technologies", "costs", "der_type"
        )
    }


def without_times(seen: dict[str, Any]) -> dict[str, Any]:
    """The same but for since when it holds, and what was before."""
    current = {name: rows for name, rows in seen.items() if name not in OF_TIME}
    for name in ("sections", "records"):
        current[name] = [row[:4] for row in current[name]]
    current["ders"] = [row[:5] for row in current["ders"]]
    return current


def differs(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The names of what is not the same; none where all is."""
    assert one.keys() == other.keys()
    return [name for name in one if one[name] != other[name]]


def test_a_held_month_of_der_waits_is_rejected_or_is_published_as_it_was_logged(
    client: Client, loaded: Loaded
) -> None:
    code, source = loaded.code, loaded.source
    before, published = everything(client, code), source.published_run_id
    loaded.collapse(MONTHS[1])
    rejected = loaded.load(MONTHS[1])
    assert (rejected.status, rejected.findings.filter(check_id="Q56", severity="B").count()) == ("held", 1)
    assert rejected.counts["ders"]["removed"] > 10
    assert rejected.counts["ders"]["added"] >= 1
    assert differs(everything(client, code), before) == []

    steward = person("steward", source)
    reject(rejected, by=steward, note="half of it is missing")
    rejected.refresh_from_db()
    source.refresh_from_db()
    assert rejected.status == "rejected"
    assert differs(everything(client, code), before) == []
    assert source.published_run_id == source.lake_run_id == published

    held = loaded.load(MONTHS[1])  # it is what they publish, after all
    assert (held.status, held.compared_with) == ("held", rejected.compared_with)
    assert held.counts == rejected.counts
    mine = {"utility_code": code, "source_code": source.code}
    states = {table: rows_of(table, mine) for table in (tables.DERS, tables.ADDRESSES)}
    approve(held, by=steward, note="they were counted twice")
    held.refresh_from_db()
    source.refresh_from_db()
    assert (held.status, source.published_run, source.lake_run) == ("completed", held, held)
    for table, log, dataset in (
        (tables.DERS, tables.DER_CHANGES, "ders"),
        (tables.ADDRESSES, tables.ADDRESS_CHANGES, "addresses"),
    ):
        logged = rows_of(log, mine | {"run_id": held.pk, "dataset": dataset})
        wanted = dict(states[table])
        for key, row in logged.items():
            wanted.pop(key, None)
            if row["operation"] != "removed":
                wanted[key] = {name: row[name] for name in row if name not in ("dataset", "operation")}
        assert rows_of(table, mine) == wanted, table
        counted = dict.fromkeys(("added", "changed", "removed"), 0)
        for row in logged.values():
            counted[row["operation"]] += 1
        assert counted == held.counts[dataset]
    check_postgres_is_the_lake(source)
    check_against_the_file(loaded, MONTHS[1])
    ended = DERVersion.objects.filter(source=source, ended_by_run=held)
    assert ended.count() == held.counts["ders"]["changed"] + held.counts["ders"]["removed"]
    after = everything(client, code)
    assert {"api", "ders", "totals", "feeder_capacity", "der_details"} <= set(differs(after, before))
    assert not {"sections", "records", "past sections", "past records", "sums"} & set(differs(after, before))
    told = str(after["api"])
    assert NEW in told
    if code == "utility2":
        assert DERAddress.objects.get(der__external_id=NEW).street_address == MOVED
        assert MOVED not in told
    else:
        assert DER.objects.get(external_id=NEW).technologies == {"Wind": 12.5}


def test_a_month_of_der_that_was_undone_and_the_months_after_it(client: Client, loaded: Loaded) -> None:
    code, source = loaded.code, loaded.source
    first = source.published_run
    assert first is not None
    january = everything(client, code)
    second = loaded.load(MONTHS[1])
    assert second.status == "completed"
    february = everything(client, code)
    assert {"api", "ders", "totals", "feeder_capacity", "der_details"} <= set(differs(february, january))
    preview = what_would_change(source, first)

    back = roll_back(source, first, note="February was wrong", by=person("steward", source))
    assert differs(without_times(everything(client, code)), without_times(january)) == []
    assert (back.status, back.rollback_of, back.compared_with) == ("completed", first, second)
    assert back.decision_note == "February was wrong"
    assert preview == {name: back.counts[name] for name in ("ders", "addresses")}
    assert sum(preview["ders"].values())
    source.refresh_from_db()
    assert source.published_run == source.lake_run == back
    check_postgres_is_the_lake(source)
    assert DERVersion.objects.filter(ended_by_run=back).count() == (
        preview["ders"]["changed"] + preview["ders"]["removed"]
    )

    forward = roll_back(source, second, note="it was right after all")
    assert differs(without_times(everything(client, code)), without_times(february)) == []
    roll_back(source, first, note="no, it was not")
    assert forward.pk < HCIngestionRun.objects.latest("pk").pk

    loaded.bring(ALL_MONTHS[2])  # February is loaded again with it, and history stays in order
    march = loaded.load(ALL_MONTHS[2])
    assert (march.status, march.source.published_run) == ("completed", march)
    assert loaded.load(MONTHS[1]).pk > forward.pk
    check_postgres_is_the_lake(source)
    check_against_the_file(loaded, ALL_MONTHS[2])
    spans: dict[str, list[Any]] = {}
    for version in DERVersion.objects.filter(source=source).order_by("valid_from", "pk"):
        spans.setdefault(version.external_id, []).append((version.valid_from, version.valid_to))
    for der in DER.objects.filter(source=source):
        spans.setdefault(der.external_id, []).append((der.valid_from, None))
    for key, told in spans.items():
        assert all(until is None or since < until for since, until in told), key
        assert all(one[1] <= other[0] for one, other in pairwise(told)), key


def rows_of(table: str, mine: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Rows of a table of the lake by their key."""
    found = open_lake().delta(table).to_pyarrow_table().to_pylist()
    chosen = [row for row in found if all(row[name] == value for name, value in mine.items())]
    by_key = {row["key"]: row for row in chosen}
    assert len(by_key) == len(chosen)
    return by_key


def check_postgres_is_the_lake(source: Source) -> None:
    """DER, their addresses and their feeders' totals, as the lake has them."""
    mine = {"utility_code": source.utility.utility_code, "source_code": source.code}
    held, addresses = rows_of(tables.DERS, mine), rows_of(tables.ADDRESSES, mine)
    ders = DER.objects.filter(source=source).select_related("feeder")
    assert {der.external_id for der in ders} == held.keys()
    for der in ders:
        row = held[der.external_id]
        assert (der.nameplate_kw, der.ingestion_run_id) == (row["nameplate_kw"], row["run_id"])
        assert (der.feeder.external_id if der.feeder else None) == row["feeder_id"]
        assert der.technologies == json.loads(row["technologies"] or "{}")
    shown = DERAddress.objects.filter(source=source).select_related("der")
    assert {a.der.external_id: a.street_address for a in shown} == {
        key: row["street_address"] for key, row in addresses.items()
    }
    for total in FeederDERTotals.objects.filter(feeder__utility=source.utility):
        on_it = [
            der
            for der in DER.objects.filter(source=source)
            if total.feeder_id in (der.feeder_id, *der.further_feeder_ids)
        ]
        assert total.installed_count == len(on_it)
        assert total.installed_kw == sum(der.nameplate_kw or 0 for der in on_it)
    capacity = open_lake().delta(tables.FEEDER_CAPACITY).to_pyarrow_table().to_pylist()
    counted = {
        total.feeder.external_id: (total.installed_count, total.installed_kw)
        for total in FeederDERTotals.objects.filter(feeder__utility=source.utility).select_related("feeder")
    }
    said = [row for row in capacity if row["utility_code"] == source.utility.utility_code]
    assert said
    for row in said:
        assert (row["installed_der_count"], row["installed_der_kw"]) == counted[row["feeder_id"]]


def check_against_the_file(loaded: Loaded, month: str) -> None:
    """Each row of the month's file that passes is there with its nameplate, address and technologies."""
    code, run = loaded.code, loaded.source
    refused = {"", "null", "NULL"}
    seen: dict[str, dict[str, str]] = {}
    for row in cells(loaded.file(month)):
        # A row that stands there twice counts once; some ids are written as numbers with a point.
        seen.setdefault(row[KEY[code]].removesuffix(".0"), row)
    shown = {der.external_id: der for der in DER.objects.filter(source=run)}
    assert shown.keys() <= seen.keys()
    sound = {key for key, row in seen.items() if is_sound(code, row)}
    assert sound
    assert sound <= shown.keys()
    addresses = dict(DERAddress.objects.filter(source=run).values_list("der__external_id", "street_address"))
    for key in sound:
        row, der = seen[key], shown[key]
        assert der.nameplate_kw == Decimal(row[RATING[code]])
        if code == "utility2":
            assert addresses[key] == row["SERVICE_STREET_ADDRESS"]
        else:
            given = {name: Decimal(row[name]) for name in TECHNOLOGIES if row[name] not in refused}
            assert {name: Decimal(str(kw)) for name, kw in der.technologies.items()} == {
                name: kw for name, kw in given.items() if kw
            }
