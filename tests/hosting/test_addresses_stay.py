"""Personal addresses, with a word in each that stands nowhere else: who sees it, and that nobody else does.

Two utilities publish DER with addresses, in rows that pass, are refused, lead nowhere or come twice, in files
that cannot be read, in months that are published, held and tried. Then every address of the portal is opened
by everybody, and everything that the portal has written down is read.
"""

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import redis
from django.conf import settings
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from hosting import trials
from hosting.lake import tables, upkeep
from hosting.lake_settings import open_lake
from hosting.models import DERAddress, Finding, HCIngestionRun, QuarantinedRow, RunStatus, Trial
from interregional.ingest import load_file
from tests import factories as make
from tests.conftest import Portal
from tests.hosting.api.asking import body
from tests.hosting.test_admin import ROWS
from tests.hosting.test_file_feeds import ingest, rows
from tests.hosting.test_interrupted_months import entry as with_ders
from tests.hosting.test_months import sections_entry, shapes
from tests.hosting.walking import BY_POST, addresses, patterns
from tests.interregional.files import HEADER, as_file, real_day, row, utc
from utilities.models import Source

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
OURS, THEIRS = "Zq7oursq", "Zq7theirsq"  # the words
CODES = {"marked": OURS, "other": THEIRS}
HEAD = "ID,KW,ON,ADDRESS"
# Bronze is what was published; these two tables are the steward's.
HOLD_ADDRESSES = (tables.ADDRESSES, tables.ADDRESS_CHANGES)
ADDRESS_PAGES = {"admin/hosting/deraddress/", "admin/hosting/deraddress/<path:object_id>/change/"}


def ders(word: str, road: str = "Lane") -> list[str]:
    """Rows of every kind, each with an address."""
    return [
        f"d1,7.6,F1,1 {word} {road}",
        f'd2,12,F2,"Flat ""{word}"" \\ {road}"',
        f"d3,many,F1,3 {word} {road}",  # refused
        f"d4,-1,F2,4 {word} {road}",  # refused
        f"d5,5,X9,5 {word} {road}",  # leads nowhere
        f'd6,5,"F1,F2","6"",""KW"":""{word}"',  # looks like the field after it
        f"d7,9000000,F1,7 {word} {road}",  # more than any plant has
        f'd8,8,,"8 {word}\n{road}"',
        f"d9,9,F1,{'9' * 350} {word}",  # longer than its column
        f"d10,10,F2,10 {word} Straße",
        f"d11,,F2,11 {word} {road}",  # of no nameplate
        f"d1,8,F1,12 {word} {road}",  # twice
        f",8,F1,13 {word} {road}",  # of no key
        *(f"e{n},{n}.5,F1,{n} {word} {road}" for n in range(20)),
    ]


def entry(code: str) -> dict[str, Any]:
    described = sections_entry(code)
    installed = with_ders(code)["sources"][1]
    return described | {"sources": [*described["sources"], installed | {"thresholds": {}}]}


BROKEN = {
    "a quote that is not closed": f'd1,5,F1,"1 {THEIRS} Lane'.encode(),
    "cells without a column": f"d1,5,F1,1 {THEIRS} Lane,{THEIRS},6".encode(),
    "bytes that are no UTF-8": f"d1,5,F1,1 {THEIRS} ".encode() + b"\xff\xfe Lane",
    "nothing that passes": f"d1,many,F1,1 {THEIRS} Lane".encode(),
    "a zero byte": f"d1,5,F1,1 {THEIRS}\0 Lane".encode(),
    "no heading": f"d2,5,F1,2 {THEIRS} Lane".encode(),
}


