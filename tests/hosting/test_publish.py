"""From a change set to what people read: whole, exact, with history, and nothing of it lost on the way."""

import json
import math
import random
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.gis.geos import GEOSGeometry
from django.db import connection

from hosting.models import (
    Feeder,
    HostingCapacityRecord,
    HostingCapacityRecordVersion,
    HostingCapacitySection,
    HostingCapacitySectionVersion,
    HostingCapacitySummary,
)
from hosting.sources.esri import to_wkb
from tests.conftest import Portal
from tests.layers import entry, write_layer
from utilities.models import Source

Row = dict[str, Any]
KINDS = {"point": "esriGeometryPoint", "polyline": "esriGeometryPolyline", "polygon": "esriGeometryPolygon"}


def generation(**given: Any) -> Row:
    plain = {"capacity_type": "generation", "hosting_capacity_mw": {"mw": "mw"}, "remaining": "hosting"}
    return plain | given


def feeders(code: str, *figures: Row, **given: Any) -> Row:
    """A source of feeders: `feeder`, `mw`."""
    plain: Row = {"grain": "feeder", "key": ["feeder"], "figures": list(figures) or [generation()]}
    return entry(code, **plain | given)


def serve(portal: Portal, code: str, rows: list[Row], kind: str = "polyline") -> None:
    """A layer of the rows; a row's `shape` is its geometry in Esri's form."""
    write_layer(
        portal.folder / "recorded", code, [{k: v for k, v in row.items() if k != "shape"} for row in rows]
    )
    folder = portal.folder / "recorded" / code / "0"
    layer, answer = (json.loads((folder / name).read_text()) for name in ("layer.json", "features.json"))
    layer["geometryType"] = answer["geometryType"] = KINDS[kind]
    for row, feature in zip(rows, answer["features"], strict=True):
        if "shape" in row:
            feature["geometry"] = row["shape"]
    (folder / "layer.json").write_text(json.dumps(layer))
    (folder / "features.json").write_text(json.dumps(answer))


def publish(portal: Portal, source: Source, rows: list[Row], kind: str = "polyline") -> Any:
    """Serve and ingest; the run, which must have been published."""
    serve(portal, source.utility.utility_code, rows, kind)
    run = portal.ingest(source)
    assert run.status == "completed", run.error_message
    return run


def record(**which: Any) -> Any:
    """The one record, or the one of several; its columns may be null, so its type says nothing."""
    return HostingCapacityRecord.objects.get(**which)


def everything(model: Any) -> list[Any]:
    """All rows of a model, by key."""
    return list(model.objects.order_by("key", "valid_from"))


def fed(**capacities: float | None) -> list[Row]:
    """A row for each feeder; its place is its own, whatever row it is."""
    return [
        {"feeder": name, "mw": mw, "paths": [[[-71.5, 41 + ord(name) / 100], [-71.4, 41.5]]]}
        for name, mw in capacities.items()
    ]


def test_ids_survive_and_what_was_is_kept_as_versions_that_meet(portal: Portal) -> None:
    source = portal.add(feeders("ours"))
    first = publish(portal, source, fed(A=1.0, B=2.0, C=3.0))
    before = {row.key: row for row in everything(HostingCapacityRecord)}
    second = publish(portal, source, fed(D=4.0, B=2.5, A=1.0))
    middle = {row.key: row for row in everything(HostingCapacityRecord)}
    third = publish(portal, source, fed(A=1.0, B=3.5, D=4.0))
    after = {row.key: row for row in everything(HostingCapacityRecord)}

    assert set(after) == {"A", "B", "D"}
    assert (
        [after[key].pk for key in "AB"]
        == [middle[key].pk for key in "AB"]
        == [before[key].pk for key in "AB"]
    )
    assert [after[key].ingestion_run for key in "ABD"] == [first, third, second]
    assert after["A"].valid_from == before["A"].valid_from
    versions = everything(HostingCapacityRecordVersion)
    assert [(v.key, v.hosting_capacity_mw, v.ingestion_run, v.ended_by_run) for v in versions] == [
        ("B", Decimal(2), first, second),
        ("B", Decimal("2.5"), second, third),
        ("C", Decimal(3), first, second),
    ]
    assert [v.record_id for v in versions] == [before["B"].pk, before["B"].pk, before["C"].pk]
    assert versions[0].valid_from == before["B"].valid_from
    assert versions[0].valid_to == versions[1].valid_from == middle["B"].valid_from == versions[2].valid_to
    assert versions[1].valid_to == after["B"].valid_from
    assert versions[2].geometry.equals_exact(before["C"].geometry)
    assert versions[2].feeder_id == before["C"].feeder_id
    source.refresh_from_db()
    assert source.published_run == source.lake_run == third


