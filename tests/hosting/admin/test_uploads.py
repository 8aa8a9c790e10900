"""Monthly files uploaded in the admin: the same rows as by the command; nothing is kept of those refused."""

import hashlib
import io
import os
import signal
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from hcportal.celery import app
from hosting import trials
from hosting.locks import advisory_lock, is_held, source_lock
from hosting.models import (
    DER,
    DERAddress,
    DERVersion,
    HCIngestionRun,
    HostingCapacityRecord,
    HostingCapacityRecordVersion,
    HostingCapacitySection,
    HostingCapacitySectionVersion,
    QuarantinedRow,
    Trial,
)
from hosting.reconcile import reconcile_all
from hosting.uploads import folders
from hosting.uploads.receiving import cleaned
from tests import factories as make
from tests.conftest import Portal
from tests.hosting.admin.test_trials import outcome
from tests.hosting.admin.working import ended, wait_until, worker
from tests.hosting.test_file_feeds import MONTHLY, entry, ingest, rows
from tests.hosting.test_iedr import add_catalog
from tests.hosting.test_iedr_months import MONTHS, made
from utilities.models import Source, Utility
from utilities.sync import sync_catalog

pytestmark = pytest.mark.django_db(transaction=True)
Answer = Any  # what Django's test client gives
PEOPLE = ("viewer", "steward", "foreign steward", "operator", "admin", "superuser")
MAY = {"operator", "admin", "superuser"}
GOOD = b"FEEDER,HC_KW\nF1,1000\nF2,500\n"
FILES = {"circuits": "circuits", "installed_der": "install_der", "planned_der": "planned_der"}


@pytest.fixture
def uploads(portal: Portal, settings: Settings) -> Path:
    """Where uploaded files wait, for this process and for the worker's."""
    app.control.purge()
    settings.HCP_UPLOADS = portal.folder / "uploads"
    return portal.folder / "uploads"


@pytest.fixture
def source(portal: Portal, uploads: Path) -> Source:
    return portal.add(entry(**MONTHLY))


@pytest.fixture
def operator(client: Client, source: Source) -> User:
    person = make.make_user("operator", username="ada")
    client.force_login(person)
    return person


def page(utility: Utility) -> str:
    return reverse("admin:utilities_utility_upload", args=[utility.pk])


def send(
    client: Client,
    source: Source,
    content: bytes | None = GOOD,
    *,
    month: str = "2026-03",
    name: str = "march.csv",
    **more: Any,
) -> Answer:
    """Post the form with the file of one source."""
    file = {} if content is None else {f"file-{source.code}": SimpleUploadedFile(name, content)}
    answer: Answer = client.post(page(source.utility), {"month": month, **file, **more})
    return answer


def send_named(client: Client, source: Source, name: str) -> Answer:
    """Post a good file under any name: Django's test client would leave only the last part of it."""
    parts = {"month": ("", b"2026-03"), f"file-{source.code}": (f'; filename="{name}"', GOOD)}
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{field}"{more}\r\n\r\n'.encode() + content + b"\r\n"
        for field, (more, content) in parts.items()
    )
    kind = "multipart/form-data; boundary=x"
    answer: Answer = client.generic("POST", page(source.utility), body + b"--x--\r\n", content_type=kind)
    return answer


def left(uploads: Path) -> list[Path]:
    return sorted(uploads.rglob("*")) if uploads.exists() else []


def refused(answer: Answer, sentence: str, uploads: Path) -> None:
    """The form again with the sentence; nothing was stored and nothing began."""
    assert answer.status_code == 400
    assert sentence in " ".join(answer.content.decode().split()), answer.content.decode()
    assert left(uploads) == []
    assert not Trial.objects.exists()
    assert not HCIngestionRun.objects.filter(started_by__isnull=False).exists()


# --- The same as by the command ---


TABLES = {
    HostingCapacityRecord: ("utility__utility_code", "feeder_id_external"),
    HostingCapacityRecordVersion: ("utility__utility_code", "feeder_id_external", "valid_from"),
    HostingCapacitySection: ("utility__utility_code", "key"),
    HostingCapacitySectionVersion: ("utility__utility_code", "key", "valid_from"),
    DER: ("utility__utility_code", "status", "external_id", "feeder__external_id"),
    DERVersion: ("utility__utility_code", "status", "external_id", "valid_from"),
    DERAddress: ("der__external_id",),
}
OWN = {"id", "ingestion_run", "ended_by_run", "source", "utility", "feeder", "der", "substation"}
OWN |= {"record_id", "section_id", "der_id", "further_feeder_ids"}


