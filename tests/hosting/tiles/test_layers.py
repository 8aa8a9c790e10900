"""What is in the tiles of each layer, decoded from what a client gets."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.gis.geos import GEOSGeometry, Point, Polygon
from django.db import connection
from django.test import Client

from hosting.models import HCIngestionRun, HostingCapacitySection, OverviewState
from hosting.tiles import grid
from hosting.tiles.layers import LAYERS, statement
from tests.factories import (
    line,
    make_feeder,
    make_published_run,
    make_record,
    make_section,
    make_source,
    make_substation,
    make_utility,
)
from tests.hosting.tiles.mvt import place, tile
from utilities.models import Source

pytestmark = pytest.mark.django_db
PROVIDENCE = (-71.42, 41.82)


def a_section(run: HCIngestionRun, **given: object) -> HostingCapacitySection:
    shape = line()
    return make_section(
        make_feeder(run), geometry=shape, geometry_3857=shape.transform(3857, clone=True), **given
    )


def test_a_feeder_carries_its_figures_and_nothing_for_what_is_not_known(client: Client) -> None:
    run = make_published_run(make_source(make_utility("narragansett")))
    known = make_record(
        make_feeder(run, "F7", name="Elm Street 7"),
        remaining_capacity_mw=Decimal("3.8"),
        hosting_capacity_mw=Decimal("5.00001"),
        constraining_metric="thermal",
        section_count=4,
    )
    nothing = make_record(
        make_feeder(run, "F8"), hosting_capacity_mw=None, capacity_status="withheld", remaining_capacity_mw=0
    )
    cell = make_record(make_feeder(run, "F9"), grain="cell", capacity_status="at_least")
    found = {feature.id: feature for feature in tile(client, "feeders", *place(*PROVIDENCE, 12))}
    assert set(found) == {known.pk, nothing.pk, cell.pk}
    assert found[known.pk].attributes == {
        "f": known.feeder_id,
        "u": "narragansett",
        "name": "Elm Street 7",
        "r": 3.8,
        "h": 5.00001,
        "k": "thermal",
        "s": 1,
    }
    assert found[nothing.pk].attributes == {
        "f": nothing.feeder_id,
        "u": "narragansett",
        "name": "F8",
        "r": 0.0,
        "st": "withheld",
    }
    assert found[cell.pk].attributes["g"] == "cell"
    assert found[cell.pk].attributes["st"] == "at_least"
    assert "r" not in found[cell.pk].attributes


def test_a_cell_without_a_feeder_has_no_f(client: Client) -> None:
    run = make_published_run()
    record = make_record(make_feeder(run))
    type(record).objects.filter(pk=record.pk).update(feeder=None, feeder_id_external="", grain="cell")
    (found,) = tile(client, "feeders", *place(*PROVIDENCE, 12))
    assert found.id == record.pk
    assert found.attributes == {"u": run.utility.utility_code, "h": 5.0, "g": "cell"}


def test_sections_carry_their_own_figures(client: Client) -> None:
    section = a_section(
        make_published_run(), remaining_capacity_mw=Decimal("0.3"), constraining_metric="voltage"
    )
    for zoom in (12, 13, 14):
        (found,) = tile(client, "sections", *place(-71.415, 41.825, zoom))
        assert found.id == section.pk
        assert found.attributes == {
            "f": section.feeder_id,
            "u": section.utility.utility_code,
            "r": 0.3,
            "h": 5.0,
            "k": "voltage",
        }


def test_types_variants_and_utilities_are_kept_apart(client: Client) -> None:
    run, other = make_published_run(), make_published_run()
    plain = make_record(make_feeder(run))
    load = make_record(make_feeder(run), capacity_type="load")
    strict = make_record(make_feeder(run), variant="strict")
    others = make_record(make_feeder(other))
    grid.refresh()
    code = run.utility.utility_code
    cases: tuple[tuple[dict[str, Any], set[int]], ...] = (
        ({}, {plain.pk, others.pk}),
        ({"capacity_type": "load"}, {load.pk}),
        ({"variant": "strict"}, {strict.pk}),
        ({"utility": code}, {plain.pk}),
        ({"capacity_type": "load", "utility": other.utility.utility_code}, set()),
        ({"variant": "nobody-has-it"}, set()),
    )
    for asked, expected in cases:
        assert {f.id for f in tile(client, "feeders", *place(*PROVIDENCE, 10), **asked)} == expected
        cells = tile(client, "overview", *place(*PROVIDENCE, 7), **asked)
        assert sum(cell.attributes["n"] for cell in cells) == len(expected)


def test_cells_of_the_overview_say_how_many_they_hold_and_how_much_is_known(client: Client) -> None:
    run = make_published_run()
    for remaining, hosting in ((1, 2), (2, None), (6, 8), (None, None)):
        make_record(make_feeder(run), remaining_capacity_mw=remaining, hosting_capacity_mw=hosting)
    make_record(
        make_feeder(run),
        centroid=Point(-71.0, 42.3, srid=4326),
        remaining_capacity_mw=None,
        hosting_capacity_mw=None,
    )
    grid.refresh()
    for zoom in range(8):
        cells = tile(client, "overview", *place(*PROVIDENCE, zoom))
        assert sum(cell.attributes["n"] for cell in cells) == 5
    cells.sort(key=lambda cell: -cell.attributes["n"])
    assert cells[0].attributes == {"n": 4, "rn": 3, "r": 2.0, "rx": 6.0, "hn": 2, "h": 5.0, "hx": 8.0}
    assert cells[1].attributes == {"n": 1, "rn": 0, "hn": 0}

    side = 40075016.6855785 / 2**7 / 64
    where = Point(*PROVIDENCE, srid=4326).transform(3857, clone=True)
    square = Polygon.from_bbox(cells[0].shape.bounds)
    assert square.contains(where)
    assert cells[0].shape.geom_type == "Polygon"
    assert cells[0].shape.area == pytest.approx(side**2)
    assert square.area == pytest.approx(side**2)
    assert not cells[0].shape.exterior.is_ccw  # on the screen, as MVT wants outer rings


def test_the_overview_is_true_before_its_cells_are_made(client: Client) -> None:
    for mw in (1, 2, 6):
        make_record(make_feeder(make_published_run()), remaining_capacity_mw=mw)
    code = Source.objects.values_list("utility__utility_code", flat=True)[0]
    asked: list[dict[str, Any]] = [{}, {"utility": code}]
    before = [tile(client, "overview", *place(*PROVIDENCE, 5), **given) for given in asked]
    assert not OverviewState.objects.exists()
    grid.refresh()
    assert [tile(client, "overview", *place(*PROVIDENCE, 5), **given) for given in asked] == before
    assert before[0][0].attributes["r"] == 2.0
    assert before[1][0].attributes["n"] == 1


def test_what_may_be_shown_is_and_what_may_not_is_in_no_layer(client: Client) -> None:
    shown = {}
    for redistribution in ("allowed", "display_only", "unknown", "forbidden"):
        for in_catalog in (True, False):
            run = make_published_run(make_source(redistribution=redistribution, in_catalog=in_catalog))
            make_record(make_feeder(run), section_count=1)
            a_section(run)
            make_substation(run.utility, source=run.source)
            make_substation(run.utility, source=None)
            shown[run.utility.utility_code] = in_catalog and redistribution != "forbidden"
    grid.refresh()
    expected = {code for code, is_shown in shown.items() if is_shown}
    assert len(expected) == 3
    for layer in ("feeders", "sections", "substations"):
        found = tile(client, layer, *place(*PROVIDENCE, 12))
        assert {feature.attributes["u"] for feature in found} == expected, layer
        assert len(found) == (6 if layer == "substations" else 3)
    (cell,) = tile(client, "overview", *place(*PROVIDENCE, 6))
    assert cell.attributes["n"] == 3
    for code in set(shown) - expected:
        for layer, zoom in (("overview", 6), ("feeders", 12), ("sections", 12), ("substations", 12)):
            assert tile(client, layer, *place(*PROVIDENCE, zoom), utility=code) == []


@pytest.mark.parametrize("made_again", [True, False])
def test_terms_that_become_forbidden_take_effect_at_once(client: Client, made_again: bool) -> None:
    run, other = make_published_run(), make_published_run()
    make_record(make_feeder(run), remaining_capacity_mw=9)
    make_record(make_feeder(other), remaining_capacity_mw=1)
    grid.refresh()
    (before,) = tile(client, "overview", *place(*PROVIDENCE, 3))
    assert (before.attributes["n"], before.attributes["rx"]) == (2, 9.0)
    Source.objects.filter(pk=run.source_id).update(redistribution="forbidden")
    if made_again:
        grid.refresh()
    (after,) = tile(client, "overview", *place(*PROVIDENCE, 3))
    assert (after.attributes["n"], after.attributes["rx"]) == (1, 1.0)
    assert len(tile(client, "feeders", *place(*PROVIDENCE, 9))) == 1


def test_a_record_without_a_place_is_nowhere(client: Client) -> None:
    make_record(make_feeder(make_published_run()), geometry=None)
    grid.refresh()
    assert tile(client, "overview", 0, 0, 0) == []
    assert tile(client, "feeders", *place(*PROVIDENCE, 8)) == []


@pytest.mark.parametrize(
    "shape",
    [
        line((-71.42, 41.82), (-71.41999, 41.82)),
        line((-71.42, 41.82), (-71.42, 41.82)),
        line((-71.42, 41.82), (-71.4199, 41.8201), (-71.42, 41.82)),
        GEOSGeometry(
            "MULTIPOLYGON(((-71.42 41.82,-71.41999 41.82,-71.41999 41.82001,-71.42 41.82)))", srid=4326
        ),
        GEOSGeometry("POINT(-71.42 41.82)", srid=4326),
    ],
    ids=["a metre", "no length", "a loop", "a small cell", "a point"],
)
def test_a_shape_smaller_than_a_pixel_does_not_vanish(client: Client, shape: GEOSGeometry) -> None:
    shape = shape.clone()
    record = make_record(make_feeder(make_published_run()))
    type(record).objects.filter(pk=record.pk).update(
        geometry=shape, geometry_3857=shape.transform(3857, clone=True)
    )
    for zoom in range(8, 15):
        (found,) = tile(client, "feeders", *place(*PROVIDENCE, zoom))
        assert found.id == record.pk
        pixel = 40075016.6855785 / 512 / 2**zoom
        where = Point(*PROVIDENCE, srid=4326).transform(3857, clone=True)
        assert GEOSGeometry(found.shape.wkt, srid=3857).distance(where) <= 2 * pixel


def test_parts_that_meet_still_meet_from_afar(client: Client) -> None:
    parts = [
        ((-71.42 + n * 2e-4, 41.82), (-71.42 + (n + 1) * 2e-4, 41.82 + n % 3 * 1e-5)) for n in range(300)
    ]
    text = ",".join("({})".format(",".join(f"{x} {y}" for x, y in part)) for part in parts)
    shape = GEOSGeometry(f"MULTILINESTRING({text})", srid=4326)
    make_record(make_feeder(make_published_run()), geometry=shape)
    length = shape.transform(3857, clone=True).length
    for zoom in (8, 9, 10, 11, 12):
        shapes = [f.shape for x in range(2) for f in tile(client, "feeders", *_beside(zoom, x))]
        pixel = 40075016.6855785 / 512 / 2**zoom
        assert sum(shape.length for shape in shapes) > 0.9 * length - 4 * pixel, zoom


def _beside(zoom: int, steps: int) -> tuple[int, int, int]:
    z, x, y = place(*PROVIDENCE, zoom)
    return z, x + steps, y


def test_tiles_are_read_by_the_spatial_index() -> None:
    run = make_published_run()
    make_record(make_feeder(run))
    a_section(run)
    for layer, table, index in (
        ("feeders", "hosting_hostingcapacityrecord", "record_geometry_3857"),
        ("sections", "hosting_hostingcapacitysection", "section_geometry_3857"),
    ):
        sql = statement(LAYERS[layer], 13, of_utility=False, cells_are_kept=True)
        names = {"capacity_type": "generation", "variant": "default", "utility": None}
        z, x, y = place(*PROVIDENCE, 13)
        with connection.cursor() as cursor:
            columns = (
                "utility_id, source_id, ingestion_run_id, capacity_type, variant, capacity_status,"
                " remaining_basis, valid_from"
            )
            if layer == "feeders":
                columns += ", feeder_id_external, feeder_name, substation_name, grain, county"
            cursor.execute(
                f"INSERT INTO {table} ({columns}, key, geometry_3857) SELECT {columns}, 'k' || n,"
                " ST_SetSRID(ST_MakePoint(n * 1000, n * 1000), 3857)"
                f" FROM {table}, generate_series(1, 3000) n"
            )
            cursor.execute(f"ANALYZE {table}")
            cursor.execute(f"EXPLAIN {sql}", {**names, "z": z, "x": x, "y": y, "sources": [run.source_id]})
            plan = "\n".join(row for (row,) in cursor.fetchall())
        assert index in plan, plan


def test_a_small_part_in_a_corner_shows_its_feeder_though_more_of_it_is_nearer_outside(
    client: Client,
) -> None:
    z, x, y = place(*PROVIDENCE, 8)
    side = 360 / 2**z
    west = x * side - 180
    corner = Point(west + 0.01 * side, 42.02, srid=4326)
    beyond = west + 1.03 * side
    parts = f"(({corner.x} {corner.y},{corner.x + 1e-6} {corner.y}),({beyond} 41.5,{beyond + 0.3} 41.5))"
    make_record(
        make_feeder(make_published_run()), geometry=GEOSGeometry(f"MULTILINESTRING{parts}", srid=4326)
    )
    (found,) = tile(client, "feeders", z, x, y)
    where = corner.transform(3857, clone=True)
    assert GEOSGeometry(found.shape.wkt, srid=3857).distance(where) < 100
