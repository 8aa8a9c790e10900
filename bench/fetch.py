"""`bin/bench fetch [ROUNDS]`: a layer from a server into a file, ours against others, in one run.

Koop serves the 59,535 Rhode Island sections; each client is a new process and leaves one feature a line.
Ours asks for the ids, verifies each page by them and the layer at the end; the others believe what comes.
First without delay, where Koop's one thread is the limit, then with 150 ms for each round trip. Medians of
three rounds, the order turned from round to round.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from bench.fetching import geometry
from bench.fetching.delay import delayed
from bench.fetching.peers import Peer, PeerFailed, Took, peers
from tests.peers.koop import serve
from tests.reference import reference

SECTIONS = "hosting/rhode_island_sections.geojson.gz"
ROWS = 59_535
LATENCY = 0.15  # seconds a round trip


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    served = serve(reference(SECTIONS))
    try:
        with tempfile.TemporaryDirectory(prefix="hcp-bench-") as folder:
            everyone = peers(Path(folder))
            _print("without delay", _measure(everyone, served.url, rounds, Path(folder)))
            with delayed(served.url, LATENCY) as far:
                _print(f"with {LATENCY * 1_000:.0f} ms", _measure(everyone, far, rounds, Path(folder)))
        mine, theirs = geometry.compare(served.url, 9)
        print(
            f"\n20,000 lines, Esri JSON to WKB, CPU: "
            f"ours {mine * 1_000:,.0f} ms, GDAL {theirs * 1_000:,.0f} ms"
        )
        print(f"  {theirs / mine:.1f} times as fast (aim 5)")
    finally:
        served.stop()


def _measure(everyone: list[Peer], url: str, rounds: int, folder: Path) -> dict[str, list[Took]]:
    took: dict[str, list[Took]] = {peer.name: [] for peer in everyone}
    for number in range(rounds):
        turned = everyone[number % len(everyone) :] + everyone[: number % len(everyone)]
        for peer in turned:
            try:
                took[peer.name].append(peer.fetch(url, folder))
            except PeerFailed as failed:
                if peer is everyone[0]:
                    raise
                print(f"  {str(failed).splitlines()[0]} … {str(failed).splitlines()[-1]}", flush=True)
    return took


def _print(title: str, took: dict[str, list[Took]]) -> None:
    print(f"\n{ROWS:,} sections from Koop into a file, {title}, median of {max(map(len, took.values()))}")
    for name, runs in took.items():
        if not runs:
            print(f"  {name:<20} failed each time")
            continue
        wall = statistics.median(run.wall for run in runs)
        cpu = statistics.median(run.cpu for run in runs)
        rows = {run.rows for run in runs}
        short = "" if rows == {ROWS} else f"   rows: {', '.join(f'{count:,}' for count in sorted(rows))}"
        each = ", ".join(f"{run.wall:.1f}" for run in runs)
        print(f"  {name:<20} {wall:6.2f} s wall  {cpu:6.2f} s CPU   ({each}){short}", flush=True)


if __name__ == "__main__":
    main()