def state() -> dict[str, Any]:
    """All that readers see, its history, and what each run counted: without the numbers of rows and runs."""
    found: dict[str, Any] = {}
    for model, order in TABLES.items():
        columns = [one.name for one in model._meta.concrete_fields if one.name not in OWN]
        found[model.__name__] = list(
            model._default_manager.order_by(*order, *columns).values_list(*order, *columns)
        )
    counted = (
        "source__code",
        "period",
        "status",
        "records_fetched",
        "records_written",
        "counts",
        "content_sha256",
    )
    runs = HCIngestionRun.objects.order_by("utility__utility_code", "period", "source__code")
    found["runs"] = list(runs.values_list("utility__utility_code", *counted))
    refusals = QuarantinedRow.objects.order_by("source__utility__utility_code", "key", "check_id")
    found["quarantined"] = list(refusals.values_list("source__utility__utility_code", "key", "check_id"))
    return found


def test_two_months_through_the_form_end_in_what_the_command_makes_of_them(
    portal: Portal, uploads: Path, client: Client, tmp_path: Path, settings: Settings, django_db_blocker: Any
) -> None:
    data = made(tmp_path / "data", "--scale", "0.02")
    add_catalog(portal)
    client.force_login(make.make_user("operator", username="ada"))
    with worker(portal):
        for month in MONTHS:
            for code in ("utility1", "utility2"):
                utility = Utility.objects.get(utility_code=code)
                sent: dict[str, Any] = {"month": month}
                for source, kind in FILES.items():
                    content = (data / month / f"{code}_{kind}.csv").read_bytes()
                    sent[f"file-{source}"] = SimpleUploadedFile(f"{kind} of {month}.csv", content)
                answer = client.post(page(utility), sent)
                assert answer.status_code == 302, answer.content.decode()
                trial = ended(Trial.objects.get(utility=utility, options__month=month))
                assert trial.status == "done", (trial.error, trial.result)
                check_page(client, trial, data / month, code)
    assert left(uploads) == []
    uploaded = state()
    assert all(
        uploaded[name] for name in ("HostingCapacityRecord", "DER", "DERVersion", "DERAddress", "quarantined")
    )
    assert set(HCIngestionRun.objects.values_list("started_by__username", flat=True)) == {"ada"}

    start_anew(portal, settings, tmp_path)
    for code in ("utility1", "utility2"):
        ingest(code, data_dir=data)
    by_command = state()
    for name, found in uploaded.items():
        assert found == by_command[name], name


def start_anew(portal: Portal, settings: Settings, tmp_path: Path) -> None:
    """An empty database and lake, with the catalog."""
    from django.core.management import call_command

    call_command("flush", interactive=False, verbosity=0)
    settings.HCP_LAKE = str(tmp_path / "second-lake")
    sync_catalog()


def check_page(client: Client, trial: Trial, data: Path, code: str) -> None:
    """The trial's page says of each file what became of it and where it is from."""
    shown = client.get(reverse("admin:hosting_trial_change", args=[trial.pk])).content.decode()
    for source, kind in FILES.items():
        run = HCIngestionRun.objects.get(
            utility__utility_code=code, source__code=source, period=f"{trial.options['month']}-01"
        )
        assert f"{trial.options['month']}, run {run.pk})." in shown
        assert reverse("admin:hosting_hcingestionrun_change", args=[run.pk]) in shown
        content = (data / f"{code}_{kind}.csv").read_bytes()
        assert hashlib.sha256(content).hexdigest() in shown
        assert f"{kind} of {trial.options['month']}.csv" in shown
        assert f"{len(content):,}" in shown
    assert shown.count('class="state good">loaded') == 3


