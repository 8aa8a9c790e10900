"""The lines of a P-32 file as columns, and the lines that are none; no Django here.

A file in which every value is what it should be is read by Arrow, column by column. Any doubt, and it is read
again line by line with Python's csv, which says what is wrong with which line. Both give the same columns.
"""

import csv
import io
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as pa_csv

from hcportal.errors import BadAnswer
from interregional.noticing import Noticed, Numbers, Refused, Whole

HEADER: Final = (
    "Timestamp",
    "Interface Name",
    "Point ID",
    "Flow (MWH)",
    "Positive Limit (MWH)",
    "Negative Limit (MWH)",
)
NO_LIMIT: Final = 9999.0
MOST_MW: Final = 100_000.0  # more than New York has ever used; the column holds six digits
LONGEST_NAME: Final = 60
LARGEST_ID: Final = 2**31 - 1
YEARS: Final = range(1999, 2200)  # New York's market began in 1999; other years are damage
MOST_REFUSED: Final = 2_000  # lines that are no rows; with more it is another file, not one with faults
_STAMP: Final = re.compile(
    r"(\d\d)/(\d\d)/(\d{4}) (\d\d):(\d\d)(?::(\d\d))?", re.ASCII
)  # files of 2005 have seconds
_ID: Final = re.compile(r"\d{1,12}", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)


class NotAFlowFile(BadAnswer):
    """Not a file of P-32, or not a whole one; the message says what came instead. Nothing was stored."""


@dataclass(frozen=True)
class Columns:
    """Rows in the order of the file. Stamps and names stand once each, rows point to them."""

    line: Whole  # number in the file, the header being 1
    stamps: list[datetime]  # naive: New York's wall clock
    stamp: Whole  # which of them a row has
    names: list[str]
    name: Whole
    point_id: Whole
    flow_mw: Numbers
    positive_limit_mw: Numbers  # nan: no limit posted
    negative_limit_mw: Numbers

    def taken(self, chosen: Whole) -> "Columns":
        """Only these rows, in this order."""
        return Columns(
            self.line[chosen],
            self.stamps,
            self.stamp[chosen],
            self.names,
            self.name[chosen],
            self.point_id[chosen],
            self.flow_mw[chosen],
            self.positive_limit_mw[chosen],
            self.negative_limit_mw[chosen],
        )


def columns_of(body: bytes) -> tuple[Columns, list[Refused]]:
    """The rows of a file, and lines that are no rows. Raises NotAFlowFile."""
    _check(body)
    try:
        return _by_column(body), []
    except (pa.ArrowInvalid, _Doubt):
        return _by_line(body)


def _check(body: bytes) -> None:
    """Raises NotAFlowFile where it is another file than P-32, or not a whole one."""
    start = body[:512].lstrip()
    if not start:
        raise NotAFlowFile("The file is empty. Nothing was stored.")
    if start[:1] == b"<":
        raise NotAFlowFile("A web page came instead of a P-32 file. Nothing was stored.")
    first = body.partition(b"\n")[0]
    header = tuple(name.strip().strip('"') for name in first.decode("utf-8-sig", "replace").split(","))
    if header != HEADER:
        shown = re.sub(r"[^\x20-\x7e]+", "?", ",".join(header))[:120]
        raise NotAFlowFile(
            f"Its first line does not name the columns of P-32 but: {shown}. It is another report, or P-32 "
            "has changed. Nothing was stored."
        )
    if not body.endswith(b"\n"):
        line = body.count(b"\n") + 1
        raise NotAFlowFile(
            f"The file breaks off in line {line}: its last line has no end. Nothing was stored."
        )


def check_refused(refused: list[Refused]) -> None:
    """Raises NotAFlowFile where so many lines are no rows that it cannot be the report."""
    if len(refused) > MOST_REFUSED:
        first = refused[0]
        raise NotAFlowFile(
            f"More than {MOST_REFUSED:,} of its lines are no rows; line {first.line}: {first.reason}. "
            "Nothing was stored."
        )


class _Doubt(Exception):
    """Something that only a look at each line can settle."""


