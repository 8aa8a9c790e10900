"""Reading one piece of a plan: exactly these object ids, or an error that names the ones that cannot be had.

Knows what to do when a server gives fewer rows than asked, other rows, or none: ask for the rest, ask for
less at once, look whether the rows still exist. Equal counts prove nothing, so every answer is compared by
its ids.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from hcportal.errors import FetchError, IncompleteFetch, RefusedAddress, ServiceError
from hcportal.http import Client
from hosting.sources.layer import Layer, count_rows
from hosting.sources.plan import PageSize, between
from hosting.sources.rows import Feature, Page, as_id, by_id, features_of, page
from hosting.sources.service import FINAL, Reply, ask, understood

NAMED = 20
"""So many object ids stand in an error message, and so many rows are tried one by one before it is raised."""


class Moved(Exception):
    """Rows of the plan have gone from the layer since it was made."""


class Reader:
    """Reads pieces of one layer; safe to use from several threads."""

    def __init__(
        self,
        client: Client,
        layer: Layer,
        *,
        where: str,
        names: Sequence[str],
        geometry: bool,
        size: PageSize,
        keep: Callable[[Page], None] | None = None,
    ) -> None:
        self.client, self.layer, self.where, self.names = client, layer, where, names
        self.geometry = geometry and layer.geometry_type is not None
        self.size, self._keep = size, keep

    def read(self, ids: list[int], stopped: threading.Event) -> list[Page]:
        """The rows with these ids (sorted), in one page or, where the server gives less at once, in several.

        `stopped` says that nobody will take them any more: what is under way ends, and nothing more is asked.
        Raises IncompleteFetch with the ids that it does not give, Moved where they are gone.
        """
        pages: list[Page] = []
        todo = [ids]
        checked = failed = False
        while todo and not stopped.is_set():
            piece = todo.pop()
            try:
                reply = self._range(piece)
            except FetchError as problem:
                if not _is_eased_by_less(problem):
                    raise
                if not checked:
                    self._is_alive()
                checked = failed = True
                if len(piece) == 1:
                    raise self._unreadable(piece[0], problem) from problem
                middle = (len(piece) + 1) // 2
                todo += [piece[middle:], piece[:middle]]
                continue
            rows = self._rows(reply, piece)
            missing = [number for number in piece if number not in rows]
            if rows and missing and missing[0] > max(rows):
                # Fewer than asked, from the first on: that is how much this server gives at once.
                self.size.shrink(len(rows))
                step = len(rows)
                todo += [missing[i : i + step] for i in range(0, len(missing), step)][::-1]
                piece, missing = piece[: len(piece) - len(missing)], []
            elif failed and not missing:
                self.size.shrink(len(piece))
                failed = False
            replies = [reply]
            if missing:
                replies += self._complete(missing, rows)
            taken = [(n, rows[n]) for n in piece]
            pages.append(page(self.layer, self.names, taken, replies, geometry=self.geometry))
            if self._keep:
                self._keep(pages[-1])
        return pages

    def _range(self, ids: list[int]) -> Reply:
        return self._query({"where": between(self.layer, self.where, ids[0], ids[-1])})

    def _query(self, which: dict[str, str]) -> Reply:
        return ask(self.client, self.layer.query_url, {**which, **self.shape()}, expect="features")

    def _rows(self, reply: Reply, ids: list[int]) -> dict[int, Feature]:
        """The rows of an answer that belong to `ids`; others are ignored."""
        rows = by_id(self.layer, reply, features_of(self.layer, reply, geometry=self.geometry))
        wanted = set(ids)
        return {number: feature for number, feature in rows.items() if number in wanted}

    def shape(self) -> dict[str, str]:
        """How the rows are to look, whichever they are."""
        form = {"outFields": ",".join(self.names), "returnGeometry": str(self.geometry).lower()}
        if self.layer.object_id_field:
            form["orderByFields"] = f"{self.layer.object_id_field} ASC"
        if self.geometry:
            form |= {"outSR": "4326", "returnTrueCurves": "false", "returnZ": "false", "returnM": "false"}
        return form

    def _complete(self, missing: list[int], rows: dict[int, Feature]) -> list[Reply]:
        """Add the missing rows to `rows`, asked for by id: all at once, then by tens, then one by one."""
        replies: list[Reply] = []
        for step in (max(self.size.rows // 2, 1), 10, 1):
            failed: list[int] = []
            for start in range(0, len(missing), step):
                piece = missing[start : start + step]
                try:
                    reply = self._query({"where": self.where, "objectIds": ",".join(map(str, piece))})
                except FetchError as problem:
                    if not _is_eased_by_less(problem):
                        raise
                    failed += piece
                else:
                    found = self._rows(reply, piece)
                    rows.update(found)
                    replies += [reply] if found else []
                    failed += [number for number in piece if number not in found]
                if len(failed) >= NAMED * step:
                    failed += missing[start + step :]
                    break
            missing = failed
            if not missing:
                return replies
        raise self._withheld(missing)

    def _withheld(self, ids: list[int]) -> Exception:
        """Why rows of the plan do not come: they are gone, or the server keeps them."""
        clause = between(self.layer, self.where, ids[0], ids[-1])
        reply = ask(self.client, self.layer.query_url, {"where": clause, "returnIdsOnly": "true"})
        with understood(f"the answer of {self.layer.query_url}"):
            there = {as_id(value) for value in reply.content.get("objectIds") or []}
        if not there.issuperset(ids):
            return Moved()
        listed = ", ".join(map(str, ids[:NAMED]))
        return IncompleteFetch(
            f"{self.layer.url} lists rows and does not give them; {self.layer.object_id_field} {listed}"
            f"{' and more' if len(ids) >= NAMED else ''}. Nothing was kept"
        )

    def _is_alive(self) -> None:
        """Nothing where the service answers at all; its error where it does not."""
        count_rows(self.client, self.layer, "1=0")

    def _unreadable(self, number: int, problem: FetchError) -> FetchError:
        """The error that names a row; another where the whole service fails by now."""
        self._is_alive()
        return IncompleteFetch(
            f"{self.layer.url} has a row that cannot be read, {self.layer.object_id_field} {number}:"
            f" {problem}. Nothing was kept; to do without this row, declare its id as unreadable"
        )


def _is_eased_by_less(problem: FetchError) -> bool:
    """Whether fewer rows may come where many did not."""
    if isinstance(problem, ServiceError):
        return problem.code not in FINAL
    return not isinstance(problem, RefusedAddress)