def test_a_file_is_kept_apart_while_it_waits_and_gone_when_the_trial_has_ended(
    portal: Portal, source: Source, operator: User, uploads: Path, client: Client
) -> None:
    answer = send_named(client, source, "..\\..\\x\u202e/evil\x07 name.csv")
    trial = Trial.objects.get()
    assert answer.headers["Location"] == reverse("admin:hosting_trial_change", args=[trial.pk])
    [folder, month, file] = left(uploads)
    assert (month.name, file.name) == ("2026-03", "feeders.csv")
    assert folder.name == trial.options["folder"]
    assert len(folder.name) == 32
    assert [one.stat().st_mode & 0o777 for one in (uploads, folder, month, file)] == [
        0o700,
        0o700,
        0o700,
        0o600,
    ]
    assert trial.options["files"] == [
        {
            "source": "feeders",
            "title": "Feeders",
            "name": "evil name.csv",
            "bytes": len(GOOD),
            "sha256": hashlib.sha256(GOOD).hexdigest(),
            "lines": 3,
        }
    ]
    trials.settle()
    assert reconcile_all() == []
    assert file.read_bytes() == GOOD, "kept while the trial is open"
    assert trials.carry_out(trial.pk) == "done"
    assert left(uploads) == []
    assert HostingCapacityRecord.objects.count() == 2


def test_the_form_offers_the_next_month_and_lists_what_is_loaded(
    source: Source, operator: User, client: Client, tmp_path: Path
) -> None:
    today = timezone.localdate()
    before = date(today.year - (today.month == 1), (today.month - 2) % 12 + 1, 1)
    shown = client.get(page(source.utility)).content.decode()
    assert f'value="{before:%Y-%m}"' in shown
    assert "No month is loaded yet." in shown
    assert "feeders.csv" in shown
    ingest(data_dir=rows(tmp_path / "data" / "2025-12", "F1,1").parent)
    run = HCIngestionRun.objects.get()
    shown = client.get(page(source.utility)).content.decode()
    assert 'value="2026-01"' in shown
    assert '<th scope="row">2025-12</th>' in shown
    assert "Last loaded: 2025-12, 1 rows," in shown
    assert f"run {run.pk}" in shown


# --- Who may ---


@pytest.mark.parametrize("who", PEOPLE)
def test_who_may_start_ingests_may_upload_and_the_others_see_no_way_to(
    client: Client, source: Source, uploads: Path, who: str
) -> None:
    person = make.make_user(
        *([] if who == "superuser" else [who.removeprefix("foreign ")]), superuser=who == "superuser"
    )
    if who == "steward":
        source.utility.stewards.add(person)
    elif who == "foreign steward":
        make.make_utility().stewards.add(person)
    client.force_login(person)
    where = page(source.utility)
    of_utility = client.get(
        reverse("admin:utilities_utility_change", args=[source.utility.pk])
    ).content.decode()
    of_source = client.get(reverse("admin:utilities_source_change", args=[source.pk])).content.decode()
    assert (where in of_utility) == (where in of_source) == (who in MAY)
    opened, answer = client.get(where), send(client, source)
    if who in MAY:
        assert opened.status_code == 200
        assert 'name="force"' in opened.content.decode()
        assert answer.status_code == 302
        assert Trial.objects.get().started_by == person
    else:
        for closed in (opened, answer):
            assert closed.status_code == 403
            assert "Only operators and admins upload monthly files." in closed.content.decode()
        assert left(uploads) == []
        assert not Trial.objects.exists()


def test_without_a_token_or_without_signing_in_nothing_is_stored(source: Source, uploads: Path) -> None:
    assert send(Client(), source).headers["Location"].startswith("/admin/login/")
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(make.make_user("operator"))
    assert send(careful, source).status_code == 403
    token = careful.get(page(source.utility)).cookies["csrftoken"].value
    assert left(uploads) == []
    assert not Trial.objects.exists()
    assert send(careful, source, csrfmiddlewaretoken=token).status_code == 302


def test_a_utility_without_monthly_files_has_no_form(portal: Portal, uploads: Path, client: Client) -> None:
    client.force_login(make.make_user("operator"))
    plain = portal.add(entry("plain"))
    service = make.make_source()
    for source in (plain, service):
        assert client.get(page(source.utility)).status_code == 404
        assert send(client, source).status_code == 404
        shown = client.get(reverse("admin:utilities_utility_change", args=[source.utility.pk]))
        assert page(source.utility) not in shown.content.decode()
    assert client.get("/admin/utilities/utility/0/upload/").status_code == 404
    elsewhere = "/admin/utilities/utility/..%2F..%2Fx/upload/"
    client.post(elsewhere, {"month": "2026-03", "file-feeders": SimpleUploadedFile("x.csv", GOOD)})
    assert left(uploads) == []
    assert not Trial.objects.exists()


