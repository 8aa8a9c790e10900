"""The load for measurements: the same seed, the same rows, and all of it as a publication would leave it."""

import json
import re
from collections import Counter
from decimal import Decimal
from io import StringIO
from typing import Any

import pyarrow as pa
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.db.models import Count, F, Max, Min
from django.utils.text import slugify
from pytest_django import Settings

from hosting.lake import rollup, tables
from hosting.lake.session import engine
from hosting.load.plan import PLANS, split
from hosting.models import (
    DER,
    Feeder,
    HCIngestionRun,
    HostingCapacityRecord,
    HostingCapacitySection,
    HostingCapacitySummary,
    Substation,
)
from hosting.summaries import summarise
from hosting.visible import visible
from tests.conftest import Portal
from utilities.models import Source, Utility
from utilities.spec import SourceSpec, UtilitySpec

FEEDERS, SECTIONS, DERS = 240, 2_000, 3_000
MODELS: tuple[type[models.Model], ...] = (
    Utility, Source, HCIngestionRun, Substation, Feeder, HostingCapacitySection, HostingCapacityRecord,
    HostingCapacitySummary, DER,
)  # fmt: skip
ROLLED_UP = "load_1", "load_2", "load_3", "load_4"


def load(*words: str) -> str:
    out = StringIO()
    sizes = ["--feeders", str(FEEDERS), "--sections", str(SECTIONS), "--ders", str(DERS)]
    call_command("generate_load", *([] if "--remove" in words else sizes), *words, stdout=out)
    return out.getvalue()


def content() -> dict[str, list[str]]:
    """Every row of every model, without ids that count on and the time at which sums were made.

    What a row points to is told by what that row says of itself.
    """
    found = {}
    for model in MODELS:
        names = {"utility": "utility__utility_code", "source": "source__code", "feeder": "feeder__slug"}
        names |= {"substation": "substation__name"}
        columns = [
            names.get(field.name, field.name)
            for field in model._meta.concrete_fields
            if field.name not in {"id", "computed_at"} and not (field.is_relation and field.name not in names)
        ]
        rows = model._default_manager.order_by("pk").values_list(*columns)
        found[model.__name__] = ["; ".join(map(str, row)) for row in rows]
    return found


@pytest.mark.django_db
def test_the_same_seed_gives_the_same_rows_and_another_gives_others() -> None:
    load()
    first = content()
    assert load("--remove")
    load()
    assert content() == first
    load("--remove")
    load("--seed", "2")
    other = content()
    for changed in ("Substation", "HostingCapacitySection", "HostingCapacityRecord"):
        assert not set(other[changed]) & set(first[changed])
    assert len(set(other["DER"]) & set(first["DER"])) < DERS / 100


@pytest.mark.django_db
def test_there_is_as_much_as_was_asked_for_and_every_utility_has_its_share() -> None:
    said = load()
    assert "240 feeders, 2,000 sections and 3,000 DER are there" in said
    assert Feeder.objects.count() == FEEDERS
    for capacity_type in ("generation", "load"):
        assert HostingCapacitySection.objects.filter(capacity_type=capacity_type).count() == SECTIONS
        assert HostingCapacityRecord.objects.filter(capacity_type=capacity_type).count() == FEEDERS
    assert DER.objects.count() == DERS
    feeders = dict(Feeder.objects.values_list("utility__utility_code").annotate(n=Count("id")))
    assert feeders == split(FEEDERS)
    assert sum(split(1_001).values()) == 1_001


