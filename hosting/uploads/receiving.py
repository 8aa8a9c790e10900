"""What a browser sends, onto the disk piece by piece: never whole in memory, never under the client's name.

A file that is refused on the way is not kept, and the rest of what is sent is read and dropped, so that the
browser gets its answer. Refusals are sentences on the file; nothing is raised.
"""

import codecs
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from django.core.files.uploadhandler import FileUploadHandler, SkipFile

from hcportal.errors import BadAnswer
from hosting.sources.files import hostile
from utilities.models import Source
from utilities.spec_files import FileFeed

LONGEST_NAME = 100


@dataclass
class Received:
    """One file. `name` is what the client calls it, cleaned; `refusal` why it is not taken."""

    feed: FileFeed
    path: Path
    name: str
    size: int = 0
    lines: int = 0
    refusal: str = ""
    _hash: Any = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        """Of all its bytes."""
        return str(self._hash.hexdigest())

    def told(self, source: Source) -> dict[str, Any]:
        """For the trial: where the source's file is from."""
        return {
            "source": source.code,
            "title": source.title,
            "name": self.name,
            "bytes": self.size,
            "sha256": self.sha256,
            "lines": self.lines,
        }


class Receiver(FileUploadHandler):
    """Writes the files of the form's fields into `folder`; other files are dropped.

    `fields`: the form's names to what their entries say. `most`: bytes of one file.
    """

    chunk_size = 1 << 20

    def __init__(self, folder: Path, fields: Mapping[str, FileFeed], most: int) -> None:
        super().__init__()
        self.files: dict[str, Received] = {}
        self._folder, self._fields, self._most = folder, fields, most
        self._now: Received | None = None
        self._out: IO[bytes] | None = None
        self._decoder: codecs.IncrementalDecoder | None = None

    def new_file(self, field_name: str, file_name: str, *given: Any, **named: Any) -> None:
        super().new_file(field_name, file_name, *given, **named)
        self._now = None
        feed = self._fields.get(field_name)
        if feed is None:
            raise SkipFile
        if field_name in self.files:
            self._refuse(self.files[field_name], "came twice; send it once.")
            raise SkipFile
        path = self._folder / f"received-{len(self.files)}"
        file = self.files[field_name] = self._now = Received(feed, path, cleaned(file_name))
        self._decoder = codecs.getincrementaldecoder(feed.encoding)() if feed.format == "csv" else None
        try:
            self._out = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        except OSError as trouble:
            self._refuse(file, f"cannot be written here ({trouble.strerror}).")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """A piece of the file, in order. Gives nothing: no other handler has work with it."""
        file = self._now
        if file is None or file.refusal:
            return
        file.size += len(raw_data)
        if file.size > self._most:
            self._refuse(file, f"is larger than {self._most / 1e6:,.6g} MB, the most that is taken.")
            return
        if start == 0 and (why := hostile.misfit(raw_data[: hostile.START], file.feed)):
            self._refuse(file, f"is {why}.")
            return
        if why := self._no_text(raw_data, file.feed):
            self._refuse(file, why)
            return
        file._hash.update(raw_data)
        file.lines += raw_data.count(b"\n")
        try:
            assert self._out is not None  # noqa: S101 - open while nothing was refused
            self._out.write(raw_data)
        except OSError as trouble:
            self._refuse(file, f"cannot be written here ({trouble.strerror}).")

    def file_complete(self, file_size: int) -> None:  # noqa: ARG002  # we have counted ourselves
        """The file has ended. Gives nothing: it is in `files`."""
        file, self._now = self._now, None
        if file is None:
            return
        if not file.refusal and (why := self._no_text(b"", file.feed, final=True)):
            self._refuse(file, why)
        self._close(file)
        if file.refusal:
            return
        try:
            hostile.check(file.path, file.feed, file.name)
        except BadAnswer as why_not:
            self._refuse(file, str(why_not).removeprefix(f"{file.name} "))

    def upload_interrupted(self) -> None:
        if self._now is not None:  # a file that was skipped counts as interrupted, too
            self._refuse(self._now, "broke off before its end; send it again.")

    def _no_text(self, raw: bytes, feed: FileFeed, *, final: bool = False) -> str:
        """Why these bytes are not what a CSV holds; empty where they are."""
        if self._decoder is None:
            return ""
        if b"\0" in raw and not any(wide in feed.encoding for wide in ("16", "32")):
            return "holds NUL bytes, as no CSV does."
        try:
            self._decoder.decode(raw, final)
        except UnicodeError:
            return f"is not text in {feed.encoding}, as its entry says."
        return ""

    def _refuse(self, file: Received, why: str) -> None:
        file.refusal = file.refusal or f"{file.name} {why}"
        self._close(file)
        file.path.unlink(missing_ok=True)

    def _close(self, file: Received) -> None:
        if self._out is None:
            return
        out, self._out = self._out, None
        try:
            out.close()
        except OSError as trouble:  # the last bytes found no room
            self._refuse(file, f"cannot be written here ({trouble.strerror}).")


def cleaned(name: str) -> str:
    """A client's name of a file as a person may read it: no path, nothing invisible, not endless."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(letter for letter in last if letter.isprintable()).strip()
    return shown if len(shown) <= LONGEST_NAME else shown[: LONGEST_NAME - 1] + "…"
