"""Months of a utility against a simple model: what readers see and saw, and what a late month changes.

The model is a dictionary for each month; all else is the real thing, from files to PostgreSQL and the lake.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hosting.file_feeds import Given
from hosting.lake import tables
from hosting.lake_settings import open_lake
from hosting.models import (
    DER,
    DERAddress,
    DERVersion,
    HCIngestionRun,
    HostingCapacityRecord,
    HostingCapacityRecordVersion,
    HostingCapacitySection,
    HostingCapacitySectionVersion,
    RunStatus,
)
from hosting.rollback import roll_back
from tests.conftest import Portal
from tests.hosting.test_file_feeds import rows
from utilities.models import Source

pytestmark = pytest.mark.django_db(transaction=True)
IDS = ("01", "2", "3", "4")
Month = dict[str, tuple[int, str]]  # id to nameplate and address


def entry(code: str, feed: str) -> dict[str, Any]:
    source = {
        "code": "installed_der",
        "title": "Installed DER",
        "file": {"name": "ders.csv", "format": "csv", "monthly": True},
        "holds": "ders",
        "grain": "none",
        "geometry": "none",
        "key": ["ID"],
        "feed": feed,
        "cadence": "monthly",
        "redistribution": "allowed",
        "ders": {
            "status": "installed",
            "nameplate_kw": {"kw": "KW"},
            "street_address": {"text": "ADDRESS"},
        },
        "thresholds": {"max_row_loss": 1, "max_quarantined": 1},
    }
    return {
        "code": code,
        "name": "Monthly Power",
        "states": ["NY"],
        "timezone": "America/New_York",
        "data_source_type": "csv",
        "synthetic": True,
        "sources": [source],
    }


def write(folder: Path, month: int, content: Month, *, twice: bool) -> None:
    """A month's file; with `twice` its first row stands there again, with another nameplate."""
    lines = [f"{name},{kw},{address}" for name, (kw, address) in content.items()]
    if twice:
        name, (kw, address) = next(iter(content.items()))
        lines.append(f"{name},{kw + 100},{address}")
    rows(folder / f"2026-{month:02}", *lines, head="ID,KW,ADDRESS", name="ders.csv")


def instant(month: int) -> datetime:
    return datetime(2026, month, 1, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)


def states(months: dict[int, Month], feed: str) -> Iterator[tuple[int, Month]]:
    """What is so after each month, in order."""
    state: Month = {}
    for month in sorted(months):
        state = dict(months[month]) if feed == "snapshot" else state | months[month]
        yield month, state


def seen_at(source: Source, when: datetime) -> dict[str, int]:
    """Nameplates as of an instant: current rows that began, and versions that had not ended."""
    current = DER.objects.filter(source=source, valid_from__lte=when)
    past = DERVersion.objects.filter(source=source, valid_from__lte=when, valid_to__gt=when)
    found = [
        *current.values_list("external_id", "nameplate_kw"),
        *past.values_list("external_id", "nameplate_kw"),
    ]
    assert len({name for name, _kw in found}) == len(found)
    return {name: int(kw or 0) for name, kw in found}


def check(source: Source, months: dict[int, Month], feed: str) -> None:
    """Current state, history and lake, against the model."""
    final: Month = {}
    for month, state in states(months, feed):
        final = state
        assert seen_at(source, instant(month)) == {name: kw for name, (kw, _a) in state.items()}, month
    current = dict(DER.objects.filter(source=source).values_list("external_id", "nameplate_kw"))
    assert current == {name: Decimal(kw) for name, (kw, _a) in final.items()}
    addresses = {
        a.der.external_id: a.street_address
        for a in DERAddress.objects.filter(source=source).select_related("der")
    }
    assert addresses == {name: address for name, (_kw, address) in final.items() if address}
    assert expected_versions(months, feed) == sorted(
        (v.external_id, int(v.nameplate_kw or 0), v.valid_from, v.valid_to)
        for v in DERVersion.objects.filter(source=source)
    )
    held = open_lake().delta(tables.DERS).to_pyarrow_table().to_pylist()
    mine = [row for row in held if row["utility_code"] == source.utility.utility_code]
    assert {row["key"]: row["nameplate_kw"] for row in mine} == current


