"""Reading a file of a test: its rows as dictionaries, in the order of the file."""

from pathlib import Path
from typing import Any

import orjson

from hosting.sources.files.folder import find
from hosting.sources.files.opened import open_file
from utilities.spec_files import FileFeed


def read(folder: Path, name: str, kind: str, *, where: str = "1=1", **feed: Any) -> list[dict[str, Any]]:
    """Attributes of all rows; a place stands under `wkb`."""
    given = FileFeed.model_validate({"name": name, "format": kind, **feed})
    rows: list[dict[str, Any]] = []
    with open_file(find(folder, given), given) as file:
        for page in file.pages(where=where):
            for text, wkb in zip(page.attributes, page.wkb, strict=True):
                rows.append(orjson.loads(text) | ({"wkb": wkb} if wkb else {}))
    return rows