@pytest.mark.django_db
def test_everything_belongs_to_a_published_run_of_a_synthetic_utility_and_readers_see_it() -> None:
    load()
    assert Utility.objects.filter(is_synthetic=True, in_catalog=True).count() == len(PLANS)
    assert Source.objects.filter(in_catalog=True, is_enabled=False).count() == len(PLANS)
    for source in Source.objects.select_related("published_run", "utility"):
        run = source.published_run
        assert run is not None
        assert (run.status, run.source, run.utility) == ("completed", source, source.utility)
        assert source.lake_run == run, "a start would look for it in the lake"
        assert not source.is_scheduled
        spec = SourceSpec.model_validate(source.config_json)
        assert UtilitySpec.model_validate(source.utility.config_json).sources == (spec,)
        assert run.config_json == source.config_json
        counted = Counter[str]()
        for name, model in (("sections", HostingCapacitySection), ("records", HostingCapacityRecord)):
            mine = model._default_manager.filter(source=source)
            assert run.counts[name] == {"added": mine.count(), "changed": 0, "removed": 0}
            assert not mine.exclude(ingestion_run=run, utility=source.utility).exists()
            assert set(mine.values_list("capacity_type", flat=True)) <= {"generation", "load"}
            counted["written"] += mine.count()
        assert run.records_written == counted["written"]
    assert visible(HostingCapacityRecord.objects.all()).count() == 2 * FEEDERS
    assert set(Source.objects.values_list("redistribution", flat=True)) == {
        "allowed",
        "display_only",
        "unknown",
    }


@pytest.mark.django_db
def test_every_reference_leads_to_a_row_of_the_same_utility() -> None:
    """Also those that the database does not check."""
    load()
    for model in MODELS:
        for field in model._meta.concrete_fields:
            if field.is_relation and field.name not in {"iso", "started_by", "decided_by"}:
                assert field.related_model is not None
                there = set(field.related_model._default_manager.values_list("pk", flat=True))
                used = set(model._default_manager.values_list(field.attname, flat=True)) - {None}
                assert used <= there, f"{model.__name__}.{field.name}"
    for model in (HostingCapacitySection, HostingCapacityRecord, DER):
        mine = model._default_manager
        assert not mine.exclude(source__utility=F("utility")).exists()
        assert not mine.exclude(ingestion_run__source=F("source")).exists()
        assert not mine.exclude(feeder=None).exclude(feeder__utility=F("utility")).exists()
    assert not Feeder.objects.exclude(substation__utility=F("utility")).exists()
    assert not HostingCapacitySection.objects.filter(feeder=None).exists()
    assert not HostingCapacityRecord.objects.exclude(feeder__external_id=F("feeder_id_external")).exists()
    assert not HostingCapacityRecord.objects.exclude(feeder__name=F("feeder_name")).exists()
    assert not HostingCapacityRecord.objects.exclude(feeder__substation__name=F("substation_name")).exists()


@pytest.mark.django_db
def test_feeders_have_the_slugs_that_a_publication_would_give_them() -> None:
    load()
    for external_id, slug in Feeder.objects.values_list("external_id", "slug"):
        assert slug == slugify(re.sub(r"[^\w\s-]", "-", external_id))


@pytest.mark.django_db
def test_records_are_what_the_lake_makes_of_their_sections() -> None:
    load()
    for code in ROLLED_UP:
        source = Source.objects.get(utility__utility_code=code)
        spec = SourceSpec.model_validate(source.config_json)
        expected = {
            (row["feeder_id"], row["capacity_type"]): row
            for row in rollup.feeders(_as_staged(source), spec).toArrow().to_pylist()
        }
        records = HostingCapacityRecord.objects.filter(source=source)
        assert records.count() == len(expected) > 0
        # Names stand in the records alone; sections do not keep them. The last two stay in the lake.
        compared = set(tables.RECORD_COLUMNS) - {
            "feeder_id", "geometry_digest", "feeder_name", "substation_name", "county", "missing_values",
            "shape_length",
        }  # fmt: skip
        for record in records:
            row = expected[record.feeder_id_external, record.capacity_type]
            for name in compared:
                assert getattr(record, name) == row[name], (code, record.key, name)


def _there(value: Any) -> Any:
    """A value of a column that may be null, where it must not be."""
    assert value is not None
    return value