def test_a_feeder_that_left_and_came_back_is_the_same_feeder(portal: Portal) -> None:
    source = portal.add(feeders("ours", thresholds={"max_row_loss": 1}))
    first = publish(portal, source, fed(A=1.0, B=2.0))
    second = publish(portal, source, fed(A=1.0))
    gone = Feeder.objects.get(external_id="B")
    assert (gone.first_seen, gone.last_seen) == (first, first)
    assert Feeder.objects.get(external_id="A").last_seen == second
    third = publish(portal, source, fed(A=1.0, B=2.0))
    back = Feeder.objects.get(external_id="B")
    assert (back.pk, back.slug, back.first_seen, back.last_seen) == (gone.pk, gone.slug, first, third)
    assert HostingCapacityRecord.objects.get(key="B").feeder == back


def test_feeders_have_slugs_of_their_own_that_never_change(portal: Portal) -> None:
    source = portal.add(feeders("ours"))
    slugs = {
        "12 KV/3": "12-kv-3",
        "12-KV-3": "12-kv-3-2",
        "12-kv-3-2": "12-kv-3-2-2",
        "36_13_81756": "36_13_81756",
        "007": "007",
        "??": "feeder",
        "電力": "feeder-2",
        "x" * 120: "x" * 120,
    }
    publish(portal, source, [{"feeder": name, "mw": 1.0} for name in slugs])
    assert dict(Feeder.objects.values_list("external_id", "slug")) == slugs
    # One more of the same kind, sorted before the others, takes nobody's slug.
    publish(portal, source, [{"feeder": name, "mw": 2.0} for name in ["12 KV#3", *slugs]])
    assert dict(Feeder.objects.values_list("external_id", "slug")) == {**slugs, "12 KV#3": "12-kv-3-3"}


ODD = [
    'He said "no"', "a,b", "line\nbreak", "carriage\rreturn", "\\N", "\\.", "x\n\\.\ny", "back\\slash\\",
    "tab\tinside", "it's", '"', '""', "Überlandwerk 電力 🔌", "{}", "%s %(run)s", "a\x00b", "null and void",
    "🔌" * 200,
]  # fmt: skip


def test_odd_text_survives_in_names_and_in_what_was_published(portal: Portal) -> None:
    source = portal.add(
        feeders("ours", fields={"feeder_id": {"id": "feeder"}, "feeder_name": {"text": "name"}})
    )
    publish(portal, source, [{"feeder": f"F{n}", "mw": 1.0, "name": name} for n, name in enumerate(ODD)])
    for number, name in enumerate(ODD):
        found = record(key=f"F{number}")
        kept = name.replace("\x00", "")
        assert found.feeder_name == kept
        assert found.raw_attributes["name"] == kept
        assert found.feeder is not None
        assert found.feeder.name == kept


