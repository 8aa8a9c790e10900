"""The pages of changes: who changed when, what closed and opened, the difference of two runs or days."""

from decimal import Decimal
from pathlib import Path

import pytest
from django.test import Client

from hosting.models import HCIngestionRun
from tests.conftest import Portal
from tests.hosting.test_file_feeds import ingest, rows
from tests.hosting.test_gate import serve
from tests.hosting.test_interrupted_months import entry as monthly
from tests.hosting.views.reading import get, make_published, read
from tests.layers import FREE, entry
from utilities.models import Source

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = {"F1": 3.0, "F2": 0.2, "F3": 4.0, "F4": 1.0, "F5": 2.0}
AFTER = {"F1": 0.4, "F2": 5.0, "F3": 4.5, "F4": 1.0, "F6": 9.0}


@pytest.fixture
def runs(portal: Portal) -> list[HCIngestionRun]:
    """Two publications: F1 closes, F2 opens, F3 moves, F5 goes, F6 comes."""
    source = portal.add(entry("ours", thresholds=FREE, redistribution="allowed"))
    found = []
    for state in (BEFORE, AFTER):
        serve(portal, [{"section": name, "feeder": name, "mw": mw} for name, mw in state.items()])
        found.append(portal.ingest(source))
        assert found[-1].status == "completed", found[-1].error_message
    return found


def test_the_latest_publications_say_how_much_changed(client: Client, runs: list[HCIngestionRun]) -> None:
    html = get(client, "/changes/")
    assert 'aria-current="page">Changes</a>' in html
    said = read(client, "/changes/")
    assert f"run {runs[1].pk} ours for a test Synthetic Sections 1 3 1 1 1" in said
    assert f"run {runs[0].pk} ours for a test Synthetic Sections first publication, 5 records" in said
    assert f'href="/changes/ours/?from_run={runs[0].pk}&amp;to_run={runs[1].pk}"' in html
    assert "fell to 0.5 MW or below" in said


def test_a_utilitys_page_opens_on_its_last_refresh(client: Client, runs: list[HCIngestionRun]) -> None:
    said = read(client, "/changes/ours/")
    assert f"Sections: run {runs[0].pk} to run {runs[1].pk}" in said
    for part in (
        "Added 1 records",
        "Changed 3 records",
        "Removed 1 records",
        "Closed 1 fell to 0.5 MW or below",
        "Opened 1 rose above 0.5 MW",
    ):
        assert part in said, part
    closed, opened = said.index("Closed Feeder"), said.index("Opened Feeder")
    most, every = said.index("Largest movements"), said.index("Every change")
    assert "F1 Generation, hosting 3.00 MW 0.40 MW \u22122.60 MW" in said[closed:opened]
    assert "F2 Generation, hosting 0.20 MW 5.00 MW 4.80 MW" in said[opened:most]
    assert said[most:every].index("F2") < said[most:every].index("F1") < said[most:every].index("F3")
    assert "F3 Generation changed hosting capacity max mw: 4 → 4.5" in said[every:]
    assert "F6 Generation added" in said[every:]
    assert "F5 Generation removed" in said[every:]
    html = get(client, "/changes/ours/")
    asked = f"dataset=records&amp;from_run={runs[0].pk}&amp;to_run={runs[1].pk}&amp;format=csv"
    assert f'href="/api/v1/utilities/ours/changes?{asked}"' in html
    assert 'href="/feeders/ours/f1/"' in html
    lower = read(client, f"/changes/ours/?from_run={runs[0].pk}&to_run={runs[1].pk}&threshold=0.3")
    assert "Closed 0 fell to 0.3 MW or below" in lower


def test_days_are_compared_and_what_cannot_be_is_said(client: Client, runs: list[HCIngestionRun]) -> None:
    said = read(client, "/changes/ours/?from=2025-01-01")
    assert "From the end of 2025-01-01" in said
    assert "Added 5 records" in said
    assert "Nothing differs" in read(client, "/changes/ours/?from=2025-01-01&to=2025-01-02")
    for query, why in {
        "from=soon": "Give two days",
        "from=2999-01-01": "to come",
        "from=2025-02-01&to=2025-01-01": "The earlier day comes first.",
        "from_run=1": "not two published runs",
        f"from_run={runs[1].pk}&to_run={runs[0].pk}": "not two published runs",
        "from_run=99999999999999999999&to_run=x": "Sections: run",  # no numbers: the last refresh
        "from=%00": "Give two days",
        "threshold=nan": "0.5 MW or below",
        "threshold=lots": "0.5 MW or below",
    }.items():
        assert why in read(client, f"/changes/ours/?{query}"), query


def test_what_terms_do_not_let_leave_is_shown_and_has_no_file(
    client: Client, runs: list[HCIngestionRun]
) -> None:
    Source.objects.update(redistribution="display_only")
    html = get(client, "/changes/ours/")
    assert "F1" in html
    assert "format=csv" not in html
    Source.objects.update(redistribution="forbidden")
    assert "F1" not in read(client, "/changes/ours/")
    assert "Nothing has been published yet" in read(client, "/changes/")


def test_empty_states_say_why(client: Client) -> None:
    assert "Nothing has been published yet" in read(client, "/changes/")
    make_published("ours")
    assert "Nothing to compare yet" in read(client, "/changes/ours/")
    assert client.get("/changes/nobody/").status_code == 404


def test_a_rollback_is_a_publication_of_its_own(client: Client, runs: list[HCIngestionRun]) -> None:
    from hosting.rollback import roll_back

    back = roll_back(runs[0].source, runs[0], note="x")
    said = read(client, "/changes/")
    assert f"run {back.pk}, rolled back to run {runs[0].pk}" in said
    nothing = read(client, f"/changes/ours/?from_run={runs[0].pk}&to_run={back.pk}")
    assert "Nothing differs between these two states." in nothing
    assert Decimal(back.counts["records"]["changed"]) == 3


def test_a_month_of_der_is_compared_as_der(client: Client, portal: Portal, tmp_path: Path) -> None:
    ders = monthly("ours")
    portal.add(ders | {"sources": ders["sources"][1:]})
    months = (["D1,5,F1,", "D2,6,F1,", "D3,7,F1,"], ["D1,5,F1,", "D2,60,F1,", "D4,8,F1,"])
    for number, lines in enumerate(months, 1):
        rows(tmp_path / f"2026-0{number}", *lines, head="ID,KW,ON,ADDRESS", name="ders.csv")
    ingest("ours", data_dir=tmp_path)
    every = read(client, "/changes/")
    assert "Installed DER 1 1 1 — —" in every
    assert "Installed DER first publication, 3 DER" in every
    said = read(client, "/changes/ours/")
    for part in (
        "Added 1 DER",
        "Changed 1 DER",
        "Removed 1 DER",
        "D2 installed changed nameplate kw: 6 → 60",
    ):
        assert part in said, part
    assert "fell to 0.5 MW or below" not in said
    assert "?dataset=ders&amp;from_run=" in get(client, "/changes/ours/")
    days = read(client, "/changes/ours/?from=2026-01-31")
    assert "of its DER, 1 added, 1 changed, 1 removed" in days