def _as_staged(source: Source) -> Any:
    """A source's sections as a frame of the engine, as they were when they were rolled up."""
    kept = [name for name in tables.RECORD_COLUMNS if hasattr(HostingCapacitySection, name)]
    schema = tables.SCHEMAS[tables.STAGE]
    rows = [
        {
            **{name: getattr(section, name) for name in kept},
            "criteria": json.dumps(section.criteria),
            "feeder_id": section.feeder.external_id if section.feeder else None,
            "key": section.key,
            "capacity_type": section.capacity_type,
            "variant": section.variant,
            "source_code": source.code,
            "utility_code": source.utility.utility_code,
            "run_id": source.published_run_id,
            "geometry": bytes(_there(section.geometry).wkb),
        }
        for section in HostingCapacitySection.objects.filter(source=source).select_related("feeder")
    ]
    return engine().createDataFrame(pa.Table.from_pylist(rows, schema=schema))


@pytest.mark.django_db
def test_a_feeders_shape_is_all_of_its_sections_and_hangs_together_from_its_substation() -> None:
    load()
    for feeder in Feeder.objects.filter(utility__utility_code__in=ROLLED_UP).select_related("substation"):
        record = HostingCapacityRecord.objects.get(feeder=feeder, capacity_type="generation")
        sections = list(
            HostingCapacitySection.objects.filter(feeder=feeder, capacity_type="generation").order_by("key")
        )
        paths = [_there(section.geometry).coords for section in sections]
        assert [part.coords for part in _there(record.geometry)] == paths
        reached = {_there(_there(feeder.substation).geometry).coords}
        for path in paths:
            assert path[0] in reached
            reached.update(path)
        assert record.section_count == len(sections)
        assert record.geometry_type == "MultiLineString"
    for model in (HostingCapacitySection, HostingCapacityRecord, Substation):
        table = model._meta.db_table
        assert _one(f"SELECT count(*) FROM {table} WHERE NOT ST_IsValid(geometry)") == 0
        assert _one(f"SELECT count(*) FROM {table} WHERE geometry_3857 IS NULL") == 0
        moved = "ST_Equals(geometry_3857, ST_Transform(geometry, 3857))"
        assert _one(f"SELECT count(*) FROM {table} WHERE NOT {moved}") == 0
    records = HostingCapacityRecord._meta.db_table
    assert _one(f"SELECT count(*) FROM {records} WHERE NOT ST_Intersects(geometry, centroid)") == 0
    assert HostingCapacityRecord.objects.filter(centroid=None).count() == 0


