"""TileJSON: what a map client builds a layer from."""

import pytest
from django.test import Client

from tests.factories import line, make_feeder, make_published_run, make_record, make_source, make_substation
from tests.hosting.api.asking import get
from tests.hosting.tiles.mvt import place, tile

pytestmark = pytest.mark.django_db

ZOOMS = {"overview": (0, 7), "feeders": (8, 14), "sections": (12, 14), "substations": (4, 14)}


@pytest.mark.parametrize("layer", ZOOMS)
def test_a_layer_is_described_as_tilejson_3_wants_it(client: Client, layer: str) -> None:
    run = make_published_run(make_source(attribution="Wires & <b>Co</b>"))
    make_record(make_feeder(run), geometry=line((-71.5, 41.5), (-71.0, 42.0)))
    make_substation(run.utility, source=run.source)
    found = get(client, f"/tiles/{layer}.json?utility={run.utility.utility_code}")
    assert found["tilejson"] == "3.0.0"
    assert (found["minzoom"], found["maxzoom"]) == ZOOMS[layer]
    assert found["attribution"] == "Wires &amp; &lt;b&gt;Co&lt;/b&gt;"  # clients read it as HTML
    (address,) = found["tiles"]
    assert address.startswith(f"http://testserver/tiles/{layer}/{{z}}/{{x}}/{{y}}.mvt?")
    assert f"utility={run.utility.utility_code}" in address
    (only,) = found["vector_layers"]
    assert only["id"] == layer
    expected = [-71.42, 41.82, -71.42, 41.82] if layer == "substations" else [-71.5, 41.5, -71.0, 42.0]
    assert found["bounds"] == pytest.approx(expected)
    z, x, y = place(-71.42, 41.82, max(found["minzoom"], 4) if layer != "sections" else 12)
    answer = client.get(address.format(z=z, x=x, y=y).removeprefix("http://testserver"))
    assert answer.status_code in (200, 204)
    assert "immutable" in answer["Cache-Control"]


def test_every_attribute_of_a_tile_is_described(client: Client) -> None:
    run = make_published_run()
    make_record(
        make_feeder(run),
        remaining_capacity_mw=1,
        capacity_status="at_least",
        constraining_metric="thermal",
        section_count=1,
        grain="cell",
    )
    for layer, zoom in (("feeders", 12), ("overview", 7)):
        described = set(get(client, f"/tiles/{layer}.json")["vector_layers"][0]["fields"])
        (found,) = tile(client, layer, *place(-71.42, 41.82, zoom))
        assert set(found.attributes) | ({"name"} & described) == described


def test_bounds_are_of_what_is_shown_and_absent_where_nothing_is(client: Client) -> None:
    assert "bounds" not in get(client, "/tiles/feeders.json")
    hidden = make_published_run(make_source(redistribution="forbidden", attribution="Nobody"))
    make_record(make_feeder(hidden))
    assert "bounds" not in get(client, "/tiles/feeders.json")
    assert "attribution" not in get(client, "/tiles/feeders.json")
    run = make_published_run(make_source(attribution="A"))
    make_record(make_feeder(run), geometry=line((-100, 40), (-99, 41)))
    assert get(client, "/tiles/feeders.json")["bounds"] == pytest.approx([-100, 40, -99, 41])
    assert "bounds" not in get(client, "/tiles/feeders.json?capacity_type=load")
    assert get(client, "/tiles/feeders.json")["attribution"] == "A"


def test_a_new_publication_is_a_new_address(client: Client) -> None:
    run = make_published_run()
    first = client.get("/tiles/feeders.json")
    assert first["Cache-Control"] == "no-cache"
    held = {"if-none-match": first["ETag"]}
    assert client.get("/tiles/feeders.json", headers=held).status_code == 304
    make_published_run(run.source)
    again = client.get("/tiles/feeders.json", headers=held)
    assert again.status_code == 200
    assert again.json()["tiles"] != first.json()["tiles"]
