"""P-32 files for tests: the real ones by path, and days built from the real one."""

import csv
import io
import zipfile
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from interregional.clock import NEW_YORK, grid_of
from tests.reference import reference

REAL_DAY = date(2017, 11, 22)
HEADER = "Timestamp,Interface Name,Point ID,Flow (MWH),Positive Limit (MWH),Negative Limit (MWH)"
Row = tuple[datetime, str, int, str, str, str]  # instant, name, Point ID, flow and limits as published


def real_day() -> bytes:
    """P-32 of 2017-11-22 as published."""
    return reference("nyiso/20171122ExternalLimitsFlows.csv").read_bytes()


def real_extract() -> bytes:
    """Four stamps of 2014-09-10, whose rows are not sorted."""
    return reference("nyiso/20140910ExternalLimitsFlows_extract.csv").read_bytes()


def real_rows() -> list[list[str]]:
    """The real day's fields, the header left out."""
    return list(csv.reader(io.StringIO(real_day().decode())))[1:]


def day_like_the_real_one(day: date) -> list[Row]:
    """A whole day of any length: at each five-minute mark, in order, the real day's next stamp."""
    by_stamp: dict[str, list[list[str]]] = {}
    for fields in real_rows():
        by_stamp.setdefault(fields[0], []).append(fields)
    stamps = list(by_stamp.values())
    return [
        (instant, fields[1], int(fields[2]), *fields[3:])  # type: ignore[misc]
        for number, instant in enumerate(grid_of(day))
        for fields in stamps[number % len(stamps)]
    ]


def row(instant: datetime, point_id: int = 23316, flow: float | str = 1, name: str = "") -> Row:
    """A row with limits of 100 MW."""
    return (instant, name or f"LINE {point_id}", point_id, str(flow), "100", "-100")


def as_file(rows: Iterable[Row], *, seconds: bool = False) -> bytes:
    """The rows as NYISO would write them: New York's wall clock, no zone."""
    form = "%m/%d/%Y %H:%M:%S" if seconds else "%m/%d/%Y %H:%M"
    lines = [
        f"{instant.astimezone(NEW_YORK):{form}},{','.join(map(str, values))}" for instant, *values in rows
    ]
    return ("\r\n".join([HEADER, *lines]) + "\r\n").encode()


def as_zip(files: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", how) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return packed.getvalue()


def utc(text: str) -> datetime:
    """ "2024-11-03 05:30" as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