def test_ids_with_odd_text_find_their_feeders(portal: Portal) -> None:
    source = portal.add(feeders("ours", thresholds={"max_total_change": 9, "max_changed_feeders": 1}))
    names = [name for name in ODD if len(name) <= 120 and "\x00" not in name]
    publish(portal, source, [{"feeder": name, "mw": 1.0} for name in names])
    publish(portal, source, [{"feeder": name, "mw": 2.0} for name in names])
    assert {r.key: r.feeder and r.feeder.external_id for r in HostingCapacityRecord.objects.all()} == {
        name: name for name in names
    }
    assert HostingCapacityRecordVersion.objects.count() == len(names)


def test_names_too_long_for_their_columns_are_cut_and_kept_whole_as_published(portal: Portal) -> None:
    fields = {
        "feeder_id": {"id": "feeder"},
        "feeder_name": {"text": "name"},
        "substation_name": {"text": "name"},
        "county": {"text": "name"},
    }
    source = portal.add(feeders("ours", fields=fields))
    long = "Ä" * 300
    publish(portal, source, [{"feeder": "F", "mw": 1.0, "name": long}])
    found = record()
    assert (found.feeder_name, found.substation_name, found.county) == (long[:200], long[:200], long[:60])
    assert found.raw_attributes["name"] == long
    assert Feeder.objects.get().name == long[:200]
    assert portal.ingest(source, force=True).status == "unchanged"


def test_null_and_empty_text_are_told_apart_where_they_differ(portal: Portal) -> None:
    fields = {"feeder_id": {"id": "feeder"}, "feeder_name": {"text": "name"}, "county": {"text": "county"}}
    source = portal.add(feeders("ours", fields=fields))
    publish(
        portal,
        source,
        [
            {"feeder": "empty", "mw": 1.0, "name": "", "county": "K"},
            {"feeder": "nothing", "mw": None, "name": None, "county": None},
        ],
    )
    empty, null = everything(HostingCapacityRecord)
    assert (empty.feeder_name, empty.raw_attributes["name"]) == ("", "")
    assert (null.feeder_name, null.county, null.raw_attributes["name"]) == ("", "", None)
    assert (null.hosting_capacity_mw, null.remaining_capacity_mw, null.capacity_status) == (
        None,
        None,
        "unknown",
    )
    assert (null.constraining_metric, null.criteria, null.voltage_kv, null.record_date) == (None,) * 4


SQUARE = [[-71.0, 41.0], [-71.0, 42.0], [-70.0, 42.0], [-70.0, 41.0], [-71.0, 41.0]]
HOLE = [[-70.8, 41.2], [-70.2, 41.2], [-70.2, 41.8], [-70.8, 41.8], [-70.8, 41.2]]
AWAY = [[x - 3, y] for x, y in SQUARE]
SHAPES: dict[str, dict[str, tuple[Row, str, str]]] = {
    # Esri's form, the type in PostGIS, our geometry_type
    "point": {
        "point": ({"x": -71.123456789012, "y": 41.9}, "Point", "Point"),
        "multipoint": ({"points": [[-71.1, 41.9], [-71.2, 41.8]]}, "MultiPoint", "Point"),
    },
    "polyline": {
        "line": ({"paths": [[[-71.1, 41.1], [-71.2, 41.3]]]}, "LineString", "MultiLineString"),
        "multiline": (
            {"paths": [[[-71.1, 41.1], [-71.2, 41.3]], [[-71.5, 41.1], [-71.6, 41.123456789012345]]]},
            "MultiLineString",
            "MultiLineString",
        ),
    },
    "polygon": {
        "polygon": ({"rings": [SQUARE]}, "Polygon", "Polygon"),
        "with hole": ({"rings": [SQUARE, HOLE]}, "Polygon", "Polygon"),
        "multipolygon": ({"rings": [SQUARE, HOLE, AWAY]}, "MultiPolygon", "Polygon"),
    },
}


def mercator(x: float, y: float) -> tuple[float, float]:
    """EPSG:3857 by its formula."""
    radius = 6_378_137.0
    return radius * math.radians(x), radius * math.log(math.tan(math.pi / 4 + math.radians(y) / 2))


