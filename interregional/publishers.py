"""Asks the publishers of a report in their order, until one has what is wanted: whole, readable, of the right
time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from hcportal.errors import FetchError, Unreachable
from hcportal.http import Client
from interregional.addresses import filled, may_be_plain
from interregional.archive import csv_files
from interregional.clock import day_bounds
from interregional.models import FlowSource
from interregional.noticing import said
from interregional.nyiso import NotAFlowFile, Reading, read

STALE_AFTER: Final = timedelta(minutes=15)  # the file of the moment
DAY_STALE_AFTER: Final = timedelta(minutes=75)  # the file of a day under way
LARGEST_ANSWER: Final = 32 << 20  # bytes
DEADLINE_SECONDS = 20.0  # for one answer; a poll has five minutes


@dataclass
class Asked:
    """What one publisher said."""

    url: str
    said: str
    at: datetime

    @property
    def in_words(self) -> str:
        """With the host, where what was said does not name it."""
        host, said = urlsplit(self.url).hostname or "", self.said.rstrip(".")
        return f"{said}." if host in said else f"{host}: {said}."

    def as_json(self) -> dict[str, str]:
        return {"url": self.url, "said": self.said, "at": self.at.isoformat()}


@dataclass(frozen=True)
class Taken:
    """What was taken of a publisher's answer. `complaint` is empty, or says what is not as it should be."""

    reading: Reading
    url: str
    asked_at: datetime
    complaint: str = ""

    @property
    def publisher(self) -> str:
        return urlsplit(self.url).hostname or ""


@dataclass
class Asking:
    """A session of questions: its clients, the last archive it fetched, and what each publisher said."""

    encrypted: Client
    plain: Client
    asked: list[Asked] = field(default_factory=list)
    _archive: tuple[str, list[tuple[str, bytes]]] = ("", [])

    def take(self, source: FlowSource, day: date | None = None) -> Taken:
        """The file of the day, or of the moment: the first that is right, else the best that is readable.

        Raises Unreachable where there is none; what each publisher said is in `asked`.
        """
        self.asked = []
        best: Taken | None = None
        for url, is_archive in _addresses(source, day):
            asked_at = timezone.now()
            try:
                taken = self._read(url, day, asked_at, is_archive=is_archive)
            except FetchError as error:
                self.asked.append(Asked(url, str(error), asked_at))
                continue
            self.asked.append(Asked(url, taken.complaint or "taken", asked_at))
            if not taken.complaint:
                return taken
            if best is None or _worth(taken) > _worth(best):
                best = taken
        if best is None:
            what = f"the file of {day}" if day else "the latest interval"
            answers = " ".join(each.in_words for each in self.asked)
            raise Unreachable(f"No publisher has {what}. {answers or 'The source has no addresses.'}")
        return best

    def _read(self, url: str, day: date | None, asked_at: datetime, *, is_archive: bool) -> Taken:
        body = self._member(url, day) if is_archive and day else self._get(url)
        reading = read(_only_file(body), asked_at=asked_at, is_snapshot=day is None)
        if not len(reading.flows):
            fault = reading.refused[0] if reading.refused else None
            raise NotAFlowFile(
                f"The file has no rows{f'; line {fault.line}: {fault.reason}' if fault else ''}."
            )
        if day is not None and day not in reading.dates:
            raise NotAFlowFile(f"The file holds {reading.dates[-1]} instead of {day}.")
        return Taken(reading, url, asked_at, _complaint(reading, day, asked_at))

    def _get(self, url: str) -> bytes:
        return (self.plain if may_be_plain(url) else self.encrypted).get(url)

    def _member(self, url: str, day: date) -> bytes:
        """The day's file in a month's zip, which is fetched once."""
        if self._archive[0] != url:
            self._archive = (url, csv_files(self._get(url)))
        for name, body in self._archive[1]:
            if name.rpartition("/")[2].startswith(f"{day:%Y%m%d}"):
                return body
        raise NotAFlowFile(f"The month's zip has no file of {day}.")


@contextmanager
def asking(*, patient: bool = False) -> Iterator[Asking]:
    """Clients that are closed at the end. `patient`: nothing waits for the answer, so more is tried."""
    encrypted, plain = (
        Client(
            allow_loopback=settings.HCP_ALLOW_LOOPBACK,
            allow_http=is_plain,
            contact=settings.HCP_CONTACT,
            connect_timeout=5,
            read_timeout=DEADLINE_SECONDS / 2,
            deadline=DEADLINE_SECONDS,
            max_bytes=LARGEST_ANSWER,
            per_host=1,
            attempts=5 if patient else 2,
            longest_wait=60 if patient else 5,
        )
        for is_plain in (False, True)
    )
    try:
        yield Asking(encrypted, plain)
    finally:
        encrypted.close()
        plain.close()


def _addresses(source: FlowSource, day: date | None) -> Iterator[tuple[str, bool]]:
    """Where to ask, and whether the answer is a month's zip."""
    for template in source.url_templates:
        if day is None:
            yield template, False
        elif "{" in template:
            yield filled(template, day), False
    if day is not None:
        yield from ((filled(template, day), True) for template in source.archive_templates)


def _only_file(body: bytes) -> bytes:
    """An answer that is a zip of one file, or the file itself."""
    files = csv_files(body)
    if len(files) != 1:
        raise NotAFlowFile(
            f"A zip of {len(files)} files came where one file was asked for. Nothing was stored."
        )
    return files[0][1]


def _complaint(reading: Reading, day: date | None, asked_at: datetime) -> str:
    """What makes another publisher worth asking; empty where the file is as it should be."""
    newest = reading.newest
    assert newest is not None  # noqa: S101 - only readings with rows come here
    if day is None:
        return f"stale: its latest row is of {said(newest)}" if asked_at - newest > STALE_AFTER else ""
    _, ends = day_bounds(day)
    if asked_at < ends:
        return f"stale: its latest row is of {said(newest)}" if asked_at - newest > DAY_STALE_AFTER else ""
    return f"not the whole day: its latest row is of {said(newest)}" if ends - newest > STALE_AFTER else ""


def _worth(taken: Taken) -> tuple[datetime, int]:
    newest = taken.reading.newest
    assert newest is not None  # noqa: S101 - as above
    return newest, len(taken.reading.flows)