# --- What is refused, before anything is stored ---


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", content)
    return packed.getvalue()


REFUSED: dict[str, tuple[bytes | None, str]] = {
    "nothing": (None, "Choose at least one file. Nothing was stored."),
    "empty": (b"", "march.csv is empty."),
    "blank": (b"\xef\xbb\xbf \r\n\n", "march.csv is empty."),
    "zip": (zipped(GOOD), "march.csv is a zip archive, and not CSV as its entry says."),
    "zip bomb": (zipped(b"\0" * (20 << 20)), "march.csv is a zip archive, and not CSV as its entry says."),
    "web page": (b"<!DOCTYPE html><p>Sign in", "march.csv is a web page, and not CSV as its entry says."),
    "virtual": (
        b"<OGRVRTDataSource>",
        "march.csv is a GDAL virtual file, which names other files, and not CSV",
    ),
    "UTF-16": (GOOD.decode().encode("utf-16"), "march.csv is UTF-16 text, and not CSV as its entry says."),
    "NUL": (GOOD + b"F3,\x00\n", "march.csv is something else, and not CSV as its entry says."),
    "NUL far in": (GOOD + b"F3,1\n" * 20_000 + b"F4,\x00\n", "march.csv holds NUL bytes, as no CSV does."),
    "not decodable": (GOOD + b"F\xff,1\n", "march.csv is not text in utf-8, as its entry says."),
    "cut in a letter": (GOOD + "é".encode()[:1], "march.csv is not text in utf-8, as its entry says."),
    "wrong columns": (
        b"Feeder,HC_KW\nF1,1\n",
        "march.csv lacks the mapped field &#x27;FEEDER&#x27; (is it &#x27;Feeder&#x27; now?).",
    ),
    "no columns": (b",,\n1,2,3\n", "march.csv names no columns on the line that its entry says."),
    "one endless line": (
        b"x" * (5 << 20),
        "march.csv has a line of more than 4,194,304 characters; it is no CSV.",
    ),
    "too large": (GOOD + b"F3,1\n" * 1_300_000, "march.csv is larger than 6 MB, the most that is taken."),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_file_of_the_catalogs_is_refused_with_a_sentence(
    client: Client, source: Source, operator: User, uploads: Path, settings: Settings, what: str
) -> None:
    settings.HCP_UPLOAD_MB = 6
    content, sentence = REFUSED[what]
    refused(send(client, source, content), sentence, uploads)


@pytest.mark.parametrize(
    ("month", "sentence"),
    [
        ("", "&#x27;&#x27; is no month; write it like 2026-03."),
        ("2026-13", "&#x27;2026-13&#x27; is no month"),
        ("0000-01", "&#x27;0000-01&#x27; is no month"),
        ("٢٠٢٦-03", "is no month"),
        ("2026-03/../..", "&#x27;2026-03/../..&#x27; is no month"),
        ("2026-03\n", "redirected"),
        ("../../x", "&#x27;../../x&#x27; is no month"),
        ("2026-03\0", "is no month"),
        ("x" * 300, "is no month"),
        ("9999-12", "9999-12 has not begun; a month after it could not be told from a late one."),
    ],
)
def test_what_is_no_month_is_refused(
    client: Client, source: Source, operator: User, uploads: Path, month: str, sentence: str
) -> None:
    answer = send(client, source, month=month)
    if sentence == "redirected":  # spaces around it are no mistake
        assert answer.status_code == 302
        return
    refused(answer, sentence, uploads)


@pytest.mark.parametrize(
    "name",
    [
        "../../x",
        "/etc/passwd",
        "C:\\x\\..\\y.csv",
        "a" * 300,
        "n\0ul.csv",
        "feeders.csv/..\\x",
        "-rf",
        "<b>x.csv",
    ],
)
def test_whatever_a_file_is_called_it_lies_under_the_catalogs_name(
    client: Client, source: Source, operator: User, uploads: Path, name: str
) -> None:
    assert send_named(client, source, name).status_code == 302
    trial = Trial.objects.get()
    folder = uploads / trial.options["folder"]
    assert left(uploads) == [folder, folder / "2026-03", folder / "2026-03" / "feeders.csv"]
    kept = trial.options["files"][0]["name"]
    assert kept
    assert len(kept) <= 100
    assert kept.isprintable()
    assert not set(kept) & {"/", "\\"}
    shown = client.get(reverse("admin:hosting_trial_change", args=[trial.pk])).content.decode()
    assert "<b>x" not in shown


def test_a_name_that_leaves_nothing_is_no_file(
    client: Client, source: Source, operator: User, uploads: Path
) -> None:
    for name in ("", "..", "."):
        refused(send_named(client, source, name), "Choose at least one file.", uploads)
    assert cleaned("a/b\\c\u202e.csv\n") == "c.csv"


def test_a_field_that_the_form_does_not_have_or_that_comes_twice_is_not_stored(
    client: Client, source: Source, operator: User, uploads: Path
) -> None:
    other: dict[str, Any] = {
        "file-../../x": SimpleUploadedFile("x.csv", GOOD),
        "passwd": SimpleUploadedFile("x.csv", GOOD),
    }
    refused(send(client, source, None, **other), "Choose at least one file.", uploads)
    twice = {
        f"file-{source.code}": [SimpleUploadedFile("one.csv", GOOD), SimpleUploadedFile("two.csv", GOOD)]
    }
    answer = client.post(page(source.utility), {"month": "2026-03", **twice})
    refused(answer, "one.csv came twice; send it once.", uploads)


def test_one_bad_file_of_several_and_none_is_stored(
    portal: Portal, uploads: Path, client: Client, tmp_path: Path
) -> None:
    add_catalog(portal)
    client.force_login(make.make_user("operator"))
    utility = Utility.objects.get(utility_code="utility2")
    data = made(tmp_path / "data", "--scale", "0.01", "--months", "1")
    good = (data / "2026-01" / "utility2_circuits.csv").read_bytes()
    sent = {
        "file-circuits": SimpleUploadedFile("good.csv", good),
        "file-installed_der": SimpleUploadedFile("wrong.csv", good),
    }
    answer = client.post(page(utility), {"month": "2026-01", **sent})
    refused(answer, "wrong.csv lacks ", uploads)


def test_a_body_that_breaks_off_leaves_nothing(
    client: Client, source: Source, operator: User, uploads: Path
) -> None:
    head = (
        b'--x\r\nContent-Disposition: form-data; name="month"\r\n\r\n2026-03\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file-feeders"; filename="f.csv"\r\n\r\n'
    )
    answer = client.generic(
        "POST", page(source.utility), head + GOOD, content_type="multipart/form-data; boundary=x"
    )
    refused(answer, "f.csv broke off before its end; send it again.", uploads)
    answer = client.generic("POST", page(source.utility), GOOD, content_type="multipart/form-data; boundary=")
    assert answer.status_code == 400
    assert left(uploads) == []


def test_where_the_disk_takes_nothing_it_says_so(
    client: Client, source: Source, operator: User, uploads: Path
) -> None:
    uploads.write_text("no folder")
    answer = send(client, source)
    assert answer.status_code == 400
    assert "The files cannot be kept here (" in answer.content.decode()
    uploads.unlink()


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [("redistribution", "forbidden", "its terms forbid it"), ("is_enabled", False, "is switched off")],
)
def test_a_source_that_must_not_be_loaded_has_no_place_for_a_file(
    client: Client, source: Source, operator: User, uploads: Path, field: str, value: Any, why: str
) -> None:
    setattr(source, field, value)
    source.save()
    shown = client.get(page(source.utility)).content.decode()
    assert why in shown
    assert 'name="file-feeders"' not in shown
    refused(send(client, source), why, uploads)


