"""All of an ArcGIS layer, or an error that says why not. Start reading here.

    layer = open_layer(client, url)              # what it says of itself
    for page in fetch(client, layer): ...        # every row once, in object-id order

The plan is the set of object ids; each page is verified by its ids; at the end the layer must be as it was at
the beginning.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

from hcportal.errors import SourceChanged
from hcportal.http import Client
from hosting.sources.layer import Field, Layer, count_rows, last_edit, open_layer
from hosting.sources.offsets import read_by_offset
from hosting.sources.pages import Moved, Reader
from hosting.sources.plan import PageSize, make_plan, pieces
from hosting.sources.rows import Page
from hosting.sources.unfinished import Kept, Unfinished, stretches

__all__ = [
    "Field",
    "Layer",
    "Page",
    "PageSize",
    "Unfinished",
    "count_rows",
    "fetch",
    "largest_page",
    "open_layer",
]

AHEAD = 4  # pages under way or waiting to be taken: the bound of memory
LARGEST_PAGE = 2_000  # rows
LARGEST_BODY = 8 << 20  # bytes a page is to have at most; the next ones are asked for in fewer rows

Progress = Callable[[int, int], None]


def fetch(
    client: Client,
    layer: Layer,
    *,
    where: str = "1=1",
    fields: Sequence[str] | None = None,
    limit: int | None = None,
    geometry: bool = True,
    page_size: int | PageSize | None = None,
    progress: Progress | None = None,
    unreadable: Collection[int] = (),
    on_restart: Callable[[], None] | None = None,
    unfinished: Unfinished | None = None,
) -> Generator[Page, None, None]:
    """Every row of the layer that matches `where`, as verified pages in object-id order.

    `limit` (the first rows only, for a dry run) and `unreadable` (object ids whose loss a person has
    accepted) are the only ways to get fewer. `progress` hears of rows done and rows planned. Where the
    layer was edited meanwhile, `on_restart` is called (drop all pages so far) and everything is read once
    more; without it, or when that happens twice, SourceChanged is raised. Others: IncompleteFetch,
    MissingField, ServiceError, BadAnswer, Unreachable, RefusedAddress.

    With `unfinished`, verified pages are kept there as they come, and what an earlier fetch kept is taken up
    where it still holds; whoever has stored all pages clears it.
    """
    size = page_size
    if not isinstance(size, PageSize):
        size = PageSize(size or largest_page(layer))
    names = layer.chosen(fields)
    keep = unfinished.keep if unfinished and limit is None and layer.object_id_field else None
    kept = unfinished if keep else None
    reader = Reader(client, layer, where=where, names=names, geometry=geometry, size=size, keep=keep)
    try:
        yield from _read(reader, limit, unreadable, progress, kept)
    except Moved:
        if kept:
            kept.clear()
        if on_restart is None:
            raise SourceChanged(f"{layer.url} was edited while it was read; nothing was kept") from None
    else:
        return
    on_restart()
    reader.layer = replace(layer, count=None, edited_at=last_edit(client, layer))
    try:
        yield from _read(reader, limit, unreadable, progress, kept)
    except Moved:
        if kept:
            kept.clear()
        raise SourceChanged(f"{layer.url} was edited twice while it was read; nothing was kept") from None


def largest_page(layer: Layer) -> int:
    """The rows to ask for at once where nothing else is known."""
    return min(layer.max_record_count, LARGEST_PAGE)


def _read(
    reader: Reader,
    limit: int | None,
    unreadable: Collection[int],
    progress: Progress | None,
    kept: Unfinished | None,
) -> Iterator[Page]:
    """One pass over the layer; raises Moved where it is not at the end what it was at the beginning."""
    client, layer, where = reader.client, reader.layer, reader.where
    if layer.object_id_field is None:
        count = count_rows(client, layer, where)
        yield from _counted(read_by_offset(reader, count, limit), limit or count or 0, progress)
        if limit is None and (count_rows(client, layer, where), last_edit(client, layer)) != (
            count,
            layer.edited_at,
        ):
            raise Moved
        return
    shape = {
        "where": where,
        "names": list(reader.names),
        "geometry": reader.geometry,
        "unreadable": sorted(unreadable),
    }
    plan = (kept.plan(layer, shape) if kept else None) or make_plan(client, layer, where)
    lost = set(unreadable)
    planned = plan.ids if not lost else [n for n in plan.ids if n not in lost]
    planned = planned[:limit]
    there = kept.begin(layer, shape, replace(plan, ids=planned)) if kept else []
    yield from _counted(_ahead(reader, planned, unreadable, there), len(planned), progress)
    if limit is not None:
        return
    if last_edit(client, layer) != layer.edited_at:
        raise Moved
    if count_rows(client, layer, where) == plan.count:
        return
    if layer.edited_at is not None:
        raise Moved
    # No edit dates, and rows came or went. New rows alone can be added to what was read.
    now = make_plan(client, replace(layer, count=None), where)
    if not set(now.ids).issuperset(plan.ids):
        raise Moved
    added = sorted(set(now.ids).difference(plan.ids, unreadable))
    yield from _counted(_ahead(reader, added, unreadable, []), len(added), progress)
    if count_rows(client, layer, where) != now.count:
        raise Moved


def _counted(pages: Iterator[Page], total: int, progress: Progress | None) -> Iterator[Page]:
    done = 0
    if progress:
        progress(done, total)
    for page in pages:
        yield page
        done += len(page.object_ids)
        if progress:
            progress(done, total)


def _ahead(
    reader: Reader, ids: list[int], unreadable: Collection[int], there: Sequence[Kept]
) -> Iterator[Page]:
    """The pages of these ids, in order, a few ahead, from `there` or read.

    The first comes alone: it teaches the page size.
    """
    todo = _pieces(reader, ids, unreadable, there)
    stopped = threading.Event()
    pool = ThreadPoolExecutor(max_workers=AHEAD, thread_name_prefix="fetch")
    waiting: deque[Future[list[Page]]] = deque()
    try:
        for first in islice(todo, 1):
            waiting.append(pool.submit(_bring, reader, first, ids, stopped))
        while waiting:
            pages = waiting.popleft().result()
            for page in pages:
                if len(page.raw) > LARGEST_BODY:
                    reader.size.shrink(len(page.object_ids) * LARGEST_BODY // len(page.raw))
            for piece in islice(todo, AHEAD - len(waiting)):
                waiting.append(pool.submit(_bring, reader, piece, ids, stopped))
            yield from pages
    finally:
        stopped.set()  # nobody takes these pages any more
        pool.shutdown(wait=False, cancel_futures=True)


def _pieces(
    reader: Reader, ids: list[int], unreadable: Collection[int], there: Sequence[Kept]
) -> Iterator[Kept | list[int]]:
    """What to bring, in order: pages that are kept, and pieces of ids to ask for."""
    for stretch in stretches(ids, there):
        if isinstance(stretch, Kept):
            yield stretch
        else:
            yield from pieces(stretch, reader.size, unreadable)


def _bring(reader: Reader, piece: Kept | list[int], ids: list[int], stopped: threading.Event) -> list[Page]:
    """The pages of one piece."""
    if isinstance(piece, Kept):
        if page := piece.load():
            return [page]
        start = bisect_left(ids, piece.first)
        piece = ids[start : start + piece.rows]
    return reader.read(piece, stopped)
