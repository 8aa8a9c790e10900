"""Readers while data are published: whole states only, and never an older one than the version says."""

import gzip
import threading
from collections import defaultdict
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from hosting.models import HostingCapacityRecord
from hosting.tiles import grid
from tests.factories import make_feeder, make_published_run, make_record, make_source
from tests.hosting.tiles.mvt import ask, decode, place
from tests.hosting.tiles.test_grid import expected, kept

pytestmark = pytest.mark.django_db(transaction=True)
PUBLICATIONS = 12
LAYERS = (("overview", place(-71.42, 41.82, 4)), ("feeders", place(-71.42, 41.82, 9)))


def publish(source: Any, value: int) -> None:
    """All of the source's records get `value`, as one publication."""
    with transaction.atomic():
        HostingCapacityRecord.objects.filter(source=source).update(
            remaining_capacity_mw=value, hosting_capacity_mw=value
        )
        make_published_run(source)
        grid.refresh()


def test_a_tile_is_of_one_publication_and_of_none_before_its_version() -> None:
    source = make_source()
    run = make_published_run(source)
    for _ in range(30):
        make_record(make_feeder(run))
    publish(source, 0)
    first_value_of: dict[str, int] = {}  # a version to the state that it names
    seen: dict[tuple[str, str], set[int]] = defaultdict(set)
    trouble: list[Any] = []
    over = threading.Event()

    def read() -> None:
        client = Client()
        try:
            while not over.is_set():
                for layer, (z, x, y) in LAYERS:
                    answer = ask(client, layer, z, x, y)
                    body = _unzipped(answer)
                    features = decode(body, layer, z, x, y)
                    values = {f.attributes[name] for f in features for name in ("r", "h")}
                    values |= {f.attributes[n] for f in features for n in ("rx", "hx") if layer == "overview"}
                    if len(values) != 1 or sum(f.attributes.get("n", 1) for f in features) != 30:
                        trouble.append((layer, values))
                    seen[(layer, answer["ETag"])] |= {int(value) for value in values}
        except Exception as error:
            trouble.append(error)
        finally:
            connection.close()

    readers = [threading.Thread(target=read) for _ in range(4)]
    client = Client()
    first_value_of[ask(client, "feeders", *LAYERS[1][1])["ETag"]] = 0
    for reader in readers:
        reader.start()
    for value in range(1, PUBLICATIONS):
        publish(source, value)
        first_value_of[ask(client, "feeders", *LAYERS[1][1])["ETag"]] = value
    over.set()
    for reader in readers:
        reader.join()
    assert not trouble
    assert len(first_value_of) == PUBLICATIONS
    assert len(seen) > 2
    for (layer, version), values in seen.items():
        # Made a moment after its version was read, a tile may be newer; older it must never be.
        assert min(values) >= first_value_of[version], (layer, version)


def _unzipped(answer: Any) -> bytes:
    assert answer.status_code == 200, answer.content
    return gzip.decompress(answer.content)


def test_utilities_that_publish_at_once_leave_cells_that_are_true_for_all() -> None:
    sources = [make_source() for _ in range(4)]
    for source in sources:
        run = make_published_run(source)
        for _ in range(10):
            make_record(make_feeder(run))
    trouble: list[Exception] = []

    def work(source: Any, number: int) -> None:
        try:
            for value in range(6):
                publish(source, 10 * number + value)
        except Exception as error:
            trouble.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work, args=(source, n)) for n, source in enumerate(sources)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not trouble
    assert kept() == expected()
    assert grid.refresh() == 0
