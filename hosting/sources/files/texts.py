"""CSV: the columns' names and then row by row the texts, exactly as written. Text stays text: `007` is `007`.

A row that has not as many cells as there are columns is an error with its line: the file is cut off, or its
delimiter another. Memory holds one line at a time.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from hcportal.errors import BadAnswer
from utilities.spec_files import FileFeed

LONGEST_LINE = 4 << 20  # characters; an invented file of one endless line must not fill the memory
Row = Sequence[str | None]


def rows(path: Path, feed: FileFeed, named: str) -> Iterator[Row]:
    """The names first, then each row. Raises BadAnswer with the line; lines without anything are left out."""
    encoding = "utf-8-sig" if feed.encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else feed.encoding
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(_lines(file, named), delimiter=feed.delimiter, strict=True)
        width = 0
        try:
            for cells in reader:
                if reader.line_num < feed.header_line or not cells:
                    continue
                if not width:
                    width = len(cells)
                elif len(cells) != width:
                    raise BadAnswer(
                        f"{named}, line {reader.line_num:,} has {len(cells)} cells where {width} columns are "
                        "named; the file is cut off, or has another delimiter than its entry says."
                    )
                yield cells
        except csv.Error as problem:
            raise BadAnswer(
                f"{named}, line {reader.line_num:,} is not CSV ({problem}); the file is cut off or damaged."
            ) from problem
        except UnicodeDecodeError as problem:
            raise BadAnswer(
                f"{named} is not written in {feed.encoding}, after line {reader.line_num:,} "
                f"({problem.reason}). Name its encoding in the catalog entry."
            ) from problem


def _lines(file: TextIO, named: str) -> Iterator[str]:
    """Lines of bearable length."""
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith("\n"):
            raise BadAnswer(f"{named} has a line of more than {LONGEST_LINE:,} characters; it is no CSV.")
        yield line
