"""Nearby and the filters of a utility's records, asked for at many places and values."""

import random
import time
from collections.abc import Callable

from bench.serving.client import PASSES, Client, p95
from bench.serving.places import Place, around
from bench.serving.table import Figure
from hosting.models import HostingCapacityRecord

LIMIT_MS = 20.0
ROUNDS, FEWEST = 60, 20
LONGEST = 6.0  # seconds for one kind of question
NEARBY = "/api/v1/hosting-capacity/nearby"
UTILITY = "load_1"
RECORDS = f"/api/v1/utilities/{UTILITY}/hosting-capacity"


def measure(ours: Client, all_places: list[Place], its_places: list[Place]) -> list[Figure]:
    """p95 of each kind of question, in ms. `its_places` are substations of the utility asked about."""
    figures = []
    for what, question in _questions(all_places, its_places).items():
        asked = [question(turn) for turn in range(ROUNDS)]
        for path in asked[:5]:
            ours.get(path)
        took = _quietest(ours, asked)
        limit = None if what.startswith("counts") else LIMIT_MS
        figures.append(Figure(f"{what}, p95", p95(took), limit=limit))
    return figures


def _quietest(ours: Client, asked: list[str]) -> list[float]:
    """Milliseconds of each question in the pass that took least; slow ones are asked fewer times."""
    passes: list[list[float]] = []
    began = time.monotonic()
    while len(passes) < PASSES and time.monotonic() - began < LONGEST:
        passes.append([])
        for path in asked:
            passes[-1].append(ours.get(path).ms)
            if len(passes[-1]) >= FEWEST and time.monotonic() - began > LONGEST:
                break
    return min(passes, key=lambda taken: sum(taken) / len(taken))


def _questions(all_places: list[Place], its_places: list[Place]) -> dict[str, Callable[[int], str]]:
    anywhere, within = around(all_places, ROUNDS, 3), around(its_places, ROUNDS, 4)
    dice = random.Random(5)
    mw = [round(dice.uniform(2, 8), 2) for _ in range(ROUNDS)]
    ids = sorted(
        HostingCapacityRecord.objects.filter(
            utility__utility_code=UTILITY, capacity_type="generation"
        ).values_list("pk", flat=True)
    )
    deep = [dice.choice(ids[len(ids) // 2 :]) for _ in range(ROUNDS)]

    def nearby(more: str = "") -> Callable[[int], str]:
        return lambda turn: f"{NEARBY}?lat={anywhere[turn][1]}&lon={anywhere[turn][0]}{more}"

    def box(turn: int, degrees: float) -> str:
        west, south = within[turn][0] - degrees / 2, within[turn][1] - degrees / 2
        return f"bbox={west:.5f},{south:.5f},{west + degrees:.5f},{south + degrees:.5f}"

    return {
        "nearby, 20 within 10 km": nearby(),
        "nearby, 20 within 100 km": nearby("&radius_km=100"),
        "nearby, 100 km, at least 9.5 MW remaining": nearby("&radius_km=100&min_remaining_mw=9.5"),
        "nearby, 100 km, a filter that nothing passes": nearby("&radius_km=100&min_remaining_mw=1000"),
        "nearby, 100 km, load": nearby("&radius_km=100&capacity_type=load"),
        "nearby, a figure that nobody publishes": nearby("&radius_km=100&capacity_type=storage"),
        "records, first page": lambda turn: f"{RECORDS}?limit={100 - turn % 2}",
        "records, min_hosting_mw of 2 to 8": lambda turn: f"{RECORDS}?min_hosting_mw={mw[turn]}",
        "records, min_remaining_mw of 2 to 8": lambda turn: f"{RECORDS}?min_remaining_mw={mw[turn]}",
        "records, min_remaining_mw that few pass": lambda turn: f"{RECORDS}?min_remaining_mw=9.9{turn}",
        "records, min_remaining_mw that none passes": lambda turn: f"{RECORDS}?min_remaining_mw=10{turn}",
        "records, constraint": lambda turn: f"{RECORDS}?constraint={('islanding', 'protection')[turn % 2]}",
        "records, bbox of 0.5 degrees": lambda turn: f"{RECORDS}?{box(turn, 0.5)}",
        "records, bbox of 2 degrees, filters": lambda turn: (
            f"{RECORDS}?{box(turn, 2)}&min_remaining_mw={mw[turn]}&constraint=thermal"
        ),
        "records, a deep page": lambda turn: f"{RECORDS}?after={deep[turn]}",
        "counts of the legend, 1 degree (no limit set)": lambda turn: f"/tiles/counts.json?{box(turn, 1)}",
    }
