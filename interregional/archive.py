"""One answer of a publisher as CSV files: itself, or what a monthly zip holds; no Django here."""

import io
import lzma
import struct
import zipfile
import zlib
from typing import Final

from interregional.lines import NotAFlowFile

ZIP: Final = b"PK\x03\x04"
EMPTY_ZIP: Final = b"PK\x05\x06"
ENTRY: Final = b"PK\x01\x02"  # stands before each name in the zip's own list
MOST_FILES: Final = 400  # a year of days, and some
LARGEST_FILE: Final = 8 << 20  # bytes; a day has 0.3 MB
LARGEST_WHOLE: Final = 96 << 20  # bytes, unzipped; a month has 9 MB
# What Python says of a damaged zip depends on where the damage is: places before its beginning and names that
# are no text are ValueErrors.
BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
)


def csv_files(body: bytes) -> list[tuple[str, bytes]]:
    """(name, bytes) of each CSV file, in order of their names; [("", body)] where it is no zip.

    Raises NotAFlowFile where the zip is broken, holds no CSV file, or more than a month could.
    """
    if not body.startswith((ZIP, EMPTY_ZIP)):
        if len(body) > LARGEST_FILE:
            raise NotAFlowFile(f"The file has {len(body):,} bytes, more than any day. Nothing was stored.")
        return [("", body)]
    if (entries := body.count(ENTRY)) > 2 * MOST_FILES:
        raise NotAFlowFile(
            f"The zip lists {entries:,} files, more than a month can have. Nothing was stored."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = sorted(
                (m for m in archive.infolist() if m.filename.lower().endswith(".csv") and not m.is_dir()),
                key=lambda member: member.filename,
            )
            if not members:
                raise NotAFlowFile("The zip holds no CSV file. Nothing was stored.")
            if len(members) > MOST_FILES or sum(m.file_size for m in members) > LARGEST_WHOLE:
                raise NotAFlowFile(
                    f"The zip would unpack to {len(members):,} files of "
                    f"{sum(m.file_size for m in members):,} bytes, more than a month can have. "
                    "Nothing was stored."
                )
            return [(member.filename, _unpacked(archive, member)) for member in members]
    except BROKEN as problem:
        raise NotAFlowFile(f"The zip is broken or cut off ({problem}). Nothing was stored.") from problem
    except (NotImplementedError, RuntimeError) as problem:  # encrypted, or packed another way
        raise NotAFlowFile(f"The zip cannot be unpacked ({problem}). Nothing was stored.") from problem


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A member's bytes, counted as they come: what the zip says of their number may be a lie."""
    with archive.open(member) as opened:
        body = opened.read(LARGEST_FILE + 1)
    if len(body) > LARGEST_FILE:
        raise NotAFlowFile(f"{member.filename} in the zip is larger than any day's file. Nothing was stored.")
    return body
