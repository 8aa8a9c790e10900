"""Tables that sort by link: what a column's heading leads to, and how the table is sorted now."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.http import QueryDict


@dataclass(frozen=True)
class Column:
    """A column that can be sorted by: where its link goes, and how it is sorted now ('', up, down)."""

    name: str
    link: str
    sorted: str

    @property
    def aria_sort(self) -> str:
        return {"up": "ascending", "down": "descending"}.get(self.sorted, "none")


def columns(
    names: Iterable[str],
    sort: str,
    given: QueryDict,
    *,
    highest_first: Collection[str] = (),
    without: Collection[str] = (),
    anchor: str = "",
    parameter: str = "sort",
) -> dict[str, Column]:
    """Each name's column. `sort` is the name sorted by, a minus in front where it is highest first.

    Links keep the rest of the query but `without` (a page's number means nothing in another order).
    `parameter` is what the address calls it, where a page has several tables.
    """
    found = {}
    for name in names:
        # A click on the column that sorts already turns it round.
        first, second = (f"-{name}", name) if name in highest_first else (name, f"-{name}")
        now = "" if sort.removeprefix("-") != name else "down" if sort.startswith("-") else "up"
        query = with_changed(given, without, **{parameter: second if sort == first else first})
        found[name] = Column(name, f"?{query}{anchor}", now)
    return found


def with_changed(given: QueryDict, without: Collection[str] = (), **changed: str) -> str:
    """The query with some parameters changed and others left out; empty ones go."""
    query = given.copy()
    for name in without:
        query.pop(name, None)
    for name, value in changed.items():
        query[name] = value
    for name in [name for name, values in query.lists() if not any(values)]:
        del query[name]
    return query.urlencode(safe=",/")