def _by_column(body: bytes) -> Columns:
    """All lines at once. Raises _Doubt or ArrowInvalid where any value is not as it should be."""
    lines = body.count(b"\n")
    # Arrow takes a lone carriage return for the end of a line; nobody else does.
    if lines < 2 or body.count(b"\r") not in {0, lines} or body.count(b"\r\n") not in {0, lines}:
        raise _Doubt
    texts = pa.dictionary(pa.int32(), pa.string())
    table = pa_csv.read_csv(
        io.BytesIO(body),
        read_options=pa_csv.ReadOptions(column_names=HEADER, skip_rows=1, use_threads=False),
        parse_options=pa_csv.ParseOptions(ignore_empty_lines=False),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict(
                zip(HEADER, [texts, texts, pa.int64(), *[pa.float64()] * 3], strict=True),
            ),
            null_values=[""],
            strings_can_be_null=False,
        ),
    ).combine_chunks()
    stamp, name = (table[column].unify_dictionaries().chunk(0) for column in HEADER[:2])
    point_id = table["Point ID"]
    flow, positive, negative = (
        pc.fill_null(table[column], np.nan).to_numpy().astype(float) for column in HEADER[3:]
    )
    published = [table[column] for column in HEADER[4:]]
    walls = [_wall(text) for text in stamp.dictionary.to_pylist()]
    names = [_tidy(text) for text in name.dictionary.to_pylist()]
    sound = (
        point_id.null_count == 0
        and all(walls)
        and all(0 < len(text) <= LONGEST_NAME for text in names)
        and bool(np.isfinite(flow).all())
        and bool((np.abs(flow) < MOST_MW).all())
        and all(
            int(np.isnan(limit).sum()) == known.null_count
            for limit, known in zip((positive, negative), published, strict=True)
        )
        and not any(bool((np.abs(limit) >= MOST_MW).any()) for limit in (positive, negative))
    )
    ids = point_id.to_numpy() if sound else np.zeros(0, dtype=np.int64)
    if not sound or bool(((ids <= 0) | (ids > LARGEST_ID)).any()):
        raise _Doubt
    return Columns(
        np.arange(2, table.num_rows + 2),
        [wall for wall in walls if wall is not None],
        stamp.indices.to_numpy().astype(np.int64),
        names,
        name.indices.to_numpy().astype(np.int64),
        ids,
        flow,
        _limit(positive),
        _limit(negative),
    )


def _limit(published: Numbers) -> Numbers:
    """Exactly 9999 either way is no limit; -9899 is one."""
    return np.where(np.abs(published) == NO_LIMIT, np.nan, published)


def _by_line(body: bytes) -> tuple[Columns, list[Refused]]:
    """Line by line: what can be read, and what is wrong with the others."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotAFlowFile("The file is not text, so it is no P-32 file. Nothing was stored.") from None
    stamps: dict[datetime, int] = {}
    names: dict[str, int] = {}
    rows: list[tuple[int, int, int, int, float, float, float]] = []
    refused: list[Refused] = []
    reader = csv.reader(io.StringIO(text))
    next(reader)
    try:
        for fields in reader:
            if not fields:
                continue  # an empty line is nothing
            try:
                wall, name, *numbers = _fields(fields)
            except ValueError as problem:
                refused.append(
                    Refused(reader.line_num, ",".join(fields)[:300], Noticed.UNREADABLE, str(problem))
                )
                check_refused(refused)
                continue
            known = (stamps.setdefault(wall, len(stamps)), names.setdefault(name, len(names)))
            rows.append((reader.line_num, *known, *numbers))  # type: ignore[arg-type]
    except csv.Error as problem:
        raise NotAFlowFile(
            f"Line {reader.line_num} cannot be read ({problem}). Nothing was stored."
        ) from problem
    line, stamp, name_number, point_id, *values = zip(*rows, strict=True) if rows else [()] * 7
    flow, positive, negative = (np.array(value, dtype=float) for value in values)
    columns = Columns(
        np.array(line, dtype=np.int64),
        list(stamps),
        np.array(stamp, dtype=np.int64),
        list(names),
        np.array(name_number, dtype=np.int64),
        np.array(point_id, dtype=np.int64),
        flow,
        _limit(positive),
        _limit(negative),
    )
    return columns, refused


def _fields(fields: list[str]) -> tuple[datetime, str, int, float, float, float]:
    """A line's values. Raises ValueError with what is wrong, as the end of a sentence."""
    if len(fields) != len(HEADER):
        raise ValueError(f"it has {len(fields)} fields instead of {len(HEADER)}")
    stamp, published_name, point_id, flow, *limits = (value.strip() for value in fields)
    wall = _wall(stamp)
    if wall is None:
        raise ValueError(f"'{stamp[:30]}' is no time")
    name = _tidy(published_name)
    if not name:
        raise ValueError("it names no interface")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"its interface's name has more than {LONGEST_NAME} characters")
    if not (_ID.fullmatch(point_id) and 0 < int(point_id) <= LARGEST_ID):
        raise ValueError(f"'{point_id[:20]}' is no Point ID")
    positive, negative = (_megawatts(limit) if limit else np.nan for limit in limits)
    return wall, name, int(point_id), _megawatts(flow), positive, negative


def _wall(text: str) -> datetime | None:
    """A stamp as naive wall time, or None where it is none."""
    found = _STAMP.fullmatch(text)
    if found is None:
        return None
    month, day, year, hour, minute, second = (int(part or 0) for part in found.groups())
    if year not in YEARS:
        return None
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the file has no zone
    except ValueError:
        return None


def _tidy(name: str) -> str:
    """Without what cannot be seen, and what turns the direction of the text after it."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())


def _megawatts(text: str) -> float:
    value = float(text) if _NUMBER.fullmatch(text) else np.nan
    if not abs(value) < MOST_MW:
        raise ValueError(f"'{text[:20]}' is no possible number of megawatts")
    return value