def _one(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


@pytest.mark.django_db
def test_figures_are_of_every_kind_and_unknown_is_never_zero() -> None:
    load()
    records = HostingCapacityRecord.objects.filter(capacity_type="generation")
    sections = HostingCapacitySection.objects.filter(capacity_type="generation")
    for rows in (records, sections):
        statuses = set(rows.values_list("capacity_status", flat=True))
        assert statuses == {"published", "at_least", "withheld", "not_studied", "unknown"}
        known = rows.filter(capacity_status__in=["published", "at_least"])
        assert not known.filter(hosting_capacity_mw=None).exists()
        others = rows.exclude(capacity_status__in=["published", "at_least"])
        assert not others.exclude(hosting_capacity_mw=None).exists()
        assert not others.exclude(remaining_capacity_mw=None).exists()
        assert not others.exclude(constraining_metric=None).exists()
        assert rows.filter(hosting_capacity_mw=0).exists()
        assert set(rows.values_list("capacity_status", flat=True).filter(hosting_capacity_mw__gte=10)) == {
            "at_least"
        }
        metrics = set(rows.values_list("constraining_metric", flat=True))
        assert metrics >= {"thermal", "voltage", "protection", "islanding", "reverse_power", None}
        assert rows.filter(remaining_capacity_mw=None).exclude(hosting_capacity_mw=None).exists()
        assert rows.filter(remaining_capacity_mw__lt=0).exists()
        assert rows.filter(installed_dg_mw=None).exists()
        assert rows.filter(queued_dg_mw__gt=0).exists()
    for metric in ("thermal", "voltage"):
        for section in sections.exclude(criteria=None).filter(constraining_metric=metric):
            criteria = _there(section.criteria)
            assert section.hosting_capacity_mw == Decimal(str(criteria[metric]))
            assert criteria[metric] == min(criteria.values())
    load_rows = HostingCapacitySection.objects.filter(capacity_type="load")
    assert load_rows.count() == SECTIONS
    assert (
        not load_rows.exclude(remaining_capacity_mw=F("hosting_capacity_mw"))
        .exclude(hosting_capacity_mw=None)
        .exists()
    )


@pytest.mark.django_db
def test_der_are_installed_and_planned_and_some_name_a_feeder_that_is_not_there() -> None:
    load()
    statuses = Counter(DER.objects.values_list("status", flat=True))
    assert 0.1 < statuses["planned"] / DERS < 0.2
    assert not DER.objects.filter(status="installed", installed_on=None).exists()
    assert not DER.objects.filter(status="planned", planned_on=None).exists()
    assert 0 < DER.objects.filter(feeder=None).count() < DERS / 25
    assert not DER.objects.exclude(feeder=None).exclude(feeder_reference=F("feeder__external_id")).exists()
    assert not DER.objects.filter(feeder_reference="").exists()
    assert DER.objects.exclude(feeder=None).values("feeder").distinct().count() > FEEDERS * 0.95
    sizes = DER.objects.aggregate(low=Min("nameplate_kw"), high=Max("nameplate_kw"))
    assert 0 < sizes["low"] < 10
    assert 1_000 < sizes["high"] < 10_000
    for der in DER.objects.all()[:200]:
        assert sum(Decimal(str(kw)) for kw in der.technologies.values()) == der.nameplate_kw
        assert der.is_hybrid == (len(der.technologies) == 2)


@pytest.mark.django_db
def test_sums_are_those_that_a_publication_makes_and_a_sync_of_the_catalog_leaves_all_as_it_is() -> None:
    load()
    before = content()
    assert len(before["HostingCapacitySummary"]) == 2 * len(PLANS)
    for utility in Utility.objects.all():
        summarise(utility.pk)
    cells = _one("SELECT count(*) FROM hosting_overviewcell")
    assert cells > 0
    call_command("sync_catalog", stdout=StringIO())
    after = content()
    for name in ("HostingCapacityRecord", "HostingCapacitySection", "DER", "HCIngestionRun"):
        assert after[name] == before[name]
    assert set(after["HostingCapacitySummary"]) == set(before["HostingCapacitySummary"])
    assert set(before["Source"]) <= set(after["Source"])
    assert set(before["Utility"]) <= set(after["Utility"])
    assert _one("SELECT count(*) FROM hosting_overviewcell") == cells


def test_a_start_finds_nothing_to_settle(portal: Portal) -> None:
    load()
    out = StringIO()
    call_command("reconcile", stdout=out)
    assert "Nothing was left unfinished." in out.getvalue()


@pytest.mark.django_db
def test_remove_takes_all_of_it_away_and_nothing_else() -> None:
    from tests.factories import make_feeder, make_published_run, make_record

    run = make_published_run()
    other = make_record(make_feeder(run))
    summarise(run.utility_id)
    before = content()
    load()
    said = load("--remove")
    assert "240 feeders" in said
    assert "3,000 DER" in said
    assert content() == before
    assert HostingCapacityRecord.objects.get() == other
    assert "no load to remove" in load("--remove")
    # The cells of all utilities together are those of the ones that are left.
    assert _one("SELECT count(*) FROM hosting_overviewcell WHERE records > 1") == 0


@pytest.mark.django_db
def test_it_is_refused_in_production_twice_and_without_enough_to_share(settings: Settings) -> None:
    settings.HCP_ENV = "prod"
    for words in ((), ("--remove",)):
        with pytest.raises(CommandError, match="HCP_ENV is prod"):
            load(*words)
    settings.HCP_ENV = "qa"
    with pytest.raises(CommandError, match="twice as many sections"):
        call_command("generate_load", "--feeders", "100", "--sections", "100")
    with pytest.raises(CommandError, match="below zero"):
        load("--seed", "-1")
    assert not Utility.objects.exists()
    load()
    with pytest.raises(CommandError, match=r"load_1, load_2.*there already"):
        load()
