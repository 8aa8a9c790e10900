"""The list of DER whose feeder is not known: which rows, for whom, and as a file."""

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from hosting.models import DER
from tests import factories as make
from tests.hosting.api.asking import body
from utilities.models import Utility

pytestmark = pytest.mark.django_db
LIST = "/admin/hosting/unresolvedder/"
FILE = f"{LIST}csv/"
LOST = {"unresolved_references": '["F-9"]', "feeder_reference": "F-9"}


def lost(feeder: Any, **given: Any) -> DER:
    der = make.make_der(feeder, **(LOST | given))
    DER.objects.filter(pk=der.pk).update(feeder=None)
    return der


@pytest.fixture
def utility() -> Utility:
    """One with a DER that leads to its feeder, and one of each kind that does not."""
    feeder = make.make_feeder(make.make_run(make.make_source(make.make_utility("alpha"), "ders")), "F-1")
    make.make_der(feeder, external_id="found", feeder_reference="F-1")
    lost(feeder, external_id="nowhere", address="12 Secret Lane")
    lost(feeder, external_id="without", feeder_reference="", unresolved_references="", status="planned")
    make.make_der(feeder, external_id="in part", feeder_reference="F-1;F-8", unresolved_references='["F-8"]')
    return feeder.utility


@pytest.fixture
def elsewhere() -> Utility:
    feeder = make.make_feeder(make.make_run(make.make_source(make.make_utility("beta"))))
    lost(feeder, external_id="of beta")
    return feeder.utility


def sign_in(client: Client, group: str = "", *of: Utility) -> None:
    person = make.make_user(*[group] if group else [], superuser=not group)
    for one in of:
        one.stewards.add(person)
    client.force_login(person)


def ids(client: Client, query: str = "", status: int = 200) -> list[str]:
    """Those of the file; the list has the same, each on a line of its own."""
    answer: Any = client.get(FILE + query)
    assert answer.status_code == status
    assert answer.streaming
    found = [row["external_id"] for row in csv.DictReader(io.StringIO(body(answer).decode()))]
    shown = client.get(LIST + query).content.decode()
    assert shown.count('<th class="field-external_id">') == min(len(found), 50)
    for name in found[:50]:
        assert f">{name}</a>" in shown
    return found


def test_it_has_the_der_whose_reference_leads_to_no_feeder_wholly_or_in_part(
    client: Client, utility: Utility, elsewhere: Utility
) -> None:
    sign_in(client)
    assert ids(client) == ["nowhere", "in part", "without", "of beta"]
    page = client.get(LIST).content.decode()
    for said in ("F-1;F-8", ">F-8<", "none published", "7.6&thinsp;kW", ">ders<", f"{utility}</a>"):
        assert said in page, said


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?utility=alpha", ["nowhere", "in part", "without"]),
        ("?utility=beta", ["of beta"]),
        ("?utility=gamma", []),
        ("?status__exact=planned", ["without"]),
        ("?reference=in_part", ["in part"]),
        ("?reference=none", ["without"]),
        ("?reference=nowhere", ["nowhere", "of beta"]),
        ("?q=no", ["nowhere"]),
        ("?q=f-8", ["in part"]),
        ("?q=found", []),
        ("?utility=alpha&status__exact=installed&q=F-9&p=1", ["nowhere"]),
    ],
)
@pytest.mark.usefixtures("utility", "elsewhere")
def test_it_can_be_filtered_and_searched_and_the_file_likewise(
    client: Client, query: str, expected: list[str]
) -> None:
    sign_in(client)
    assert ids(client, query) == expected


def test_a_steward_sees_their_own_utilities_alone(
    client: Client, utility: Utility, elsewhere: Utility
) -> None:
    sign_in(client, "steward", utility)
    assert ids(client) == ["nowhere", "in part", "without"]
    assert ids(client, "?utility=beta") == []
    page = client.get(LIST).content.decode()
    assert str(elsewhere) not in page
    beta = DER.objects.get(external_id="of beta")
    mine = DER.objects.get(external_id="nowhere")
    assert client.get(f"{LIST}{mine.pk}/change/").status_code == 200
    assert client.get(f"{LIST}{beta.pk}/change/").status_code in (302, 403)


@pytest.mark.usefixtures("elsewhere")
def test_admins_see_all_utilities(client: Client, utility: Utility) -> None:
    sign_in(client, "admin")
    assert len(ids(client)) == 4


