"""Which rows there are: the set of object ids that a fetch has to bring, and the pieces to ask for.

Knows three ways to the ids: all at once, window by window between the smallest and the largest, one page of
ids after the other. Each is checked against the number of rows that the server counts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from hcportal.errors import BadAnswer, FetchError, IncompleteFetch, ServiceError
from hcportal.http import Client
from hosting.sources.layer import Layer, count_rows
from hosting.sources.rows import as_id, by_id, features_of
from hosting.sources.service import FINAL, ask

MOST_IDS = 1_000_000
"""Ids asked for at once where the layer names no limit; about 8 MB."""
FEWEST_IDS = 1_000
"""A window with fewer is not cut further: the server cannot give ids, whatever their number."""


class PageSize:
    """How many rows to ask for at once: shrinks to what worked. Shared by the threads of one fetch.

    A caller that keeps what worked may hand it to the next fetch of the same layer: that one tries a quarter
    more, and falls back to it before it shrinks any further.
    """

    def __init__(self, rows: int, *, worked: int | None = None) -> None:
        """`rows` is the most to ask for, `worked` what the last fetch ended with."""
        self._floor = worked if worked is not None and worked < rows else 0
        self.rows = max(1, min(rows, worked + worked // 4 + 1) if worked else rows)

    def shrink(self, rows: int) -> None:
        rows = max(rows, self._floor) if self.rows > self._floor else rows
        self._floor = 0
        self.rows = max(1, min(self.rows, rows))


def both(where: str, clause: str) -> str:
    """`where` and `clause`; the filter that lets everything pass is left out."""
    return clause if where.replace(" ", "") == "1=1" else f"({where}) AND {clause}"


def between(layer: Layer, where: str, first: int, last: int) -> str:
    """The filter for a range of object ids, both ends included."""
    name = layer.object_id_field
    return both(where, f"{name}>={first} AND {name}<={last}")


def pieces(ids: Sequence[int], size: PageSize, gaps: Collection[int] = ()) -> Iterator[list[int]]:
    """Consecutive pieces of the sorted ids, each as long as `size` says when its turn comes.

    No piece spans an id of `gaps`: a range that holds an unreadable row cannot be read.
    """
    cuts = sorted({bisect_left(ids, gap) for gap in gaps})
    start = 0
    while start < len(ids):
        end = min(start + size.rows, len(ids))
        while cuts and cuts[0] <= start:
            cuts.pop(0)
        if cuts:
            end = min(end, cuts[0])
        yield list(ids[start:end])
        start = end


@dataclass(frozen=True)
class Plan:
    """The rows to bring: their object ids, sorted, and how many the server counts (None: it cannot)."""

    ids: list[int]
    count: int | None


def make_plan(client: Client, layer: Layer, where: str) -> Plan:
    """All object ids that match, each once. Raises IncompleteFetch where they cannot be had whole."""
    count = layer.count if where == "1=1" and layer.count is not None else count_rows(client, layer, where)
    ids: set[int] = set()
    problem: FetchError | None = None
    if count is None or count <= (layer.max_ids or MOST_IDS):
        try:
            ids = _ask_ids(client, layer, where)
        except FetchError as found:
            if count is None or (isinstance(found, ServiceError) and found.code in FINAL - {400}):
                raise
            problem = found
    if count is None:
        return Plan(sorted(ids), None)
    if len(ids) != count:
        count = count_rows(client, layer, where) or 0
    if len(ids) < count:
        ids |= _the_long_way(client, layer, where, count, problem)
    if len(ids) < count:
        raise IncompleteFetch(
            f"{layer.url} counts {count:,} rows and names {len(ids):,} different object ids"
            f" in {layer.object_id_field}; nothing was kept"
        ) from problem
    return Plan(sorted(ids), count)


def _ask_ids(client: Client, layer: Layer, where: str) -> set[int]:
    reply = ask(client, layer.query_url, {"where": where, "returnIdsOnly": "true"}, expect="objectIds")
    try:
        return {as_id(value) for value in reply.content["objectIds"] or []}
    except (TypeError, ValueError) as problem:
        raise BadAnswer(f"{layer.query_url}: {problem}") from problem


def _the_long_way(
    client: Client, layer: Layer, where: str, count: int, problem: FetchError | None
) -> set[int]:
    """The ids of a layer that does not give them all at once."""
    try:
        ends = _ends(client, layer, where)
        if ends:
            return _by_window(client, layer, where, ends, count)
        return _by_page(client, layer, where, count)
    except ServiceError as further:
        raise further from problem


def _ends(client: Client, layer: Layer, where: str) -> tuple[int, int] | None:
    """The smallest and the largest object id, or None where the server does no statistics."""
    if not layer.supports_statistics:
        return None
    name = layer.object_id_field
    wanted = ",".join(
        f'{{"statisticType":"{kind}","onStatisticField":"{name}","outStatisticFieldName":"the_{kind}"}}'
        for kind in ("min", "max")
    )
    try:
        reply = ask(client, layer.query_url, {"where": where, "outStatistics": f"[{wanted}]"})
        # Servers rename the two columns at will ("MIN(SHAPE.fid) AS THE_MIN"); their values are what counts.
        values = [as_id(v) for v in reply.content["features"][0]["attributes"].values() if v is not None]
        return min(values), max(values)
    except (ServiceError, LookupError, TypeError, ValueError, AttributeError):
        return None


def _by_window(client: Client, layer: Layer, where: str, ends: tuple[int, int], count: int) -> set[int]:
    """Ids window by window, each checked by its count and cut in two where it holds too many."""
    most = min(layer.max_ids or MOST_IDS, max(FEWEST_IDS, count // 2))
    found: set[int] = set()
    windows = [(*ends, count)]
    while windows:
        low, high, expected = windows.pop()
        if expected > most and low < high:
            middle = (low + high) // 2
            lower = count_rows(client, layer, between(layer, where, low, middle)) or 0
            if expected - lower:
                windows.append((middle + 1, high, expected - lower))
            if lower:
                windows.append((low, middle, lower))
            continue
        try:
            ids = _ask_ids(client, layer, between(layer, where, low, high))
        except FetchError:
            if expected <= FEWEST_IDS or low == high:
                raise
            ids = set()
        if len(ids) < expected and expected > FEWEST_IDS and low < high:
            most = max(FEWEST_IDS, expected // 2)
            windows.append((low, high, expected))
            continue
        found |= ids
    return found


def _by_page(client: Client, layer: Layer, where: str, count: int) -> set[int]:
    """Ids page after page, each beginning after the last id of the one before."""
    name = layer.object_id_field or ""
    found: set[int] = set()
    clause = where
    while len(found) < count:
        reply = ask(
            client,
            layer.query_url,
            {"where": clause, "outFields": name, "returnGeometry": "false", "orderByFields": f"{name} ASC"},
            expect="features",
        )
        ids = by_id(layer, reply, features_of(layer, reply, geometry=False)).keys() - found
        if not ids:
            break
        found |= ids
        clause = both(where, f"{name}>{max(found)}")
    return found
