"""What fetches a layer beside us: each a command that leaves a file, in an environment of its own."""

import os
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hcportal.services import paths

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = ("esridump==1.13.0", "restgdf==3.3.0")
# esridump's command rests ten seconds after every five requests; its library can be told not to.
ESRIDUMP = """
import json, sys
from esridump import EsriDumper

with open(sys.argv[2], "w") as out:
    for feature in EsriDumper(sys.argv[1], max_page_size=2000, pause_seconds=0):
        out.write(json.dumps(feature) + "\\n")
"""
# restgdf has no command; this is its documented way, with the only setting that reads a layer of many pages.
RESTGDF = """
import asyncio, json, os, sys
os.environ.setdefault("RESTGDF_TIMEOUT_TOTAL_S", "600")  # it asks for all pages at once; 30 s are soon over
from aiohttp import ClientSession
from restgdf import FeatureLayer

async def main(url, file):
    with open(file, "w") as out:
        async with ClientSession() as session:
            layer = await FeatureLayer.from_url(url, session=session)
            async for batch in layer.stream_feature_batches(on_truncation="ignore"):
                for feature in batch:
                    out.write(json.dumps(feature) + "\\n")

asyncio.run(main(*sys.argv[1:]))
"""


@dataclass(frozen=True)
class Took:
    """Wall and CPU seconds of a command with its children, and the rows in the file it left."""

    wall: float
    cpu: float
    rows: int


class PeerFailed(Exception):
    """It ended without the layer; the message is what it said last."""


@dataclass(frozen=True)
class Peer:
    """How to fetch: `command(url, file)` leaves one row a line in `file`."""

    name: str
    command: Callable[[str, Path], list[str]]

    def fetch(self, url: str, folder: Path) -> Took:
        """Run it once, in a process of its own. Raises PeerFailed."""
        file = folder / f"{self.name.split()[0]}.geojsonl"
        file.unlink(missing_ok=True)
        began = time.perf_counter()
        said = (folder / "said.txt").open("w+")
        process = subprocess.Popen(
            self.command(url, file),
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HCP_ALLOW_LOOPBACK": "1"},
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - began
        if process.returncode:
            said.seek(0)
            raise PeerFailed(f"{self.name} ended with {process.returncode}: {said.read()[-2_000:].strip()}")
        said.close()
        with file.open("rb") as lines:
            rows = sum(1 for _ in lines)
        return Took(wall, used.ru_utime + used.ru_stime, rows)


def peers(folder: Path) -> list[Peer]:
    """Ours first."""
    python = installed(paths.var_dir() / "fetch-peers")
    scripts = {name: folder / f"fetch_with_{name}.py" for name in ("esridump", "restgdf")}
    scripts["esridump"].write_text(ESRIDUMP)
    scripts["restgdf"].write_text(RESTGDF)

    def ogr2ogr(url: str, file: Path) -> list[str]:
        query = f"{url}/query?where=1%3D1&outFields=*&orderByFields=OBJECTID&outSR=4326&f=json"
        return ["ogr2ogr", "-f", "GeoJSONSeq", str(file), f"ESRIJSON:{query}"]

    def by(name: str) -> Callable[[str, Path], list[str]]:
        return lambda url, file: [str(python), str(scripts[name]), url, str(file)]

    return [
        Peer(
            "hcportal (verified)",
            lambda url, file: [sys.executable, str(ROOT / "manage.py"), "fetch_layer", url, "-o", str(file)],
        ),
        Peer("ogr2ogr", ogr2ogr),
        Peer("esridump (no pauses)", by("esridump")),
        Peer("restgdf (ignore)", by("restgdf")),
    ]


def installed(folder: Path) -> Path:
    """The Python of an environment that has the peers, made where it is not there or has other versions."""
    python, stamp = folder / "bin" / "python", folder / "installed"
    if not stamp.is_file() or stamp.read_text() != "\n".join(PEERS):
        venv.create(folder, clear=True, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS]
        subprocess.run(install, check=True)
        stamp.write_text("\n".join(PEERS))
    return python