def expected_versions(months: dict[int, Month], feed: str) -> list[tuple[str, int, datetime, datetime]]:
    """Each stretch of time in which a nameplate held and that has ended, by the model."""
    ended: list[tuple[str, int, datetime, datetime]] = []
    since: dict[str, datetime] = {}
    before: dict[str, int] = {}
    for month, state in states(months, feed):
        now = {name: kw for name, (kw, _a) in state.items()}
        for name in {*before, *now}:
            if before.get(name) != now.get(name):
                if name in before:
                    ended.append((name, before[name], since[name], instant(month)))
                since[name] = instant(month)
        before = now
    return sorted(ended)


@dataclass(frozen=True)
class Load:
    """A month to be loaded: whether a row stands in it twice, and whether it is loaded again at once."""

    month: int
    content: Month
    twice: bool
    again: bool
    is_late: bool


@st.composite
def loads(draw: st.DrawFn) -> list[Load]:
    """Two to four months in the order in which they come: oldest first, but for one that may come last."""
    row = st.tuples(st.integers(1, 3), st.sampled_from(["", "1 Example Street", "2 Example Street"]))
    contents = st.lists(st.dictionaries(st.sampled_from(IDS), row, min_size=1), min_size=2, max_size=4)
    drawn = dict(enumerate(draw(contents), start=1))
    late = draw(st.sampled_from([0, *list(drawn)[:-1]]))
    order = [month for month in drawn if month != late] + [late][: bool(late)]
    return [
        Load(month, drawn[month], draw(st.booleans()), draw(st.booleans()), month == late) for month in order
    ]


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # each example is real runs; shrinking would take an hour
    suppress_health_check=list(HealthCheck),
)
@given(feed=st.sampled_from(["snapshot", "incremental"]), plan=loads())
def test_random_months_come_out_as_in_a_simple_model(
    portal: Portal, tmp_path_factory: pytest.TempPathFactory, feed: str, plan: list[Load]
) -> None:
    code = f"monthly{HCIngestionRun.objects.count()}"
    portal.add(entry(code, feed))
    source = Source.objects.get(utility__utility_code=code)
    folder = tmp_path_factory.mktemp("months")
    loaded: dict[int, Month] = {}
    for load in plan:
        write(folder, load.month, load.content, twice=load.twice)
        loaded[load.month] = load.content
        for again in range(1 + load.again):
            run = portal.ingest(source, given=at(folder, load.month), force=load.is_late and not again)
            if again:
                assert run.status == RunStatus.UNCHANGED, run.error_message
            assert run.status in (RunStatus.COMPLETED, RunStatus.UNCHANGED), run.error_message
            check(source, loaded, feed)


def test_a_late_month_is_put_where_it_belongs(portal: Portal, tmp_path: Path) -> None:
    portal.add(entry("monthly", "snapshot"))
    source = portal.source("monthly")
    months: dict[int, Month] = {
        1: {"01": (1, "1 Example Street"), "2": (1, "")},
        3: {"01": (3, ""), "3": (3, "3 Example Street")},
        2: {"01": (2, "1 Example Street"), "2": (1, ""), "4": (2, "")},
    }
    loaded: dict[int, Month] = {}
    for month, content in months.items():
        write(tmp_path, month, content, twice=False)
        given_month = at(tmp_path, month)
        kept = DER.objects.filter(source=source, external_id="01").values_list("pk", flat=True).first()
        run = portal.ingest(source, given=given_month, force=month == 2)
        assert run.status == RunStatus.COMPLETED, run.error_message
        loaded[month] = content
        check(source, loaded, "snapshot")
        if kept is not None:
            assert DER.objects.get(source=source, external_id="01").pk == kept
    replaced = HCIngestionRun.objects.get(replaced_by__isnull=False)
    assert (replaced.period and replaced.period.month, replaced.replaced_by_id) == (3, run.pk)
    source.refresh_from_db()
    assert source.published_run
    assert source.published_run.period
    assert (source.published_run.period.month, source.lake_run_id) == (3, source.published_run_id)
    # And the same late month once more changes nothing.
    assert portal.ingest(source, given=given_month).status == RunStatus.UNCHANGED
    check(source, loaded, "snapshot")


