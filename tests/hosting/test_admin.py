"""The admin: every list and page opens for those who may, shows maps, edits only what people decide."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.gis.geos import MultiPolygon, Polygon
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_celery_beat import models as beat

from hosting import models as hosting
from hosting.admin.big_tables import EstimatedPaginator
from hosting.admin.runs import flat_counts, in_minutes
from tests import factories as make
from utilities.models import Iso, Source, Utility

pytestmark = pytest.mark.django_db

SQUARE = MultiPolygon(
    Polygon(((-71.5, 41.7), (-71.3, 41.7), (-71.3, 41.9), (-71.5, 41.9), (-71.5, 41.7))), srid=4326
)


def _record_version() -> Model:
    record = make.make_record()
    columns = {
        field.name: getattr(record, field.name)
        for field in hosting.HostingCapacityRecordVersion._meta.concrete_fields
        if field.name not in {"id", "record_id", "valid_to", "ended_by_run"}
    }
    return hosting.HostingCapacityRecordVersion.objects.create(
        **columns, record_id=record.pk, valid_to=make.NOON, ended_by_run=record.ingestion_run
    )


def _section_version() -> Model:
    section = make.make_section()
    columns = {
        field.name: getattr(section, field.name)
        for field in hosting.HostingCapacitySectionVersion._meta.concrete_fields
        if field.name not in {"id", "section_id", "valid_to", "ended_by_run"}
    }
    return hosting.HostingCapacitySectionVersion.objects.create(
        **columns, section_id=section.pk, valid_to=make.NOON, ended_by_run=section.ingestion_run
    )


def _der_version() -> Model:
    der = make.make_der()
    columns = {
        field.name: getattr(der, field.name)
        for field in hosting.DERVersion._meta.concrete_fields
        if field.name not in {"id", "der_id", "valid_to", "ended_by_run"}
    }
    return hosting.DERVersion.objects.create(
        **columns, der_id=der.pk, valid_to=make.NOON, ended_by_run=der.ingestion_run
    )


def _run() -> Model:
    run = make.make_run(
        status="failed",
        completed_at=make.NOON + timedelta(seconds=200),
        steps=[{"name": "fetch", "seconds": 12.34}],
        counts={"sections": {"added": 1234}},
        error_message="The server did not answer.",
        discovery={"chosen": "HC_MAR2026"},
    )
    make.make_finding(run)
    return run


ROWS: dict[type[Model], Callable[[], Model]] = {
    Iso: make.make_iso,
    Utility: lambda: make.make_source().utility,
    Source: lambda: make.make_run().source,
    hosting.HCIngestionRun: _run,
    hosting.Feeder: lambda: make.make_record().feeder,  # type: ignore[return-value,dict-item]
    hosting.FeederAlias: lambda: hosting.FeederAlias.objects.create(
        feeder=make.make_feeder(), external_id="old"
    ),
    hosting.HostingCapacityRecord: make.make_record,
    hosting.HostingCapacityRecordVersion: _record_version,
    hosting.HostingCapacitySection: make.make_section,
    hosting.HostingCapacitySectionVersion: _section_version,
    hosting.HostingCapacitySummary: make.make_summary,
    hosting.DER: make.make_der,
    hosting.DERVersion: _der_version,
    hosting.DERAddress: lambda: make.make_der(address="1 Main Street").address,
    hosting.UnresolvedDER: lambda: hosting.UnresolvedDER.objects.get(
        pk=make.make_der(unresolved_references='["F-9"]').pk
    ),
    hosting.Substation: make.make_substation,
    hosting.SubstationLoadProfile: lambda: hosting.SubstationLoadProfile.objects.create(
        substation=make.make_substation(), month=1, hour=0, low_kw=1, high_kw=2
    ),
    hosting.DivisionBoundary: lambda: hosting.DivisionBoundary.objects.create(
        utility=make.make_utility(), name="North", geometry=SQUARE
    ),
    hosting.Trial: lambda: hosting.Trial.objects.create(
        kind="dry_run",
        source=make.make_source(),
        status="done",
        started_by=make.make_user("operator"),
        asked_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
    ),
    hosting.Finding: make.make_finding,
    hosting.QuarantinedRow: lambda: hosting.QuarantinedRow.objects.create(
        run=(run := make.make_run()), source=run.source, check_id="Q11", reason="no id", attributes={"A": 1}
    ),
    hosting.FeederQuality: lambda: hosting.FeederQuality.objects.create(
        feeder=(feeder := make.make_feeder()),
        source=feeder.last_seen.source,
        run=feeder.last_seen,
        score=80,
        checks={"Q40": 1},
    ),
    hosting.DataQualitySummary: lambda: hosting.DataQualitySummary.objects.create(
        run=(run := make.make_run()),
        source=run.source,
        utility=run.utility,
        dataset="sections",
        row_count=3,
        null_shares={"voltage_kv": 0.25},
        computed_at=make.NOON,
    ),
    apps.get_model("accounts", "User"): make.make_user,
    Group: lambda: Group.objects.get(name="viewer"),
    beat.IntervalSchedule: lambda: beat.IntervalSchedule.objects.create(every=1, period="days"),
    beat.CrontabSchedule: beat.CrontabSchedule.objects.create,
    beat.SolarSchedule: lambda: beat.SolarSchedule.objects.create(event="sunset", latitude=41, longitude=-71),
    beat.ClockedSchedule: lambda: beat.ClockedSchedule.objects.create(clocked_time=make.NOON),
    beat.PeriodicTask: lambda: beat.PeriodicTask.objects.create(
        name="ingest",
        task="hosting.tasks.ingest",
        interval=beat.IntervalSchedule.objects.create(every=1, period="days"),
    ),
}
# Counted anew with every publication, for the map alone.
DERIVED = {
    apps.get_model("hosting", name)
    for name in (
        "OverviewCell",
        "OverviewState",
        "FeederDERTotals",
        "HostingCapacityRecordState",
        "HostingCapacitySectionState",
        "DERState",
    )
}
OURS = [model for model in admin.site._registry if model._meta.app_label in {"utilities", "hosting"}]
# Of a utility's stewards: a group's permission is not enough, see the tests of their own.
FOR_GROUPS = [model for model in OURS if model not in (hosting.DERAddress, hosting.UnresolvedDER)]
EDITED_BY_PEOPLE = {Utility, Source, hosting.FeederAlias}


def address(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def opens(client: Client, where: str) -> str:
    answer = client.get(where)
    assert answer.status_code == 200, (where, answer.status_code, answer.get("Location"))
    return str(answer.content.decode())


@pytest.fixture
def superuser(client: Client) -> Client:
    client.force_login(make.make_user(superuser=True))
    return client


def test_every_model_of_ours_is_registered() -> None:
    for app in ("accounts", "utilities", "hosting"):
        assert set(apps.get_app_config(app).get_models()) - DERIVED <= set(admin.site._registry)
    elsewhere = {model for model in admin.site._registry if model._meta.app_label == "interregional"}
    assert set(admin.site._registry) - elsewhere == set(ROWS)  # the flows' are in tests/interregional


@pytest.mark.parametrize("model", ROWS, ids=lambda model: model.__name__)
def test_each_list_search_and_page_opens_for_a_superuser(superuser: Client, model: type[Model]) -> None:
    row = ROWS[model]()
    page = opens(superuser, address(model, "changelist"))
    assert address(model, "change", row.pk) in page
    opens(superuser, address(model, "change", row.pk))
    opens(superuser, address(model, "history", row.pk))
    if admin.site._registry[model].search_fields:
        opens(superuser, address(model, "changelist") + "?q=1")


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_each_list_of_ours_has_search_and_each_filter_opens(superuser: Client, model: type[Model]) -> None:
    ROWS[model]()
    assert admin.site._registry[model].search_fields
    page = opens(superuser, address(model, "changelist"))
    for query in set(re.findall(r'<a href="(\?[^"]+)"', page)):
        opens(superuser, address(model, "changelist") + query.replace("&amp;", "&"))


@pytest.mark.parametrize("group", ["viewer", "steward", "operator", "admin"])
@pytest.mark.parametrize("model", FOR_GROUPS, ids=lambda model: model.__name__)
def test_each_group_sees_every_list_and_page(client: Client, group: str, model: type[Model]) -> None:
    row = ROWS[model]()
    client.force_login(make.make_user(group))
    opens(client, reverse("admin:index"))
    opens(client, address(model, "changelist"))
    page = opens(client, address(model, "change", row.pk))
    if group in {"viewer", "steward"}:
        assert 'name="_save"' not in page


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_what_the_pipeline_made_is_not_edited_by_hand(superuser: Client, model: type[Model]) -> None:
    if model in EDITED_BY_PEOPLE:
        return
    row = ROWS[model]()
    assert superuser.get(address(model, "add")).status_code == 403
    assert superuser.post(address(model, "change", row.pk), {}).status_code == 403
    assert superuser.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert 'name="action"' not in opens(superuser, address(model, "changelist"))


def test_the_admin_is_closed_to_others(client: Client) -> None:
    assert client.get("/admin/").status_code == 302
    client.force_login(make.make_user("viewer", is_staff=False))
    assert client.get("/admin/").status_code == 302


# --- Maps ---


@pytest.mark.parametrize(
    "model",
    [
        hosting.HostingCapacityRecord,
        hosting.HostingCapacityRecordVersion,
        hosting.HostingCapacitySection,
        hosting.HostingCapacitySectionVersion,
        hosting.Substation,
        hosting.DivisionBoundary,
    ],
    ids=lambda model: model.__name__,
)
def test_a_geometry_is_on_a_map_without_another_host_or_a_script_in_the_page(
    client: Client, model: type[Model]
) -> None:
    row: Any = ROWS[model]()
    client.force_login(make.make_user("viewer"))
    page = opens(client, address(model, "change", row.pk))
    [shown] = re.findall(r'data-geojson="([^"]+)"', page)
    given = json.loads(shown.replace("&quot;", '"'))
    row.refresh_from_db()
    assert given == json.loads(row.geometry.geojson)
    assert "leaflet/leaflet.js" in page
    assert "js/geometry-map.js" in page
    assert not re.search(r'(src|href)="(https?:)?//', page)
    assert not re.search(r"<script(?![^>]*\ssrc=)[^>]*>\s*\S", page)


def test_a_record_without_geometry_says_so(superuser: Client) -> None:
    record = make.make_record(geometry=None, centroid=None)
    page = opens(superuser, address(hosting.HostingCapacityRecord, "change", record.pk))
    assert "No geometry was published." in page


def test_unknown_figures_are_a_dash_and_a_synthetic_utility_is_badged(superuser: Client) -> None:
    record = make.make_record()
    where = address(hosting.HostingCapacityRecord, "change", record.pk)
    page = opens(superuser, where)
    assert ">None<" not in page
    assert "Synthetic" not in page
    Utility.objects.update(is_synthetic=True)
    badge = '<span class="badge">Synthetic</span>'
    assert badge in opens(superuser, where)
    assert badge in opens(superuser, address(hosting.HostingCapacityRecord, "changelist"))


# --- Lists of millions ---


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_a_list_asks_as_much_for_six_rows_as_for_three(superuser: Client, model: type[Model]) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            opens(superuser, address(model, "changelist"))
        return len(asked)

    for _ in range(3):
        ROWS[model]()
    before = queries()
    for _ in range(3):
        ROWS[model]()
    assert queries() == before


@pytest.mark.parametrize("model", [hosting.HostingCapacityRecord, hosting.HostingCapacitySection])
def test_a_list_fetches_no_geometry(superuser: Client, model: type[Model]) -> None:
    ROWS[model]()
    with CaptureQueriesContext(connection) as asked:
        opens(superuser, address(model, "changelist"))
    assert not [
        query
        for query in asked.captured_queries
        if '"geometry"' in query["sql"] or "geometry_3857" in query["sql"]
    ]


def test_beyond_what_is_counted_a_list_says_that_its_count_is_an_estimate(
    superuser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeder = make.make_feeder()
    for _ in range(3):
        make.make_section(feeder)
    where = address(hosting.HostingCapacitySection, "changelist")
    assert re.search(r"[^t] 3 sections", opens(superuser, where).replace("\n", " "))
    monkeypatch.setattr(EstimatedPaginator, "COUNTED", 2)
    assert re.search(r"about \d+ sections", opens(superuser, where).replace("\n", " "))


# --- What people decide ---


def test_an_operator_switches_a_source_off_and_nothing_else_is_written(client: Client) -> None:
    source = make.make_source(title="As in the catalog")
    run = make.make_run(source)
    client.force_login(make.make_user("operator"))
    where = address(Source, "change", source.pk)
    opens(client, where)
    with CaptureQueriesContext(connection) as asked:
        assert client.post(where, {"title": "Mine", "published_run": run.pk}).status_code == 302
    [update] = [
        query["sql"] for query in asked.captured_queries if query["sql"].startswith('UPDATE "utilities')
    ]
    assert update.startswith('UPDATE "utilities_source" SET "is_enabled" = false WHERE')
    source.refresh_from_db()
    assert (source.is_enabled, source.title, source.published_run) == (False, "As in the catalog", None)


def test_a_superuser_names_stewards_and_switches_sources_on_the_utilitys_page(superuser: Client) -> None:
    source = make.make_source()
    steward = make.make_user("steward")
    where = address(Utility, "change", source.utility.pk)
    posted = {
        "stewards": [steward.pk],
        "utility_name": "Mine",
        "sources-TOTAL_FORMS": 1,
        "sources-INITIAL_FORMS": 1,
        "sources-0-id": source.pk,
        "sources-0-utility": source.utility.pk,
    }
    answer = superuser.post(where, posted)
    assert answer.status_code == 302, answer.content.decode()
    source.refresh_from_db()
    assert source.is_enabled is False
    assert list(source.utility.stewards.all()) == [steward]
    assert source.utility.utility_name != "Mine"


@pytest.mark.parametrize("model", [Utility, Source])
def test_utilities_and_sources_come_and_go_with_the_catalog_only(
    superuser: Client, model: type[Model]
) -> None:
    row = ROWS[model]()
    assert superuser.get(address(model, "add")).status_code == 403
    assert superuser.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_someone_of_the_admin_group_cannot_become_or_touch_a_superuser(client: Client) -> None:
    boss, someone = make.make_user(superuser=True), make.make_user("admin")
    client.force_login(someone)
    user_model = type(someone)
    assert client.post(address(user_model, "change", boss.pk), {}).status_code == 403
    assert client.get(reverse("admin:auth_user_password_change", args=[boss.pk])).status_code == 403
    assert 'name="is_superuser"' not in opens(client, address(user_model, "change", someone.pk))


# --- Addresses of DER: personal ---


def test_an_address_is_seen_by_superusers_and_stewards_of_its_utility_alone(client: Client) -> None:
    der = make.make_der(address="1 Main Street")
    other = make.make_der(address="2 Elm Street")
    listed = address(hosting.DERAddress, "changelist")
    own, foreign = (address(hosting.DERAddress, "change", row.address.pk) for row in (der, other))

    for group in ("viewer", "steward", "operator", "admin"):
        client.force_login(make.make_user(group))
        assert client.get(listed).status_code == 403, group
        assert client.get(own).status_code == 403, group
        assert "DER addresses" not in opens(client, reverse("admin:index"))

    steward = make.make_user("steward")
    der.utility.stewards.add(steward)
    client.force_login(steward)
    page = opens(client, listed)
    assert "1 Main Street" in page
    assert "2 Elm Street" not in page
    assert "1 Main Street" in opens(client, own)
    assert client.get(foreign).status_code in {302, 403}
    assert "Elm" not in opens(client, f"{listed}?q=Elm").replace('value="Elm"', "")

    client.force_login(make.make_user(superuser=True))
    assert "2 Elm Street" in opens(client, listed)


def test_a_named_steward_who_left_the_group_sees_no_address(client: Client) -> None:
    der = make.make_der(address="1 Main Street")
    someone = make.make_user()
    der.utility.stewards.add(someone)
    client.force_login(someone)
    assert client.get(address(hosting.DERAddress, "changelist")).status_code == 403


def test_a_ders_page_does_not_show_its_address(superuser: Client) -> None:
    der = make.make_der(address="1 Main Street")
    assert "Main Street" not in opens(superuser, address(hosting.DER, "change", der.pk))


# --- Runs, and the first screen ---


def test_a_run_shows_steps_counts_and_findings_as_tables(superuser: Client) -> None:
    run = _run()
    page = opens(superuser, address(hosting.HCIngestionRun, "change", run.pk))
    assert '<th scope="row">fetch</th><td class="number">12.3 s</td>' in page
    assert '<th scope="row">sections added</th><td class="number">1,234</td>' in page
    assert "3 min 20 s" in page
    assert f'?run__id__exact={run.pk}">0</a>' in page, "quarantined rows"
    assert "The median is 1000x the last" in page
    assert '<span class="state bad"' in page


def test_durations_and_counts_in_words() -> None:
    assert in_minutes(None) == ""
    assert in_minutes(0.44) == "0.4 s"
    assert in_minutes(200) == "3 min 20 s"
    assert flat_counts({"records": {"added_rows": 1}, "read": 20000, "why": "new"}) == [
        ("records added rows", "1"),
        ("read", "20,000"),
        ("why", "new"),
    ]


def test_the_first_screen_says_that_all_is_well(superuser: Client) -> None:
    source = make.make_source()
    run = make.make_run(source)
    Source.objects.update(published_run=run, last_checked_at=timezone.now())
    assert "All is well" in opens(superuser, reverse("admin:index"))


def test_the_first_screen_names_what_needs_a_person(superuser: Client) -> None:
    failed, held, fine = (make.make_source() for _ in range(3))
    make.make_run(failed, "failed", error_message="The server did not answer.")
    make.make_run(held, "held", started_at=datetime(2026, 9, 1, tzinfo=UTC))
    make.make_run(fine, "running")
    page = opens(superuser, reverse("admin:index"))
    assert "2 sources need a person." in page
    assert "The server did not answer." in page
    assert address(Source, "change", failed.pk) in page
    assert address(Source, "change", held.pk) in page
    assert address(Source, "change", fine.pk) not in page


def test_the_first_screen_says_what_to_run_when_there_are_no_sources(superuser: Client) -> None:
    page = opens(superuser, reverse("admin:index"))
    assert "bin/manage sync_catalog" in page


def test_the_first_screen_is_plain_for_who_may_see_no_sources(client: Client) -> None:
    make.make_source()
    client.force_login(make.make_user())
    page = opens(client, reverse("admin:index"))
    assert "verdict" not in page
