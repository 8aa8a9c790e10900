"""The API on the demonstration source, through the pipeline, against values from its recorded files.

It has what Rhode Island's file has not: remaining capacity that differs from hosting capacity, constraining
metrics, load beside generation, and figures that are withheld, not studied or lower bounds.
"""

import csv
import io
import json
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import shapely
from django.core.management import call_command
from django.test import Client

from tests.conftest import Portal
from tests.factories import make_utility
from tests.hosting.api.asking import GEO_JSON, body, get, pages, problem

pytestmark = pytest.mark.slow

HARBOR = "/api/v1/utilities/demo_harbor/hosting-capacity"
VALLEY = "/api/v1/utilities/demo_valley/hosting-capacity"
# The publisher's words and ours, as the specification has them.
METRICS = {
    "conductor thermal": "thermal",
    "thermal": "thermal",
    "primary_over_voltage": "voltage",
    "steady state voltage": "voltage",
    "breaker_reach": "protection",
    "unintentional_islanding": "islanding",
    "reverse power": "reverse_power",
    "pier rule 7": "unknown",
}


@dataclass(frozen=True)
class Circuit:
    """One circuit as its file has it; MW."""

    hosting: Decimal | None
    remaining: Decimal | None
    metric: str | None
    shape: Any


def features(root: Path, code: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((root / code / "0" / "features.json").read_bytes())["features"]
    return found


def harbor_of(root: Path) -> dict[str, Circuit]:
    """Circuit id to what the file says: -9999 is not studied, -8888 withheld; kW of DER come off."""
    found = {}
    for feature in features(root, "demo_harbor"):
        said = feature["attributes"]
        hosting = None if said["HC_MW"] in (None, -9999, -8888) else Decimal(str(said["HC_MW"]))
        parts = (hosting, said["DG_CONNECTED_KW"], said["DG_PENDING_KW"])
        remaining = None
        if hosting is not None and None not in parts:
            remaining = hosting - (Decimal(str(parts[1])) + Decimal(str(parts[2]))) / 1000
        word = (said["LIMITING_FACTOR"] or "").strip().lower()
        lines = [shapely.LineString(path) for path in feature["geometry"]["paths"]]
        found[said["CIRCUIT"]] = Circuit(hosting, remaining, METRICS[word] if word else None, lines)
    return found


def passing(circuits: dict[str, Circuit], given: dict[str, str]) -> set[str]:
    """The circuits that the filters let through, by the file."""
    box = shapely.box(*map(float, given["bbox"].split(","))) if "bbox" in given else None

    def passes(circuit: Circuit) -> bool:
        remaining, hosting = circuit.remaining, circuit.hosting
        return (
            (box is None or bool(shapely.intersects(circuit.shape, box).any()))
            and ("constraint" not in given or circuit.metric == given["constraint"])
            and _is_within(remaining, given.get("min_remaining_mw"), given.get("max_remaining_mw"))
            and _is_within(hosting, given.get("min_hosting_mw"), None)
        )

    return {name for name, circuit in circuits.items() if passes(circuit)}


def _is_within(value: Decimal | None, low: str | None, high: str | None) -> bool:
    if low is None and high is None:
        return True
    return (
        value is not None
        and (low is None or value >= Decimal(low))
        and (high is None or value <= Decimal(high))
    )


def test_rows_filters_pages_and_forms_say_what_the_files_say(portal: Portal, client: Client) -> None:
    """One ingest of both utilities, which is what takes long, and then every question."""
    call_command("load_demo", verbosity=0)
    root = portal.folder / "recorded"
    circuits = harbor_of(root)

    rows = [row for page in pages(client, HARBOR) for row in page]
    assert {row["feeder_id_external"]: row["hosting_capacity_mw"] for row in rows} == {
        name: circuit.hosting and float(circuit.hosting) for name, circuit in circuits.items()
    }
    assert {row["feeder_id_external"]: row["remaining_capacity_mw"] for row in rows} == {
        name: None if circuit.remaining is None else pytest.approx(float(circuit.remaining), abs=1e-9)
        for name, circuit in circuits.items()
    }
    assert {row["feeder_id_external"]: row["constraining_metric"] for row in rows} == {
        name: circuit.metric for name, circuit in circuits.items()
    }
    assert None in {circuit.remaining for circuit in circuits.values()}

    # Every filter alone and each combination of them.
    west, south, east, north = shapely.total_bounds([line for c in circuits.values() for line in c.shape])
    choices: dict[str, list[str | None]] = {
        "bbox": [None, f"{west},{south},{(west + east) / 2},{(south + north) / 2}"],
        "min_remaining_mw": [None, "0", "1.5"],
        "max_remaining_mw": [None, "3"],
        "min_hosting_mw": [None, "2"],
        "constraint": [None, "thermal", "voltage"],
    }
    sizes = set()
    for values in product(*choices.values()):
        given = {name: value for name, value in zip(choices, values, strict=True) if value is not None}
        query = "&".join(f"{name}={value}" for name, value in given.items())
        answer = get(client, f"{HARBOR}?limit=1000&{query}")
        names = [row["feeder_id_external"] for row in answer["results"]]
        assert len(names) == len(set(names))
        assert set(names) == passing(circuits, given), query
        sizes.add(len(names))
    assert len(sizes) > 10, "the filters let different numbers through"

    # To the end of the pages, by several sizes, with and without filters: every row once.
    for size, query in product((1, 7, 20, 60, 1000), ("", "&min_remaining_mw=0&constraint=thermal")):
        paged = pages(client, f"{HARBOR}?limit={size}{query}")
        assert {len(page) for page in paged[:-1]} <= {size}
        names = [row["feeder_id_external"] for page in paged for row in page]
        expected = passing(circuits, {"min_remaining_mw": "0", "constraint": "thermal"} if query else {})
        assert len(names) == len(expected)
        assert set(names) == expected

    # The other forms have the same rows; the nearest of them is where the file has it.
    query = "min_hosting_mw=1&constraint=voltage"
    chosen = get(client, f"{HARBOR}?limit=1000&{query}")["results"]
    assert chosen
    collection = get(client, f"{HARBOR}/geojson?{query}", GEO_JSON)
    assert [feature["properties"] for feature in collection["features"]] == chosen
    text = body(client.get(f"{HARBOR}?format=csv&{query}")).decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [(line["id"], line["feeder_name"]) for line in lines] == [
        (str(row["id"]), row["feeder_name"]) for row in chosen
    ]
    name, circuit = next(iter(circuits.items()))
    lon, lat = circuit.shape[0].coords[0]
    near = get(client, f"/api/v1/hosting-capacity/nearby?lat={lat}&lon={lon}&radius_km=0.01")["results"]
    assert name in {row["feeder_id_external"] for row in near}

    _load_is_the_weakest_and_generation_the_strongest_section(root, client)

    # What the source does not publish, an empty utility, and parameters that cannot be.
    make_utility("empty")
    empty = HARBOR.replace("demo_harbor", "empty")
    for address in (f"{HARBOR}?capacity_type=load", f"{HARBOR}?variant=max", empty):
        assert get(client, address)["results"] == []
    assert get(client, "/api/v1/utilities/empty/hosting-capacity/summary")["results"] == []
    said = problem(client, f"{HARBOR}?min_remaining_mw=lots&constraint=weather&limit=0", 400)
    assert {error["parameter"] for error in said["errors"]} == {"min_remaining_mw", "constraint", "limit"}


def _load_is_the_weakest_and_generation_the_strongest_section(root: Path, client: Client) -> None:
    """Two capacity types of one source, each by its own rule; NA is not studied, REDACTED withheld."""
    for capacity_type, column, rule in (("generation", "GEN_HC_KW", max), ("load", "LOAD_HC_KW", min)):
        sections: dict[str, list[float]] = defaultdict(list)
        for feature in features(root, "demo_valley"):
            said = feature["attributes"]
            word = (said[column] or "").strip()
            known = [] if word in {"", "NA", "REDACTED"} else [float(word) / 1000]
            sections[said["FEEDER_ID"]] += known
        rows = [
            row for page in pages(client, f"{VALLEY}?limit=20&capacity_type={capacity_type}") for row in page
        ]
        assert {row["capacity_type"] for row in rows} == {capacity_type}
        assert {row["feeder_id_external"]: row["hosting_capacity_mw"] for row in rows} == {
            feeder: pytest.approx(rule(values)) if values else None for feeder, values in sections.items()
        }
        summaries = get(client, f"{VALLEY}/summary")["results"]
        (total,) = [row for row in summaries if row["capacity_type"] == capacity_type]
        assert total["total_feeders"] == len(sections)
        assert total["total_hosting_capacity_mw"] == pytest.approx(
            sum(rule(values) for values in sections.values() if values)
        )