def test_after_a_rollback_no_month_is_replayed_and_nothing_changes(portal: Portal, tmp_path: Path) -> None:
    portal.add(entry("monthly", "snapshot"))
    source = portal.source("monthly")
    loaded: dict[int, Month] = {month: {"01": (month, ""), "2": (1, "")} for month in (2, 3, 4)}
    runs = []
    for month, content in loaded.items():
        write(tmp_path, month, content, twice=False)
        runs.append(portal.ingest(source, given=at(tmp_path, month)))
    roll_back(source, runs[1], note="April was drawn wrong")
    source.refresh_from_db()
    before = (source.published_run_id, sorted(DER.objects.values_list("external_id", "nameplate_kw")))
    write(tmp_path, 1, {"01": (9, "")}, twice=False)
    late = portal.ingest(source, given=at(tmp_path, 1), force=True)
    assert late.status == RunStatus.FAILED
    assert "which is no month of its own" in late.error_message
    source.refresh_from_db()
    assert (
        source.published_run_id,
        sorted(DER.objects.values_list("external_id", "nameplate_kw")),
    ) == before


def test_shapes_and_feeders_come_back_too_when_a_month_comes_late(portal: Portal, tmp_path: Path) -> None:
    sections = sections_entry("shaped")
    portal.add(sections)
    clean = portal.add(sections_entry("clean"))
    shaped = portal.source("shaped")
    for month, force in ((1, False), (3, False), (2, True)):
        shapes(tmp_path / "late", month)
        assert portal.ingest(shaped, given=at(tmp_path / "late", month), force=force).status == "completed"
    for month in (1, 2, 3):
        shapes(tmp_path / "clean", month)
        assert portal.ingest(clean, given=at(tmp_path / "clean", month)).status == "completed"
    assert drawn(shaped) == drawn(clean)
    assert drawn(shaped)["past sections"]


def at(folder: Path, month: int) -> Given:
    return Given(folder, datetime(2026, month, 1, tzinfo=UTC).date())


def sections_entry(code: str) -> dict[str, Any]:
    described = entry(code, "snapshot")
    described["data_source_type"] = "file"
    source = described["sources"][0]
    del source["ders"]
    source |= {
        "code": "sections",
        "holds": "capacity",
        "file": {"name": "sections.geojson", "format": "geojson", "monthly": True},
        "geometry": "polyline",
        "grain": "section",
        "key": ["ID"],
        "fields": {"feeder_id": {"id": "FEEDER"}},
        "figures": [
            {
                "capacity_type": "generation",
                "hosting_capacity_mw": {"mw": "MW"},
                "remaining": "hosting",
                "rollup": "min",
            }
        ],
        "thresholds": source["thresholds"] | {"max_feeder_change": 9, "max_key_change": 1},
    }
    return described


def shapes(folder: Path, month: int) -> None:
    """Four sections of two feeders, some of which move, grow, go and come."""
    (folder / f"2026-{month:02}").mkdir(parents=True)
    rows = [("a", "F1", 1.0, 0), ("b", "F1", 2.0 * month, 0), ("c", "F2", 3.0, month), ("d", "F2", 1.5, 0)]
    if month == 2:
        rows = [*rows[:3], ("e", "F3", 0.5, 5)]
    features = [
        {
            "type": "Feature",
            "properties": {"ID": name, "FEEDER": feeder, "MW": mw},
            "geometry": {
                "type": "LineString",
                "coordinates": [[-73 + n / 10, 42 + moved / 100], [-72.9 + n / 10, 42.1]],
            },
        }
        for n, (name, feeder, mw, moved) in enumerate(rows)
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features})
    (folder / f"2026-{month:02}" / "sections.geojson").write_text(text)


def drawn(source: Source) -> dict[str, list[Any]]:
    """What readers see and saw of sections and records, shapes and times included."""
    shape = ("geometry", "hosting_capacity_mw", "valid_from")
    return {
        "sections": [
            (
                s.key,
                s.feeder and s.feeder.external_id,
                *(str(getattr(s, name)) for name in (*shape, "geometry_3857")),
            )
            for s in HostingCapacitySection.objects.filter(source=source).order_by("key")
        ],
        "records": [
            (
                r.key,
                r.section_count,
                *(str(getattr(r, name)) for name in (*shape, "geometry_3857", "centroid")),
            )
            for r in HostingCapacityRecord.objects.filter(source=source).order_by("key")
        ],
        "past sections": [
            (s.key, *(str(getattr(s, name)) for name in (*shape, "valid_to")))
            for s in HostingCapacitySectionVersion.objects.filter(source=source).order_by("key", "valid_from")
        ],
        "past records": [
            (r.key, *(str(getattr(r, name)) for name in (*shape, "valid_to")))
            for r in HostingCapacityRecordVersion.objects.filter(source=source).order_by("key", "valid_from")
        ],
    }
