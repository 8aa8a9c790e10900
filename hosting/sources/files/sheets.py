"""XLSX: the columns' names and then row by row the cells as text, read from the file as a stream.

A cell that holds text stays as it is (`007`); a number is written as Excel keeps it, a date as 2026-10-01.
Formulas give the value that was stored with them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from hcportal.errors import BadAnswer
from hosting.sources.files.texts import Row
from utilities.spec_files import FileFeed

_DAMAGED = (
    ParseError,
    InvalidFileException,
    zipfile.BadZipFile,
    KeyError,
    ValueError,
    TypeError,
    OSError,
    EOFError,
)


def rows(path: Path, feed: FileFeed, named: str) -> Iterator[Row]:
    """The names first, then each row, filled up to their number. Raises BadAnswer."""
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except DefusedXmlException as problem:
        raise _entities(named) from problem
    except _DAMAGED as problem:
        raise _damaged(named, problem) from problem
    try:
        yield from _rows(book, feed, named)
    except DefusedXmlException as problem:
        raise _entities(named) from problem
    except _DAMAGED as problem:
        raise _damaged(named, problem) from problem
    finally:
        book.close()


def _rows(book: Any, feed: FileFeed, named: str) -> Iterator[Row]:
    sheets = book.sheetnames
    wanted = feed.layer or (sheets[0] if len(sheets) == 1 else "")
    if wanted not in sheets:
        which = f"no sheet '{feed.layer}'" if feed.layer else f"{len(sheets)} sheets"
        raise BadAnswer(f"{named} has {which}; name one in the entry's file.layer: {', '.join(sheets)}.")
    sheet = book[wanted]
    if not hasattr(sheet, "reset_dimensions"):
        raise BadAnswer(f"{named}: '{wanted}' is a chart, no sheet of cells.")
    sheet.reset_dimensions()  # the file's own statement can be wrong, and rows beyond it would be lost
    width = 0
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        row = [_text(cell) for cell in cells]
        while row and row[-1] is None:
            row.pop()
        if number < feed.header_line or not row:
            continue
        if not width:
            width = len(row)
        elif len(row) > width:
            raise BadAnswer(f"{named}, row {number:,} has {len(row)} cells where {width} columns are named.")
        yield row + [None] * (width - len(row))


def _text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)


def _entities(named: str) -> BadAnswer:
    return BadAnswer(f"{named} defines XML entities of its own, which no spreadsheet needs; it was not read.")


def _damaged(named: str, problem: Exception) -> BadAnswer:
    return BadAnswer(f"{named} is no whole XLSX file ({problem}); it is cut off, damaged or another format.")
