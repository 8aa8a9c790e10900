"""What schemathesis is told about this API beyond its description (its SCHEMATHESIS_HOOKS)."""

import os
from typing import Any

import schemathesis

from hcportal.api.numbers import NUMBER

CODES = os.environ["HCP_TEST_CODES"].split(",")


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Ask about utilities that are there, and about one that is not: drawn letters would never meet one."""
    for operations in raw_schema["paths"].values():
        for parameter in operations["get"].get("parameters", []):
            if (parameter["in"], parameter["name"]) == ("path", "code"):
                parameter["schema"] = {"enum": CODES}


@schemathesis.hook
def map_query(context: Any, query: Any) -> Any:
    """Put the latitudes of a box in order: south above north is refused, and OpenAPI cannot say so."""
    words = str(query.get("bbox")).split(",") if isinstance(query, dict) else []
    if len(words) == 4 and all(NUMBER.fullmatch(word) for word in words):
        west, south, east, north = words
        low, high = sorted((south, north), key=float)
        query["bbox"] = ",".join((west, low, east, high))
    return query
