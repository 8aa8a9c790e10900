"""Where a source's file is: below the folder that a person names, or at an address, and for which month."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory

from hcportal.errors import FetchError
from hcportal.http import Client
from utilities.spec_files import FileFeed

_MONTH = re.compile(r"([1-9][0-9]{3})-(0[1-9]|1[0-2])")


class NoFile(FetchError):
    """The file of a source is not where it is looked for."""


@dataclass(frozen=True)
class Found:
    """One file; `address` is what a person calls it, the same on every machine. `month` is its first day."""

    path: Path
    address: str
    month: date | None = None


def month_of(text: str) -> date | None:
    """The first day of `2026-03`; None for anything else."""
    fits = _MONTH.fullmatch(text)
    return date(int(fits[1]), int(fits[2]), 1) if fits else None


def months(folder: Path, feed: FileFeed) -> list[date]:
    """The months of which `folder` has this source's file, oldest first."""
    known = [month_of(inner.name) for inner in _existing(folder).iterdir() if inner.is_dir()]
    return sorted(month for month in known if month and fitting(folder / f"{month:%Y-%m}", feed.name))


def find(folder: Path, feed: FileFeed, month: date | None = None) -> Found:
    """The one file of a source. Raises NoFile, which says what is there instead."""
    inner = f"{month:%Y-%m}/" if month else ""
    where = _existing(folder) / inner
    found = fitting(where, feed.name)
    if not found:
        others = sorted(file.name for file in where.iterdir() if file.is_file()) if where.is_dir() else []
        have = f"it has {', '.join(others[:10])}" if others else "it has no files"
        raise NoFile(f"There is no file {inner}{feed.name} in {folder}; {have}.")
    if len(found) > 1:
        listed = ", ".join(file.name for file in found[:10])
        raise NoFile(
            f"{len(found)} files in {folder} are called like {inner}{feed.name}: {listed}. Keep one."
        )
    return Found(found[0], f"file:{inner}{found[0].relative_to(where.resolve())}", month)


@contextmanager
def downloaded(client: Client, url: str, feed: FileFeed) -> Iterator[Found]:
    """The file at an address, fetched through the guarded client; gone again afterwards."""
    with TemporaryDirectory(prefix="hcp-file-") as folder:
        path = Path(folder) / f"file.{feed.format}"
        path.write_bytes(client.get(url))
        yield Found(path, url)


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise NoFile(f"There is no folder {folder}; --data-dir names where the files are.")
    return folder


def fitting(folder: Path, name: str) -> list[Path]:
    """Files below `folder` with that name; links that lead out of it are none."""
    root = folder.resolve()
    inner, _, last = name.rpartition("/")
    where = folder / inner
    if not where.is_dir():
        return []
    found = [file.resolve() for file in sorted(where.iterdir()) if fnmatchcase(file.name, last)]
    return [file for file in found if file.is_file() and file.is_relative_to(root)]
