"""Koop, a FeatureServer that nobody here wrote, serving one GeoJSON file on loopback."""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
READY_WITHIN = 60  # seconds; 60,000 lines are read in about two

Koop = Callable[..., "Served"]


@dataclass
class Served:
    """A running Koop; `url` is its layer 0."""

    url: str
    process: "subprocess.Popen[str]"

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


def installed() -> Path:
    """The folder in which Koop is installed; skips where it is not, fails in CI."""
    folder = Path(os.environ.get("HCP_KOOP_DIR") or ROOT / "var" / "peers" / "koop")
    missing = None
    if not (folder / "node_modules").is_dir():
        missing = f"Koop is not installed in {folder} (bin/test does it)"
    elif not shutil.which("node"):
        missing = "Koop needs Node, which is not installed"
    if missing and os.environ.get("CI"):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    return folder


def serve(file: Path, max_record_count: int = 2000) -> Served:
    """Start Koop on `file` (GeoJSON, or gzipped) on a free port and wait until it answers."""
    folder = installed()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        ["node", "server.js", str(Path(file).resolve()), str(port), str(max_record_count)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    ready = threading.Event()

    def listen() -> None:
        assert process.stdout
        try:
            for line in process.stdout:
                said.append(line)
                if line.startswith("ready on"):
                    ready.set()
        except ValueError:  # closed by stop()
            pass
        ready.set()

    threading.Thread(target=listen, daemon=True).start()
    ready.wait(READY_WITHIN)
    served = Served(f"http://127.0.0.1:{port}/koop/rest/services/lines/FeatureServer/0", process)
    if not any(line.startswith("ready on") for line in said):
        served.stop()
        pytest.fail(f"Koop did not start on {file}: {''.join(said) or 'it said nothing'}")
    return served


@pytest.fixture(scope="session")
def koop() -> Iterator[Koop]:
    """`koop(file, max_record_count=2000)` serves a file and gives its `Served`; each file is served once."""
    running: dict[tuple[Path, int], Served] = {}

    def start(file: Path, max_record_count: int = 2000, *, fresh: bool = False) -> Served:
        key = (Path(file).resolve(), max_record_count)
        if fresh and key in running:
            running.pop(key).stop()
        if key not in running:
            running[key] = serve(file, max_record_count)
        return running[key]

    yield start
    for served in running.values():
        served.stop()