def vertices(geometry: Any) -> list[tuple[float, float]]:
    """All vertices of any geometry, in order."""
    coordinates = geometry.coords
    if coordinates and isinstance(coordinates[0], float):
        return [coordinates]
    flat: list[tuple[float, float]] = []

    def walk(part: Any) -> None:
        for inner in part:
            if isinstance(inner[0], float):
                flat.append(inner)
            else:
                walk(inner)

    walk(coordinates)
    return flat


@pytest.mark.parametrize("kind", SHAPES)
def test_every_kind_of_cell_keeps_its_exact_shape(portal: Portal, kind: str) -> None:
    cells = entry(
        "ours",
        grain="cell",
        key=["cell"],
        geometry=kind,
        fields={},
        figures=[generation(remaining="hosting")],
        thresholds={"max_outside": 1},
    )
    source = portal.add(cells)
    shapes = SHAPES[kind]
    publish(portal, source, [{"cell": n, "mw": 1.0, "shape": s} for n, (s, _, _) in shapes.items()], kind)
    assert not Feeder.objects.exists()
    assert HostingCapacityRecord.objects.count() == len(shapes)
    for name, (shape, type_name, ours) in shapes.items():
        found = record(key=name)
        wkb = to_wkb(shape)
        assert wkb is not None
        expected = GEOSGeometry(memoryview(wkb), srid=4326)
        assert expected.geom_type == type_name
        stored = found.geometry
        assert (stored.srid, found.geometry_3857.srid, found.centroid.srid) == (4326, 3857, 4326)
        assert vertices(stored) == vertices(expected)
        assert stored.geom_type == ("MultiLineString" if kind == "polyline" else type_name)
        assert stored.equals(expected)
        assert (found.geometry_type, found.feeder, found.grain) == (ours, None, "cell")
        assert found.centroid.intersects(stored) or found.centroid.distance(stored) < 1e-9
        flat = [pytest.approx(mercator(x, y), abs=1e-3) for x, y in vertices(stored)]
        assert vertices(found.geometry_3857) == flat


def test_sections_keep_their_exact_shapes_and_a_feeder_has_all_of_them(portal: Portal) -> None:
    source = portal.add(entry("ours"))
    shapes = {name: shape for name, (shape, _, _) in SHAPES["polyline"].items()}
    publish(portal, source, [{"section": n, "feeder": "F", "mw": 1.0, "shape": s} for n, s in shapes.items()])
    for section in everything(HostingCapacitySection):
        wkb = to_wkb(shapes[section.key])
        assert wkb is not None
        assert bytes(section.geometry.wkb) == wkb
        assert section.geometry.srid == 4326
        flat = [pytest.approx(mercator(x, y), abs=1e-3) for x, y in vertices(section.geometry)]
        assert vertices(section.geometry_3857) == flat
    found = record()
    assert (found.geometry.geom_type, len(found.geometry), found.section_count) == (
        "MultiLineString",
        3,
        2,
    )
    assert (found.geometry_type, found.geometry.srid, found.geometry_3857.srid) == (
        "MultiLineString",
        4326,
        3857,
    )
    assert found.raw_attributes is None


def test_a_moved_section_moves_its_feeder_and_nothing_else(portal: Portal) -> None:
    source = portal.add(entry("ours"))
    here, there = ({"paths": [[[-71.1, 41.1], [x, 41.3]]]} for x in (-71.2, -71.3))
    rows = [{"section": f"{f}{n}", "feeder": f, "mw": 1.0, "shape": here} for f in "AB" for n in (1, 2)]
    first = publish(portal, source, rows)
    rows[0]["shape"] = there
    second = publish(portal, source, rows)
    assert second.counts["sections"] == second.counts["records"] == {"added": 0, "changed": 1, "removed": 0}
    assert {r.key: r.ingestion_run for r in HostingCapacityRecord.objects.all()} == {"A": second, "B": first}
    [was] = everything(HostingCapacityRecordVersion)
    now = record(key="A")
    assert was.geometry.extent == (-71.2, 41.1, -71.1, 41.3)
    assert now.geometry.extent == (-71.3, 41.1, -71.1, 41.3)


