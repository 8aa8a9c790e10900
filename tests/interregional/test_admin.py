"""The admin of flows."""

from pathlib import Path

import pytest
from django.test import Client

from interregional.defaults import CURRENT, DAILY, ensure_defaults
from interregional.ingest import load_file
from interregional.models import FlowFinding, FlowRun, FlowSource, Interface
from tests.factories import make_user
from tests.interregional.files import HEADER, as_file, real_day, row, utc

pytestmark = pytest.mark.django_db


@pytest.fixture
def loaded(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(real_day())
    load_file(path)
    path.write_bytes(f"{HEADER}\r\n07/01/2026 08:00,A,1,500,100,-100\r\nno row\r\n".encode())
    load_file(path)
    path.write_bytes(as_file([row(utc("2017-11-22 05:00"), 23330, "1.5", "CENTRAL EAST - VC")]))
    load_file(path)


@pytest.mark.parametrize(
    "name", ["flowsource", "interface", "flowrun", "flowfinding", "quarantinedflow", "flowrevision"]
)
def test_every_list_and_its_rows_open(client: Client, loaded: None, name: str) -> None:
    from django.apps import apps

    client.force_login(make_user("viewer"))
    assert client.get(f"/admin/interregional/{name}/").status_code == 200
    rows = list(apps.get_model("interregional", name)._default_manager.all()[:3])
    assert rows
    for found in rows:
        assert client.get(f"/admin/interregional/{name}/{found.pk}/change/").status_code == 200


def test_gaps_stand_by_day(client: Client, loaded: None) -> None:
    client.force_login(make_user("viewer"))
    page = client.get("/admin/interregional/flowsource/gaps/").content.decode()
    assert "nothing stored" in page
    assert "0 of 288" in page


def test_an_operator_pulls_and_a_viewer_does_not(client: Client, db: None) -> None:
    address = f"/admin/interregional/flowsource/{FlowSource.objects.get(code=CURRENT).pk}/"
    client.force_login(make_user("viewer"))
    assert "Pull now" not in client.get(f"{address}change/").content.decode()
    assert client.post(f"{address}pull/").status_code == 403
    client.force_login(make_user("operator"))
    assert "Pull now" in client.get(f"{address}change/").content.decode()
    assert client.get(f"{address}pull/").status_code == 403
    said = client.post(f"{address}pull/", follow=True).content.decode()
    assert "handed to the worker" in said


def test_without_a_queue_it_is_said_that_nothing_was_started(
    client: Client, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    from hcportal.celery import app

    client.force_login(make_user("operator"))
    pk = FlowSource.objects.get(code=DAILY).pk
    nowhere = "redis://127.0.0.1:1/0"
    with app.connection_for_write(nowhere) as broken, monkeypatch.context() as patched:
        patched.setattr(app.conf, "broker_write_url", nowhere)
        patched.setattr(app, "_pool", None)
        patched.setattr(app.amqp, "_producer_pool", None)
        said = client.post(f"/admin/interregional/flowsource/{pk}/pull/", follow=True).content.decode()
        assert broken
    assert "does not answer, so nothing was started" in said
    assert not FlowRun.objects.exists()


@pytest.mark.parametrize(
    ("templates", "said"),
    [
        ('["http://example.com/{YYYY}.csv"]', "not encrypted"),
        ('["https://example.com/{DAY}.csv"]', "is no placeholder"),
        ('["ftp://example.com/x.csv"]', "not an https address"),
        ('"https://example.com/x.csv"', "Give a list"),
        (f'["https://example.com/{"x" * 500}/{{YYYY}}.csv"]', "more than 400 characters"),
    ],
)
def test_an_address_that_cannot_be_is_refused(client: Client, db: None, templates: str, said: str) -> None:
    client.force_login(make_user("operator"))
    source = FlowSource.objects.get(code=DAILY)
    form = {
        "title": source.title, "url_templates": templates, "archive_templates": "[]",
        "frequency_minutes": 60, "is_enabled": "on", "attribution": "x",
    }  # fmt: skip
    page = client.post(f"/admin/interregional/flowsource/{source.pk}/change/", form)
    assert page.status_code == 200
    assert said in page.content.decode()
    form["url_templates"] = '["https://example.com/{YYYYMMDD}.csv"]'
    assert client.post(f"/admin/interregional/flowsource/{source.pk}/change/", form).status_code == 302


@pytest.mark.parametrize(
    ("code", "templates"),
    [
        (CURRENT, '["https://example.com/{YYYYMMDD}.csv"]'),
        (CURRENT, '["https://example.com/now.csv", "https://example.com/{YYYYMMDD}.csv"]'),
        (CURRENT, "[]"),
        (DAILY, '["https://example.com/now.csv"]'),
        (DAILY, "[]"),
    ],
)
def test_a_source_of_days_stays_one_and_so_does_the_one_of_the_moment(
    client: Client, db: None, code: str, templates: str
) -> None:
    client.force_login(make_user("operator"))
    source = FlowSource.objects.get(code=code)
    form = {
        "title": source.title, "url_templates": templates, "archive_templates": "[]",
        "frequency_minutes": 60, "is_enabled": "on", "attribution": "x",
    }  # fmt: skip
    page = client.post(f"/admin/interregional/flowsource/{source.pk}/change/", form)
    assert page.status_code == 200
    assert "Addresses of this source" in page.content.decode()
    source.refresh_from_db()
    assert source.is_static is (code == CURRENT)


def test_quebec_import_and_export_is_in_no_total_whoever_ticks_it(client: Client, db: None) -> None:
    client.force_login(make_user("operator"))
    overlap = Interface.objects.get(point_id=325376)
    form = {
        "label": overlap.label,
        "region": "quebec",
        "is_external": "on",
        "is_summed": "on",
        "landing_zone": "",
    }
    form |= {"names-TOTAL_FORMS": "0", "names-INITIAL_FORMS": "0"}
    address = f"/admin/interregional/interface/{overlap.pk}/change/"
    page = client.post(address, form)
    assert page.status_code == 200
    assert "it is in no total" in page.content.decode()
    del form["is_summed"]
    assert client.post(address, form).status_code == 302


def test_what_was_edited_stays_and_the_rest_follows_a_release(db: None) -> None:
    FlowSource.objects.filter(code=CURRENT).update(url_templates=["https://example.com/now.csv"])
    Interface.objects.filter(point_id=23316).update(label="Ours", made_from={"label": "Older"})
    Interface.objects.filter(point_id=23317).update(label="Older", made_from={"label": "Older"})
    ensure_defaults()
    assert FlowSource.objects.get(code=CURRENT).url_templates == ["https://example.com/now.csv"]
    assert Interface.objects.get(point_id=23316).label == "Ours"
    assert Interface.objects.get(point_id=23317).label == "Ontario ties"


def test_findings_are_kept_with_their_rows(loaded: None) -> None:
    found = {finding.kind for finding in FlowFinding.objects.all()}
    assert found >= {"gap", "off_grid", "outside_limit", "unreadable_row", "unknown_interface"}