# --- Months that come late ---


@pytest.fixture
def later(source: Source, tmp_path: Path) -> HCIngestionRun:
    """2026-01 and 2026-03 are loaded."""
    rows(tmp_path / "data" / "2026-01", "F1,1000", "F2,700")
    ingest(data_dir=rows(tmp_path / "data" / "2026-03", "F1,2000", "F2,800").parent)
    return HCIngestionRun.objects.get(period="2026-03-01")


def test_a_month_before_the_last_one_is_refused_as_the_command_does_and_replayed_where_asked(
    portal: Portal, source: Source, operator: User, uploads: Path, client: Client, later: HCIngestionRun
) -> None:
    refused(
        send(client, source, month="2026-02"),
        f"2026-02 comes before 2026-03, which run {later.pk} loaded; months are loaded oldest first; "
        "&#x27;Replay history&#x27; loads it, and what came after it anew.",
        uploads,
    )
    assert send(client, source, month="2026-02", force="on").status_code == 302
    trial = Trial.objects.get()
    assert trials.carry_out(trial.pk) == "done"
    later.refresh_from_db()
    assert later.replaced_by == HCIngestionRun.objects.get(period="2026-02-01")
    versions = HostingCapacityRecordVersion.objects.filter(feeder_id_external="F2").order_by("valid_from")
    assert [str(one.hosting_capacity_mw) for one in versions] == ["0.70000", "0.50000"]