def test_a_row_of_several_figures_is_several_records_with_histories_of_their_own(portal: Portal) -> None:
    source = portal.add(
        feeders(
            "ours",
            generation(),
            generation(variant="strict", hosting_capacity_mw={"kw": "strict"}),
            generation(capacity_type="load", hosting_capacity_mw={"mw": "load"}),
        )
    )
    rows = [{"feeder": "A", "mw": 5.0, "strict": 2500.0, "load": 7.0}]
    publish(portal, source, rows)
    second = publish(portal, source, [{**rows[0], "load": 8.0}])
    assert {
        (record.capacity_type, record.variant): (record.hosting_capacity_mw, record.ingestion_run == second)
        for record in HostingCapacityRecord.objects.all()
    } == {
        ("generation", "default"): (Decimal(5), False),
        ("generation", "strict"): (Decimal("2.5"), False),
        ("load", "default"): (Decimal(8), True),
    }
    [version] = HostingCapacityRecordVersion.objects.all()
    assert (version.capacity_type, version.hosting_capacity_mw) == ("load", Decimal(7))
    assert Feeder.objects.count() == 1
    summaries = HostingCapacitySummary.objects.values_list("capacity_type", "variant", "total_feeders")
    assert set(summaries) == {
        ("generation", "default", 1),
        ("generation", "strict", 1),
        ("load", "default", 1),
    }


def test_sections_make_no_records_where_another_source_has_them(portal: Portal) -> None:
    source = portal.add(entry("ours", feeder_records=False, figures=[generation()]))
    publish(portal, source, [{"section": n, "feeder": "F", "mw": 1.0} for n in "abc"])
    assert HostingCapacitySection.objects.count() == 3
    assert Feeder.objects.count() == 1
    assert not HostingCapacityRecord.objects.exists()
    assert not HostingCapacitySummary.objects.exists()


def test_rows_without_identity_are_replaced_whole_and_keep_no_history(portal: Portal) -> None:
    source = portal.add(entry("ours", key="none", thresholds={"max_row_loss": 1}))
    rows = [
        {"section": "s", "feeder": "F", "mw": mw, "shape": SHAPES["polyline"]["line"][0]}
        for mw in (1.0, 1.0, 2.0)
    ]
    publish(portal, source, rows)
    assert HostingCapacitySection.objects.count() == 3
    assert HostingCapacityRecord.objects.get().section_count == 3
    publish(portal, source, [rows[0], {**rows[0], "mw": 3.0}])
    found = HostingCapacitySection.objects.values_list("hosting_capacity_mw", flat=True)
    assert sorted(mw for mw in found if mw) == [1, 3]
    assert not HostingCapacitySectionVersion.objects.exists()


def test_a_removed_section_keeps_its_last_version(portal: Portal) -> None:
    source = portal.add(entry("ours", thresholds={"max_row_loss": 1}))
    rows = [{"section": n, "feeder": "F", "mw": float(mw)} for mw, n in enumerate("abc")]
    publish(portal, source, rows)
    old = everything(HostingCapacitySection)[2]
    run = publish(portal, source, rows[:2])
    [version] = everything(HostingCapacitySectionVersion)
    assert (version.key, version.section_id, version.hosting_capacity_mw) == ("c", old.pk, Decimal(2))
    assert (version.ended_by_run, version.valid_from) == (run, old.valid_from)
    assert version.geometry.equals_exact(old.geometry)
    assert HostingCapacityRecord.objects.get().hosting_capacity_mw == 1


