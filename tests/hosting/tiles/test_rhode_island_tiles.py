"""Tiles of real data: 59,535 sections of 449 feeders, every one of them where it belongs."""

from collections import defaultdict
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from hosting.models import HostingCapacityRecord, OverviewState
from hosting.tiles.layers import LAYERS, statement
from tests.conftest import Portal
from tests.hosting.test_rhode_island import CODE, FILE, features, ingest, rhode_island
from tests.hosting.tiles.mvt import Feature, place, tile
from tests.hosting.tiles.test_grid import expected, kept
from tests.peers.koop import Koop
from tests.reference import reference

pytestmark = [pytest.mark.koop, pytest.mark.slow]

PROVIDENCE, WESTERLY = (-71.42, 41.82), (-71.82, 41.37)


def meeting(table: str, z: int, x: int, y: int) -> set[int]:
    """Ids of the rows whose shape meets the tile's area."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {table} WHERE ST_Intersects(geometry_3857, ST_TileEnvelope(%s, %s, %s))",
            (z, x, y),
        )
        return {pk for (pk,) in cursor.fetchall()}


def ids(found: list[Feature]) -> set[int | None]:
    numbers = [feature.id for feature in found]
    assert len(numbers) == len(set(numbers))
    return set(numbers)


def test_every_feeder_and_section_is_in_the_tiles_it_meets(
    portal: Portal, koop: Koop, client: Client
) -> None:
    file = reference(FILE)
    portal.add(rhode_island(koop(file).url))
    ingest()
    highest: dict[str, float] = defaultdict(float)
    for feature in features(file):
        properties = feature["properties"]
        name = properties["Network_ID"]
        highest[name] = max(highest[name], properties["hosting_capacity_mw"])
    feeder_of = dict(HostingCapacityRecord.objects.values_list("id", "feeder_id_external"))

    _feeders_are_whole(client, highest, feeder_of)
    for where, zoom in ((PROVIDENCE, 12), (PROVIDENCE, 14), (WESTERLY, 13)):
        at = place(*where, zoom)
        found = ids(tile(client, "sections", *at))
        assert meeting("hosting_hostingcapacitysection", *at) <= found
    _the_overview_counts_all(client)
    _indexes_are_used(at)
    _the_legend_counts_all(client, highest)
    _the_bounds_hold_the_state(client)
    _nothing_is_left_when_it_leaves_the_catalog(portal, client)


def _feeders_are_whole(client: Client, highest: dict[str, float], feeder_of: dict[int, str]) -> None:
    seen: set[int | None] = set()
    for zoom in range(8, 15):
        for where in (PROVIDENCE, WESTERLY):
            at = place(*where, zoom)
            found = tile(client, "feeders", *at)
            assert meeting("hosting_hostingcapacityrecord", *at) <= ids(found), at
            seen |= ids(found)
            for feature in found:
                assert feature.id is not None
                value = pytest.approx(highest[feeder_of[feature.id]], abs=5e-6)
                assert feature.attributes["h"] == feature.attributes["r"] == value
                assert feature.attributes["u"] == CODE
                assert feature.attributes["s"] == 1
                assert not feature.shape.is_empty
    # Four tiles of zoom 8 hold the state, and every one of its feeders.
    z, x, y = place(*PROVIDENCE, 8)
    for column, row in ((x - 1, y), (x, y + 1), (x - 1, y + 1), (x + 1, y), (x, y)):
        seen |= ids(tile(client, "feeders", z, column, row))
    assert seen == set(feeder_of)


def _the_overview_counts_all(client: Client) -> None:
    assert kept() == expected()
    state = OverviewState.objects.get(utility=None)
    for zoom in range(8):
        z, x, y = place(*PROVIDENCE, zoom)
        around = {(z, max(x + dx, 0), y + dy) for dx in (-1, 0) for dy in (0, 1) if y + dy < 2**z}
        cells = [cell for at in around for cell in tile(client, "overview", *at)]
        assert sum(cell.attributes["n"] for cell in cells) == 449, (zoom, state.sources)


def _indexes_are_used(at: tuple[int, int, int]) -> None:
    source = HostingCapacityRecord.objects.values_list("source_id", flat=True)[0]
    z, x, y = at
    given: dict[str, Any] = {"capacity_type": "generation", "variant": "default", "utility": None}
    for layer, index in (("feeders", "record_geometry_3857"), ("sections", "section_geometry_3857")):
        sql = statement(LAYERS[layer], z, of_utility=False, cells_are_kept=True)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE hosting_hostingcapacityrecord, hosting_hostingcapacitysection")
            cursor.execute(f"EXPLAIN {sql}", {**given, "z": z, "x": x, "y": y, "sources": [source]})
            assert index in "\n".join(row for (row,) in cursor.fetchall())


def _the_legend_counts_all(client: Client, highest: dict[str, float]) -> None:
    found = client.get("/tiles/counts.json?bbox=-72,41,-71,42.1&min_hosting_mw=2").json()
    assert found["total"] == 449
    assert found["passing"] == sum(value >= 2 for value in highest.values())
    assert found["hosting"]["over_5"] == sum(value > 5 for value in highest.values())
    assert found["hosting"]["over_2"] == sum(2 < value <= 5 for value in highest.values())


def _the_bounds_hold_the_state(client: Client) -> None:
    west, south, east, north = client.get(f"/tiles/feeders.json?utility={CODE}").json()["bounds"]
    assert -71.95 < west < -71.7
    assert 41.1 < south < 41.4
    assert -71.25 < east < -71.0
    assert 41.9 < north < 42.1


def _nothing_is_left_when_it_leaves_the_catalog(portal: Portal, client: Client) -> None:
    (portal.folder / "catalog" / f"{CODE}.yaml").unlink()
    call_command("sync_catalog")
    assert kept() == {}
    assert tile(client, "overview", 0, 0, 0) == []
    assert tile(client, "feeders", *place(*PROVIDENCE, 9)) == []
    assert client.get("/tiles/counts.json").json()["total"] == 0
