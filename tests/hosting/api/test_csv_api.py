"""A utility's records as CSV."""

import csv
import io
from typing import Any

import pytest
from django.test import Client

from hosting.models import HostingCapacityRecord
from tests.factories import make_feeder, make_published_run, make_record, make_source, make_utility
from tests.hosting.api.asking import body, get, pages, problem
from utilities.models import Source

pytestmark = pytest.mark.django_db

ROWS = "/api/v1/utilities/alpha/hosting-capacity"


@pytest.fixture
def source() -> Source:
    """The one published source of alpha."""
    return make_published_run(make_source(make_utility("alpha"), "feeders")).source


def add(source: Source, name: str, **given: Any) -> HostingCapacityRecord:
    return make_record(make_feeder(source.published_run, name), **given)


def table(client: Client, query: str = "?format=csv", **headers: str) -> list[dict[str, str]]:
    answer: Any = client.get(ROWS + query, headers=headers)
    text = body(answer).decode()
    assert answer.status_code == 200, text
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(text, newline="")))


def as_json_has_it(row: dict[str, str]) -> dict[str, Any]:
    """A line of the file, read as a row of JSON would be."""
    numbers = {name for name in row if name.endswith(("_mw", "_kv", "_lat", "_lon"))}
    numbers |= {"id", "ingestion_run_id"}
    words = {"true": True, "false": False, "": None}
    return {
        name: float(cell) if name in numbers and cell else words.get(cell, cell) for name, cell in row.items()
    }


def test_the_file_holds_what_all_pages_hold(client: Client, source: Source) -> None:
    for number in range(7):
        add(source, f"{number:04}", hosting_capacity_mw=number, feeder_name=f'Main "St", {number}\nnorth')
    add(source, "empty", geometry=None, hosting_capacity_mw=None, record_date=None)
    rows = [row for page in pages(client, f"{ROWS}?limit=3") for row in page]
    assert [as_json_has_it(line) for line in table(client)] == rows
    assert list(table(client)[0]) == list(rows[0])


def test_filters_hold_and_a_limit_cuts_short(client: Client, source: Source) -> None:
    for number in range(5):
        add(source, f"f{number}", hosting_capacity_mw=number)
    assert [line["feeder_id_external"] for line in table(client, "?format=csv&min_hosting_mw=2")] == [
        "f2",
        "f3",
        "f4",
    ]
    two = table(client, "?format=csv&limit=2")
    assert [line["feeder_id_external"] for line in two] == ["f0", "f1"]
    after = table(client, f"?format=csv&after={two[-1]['id']}")
    assert [line["feeder_id_external"] for line in after] == ["f2", "f3", "f4"]


def test_accept_asks_for_it_too_and_the_address_goes_before(client: Client, source: Source) -> None:
    add(source, "f")
    assert len(table(client, "", accept="text/csv")) == 1
    assert len(table(client, "?format=csv", accept="application/json")) == 1
    said: Any = client.get(f"{ROWS}?format=json", headers={"accept": "text/csv"})
    assert said["Content-Type"] == "application/json"
    assert "Accept" in said["Vary"]
    assert problem(client, f"{ROWS}?format=xml", 400)["errors"][0]["parameter"] == "format"


def test_no_rows_are_a_line_of_names(client: Client) -> None:
    make_utility("alpha")
    answer = client.get(f"{ROWS}?format=csv")
    assert body(answer).decode().startswith("id,utility_code,synthetic,source,")
    assert table(client) == []


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "＝"])
def test_no_cell_is_a_formula(client: Client, source: Source, start: str) -> None:
    text = f"{start}HYPERLINK(1)"
    add(source, "f", feeder_name=text, substation_name="A-1 = B", hosting_capacity_mw=-1)
    HostingCapacityRecord.objects.update(feeder_id_external=text)
    (line,) = table(client)
    assert line["feeder_name"] == line["feeder_id_external"] == f"'{text}"
    assert (line["substation_name"], line["hosting_capacity_mw"]) == ("A-1 = B", "-1")


def test_whole_files_leave_only_where_the_terms_say_so(client: Client, source: Source) -> None:
    add(source, "f")
    Source.objects.update(redistribution="unknown")
    assert "not exported in bulk" in problem(client, f"{ROWS}?format=csv", 403)["detail"]
    assert len(table(client, "?format=csv&limit=1000")) == 1
    assert len(table(client, "?format=csv&bbox=-71.5,41.7,-71.1,42.1")) == 1
    Source.objects.update(redistribution="display_only")
    assert "display only" in problem(client, f"{ROWS}?format=csv&limit=1", 403)["detail"]


def test_what_is_left_out_is_said_in_a_header(client: Client, source: Source) -> None:
    add(source, "open")
    shown = make_published_run(make_source(source.utility, "shown", redistribution="display_only")).source
    add(shown, "closed")
    assert [line["feeder_id_external"] for line in table(client)] == ["open"]
    answer: Any = client.get(f"{ROWS}?format=csv")
    assert body(answer)
    assert answer["X-Withheld"] == "alpha/shown; records=1"
    assert answer["Content-Disposition"] == 'attachment; filename="alpha-hosting-capacity.csv"'


def test_its_version_is_its_own(client: Client, source: Source) -> None:
    add(source, "f")
    rows, file = client.get(ROWS), client.get(ROWS, headers={"accept": "text/csv"})
    assert body(file)
    assert rows["ETag"] != file["ETag"]
    held = {"if-none-match": file["ETag"]}
    assert client.get(ROWS, headers=held | {"accept": "text/csv"}).status_code == 304
    assert client.get(ROWS, headers=held).status_code == 200
    head: Any = client.head(ROWS, headers={"accept": "text/csv"})
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", file["ETag"])


def test_the_whole_file_is_one_query(client: Client, source: Source, django_assert_num_queries: Any) -> None:
    add(source, "f")
    with django_assert_num_queries(2):  # which sources, and COPY
        assert len(table(client)) == 1


def test_rows_and_file_agree_where_nothing_was_published(client: Client, source: Source) -> None:
    add(source, "f", installed_dg_mw=None, constraining_metric=None)
    (line,), (row,) = table(client), get(client, ROWS)["results"]
    assert [name for name, cell in line.items() if not cell] == [
        name for name, value in row.items() if value is None
    ]