def test_a_loaded_month_is_compared_and_another_content_of_it_is_refused_by_the_worker(
    source: Source, operator: User, uploads: Path, client: Client, later: HCIngestionRun
) -> None:
    same = b"FEEDER,HC_KW\nF1,1000\nF2,700\n"
    for content, status, word in ((same, "done", "unchanged"), (GOOD, "failed", "refused")):
        assert send(client, source, content, month="2026-01").status_code == 302
        trial = Trial.objects.get(status="queued")
        assert trials.carry_out(trial.pk) == status
        trial.refresh_from_db()
        assert [line["word"] for line in outcome(trial)["files"]] == [word]
        assert left(uploads) == []
    assert trial.error == "1 of 1 files refused; readers keep what they had of it."
    shown = client.get(reverse("admin:hosting_trial_change", args=[trial.pk])).content.decode()
    assert "holds other rows than run" in shown
    assert "later months stand on it, up to 2026-03; it was not loaded again" in shown


def test_a_month_that_is_held_says_so(
    source: Source, operator: User, client: Client, later: HCIngestionRun
) -> None:
    content = b"FEEDER,HC_KW\nF1,2000000\nF2,800000\n"
    assert send(client, source, content, month="2026-04").status_code == 302
    trial = Trial.objects.get()
    assert trials.carry_out(trial.pk) == "done"
    trial.refresh_from_db()
    [line] = outcome(trial)["files"]
    assert line["word"] == "held"
    assert "has the unit changed?" in line["said"]


# --- One at a time, and what dies ---


def test_a_second_upload_of_the_utility_waits_for_the_first(
    portal: Portal, source: Source, operator: User, uploads: Path, client: Client
) -> None:
    assert send(client, source).status_code == 302
    before = left(uploads)
    answer = send(client, source, month="2026-04")
    assert answer.status_code == 400
    assert "An upload of Filed Power is under way already. Nothing was stored." in answer.content.decode()
    assert left(uploads) == before
    assert Trial.objects.count() == 1
    shown = client.get(page(source.utility)).content.decode()
    assert 'name="month"' not in shown
    assert reverse("admin:hosting_trial_change", args=[Trial.objects.get().pk]) in shown
    other = portal.add(entry("other", **MONTHLY))
    assert send(client, other).status_code == 302


