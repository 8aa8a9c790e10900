"""Esri JSON to WKB: ours against GDAL, on the same pages, in CPU seconds of this process."""

import statistics
import time
from collections.abc import Callable

import orjson
import pyogrio

from hcportal.http import Client
from hosting.sources.collector import collector_paused
from hosting.sources.esri import to_wkb

PAGES, ROWS = 10, 2_000


def pages(url: str) -> list[bytes]:
    """Bodies of the first pages as a fetch gets them, attributes and all; 20,000 lines together."""
    with Client(allow_loopback=True) as client:
        asked = {"where": "1=1", "outFields": "*", "outSR": "4326", "f": "json"}
        return [
            client.get(
                f"{url}/query", asked | {"resultOffset": str(n * ROWS), "resultRecordCount": str(ROWS)}
            )
            for n in range(PAGES)
        ]


def ours(body: bytes) -> int:
    with collector_paused():
        return sum(to_wkb(one["geometry"]) is not None for one in orjson.loads(body)["features"])


def gdal(body: bytes) -> int:
    _meta, table = pyogrio.read_arrow(body, columns=[])
    return int(table.num_rows) - int(table.column(table.num_columns - 1).null_count)


def compare(url: str, rounds: int) -> tuple[float, float]:
    """Median CPU seconds of ours and of GDAL for 20,000 lines; both must give as many shapes."""
    bodies = pages(url)
    took: dict[Callable[[bytes], int], list[float]] = {ours: [], gdal: []}
    for _ in range(rounds):
        for read, seconds in took.items():
            began = time.process_time()
            found = sum(read(body) for body in bodies)
            seconds.append(time.process_time() - began)
            if found != PAGES * ROWS:
                raise RuntimeError(f"{read.__name__} gave {found:,} shapes of {PAGES * ROWS:,}")
    return statistics.median(took[ours]), statistics.median(took[gdal])
