"""`/tiles/counts.json`: how many records there are in a box, by class, for the legend."""

import hashlib
from collections import Counter
from dataclasses import replace
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from hosting.api.places import Box
from hosting.classes import CLASSES, class_sql
from hosting.tiles.parameters import CountParameters, read
from hosting.tiles.published import Published, published
from hosting.tiles.refusals import limited_cursor, refusing
from hosting.tiles.versions import is_held, not_modified, stamp

# ruff: noqa: S608  # what the SQL is put together from are constants of ours

_FARTHEST = 85.06  # degrees north and south: what lies beyond is on no web map

# A filter to its condition; a null is neither above nor below.
_FILTERS: Final = {
    "min_remaining_mw": "coalesce(remaining_capacity_mw >= %(min_remaining_mw)s, false)",
    "min_hosting_mw": "coalesce(hosting_capacity_mw >= %(min_hosting_mw)s, false)",
    "constraint": "coalesce(constraining_metric = %(constraint)s, false)",
}


@require_safe
@refusing
def counts(request: HttpRequest) -> HttpResponse:
    """Records that have a place on the map and whose shape meets the box (without one: all of them)."""
    given = read(request, CountParameters)
    there = published(given["utility"])
    asked = hashlib.sha256(f"{there.version} {sorted(given.items(), key=str)}".encode())
    etag = f'W/"{asked.hexdigest()[:32]}"'
    if is_held(request, etag):
        return stamp(not_modified(), etag)
    return stamp(JsonResponse(counted(given, there)), etag)


def counted(given: dict[str, Any], there: Published) -> dict[str, Any]:
    """`total` before the filters, `passing` after them, and the latter by class of both figures."""
    total = passing = 0
    by_remaining, by_hosting = Counter(dict.fromkeys(CLASSES, 0)), Counter(dict.fromkeys(CLASSES, 0))
    if there.sources:
        with limited_cursor() as (cursor, _):
            cursor.execute(*_statement(given, there))
            for passes, remaining, hosting, number in cursor.fetchall():
                total += number
                if passes:
                    passing += number
                    by_remaining[remaining] += number
                    by_hosting[hosting] += number
    return {
        "total": total,
        "passing": passing,
        "remaining": dict(by_remaining),
        "hosting": dict(by_hosting),
    }


def _statement(given: dict[str, Any], there: Published) -> tuple[str, dict[str, Any]]:
    """One pass over the records: their classes, and whether the filters let them through."""
    passes = " AND ".join(condition for name, condition in _FILTERS.items() if given[name] is not None)
    values = {**given, "sources": there.sources}
    places = []
    if given["bbox"] is not None:
        for number, shape in enumerate(_on_the_map(given["bbox"]).shapes()):
            values[f"box{number}"] = shape.hexewkb.decode()
            box = f"ST_Transform(%(box{number})s::geometry, 3857)"
            # Most records of a wide box lie in it whole, which their own boxes tell.
            places.append(
                f"(geometry_3857 && {box} AND (geometry_3857 @ {box} OR ST_Intersects(geometry_3857, {box})))"
            )
    sql = f"""
SELECT {passes or "true"}, {class_sql("remaining_capacity_mw")}, {class_sql("hosting_capacity_mw")}, count(*)
FROM hosting_hostingcapacityrecord
WHERE source_id = ANY(%(sources)s) AND capacity_type = %(capacity_type)s AND variant = %(variant)s
  AND geometry_3857 IS NOT NULL AND ({" OR ".join(places) or "true"})
GROUP BY 1, 2, 3
"""
    return sql, values


def _on_the_map(box: Box) -> Box:
    """The box as far as Web Mercator goes, on which a transformation would fail."""
    south, north = (max(-_FARTHEST, min(_FARTHEST, latitude)) for latitude in (box.south, box.north))
    return replace(box, south=south, north=north)