@pytest.fixture
def said(portal: Portal, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Months of both utilities, of every outcome; what commands and logs said of them."""
    caplog.set_level(logging.INFO)
    heard = []

    def load(code: str, folder: Path, **options: Any) -> None:
        try:
            heard.append(ingest(code, data_dir=folder, **options))
        except CommandError as error:
            heard.append(str(error))

    for number, (code, word) in enumerate(CODES.items()):
        portal.add(entry(code))
        data = tmp_path / "data" / code
        shapes(data, 1)
        if code == "other":
            for reason, line in BROKEN.items():
                month = rows(tmp_path / "data" / reason / "2026-01", name="ders.csv", head=HEAD)
                head = HEAD if reason != "no heading" else f"d1,5,F1,1 {THEIRS} Lane"
                (month / "ders.csv").write_bytes(f"{head}\n".encode() + line + b"\n")
                load(code, tmp_path / "data" / reason, source="installed_der")
        rows(data / "2026-01", *ders(word), head=HEAD, name="ders.csv")
        load(code, data, dry_run=True)
        load(code, data)
        shapes(data, 2)
        rows(data / "2026-02", *ders(word, "Road")[2 + number :], head=HEAD, name="ders.csv")
        load(code, data)
        rows(data / "2026-03", *ders(word, "Alley")[:10], head=HEAD, name="ders.csv")
        load(code, data)
        heard.append(str(HCIngestionRun.objects.latest("pk").error_message))
        load(code, data, dry_run=True, source="installed_der", limit=5)
        source = Source.objects.get(utility__utility_code=code, code="installed_der")
        trial = Trial.objects.create(
            kind="dry_run", source=source, started_by=make.make_user("operator"),
            asked_at=timezone.now(), expires_at=timezone.now() + timedelta(days=1),
        )  # fmt: skip
        trials.carry_out(trial.pk)
    done = portal.python(
        "manage.py", "ingest_hosting_capacity", "--utility", "other",
        "--data-dir", str(tmp_path / "data" / "bytes that are no UTF-8"), "--force", "--month", "2026-01",
    )  # fmt: skip
    heard += [done.stdout, done.stderr, caplog.text]
    return heard


def everything_else(tmp_path: Path) -> None:
    """A row of every model that has none, so that its pages are there; flows, too."""
    file = tmp_path / "flows.csv"
    for content in (
        real_day(),
        f"{HEADER}\r\n07/01/2026 08:00,A,1,500,100,-100\r\nno row\r\n".encode(),
        as_file([row(utc("2017-11-22 05:00"), 23330, "1.5", "CENTRAL EAST - VC")]),
    ):
        file.write_bytes(content)
        load_file(file)
    for model, made in ROWS.items():
        if not model._default_manager.exists():
            made()


@pytest.fixture
def people(said: list[str], tmp_path: Path) -> dict[str, Client]:
    """Everybody, signed in; stewards are named for a utility each."""
    everything_else(tmp_path)
    found = {"nobody": Client()}
    for who in ("viewer", "operator", "admin", "steward", "foreign steward", "superuser"):
        group = who.removeprefix("foreign ")
        someone = make.make_user(superuser=True) if who == "superuser" else make.make_user(group)
        if group == "steward":
            code = "marked" if who == "steward" else "other"
            Source.objects.filter(utility__utility_code=code)[0].utility.stewards.add(someone)
        found[who] = Client()
        found[who].force_login(someone)
    return found


def test_no_page_shows_an_address_but_to_its_steward(people: dict[str, Client]) -> None:
    every = patterns()
    filled = {pattern: addresses(pattern) for pattern in every}
    statuses: dict[str, set[int]] = {pattern: set() for pattern in every}
    seen: dict[str, set[tuple[str, str]]] = {who: set() for who in people}
    wrong: list[tuple[int, str]] = []
    visits, said_to_all = 0, [a for p, found in filled.items() if not p.startswith("admin/") for a in found]
    for who, client in people.items():
        for pattern, where in filled.items():
            if not pattern.startswith("admin/") and who not in ("nobody", "steward"):
                continue  # they look the same to everybody
            for address in where:
                answer = client.get(address)
                text = (body(answer).decode(errors="replace") + str(answer.headers)).casefold()
                visits += 1
                statuses[pattern].add(answer.status_code)
                if not pattern.startswith("admin/") and answer.status_code not in (200, 204):
                    wrong.append((answer.status_code, address))
                for word in (OURS, THEIRS):
                    if word.casefold() in text:
                        seen[who].add((pattern, word))
    nobody: dict[str, set[tuple[str, str]]] = {who: set() for who in people}
    assert seen == nobody | {
        "steward": {(page, OURS) for page in ADDRESS_PAGES},
        "foreign steward": {(page, THEIRS) for page in ADDRESS_PAGES},
        "superuser": {(page, word) for page in ADDRESS_PAGES for word in (OURS, THEIRS)},
    }
    unlike = {
        pattern: got
        for pattern, got in statuses.items()
        if not got & wanted(pattern) or any(status >= 500 for status in got)
    }
    # No layer has every zoom, no feeder every day, and not each value fits the others.
    faults = [
        (status, address)
        for status, address in wrong
        if status != 400 and not (status == 404 and ("/tiles/" in address or "as_of=" in address))
    ]
    assert (unlike, faults) == ({}, [])
    assert len(wrong) * 5 < 2 * len(said_to_all), wrong
    assert visits > sum(map(len, filled.values())) > 500
    assert sum(len(where) for pattern, where in filled.items() if pattern.startswith("api/")) > 100


def wanted(pattern: str) -> set[int]:
    """How a page answers at least one of them, where it is a page."""
    if pattern.endswith(BY_POST):
        return {403, 405}
    if "(?P<url>" in pattern:
        return {404}
    if pattern.endswith("/<path:object_id>/") or pattern.startswith("admin/r/"):
        return {302}
    # What the pipeline made is neither added nor deleted by hand.
    return {200, 403} if pattern.endswith(("/add/", "/delete/")) else {200}


def test_every_model_of_the_admin_has_rows_that_are_opened(people: dict[str, Client]) -> None:
    for model in admin.site._registry:
        assert model._default_manager.exists(), model
    outcomes = set(HCIngestionRun.objects.values_list("status", flat=True))
    assert {RunStatus.COMPLETED, RunStatus.HELD, RunStatus.FAILED} <= outcomes
    for code in CODES:
        of_utility = {"run__utility__utility_code": code}
        assert {"Q27", "Q61"} <= set(
            QuarantinedRow.objects.filter(**of_utility).values_list("check_id", flat=True)
        )
        shown = Finding.objects.filter(**of_utility).exclude(examples=[])
        assert {"Q27", "Q59", "Q61"} <= set(shown.values_list("check_id", flat=True))
        assert DERAddress.objects.filter(der__utility__utility_code=code).count() > 20
    notices = QuarantinedRow.objects.filter(attributes__ADDRESS="(address withheld)")
    assert notices.count() == QuarantinedRow.objects.filter(attributes__has_key="ADDRESS").count() > 5


def test_nothing_that_is_written_down_holds_an_address_but_its_own_tables_and_bronze(
    portal: Portal, said: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    call_command("maintain_lake")
    printed = capfd.readouterr()
    for text in (*said, printed.out, printed.err):
        assert not words_in(text), text
    assert any("eld for a person" in text for text in said)
    assert not words_in(" ".join(HCIngestionRun.objects.values_list("error_message", flat=True)))
    assert HCIngestionRun.objects.filter(status="failed").exclude(error_message="").count() >= 2
    assert {table for table in tables_of_the_database() if words_in(whole_table(table))} == {
        "hosting_deraddress"
    }
    lake = open_lake()
    made = upkeep.made(lake)
    assert len(made) > 12
    holding = {table for table in made if words_in(repr(lake.delta(table).to_pyarrow_table().to_pylist()))}
    assert holding == {tables.BRONZE, *HOLD_ADDRESSES}
    for file in files_beside(portal, lake.path("")):
        assert not words_in(content(file)), file
    server = redis.Redis.from_url(settings.CACHES["default"]["LOCATION"])
    for key in server.scan_iter():
        kind = server.type(key)
        value = server.get(key) if kind == b"string" else server.dump(key)
        assert not words_in(repr((key, value))), key


def words_in(text: str) -> set[str]:
    return {word for word in (OURS, THEIRS) if word.casefold() in text.casefold()}


def tables_of_the_database() -> list[str]:
    with connection.cursor() as cursor:
        return list(connection.introspection.table_names(cursor))


def whole_table(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT t::text FROM "{table}" t WHERE t::text ILIKE %s LIMIT 3', ["%Zq7%"])
        return repr(cursor.fetchall())


def files_beside(portal: Portal, lake: str) -> Iterator[Path]:
    """All files of the portal but what publishers sent, bronze, and the tables of addresses."""
    hidden = [portal.folder / "data", Path(lake, "bronze"), *(Path(lake, table) for table in HOLD_ADDRESSES)]
    # A stage is dropped when its run ends, and its files go with the retention of all versions.
    hidden.append(Path(lake, tables.DER_STAGE))
    for file in portal.folder.rglob("*"):
        if file.is_file() and not any(file.is_relative_to(folder) for folder in hidden):
            yield file


def content(file: Path) -> str:
    if file.suffix == ".parquet":
        return repr(pq.read_table(file, partitioning=None).to_pylist())
    return file.read_bytes().decode(errors="replace")
