"""What is refused before a library looks at it: files that are not what their entry says, and zip archives
that would fill the disk or write elsewhere.

GDAL opens what it recognises, whatever the file is called: a VRT that names another server, an archive within
an archive. So the first bytes must be those of the declared format.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import stat
import zipfile
from pathlib import Path, PurePosixPath

from hcportal.errors import BadAnswer
from utilities.spec_files import FileFeed

START = 64 << 10
MOST_MEMBERS = 1_000
LARGEST_UNPACKED = 4 << 30  # bytes of all members together
HIGHEST_RATIO = 300  # times its size; text packs to a tenth or twentieth
_ZIP, _SQLITE = b"PK\x03\x04", b"SQLite format 3\x00"
_SHAPEFILE = {".shp", ".shx", ".dbf", ".prj", ".cpg", ".sbn", ".sbx", ".qpj", ".qix", ".xml"}
_BOMS = (b"\xff\xfe", b"\xfe\xff")
_WORDS = {
    "csv": "CSV",
    "xlsx": "an XLSX workbook",
    "geojson": "GeoJSON",
    "gpkg": "a GeoPackage",
    "shapefile": "a zipped Shapefile",
    "kml": "KML or KMZ",
}


def check(path: Path, feed: FileFeed, named: str) -> None:
    """Raise BadAnswer where a file is empty, or begins as its declared format never does."""
    with path.open("rb") as file:
        start = file.read(START)
    if not start.strip(b"\xef\xbb\xbf \t\r\n\x00"):
        raise BadAnswer(f"{named} is empty.")
    if found := misfit(start, feed):
        raise BadAnswer(f"{named} is {found}.")
    if feed.format == "xlsx":
        _members(path, named)
    if feed.format == "gpkg":
        _check_tables(path, named)
    if feed.format == "kml" and not start.startswith(_ZIP):
        _check_xml(path, named)


def misfit(start: bytes, feed: FileFeed) -> str:
    """What a file that begins so is, and not what its entry says, as a clause; empty where it may be that."""
    found = _wrong(start, feed)
    return f"{found}, and not {_WORDS[feed.format]} as its entry says" if found else ""


def _wrong(start: bytes, feed: FileFeed) -> str:
    """What a file is that is not what it should be; empty where it may well be that."""
    plain = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    is_zip, is_sqlite = start.startswith(_ZIP), start.startswith(_SQLITE)
    what = "a zip archive" if is_zip else "an SQLite database" if is_sqlite else ""
    if plain[:200].lower().startswith((b"<!doctype html", b"<html")):
        what = "a web page"
    elif b"<OGRVRTDataSource" in start or b"<VRTDataset" in start:
        what = "a GDAL virtual file, which names other files"
    fits = {
        "csv": not what and (b"\x00" not in start or "16" in feed.encoding or "32" in feed.encoding),
        "xlsx": is_zip,
        "shapefile": is_zip,
        "gpkg": is_sqlite,
        "geojson": plain.startswith(b"{"),
        "kml": is_zip or (not what and re.search(rb"<(\w+:)?kml[\s>]", start) is not None),
    }[feed.format]
    if fits:
        return ""
    if feed.format == "csv" and start.startswith(_BOMS):
        return "UTF-16 text"
    return what or "something else"


def unpack(path: Path, feed: FileFeed, into: Path, named: str) -> Path:
    """Unpack a zipped Shapefile or a KMZ into an empty folder; the file to open. Raises BadAnswer."""
    suffix = ".shp" if feed.format == "shapefile" else ".kml"
    members = [
        member
        for member in _members(path, named)
        if PurePosixPath(member.filename).suffix.lower() in (_SHAPEFILE if suffix == ".shp" else {".kml"})
        and not member.filename.startswith("__MACOSX/")
    ]
    mains = [m for m in members if PurePosixPath(m.filename).suffix.lower() == suffix]
    if suffix == ".kml" and len(mains) > 1:  # the first of a KMZ is the document, the others are linked
        mains = [next((m for m in mains if m.filename.lower() == "doc.kml"), mains[0])]
    if feed.layer and len(mains) > 1:
        mains = [m for m in mains if PurePosixPath(m.filename).stem == feed.layer]
    if len(mains) != 1:
        have = ", ".join(sorted(PurePosixPath(m.filename).stem for m in mains)) or "none"
        raise BadAnswer(f"{named} must hold one {suffix} file; it holds {have}. file.layer may name one.")
    stem = str(PurePosixPath(mains[0].filename).with_suffix(""))
    try:
        with zipfile.ZipFile(path) as archive:
            for member in members:
                name = PurePosixPath(member.filename)
                if str(name.with_suffix("")) == stem:  # under a name of ours: nothing is written elsewhere
                    with (
                        archive.open(member) as packed,
                        (into / f"file{name.suffix.lower()}").open("wb") as out,
                    ):
                        shutil.copyfileobj(packed, out)
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError) as problem:
        raise BadAnswer(f"{named} cannot be unpacked ({problem}); it is cut off or damaged.") from problem
    opened = into / f"file{suffix}"
    if suffix == ".kml":
        _check_xml(opened, named)
    else:
        _check_lengths(into, named)
    return opened


def _members(path: Path, named: str) -> list[zipfile.ZipInfo]:
    """An archive's files, none of them dangerous. What is declared here is what Python unpacks at most."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except (zipfile.BadZipFile, OSError, EOFError, ValueError) as problem:
        raise BadAnswer(
            f"{named} is no whole zip archive ({problem}); it is cut off or damaged."
        ) from problem
    for member in members:
        name = PurePosixPath(member.filename.replace("\\", "/"))
        linked = stat.S_ISLNK(member.external_attr >> 16)
        if name.is_absolute() or ".." in name.parts or ":" in member.filename or linked:
            raise BadAnswer(
                f"{named} holds '{member.filename}', which leads out of the archive; it was not unpacked."
            )
        if member.flag_bits & 1:
            raise BadAnswer(f"{named} is locked with a password.")
    unpacked = sum(member.file_size for member in members)
    if len(members) > MOST_MEMBERS:
        raise BadAnswer(
            f"{named} holds {len(members):,} files, more than {MOST_MEMBERS:,}; it was not unpacked."
        )
    if unpacked > LARGEST_UNPACKED or (
        unpacked > 100 << 20 and unpacked > HIGHEST_RATIO * path.stat().st_size
    ):
        raise BadAnswer(f"{named} would unpack to {unpacked:,} bytes, as zip bombs do; it was not unpacked.")
    return members