def test_two_at_the_same_moment_and_one_is_taken(
    source: Source, operator: User, uploads: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look says that nothing is under way, to both; the database decides."""
    monkeypatch.setattr("hosting.upload_trials.refuse_second", lambda _utility: None)
    assert send(client, source).status_code == 302
    before = left(uploads)
    answer = send(client, source)
    assert answer.status_code == 400
    assert "Upload of Filed Power is under way already. Nothing was started." in answer.content.decode()
    assert left(uploads) == before


def test_while_a_run_holds_the_source_no_file_of_it_is_taken(
    source: Source, operator: User, uploads: Path, client: Client
) -> None:
    with source_lock(source):
        refused(
            send(client, source), "Another run of filed/feeders is under way. Nothing was stored.", uploads
        )


def test_without_the_queue_nothing_is_kept(
    source: Source, operator: User, uploads: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.conf, "broker_write_url", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(app, "_pool", None)
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    refused(send(client, source), "The queue (Redis) does not answer, so nothing was started.", uploads)


def test_an_upload_that_waits_is_cancelled_and_its_files_go(
    source: Source, operator: User, uploads: Path, client: Client
) -> None:
    send(client, source)
    trial = Trial.objects.get()
    client.post(reverse("admin:hosting_trial_cancel", args=[trial.pk]), follow=True)
    trial.refresh_from_db()
    assert trial.status == "cancelled"
    assert left(uploads) == []
    assert trials.carry_out(trial.pk) == "left alone"


@pytest.fixture
def large(tmp_path: Path) -> bytes:
    """A file that is read for some seconds."""
    return b"FEEDER,HC_KW\n" + b"".join(b"F%d,%d\n" % (n, n) for n in range(400_000))


def is_fetching(trial: Trial) -> bool:
    trial.refresh_from_db()
    return bool(trial.run_id and trial.rows_fetched)


def test_an_upload_under_way_is_followed_and_stops_where_it_is_cancelled(
    portal: Portal, source: Source, operator: User, uploads: Path, client: Client, large: bytes
) -> None:
    with worker(portal):
        send(client, source, large)
        trial = Trial.objects.get()
        wait_until(lambda: is_fetching(trial))
        part = client.get(reverse("admin:hosting_trial_progress", args=[trial.pk])).content.decode()
        assert "of 400,000 rows fetched" in part
        assert '<span id="progress-file-feeders">under way</span>' in part
        said = client.post(reverse("admin:hosting_trial_cancel", args=[trial.pk]), follow=True)
        assert "was asked to stop" in said.content.decode()
        ended(trial)
    assert trial.status == "cancelled"
    assert "Cancelled" in trial.error
    assert [line["word"] for line in outcome(trial)["files"]] == ["not loaded"]
    assert HCIngestionRun.objects.get().status == "cancelled"
    assert not HostingCapacityRecord.objects.exists()
    assert left(uploads) == []


def test_a_worker_that_is_killed_leaves_nothing_running_and_no_file(
    portal: Portal, source: Source, operator: User, uploads: Path, client: Client, large: bytes
) -> None:
    with worker(portal) as process:
        send(client, source, large)
        trial = Trial.objects.get()
        wait_until(lambda: is_fetching(trial))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert left(uploads), "it had no time to clean up"
    wait_until(lambda: not is_held("trial", str(trial.pk)))
    done = reconcile_all()
    assert "Uploaded files of 1 trial that ended were removed." in done
    trial.refresh_from_db()
    assert trial.status == "failed"
    assert "Its process ended" in trial.error
    assert HCIngestionRun.objects.get().status == "failed"
    assert left(uploads) == []
    shown = client.get(reverse("admin:hosting_trial_change", args=[trial.pk])).content.decode()
    assert '<span class="state quiet">not loaded</span>' in shown
    with worker(portal):
        assert send(client, source).status_code == 302
        ended(Trial.objects.exclude(pk=trial.pk).get())
    assert HostingCapacityRecord.objects.count() == 2


def test_what_is_being_received_or_waits_is_not_swept_and_what_nobody_keeps_is(
    source: Source, operator: User, uploads: Path, client: Client
) -> None:
    with folders.receiving() as folder:
        (folder / "received-0").write_bytes(GOOD)
        assert folders.sweep() == []
        assert folder.exists()
    assert not folder.exists()
    send(client, source)
    trial = Trial.objects.get()
    Trial.objects.update(status="running")
    stray = uploads / ("0" * 32)
    stray.mkdir()
    (stray / "x.csv").write_bytes(GOOD)
    foreign = uploads / "somebody's own"
    foreign.mkdir()
    with advisory_lock("trial", str(trial.pk)):
        assert trials.end_dead() == ["Uploaded files of 1 trial that ended were removed."]
        assert not stray.exists()
        assert (uploads / trial.options["folder"]).exists()
    trials.settle()
    assert not (uploads / trial.options["folder"]).exists()
    assert foreign.exists(), "only folders of uploads"
    for name in ("../../x", "", "0" * 33, "/etc", "0" * 31 + "\n"):
        with pytest.raises(ValueError, match="is no folder of an upload"):
            folders.path_of(name)