def maybe(dice: random.Random, most: float) -> float | None:
    """A number up to `most`, now and then zero or nothing."""
    return dice.choice([None, 0.0, round(dice.uniform(0, most), 5), round(dice.uniform(0, most), 5)])


def test_sums_equal_an_independent_computation(portal: Portal) -> None:
    dice = random.Random(20260101)
    words = ["Thermal", "voltage rise", "backfeed", "gremlins", None]
    rows: list[Row] = [
        {
            "feeder": f"F{n}",
            "mw": maybe(dice, 12),
            "inst": maybe(dice, 4),
            "load": maybe(dice, 9),
            "why": dice.choice(words),
            "nothing": None,
        }
        for n in range(200)
    ]
    source = portal.add(
        feeders(
            "ours",
            generation(
                installed_dg_mw={"mw": "inst"},
                constraining_metric={"metric": "why"},
                remaining="hosting_less_installed",
            ),
            generation(capacity_type="load", hosting_capacity_mw={"mw": "load"}),
            generation(variant="nothing", hosting_capacity_mw={"mw": "nothing"}),
        )
    )
    publish(portal, source, rows)

    def exact(name: str) -> dict[str, Decimal]:
        return {row["feeder"]: Decimal(repr(row[name])) for row in rows if row[name] is not None}

    hosting, installed, load = exact("mw"), exact("inst"), exact("load")
    left = {feeder: hosting[feeder] - installed[feeder] for feeder in hosting.keys() & installed.keys()}
    shares = [installed[f] / hosting[f] * 100 for f in left if hosting[f] > 0]
    ours = {
        "Thermal": "thermal",
        "voltage rise": "voltage",
        "backfeed": "reverse_power",
        "gremlins": "unknown",
    }
    counted = [ours[row["why"]] for row in rows if row["why"]]

    summary = HostingCapacitySummary.objects.get(capacity_type="generation", variant="default")
    assert summary.total_feeders == 200
    assert summary.total_hosting_capacity_mw == sum(hosting.values())
    assert summary.total_installed_dg_mw == sum(installed.values())
    assert summary.total_remaining_capacity_mw == sum(left.values())
    assert summary.constrained_feeders_count == sum(mw < 1 for mw in left.values())
    assert summary.avg_utilization_pct == pytest.approx(sum(shares) / len(shares), abs=Decimal("0.0006"))
    assert summary.constraint_breakdown == {word: counted.count(word) for word in set(counted)}

    summary = HostingCapacitySummary.objects.get(capacity_type="load")
    assert summary.total_hosting_capacity_mw == summary.total_remaining_capacity_mw == sum(load.values())
    assert summary.constrained_feeders_count == sum(mw < 1 for mw in load.values())
    assert (summary.total_installed_dg_mw, summary.avg_utilization_pct) == (None, None)
    assert summary.constraint_breakdown == {}

    summary = HostingCapacitySummary.objects.get(variant="nothing")
    assert (summary.total_feeders, summary.constrained_feeders_count) == (200, 0)
    assert summary.total_hosting_capacity_mw is None
    assert summary.total_remaining_capacity_mw is None


def test_a_feeder_with_next_to_no_capacity_does_not_stop_the_sums(portal: Portal) -> None:
    """5 MW on 10 W of hosting capacity is an utilization of fifty million per cent."""
    figure = generation(installed_dg_mw={"mw": "inst"})
    source = portal.add(feeders("ours", figure))
    publish(portal, source, [{"feeder": "F", "mw": 0.00001, "inst": 5.0}])
    assert HostingCapacitySummary.objects.get().avg_utilization_pct == Decimal("999999.999")


def test_a_publication_leaves_no_temporary_tables(portal: Portal) -> None:
    source = portal.add(entry("ours"))
    publish(portal, source, [{"section": "a", "feeder": "F", "mw": 1.0}])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'")
        assert cursor.fetchone() == (0,)
