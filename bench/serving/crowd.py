"""Many clients at once: requests a second and p95, for each kind of question."""

from collections.abc import Sequence

from django.core.cache import cache

from bench.serving import client
from bench.serving.geojson import PATH as GEOJSON
from bench.serving.places import Place, Tile, around
from bench.serving.queries import NEARBY, RECORDS
from hcportal.services.programs import Address

CLIENTS = (1, 8, 32)
SECONDS = 4


def measure(
    wrk: str, address: Address, cached: Sequence[Tile], many: Sequence[Tile], places: list[Place]
) -> None:
    """Print a table, line by line."""
    nearby = [f"{NEARBY}?lat={lat}&lon={lon}" for lon, lat in around(places, 500, 6)]
    kinds: dict[str, list[str]] = {
        "tile, cached": [tile.path for tile in cached],
        "tile, uncached": [tile.path for tile in many],
        "nearby, 10 km": nearby,
        "GeoJSON of 2,000": [GEOJSON],
        "records of a utility, 100": [f"{RECORDS}?limit=100"],
        "page of feeders": ["/feeders/?utility=load_1"],
    }
    print(f"{'':<28}" + "".join(f"{f'{number} clients':>24}" for number in CLIENTS), flush=True)
    used = 0
    for what, paths in kinds.items():
        cells = []
        for number in CLIENTS:
            note = ""
            if what == "tile, uncached":
                cache.clear()
                asked = [*paths[used:], *paths[:used]]
                load = client.hammer(wrk, address, asked, number, SECONDS)
                used = (used + load.requests) % len(paths)
                note = " (round)" if load.requests > len(paths) else ""
            else:
                client.hammer(wrk, address, paths, 1, 1)  # whatever is kept is there
                load = client.hammer(wrk, address, paths, number, SECONDS)
            note += f" {load.failed} FAILED" if load.failed else ""
            cells.append(f"{load.per_second:>10.1f}/s {load.p95_ms:>8.1f} ms{note}")
        print(f"{what:<28}" + "".join(f"{cell:>24}" for cell in cells), flush=True)
