"""Lists by keyset: a page ends with the key of its last row, the next begins after it.

No row is skipped or repeated when rows come or go between two requests; page 1,000 costs what page 1 does.
"""

from typing import Any

from rest_framework.request import Request

from hcportal.api.numbers import WholeNumber
from hcportal.api.parameters import Parameters, Slug


class LimitParameters(Parameters):
    """What every list takes, whatever its key."""

    limit = WholeNumber(default=100, min_value=1, max_value=1000, help_text="Rows a page")


class PageParameters(LimitParameters):
    """A list in order of a code."""

    after = Slug(
        default="", max_length=40, help_text="Code of the last utility already read; `next` carries it"
    )


class IdPageParameters(LimitParameters):
    """A list in order of its id."""

    after = WholeNumber(
        default=None,
        min_value=0,
        max_value=2**63 - 1,
        help_text="id of the last row already read; `next` carries it",
    )


def page(request: Request, rows: list[dict[str, Any]], limit: int, key: str) -> dict[str, Any]:
    """The answer of a list. `rows`: up to limit + 1, in order of `key`; the extra one says there is more."""
    shown = rows[:limit]
    return {"results": shown, "next": next_page(request, shown[-1][key]) if len(rows) > limit else None}


def next_page(request: Request, after: Any) -> str:
    """The address of what follows the row with this key."""
    query = request.query_params.copy()
    query["after"] = str(after)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