@pytest.mark.parametrize("group", ["viewer", "operator", "steward"])
def test_others_and_stewards_of_nothing_are_refused_and_see_no_link(
    client: Client, utility: Utility, group: str
) -> None:
    run = DER.objects.filter(utility=utility).first().ingestion_run  # type: ignore[union-attr]
    make.make_finding(run, check_id="Q59")
    # Being named is not enough without the group, and the group not without being named.
    sign_in(client, group, *([] if group == "steward" else [utility]))
    for where in (LIST, FILE):
        assert client.get(where).status_code == 403
    assert LIST not in client.get("/admin/").content.decode()
    assert LIST not in client.get(f"/admin/hosting/hcingestionrun/{run.pk}/change/").content.decode()


def test_nobody_without_signing_in(client: Client, utility: Utility) -> None:
    for where in (LIST, FILE):
        assert client.get(where).status_code == 302


def test_the_first_screen_and_the_page_of_a_run_that_found_it_lead_there(
    client: Client, utility: Utility, elsewhere: Utility
) -> None:
    run = DER.objects.filter(utility=utility).first().ingestion_run  # type: ignore[union-attr]
    page = f"/admin/hosting/hcingestionrun/{run.pk}/change/"
    link = f'href="{LIST}?utility=alpha"'
    sign_in(client, "steward", utility)
    assert f'<a href="{LIST}">DER whose feeder is not known</a>: 3<' in client.get("/admin/").content.decode()
    assert link not in client.get(page).content.decode()
    make.make_finding(run, check_id="Q59")
    assert link in client.get(page).content.decode()
    type(run).objects.update(status="held")
    assert link in client.get(page).content.decode()
    sign_in(client, "steward", elsewhere)
    assert link not in client.get(page).content.decode()


def test_the_file_is_whole_streamed_and_has_no_address(client: Client, utility: Utility) -> None:
    feeder = make.make_feeder(make.make_run(make.make_source(make.make_utility("many"))))
    DER.objects.bulk_create(
        DER(
            **LOST,
            utility=feeder.utility,
            source=feeder.last_seen.source,
            ingestion_run=feeder.last_seen,
            external_id=f"D{number:05}",
            status="installed",
            valid_from=make.NOON,
        )
        for number in range(3000)
    )
    sign_in(client)
    answer: Any = client.get(FILE)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    pieces = list(answer.streaming_content)
    assert len(pieces) > 2, "it is not gathered into one"
    text = b"".join(pieces).decode()
    assert "Secret" not in text
    assert "Secret" not in client.get(f"{LIST}?utility=alpha").content.decode()
    assert "address" not in text.partition("\n")[0]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len({row["id"] for row in rows}) == 3003
    [row] = [row for row in rows if row["external_id"] == "in part"]
    assert row["feeder_reference"] == "F-1;F-8"
    assert (row["unresolved_references"], row["feeder"]) == ('["F-8"]', "F-1")
    assert (row["utility_code"], row["source"], row["nameplate_kw"]) == ("alpha", "ders", "7.6")
    assert row["since"].startswith("2026-")


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", " ="])
def test_no_cell_of_the_file_is_a_formula(client: Client, utility: Utility, sign: str) -> None:
    evil = f"{sign}HYPERLINK(0)"
    DER.objects.filter(external_id="nowhere").update(
        external_id=f"{sign}1",
        feeder_reference=evil,
        der_type=evil,
        project_status=evil,
        queue_request_id=evil,
    )
    sign_in(client)
    [row] = [
        row
        for row in csv.DictReader(io.StringIO(body(client.get(FILE)).decode()))
        if row["status"] == "installed" and not row["feeder"]
    ]
    assert row["external_id"] == f"'{sign}1"
    for name in ("feeder_reference", "der_type", "project_status", "queue_request_id"):
        assert row[name] == f"'{evil}"


def test_where_there_is_nothing_it_says_why(client: Client) -> None:
    sign_in(client)
    page = client.get(LIST).content.decode()
    assert "Nothing to look into" in page
    assert FILE not in page
    assert "No DER that was searched for or filtered" in client.get(f"{LIST}?q=x").content.decode()
    assert "whose feeder is not known</a>: none<" in client.get("/admin/").content.decode()


def test_a_filter_that_cannot_be_leads_back_to_the_list(client: Client, utility: Utility) -> None:
    sign_in(client)
    answer = client.get(f"{FILE}?status__exact=planned&p=nonsense")
    assert answer.status_code in (200, 302)
    assert client.get(f"{FILE}?address__street_address=1").status_code == 400


def test_a_page_of_it_comes_from_its_index(client: Client, utility: Utility) -> None:
    sign_in(client, "steward", utility)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        with CaptureQueriesContext(connection) as asked:
            client.get(f"{LIST}?utility=alpha&status__exact=installed")
        [page] = [
            one["sql"]
            for one in asked.captured_queries
            if "LIMIT 50" in one["sql"] or ("external_id" in one["sql"] and "ORDER BY" in one["sql"])
        ]
        cursor.execute("EXPLAIN " + page)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "der_unresolved" in plan
    assert "Sort" not in plan
