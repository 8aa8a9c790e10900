"""`/tiles/{layer}/{z}/{x}/{y}.mvt`: one tile, from the cache or from PostGIS.

A request asks which data are published (one small query), then the cache: a tile is made once for each data
version. Plain Django, because a cached tile takes less time than REST framework's own work.
"""

import gzip
import re
import zlib
from typing import Any, Final

from django.db.backends.utils import CursorWrapper
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from hosting.tiles.cached import keep, kept
from hosting.tiles.layers import Layer, statement
from hosting.tiles.parameters import TileParameters, layer_of, place_of, read
from hosting.tiles.published import Published, published
from hosting.tiles.refusals import limited_cursor, refusing
from hosting.tiles.versions import is_held, not_modified, stamp

MVT: Final = "application/vnd.mapbox-vector-tile"
GZIP_LEVEL: Final = 1
_REFUSES_GZIP = re.compile(r"gzip\s*;\s*q=0(\.0*)?\s*(,|$)")
_LOCK = "hashtext('hosting.tiles'), %s"

Place = tuple[int, int, int]


@require_safe
@refusing
def tile(request: HttpRequest, layer: str, z: str, x: str, y: str) -> HttpResponse:
    """One tile: 200, 204 where nothing is in it, or 304."""
    shown = layer_of(layer)
    place = place_of(shown, z, x, y)
    given = read(request, TileParameters)
    there = published(given["utility"], with_substations=layer == "substations")
    etag = f'W/"{there.version}"'
    if is_held(request, etag):
        answer: HttpResponse = not_modified()
    else:
        zipped = packed(shown, place, given, there)
        answer = _body(request, zipped) if zipped else HttpResponse(status=204)
    answer["Vary"] = "Accept-Encoding"
    # An address of another version answers with what is published now, and has to be asked for again.
    return stamp(answer, etag, for_good=given["v"] == there.version)


def _body(request: HttpRequest, zipped: bytes) -> HttpResponse:
    accepted = request.headers.get("Accept-Encoding", "").lower()
    if "gzip" in accepted and not _REFUSES_GZIP.search(accepted):
        return HttpResponse(zipped, content_type=MVT, headers={"Content-Encoding": "gzip"})
    return HttpResponse(gzip.decompress(zipped), content_type=MVT)


def packed(layer: Layer, place: Place, given: dict[str, Any], there: Published) -> bytes:
    """The tile, compressed; nothing where nothing is in it. Raises Refused where it takes too long."""
    if not there.sources:
        return b""
    name = f"tile:{there.version}:{layer.name}:{place[0]}/{place[1]}/{place[2]}"
    key = f"{name}:{given['capacity_type']}:{given['variant']}:{given['utility']}"
    found = kept(key)
    if isinstance(found, bytes):
        return found
    # Readers who open the same map at once make each of its tiles once.
    number = zlib.crc32(key.encode()) - 2**31
    with limited_cursor(f"pg_try_advisory_xact_lock({_LOCK})", (number,)) as (cursor, is_first):
        if not is_first:
            cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})", (number,))
            found = kept(key)
            if isinstance(found, bytes):
                return found
        made = _made(cursor, layer, place, given, there)
        keep(key, made)  # before the lock is free, which is at the end of the transaction
    return made


def _made(
    cursor: CursorWrapper, layer: Layer, place: Place, given: dict[str, Any], there: Published
) -> bytes:
    z, x, y = place
    is_of_utility = given["utility"] is not None
    sql = statement(layer, z, of_utility=is_of_utility, cells_are_kept=there.cells_are_kept)
    cursor.execute(sql, {**given, "z": z, "x": x, "y": y, "sources": there.sources})
    made = bytes(cursor.fetchone()[0])
    return gzip.compress(made, compresslevel=GZIP_LEVEL, mtime=0) if made else b""
