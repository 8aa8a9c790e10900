"""The overview's cells are what the records say, for one utility and for all, after whatever has changed."""

import math
import random
from collections import defaultdict
from decimal import Decimal
from statistics import median
from typing import Any

import pytest
from django.contrib.gis.geos import Point

from hosting.models import HostingCapacityRecord, OverviewCell, OverviewState
from hosting.tiles.grid import refresh
from hosting.visible import visible
from tests.factories import line, make_feeder, make_published_run, make_record, make_source, make_utility
from utilities.models import Source, Utility

pytestmark = pytest.mark.django_db

Key = tuple[int | None, str, str, int, int, int, int]


def expected() -> dict[Key, tuple[Any, ...]]:
    """Cells made in Python from the records that readers may see."""
    found: dict[Key, list[HostingCapacityRecord]] = defaultdict(list)
    for record in visible(HostingCapacityRecord.objects.exclude(geometry_3857=None)):
        assert record.centroid is not None
        lon, lat = record.centroid.coords
        east = (lon + 180) / 360
        south = (1 - math.log(math.tan(math.radians(lat)) + 1 / math.cos(math.radians(lat))) / math.pi) / 2
        for zoom in range(8):
            column, row = int(east * 2**zoom * 64), int(south * 2**zoom * 64)
            place = (zoom, column // 64, row // 64, (row % 64) * 64 + column % 64)
            for utility in (None, record.utility_id):
                found[(utility, record.capacity_type, record.variant, *place)].append(record)
    return {key: aggregate(records) for key, records in found.items()}


def aggregate(records: list[HostingCapacityRecord]) -> tuple[Any, ...]:
    remaining = [float(r.remaining_capacity_mw) for r in records if r.remaining_capacity_mw is not None]
    hosting = [float(r.hosting_capacity_mw) for r in records if r.hosting_capacity_mw is not None]
    figures: list[Any] = [len(records)]
    for known in (remaining, hosting):
        figures += [len(known), median(known) if known else None, max(known, default=None)]
    return tuple(pytest.approx(figure) if isinstance(figure, float) else figure for figure in figures)


def kept() -> dict[Key, tuple[Any, ...]]:
    return {
        (c.utility_id, c.capacity_type, c.variant, c.zoom, c.tile_x, c.tile_y, c.cell): (
            c.records,
            *(c.remaining_known, c.remaining_median_mw, c.remaining_max_mw),
            *(c.hosting_known, c.hosting_median_mw, c.hosting_max_mw),
        )
        for c in OverviewCell.objects.all()
    }


def some_records(source: Source, number: int, chance: random.Random, **given: Any) -> None:
    """A publication of `number` records around New England, a third of their figures unknown."""
    run = make_published_run(source)
    for _ in range(number):
        place = Point(chance.uniform(-74, -69), chance.uniform(41, 45), srid=4326)
        make_record(
            make_feeder(run),
            geometry=line((place.x, place.y), (place.x, place.y)),
            centroid=place,
            remaining_capacity_mw=chance.choice([None, 0, Decimal(str(round(chance.uniform(0, 9), 5)))]),
            hosting_capacity_mw=chance.choice([None, Decimal(str(round(chance.uniform(0, 9), 5)))]),
            **{"capacity_type": chance.choice(["generation", "load"])} | given,
        )


def test_cells_hold_counts_medians_and_maxima_of_what_is_in_them() -> None:
    chance = random.Random(20)
    a, b = make_utility(), make_utility()
    some_records(make_source(a), 60, chance)
    some_records(make_source(b), 60, chance)
    some_records(make_source(b), 20, chance, variant="strict")
    assert refresh() == 2
    assert kept() == expected()
    assert {key[0] for key in kept()} == {None, a.pk, b.pk}
    # Both utilities meet in cells, so that a median over both is something else than either's.
    shared = [key for key in kept() if key[0] is None and key[3] == 0]
    assert any(kept()[key][0] > kept().get((a.pk, *key[1:]), (0,))[0] for key in shared)


def test_each_kind_of_change_is_followed_in_all_cells_that_it_touches() -> None:
    chance = random.Random(21)
    a, b = make_utility(), make_utility()
    first, second, third = make_source(a), make_source(a), make_source(b)
    for source in (first, second, third):
        some_records(source, 40, chance)
    refresh()

    # A publication: values move, rows come and go, one loses its place on the map.
    run = make_published_run(first)
    mine = list(HostingCapacityRecord.objects.filter(source=first))
    for record in mine[:10]:
        record.delete()
    for record in mine[10:20]:
        record.remaining_capacity_mw = Decimal(7)
        record.save()
    HostingCapacityRecord.objects.filter(pk=mine[20].pk).update(geometry_3857=None)
    make_record(make_feeder(run), centroid=Point(-120.5, 38.1, srid=4326))
    before = {key: row for key, row in kept().items() if key[0] == b.pk}
    assert refresh() == 1
    assert kept() == expected()
    assert {key: row for key, row in kept().items() if key[0] == b.pk} == before

    Source.objects.filter(pk=second.pk).update(redistribution="forbidden")
    assert refresh() == 1
    assert kept() == expected()
    Source.objects.filter(pk=third.pk).update(in_catalog=False)
    assert refresh() == 1
    assert kept() == expected()
    assert {key[0] for key in kept()} == {None, a.pk}
    Source.objects.filter(pk=third.pk).update(in_catalog=True)
    Source.objects.filter(pk=second.pk).update(redistribution="display_only")
    Source.objects.filter(pk=first.pk).update(redistribution="unknown")
    assert refresh() == 2
    assert kept() == expected()


def test_what_has_not_changed_is_not_made_again() -> None:
    some_records(make_source(), 5, random.Random(1))
    assert refresh() == 1
    ids = set(OverviewCell.objects.values_list("id", flat=True))
    assert refresh() == 0
    assert set(OverviewCell.objects.values_list("id", flat=True)) == ids


def test_nothing_is_left_of_a_utility_that_was_removed() -> None:
    run = make_published_run()
    make_record(make_feeder(run))
    refresh()
    assert OverviewCell.objects.count() == 16
    HostingCapacityRecord.objects.all().delete()
    Source.objects.update(published_run=None)
    run.utility.feeders.all().delete()
    run.delete()
    Source.objects.all().delete()
    Utility.objects.all().delete()
    assert refresh() == 1
    assert not OverviewCell.objects.exists()
    assert [state.sources for state in OverviewState.objects.all()] == [""]


def test_records_on_the_edges_of_the_world_have_a_cell() -> None:
    run = make_published_run()
    for lon, lat in ((-180, 85.05), (180, -85.05), (180, 85.05), (-180, -85.05), (0, 0)):
        place = Point(lon, lat, srid=4326)
        make_record(make_feeder(run), geometry=line((place.x, place.y), (place.x, place.y)), centroid=place)
    refresh()
    corners = OverviewCell.objects.filter(utility=None, zoom=7).values_list("tile_x", "tile_y", "cell")
    assert set(corners) == {
        (0, 0, 0),
        (127, 127, 4095),
        (127, 0, 63),
        (0, 127, 63 * 64),
        (64, 64, 0),
    }
