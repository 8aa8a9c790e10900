"""Write the demonstration's layers, or remove them."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hosting.demo import harbor, valley
from hosting.demo.files import FILES, LAYER, Layer, write

SEED = 20_260_801
LAYERS: Mapping[str, Callable[[int], Layer]] = {valley.CODE: valley.layer, harbor.CODE: harbor.layer}
CODES = tuple(LAYERS)
"""The utilities' codes, which are also the names of their folders."""
NOTE = "made-by.json"


@dataclass(frozen=True)
class Written:
    """A layer's folder, how many rows it holds and whether its files had to be written."""

    code: str
    folder: Path
    rows: int
    changed: bool


def generate(root: Path, seed: int = SEED) -> list[Written]:
    """Write all layers below `root`. Files that are as this seed makes them are left untouched."""
    return [_generate(code, root / code, seed) for code in LAYERS]


def remove(root: Path) -> list[Path]:
    """Remove what `generate` wrote below `root`; the folders that were there."""
    gone = [root / code for code in CODES if (root / code).is_dir()]
    for folder in gone:
        shutil.rmtree(folder)
    return gone


def _generate(code: str, folder: Path, seed: int) -> Written:
    layer_folder = folder / str(LAYER)
    note = folder / NOTE
    # Drawing takes a second; a note of what the files were made by tells that it need not be done again.
    before = _read(note)
    now = {"seed": seed, "recipe": _recipe(), "files": _digests(layer_folder)}
    if before is not None and before | now == before:
        return Written(code, layer_folder, before["rows"], changed=False)
    layer = LAYERS[code](seed)
    changed = write(layer, layer_folder)
    made_by = {"rows": len(layer.rows), **now, "files": _digests(layer_folder)}
    note.write_text(json.dumps(made_by, indent=1) + "\n")
    return Written(code, layer_folder, len(layer.rows), changed)


def _read(note: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(note.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and "rows" in content else None


def _recipe() -> str:
    """A digest of this package: other code may make other files of the same seed."""
    parts = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()


def _digests(folder: Path) -> dict[str, str]:
    there = [folder / name for name in FILES if (folder / name).is_file()]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in there}