def _check_xml(path: Path, named: str) -> None:
    """No document type at all: entities of a file's own read other files, or grow without end."""
    tail = b""
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            if b"<!DOCTYPE" in tail + piece or b"<!ENTITY" in tail + piece:
                raise BadAnswer(
                    f"{named} defines XML entities of its own, which no KML needs; it was not read."
                )
            tail = piece[-16:]
    if not tail.rstrip().endswith(b">"):
        raise BadAnswer(f"{named} ends in the middle; it is cut off.")


def _check_lengths(folder: Path, named: str) -> None:
    """GDAL reads what is left of a Shapefile that is cut off; its own headers say how long it should be."""
    for suffix in (".shp", ".shx"):
        file = folder / f"file{suffix}"
        if not file.is_file():
            raise BadAnswer(f"{named} lacks its {suffix} file.")
        with file.open("rb") as opened:
            head = opened.read(28)
        if head[:4] != b"\x00\x00\x27\x0a" or file.stat().st_size < 2 * int.from_bytes(head[24:28], "big"):
            raise BadAnswer(f"{named}: its {suffix} file is cut off or damaged.")
    table = folder / "file.dbf"
    if not table.is_file():
        raise BadAnswer(f"{named} lacks its .dbf file.")
    with table.open("rb") as opened:
        head = opened.read(12)
    rows, start, width = (int.from_bytes(head[a:b], "little") for a, b in ((4, 8), (8, 10), (10, 12)))
    if table.stat().st_size < start + rows * width:
        raise BadAnswer(f"{named}: its .dbf file is cut off; it should have {rows:,} rows.")


def _check_tables(path: Path, named: str) -> None:
    """A whole database of plain tables: views and virtual tables can be programs."""
    try:
        database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            for kind, name, made in database.execute(
                "SELECT type, name, coalesce(sql, '') FROM sqlite_master"
            ):
                virtual = re.match(r"\s*CREATE\s+VIRTUAL\s+TABLE", made, re.IGNORECASE)
                if virtual and not re.search(r"USING\s+rtree\b", made, re.IGNORECASE):
                    raise BadAnswer(f"{named} holds the virtual table '{name}'; only plain tables are read.")
                if kind == "view":
                    raise BadAnswer(f"{named} holds the view '{name}'; only plain tables are read.")
            (state,) = database.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            database.close()
    except sqlite3.Error as problem:
        raise BadAnswer(f"{named} is no whole GeoPackage ({problem}); it is cut off or damaged.") from problem
    if state != "ok":
        raise BadAnswer(f"{named} is no whole GeoPackage ({state}); it is cut off or damaged.")
