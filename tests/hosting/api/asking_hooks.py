"""What schemathesis is told about this API beyond its description (its SCHEMATHESIS_HOOKS)."""

import base64
import os
import re
from typing import Any

import schemathesis

from hcportal.api.numbers import NUMBER

MOMENT = r"\d{4}-\d\d-\d\d([T ][\d:.]+(Z|[ +-]\d\d:\d\d))?$"

A_MARK, MARK_OF_DER = (
    base64.urlsafe_b64encode(key.encode()).decode()
    for key in ('[1, "F1", "generation", "default"]', '[1, "D1", "planned"]')
)
IN_ADDRESS = {name: os.environ[f"HCP_TEST_{name.upper()}S"].split(",") for name in ("code", "slug")}


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Ask about utilities that are there, and about one that is not, and about interfaces that are there:
    drawn letters would never meet one. Nor a mark of a page of changes, nor two runs of one source, which
    test_changes_api.py asks for."""
    changes = raw_schema["paths"]["/api/v1/utilities/{code}/changes"]["get"]
    runs = ("from_run", "to_run")
    changes["parameters"] = [one for one in changes["parameters"] if one["name"] not in runs]
    for operations in raw_schema["paths"].values():
        for parameter in operations["get"].get("parameters", []):
            if operations["get"] is changes and parameter["name"] == "after":
                parameter["schema"] = {"enum": [A_MARK]}
            if operations["get"] is changes and parameter["name"] == "from":
                parameter["required"] = True  # where there are no runs
            if parameter["in"] == "path":
                parameter["schema"] = {"enum": IN_ADDRESS[parameter["name"]]}
            if parameter["in"] == "query" and parameter["name"] == "utility":
                parameter["schema"] = {"enum": IN_ADDRESS["code"][:-1]}  # the last is not there: refused
            if parameter["name"] == "interfaces":
                parameter["schema"]["items"] = {"enum": ["23316", "SCH - OH - NY", "sch - pjm - ny"]}


@schemathesis.hook
def map_query(context: Any, query: Any) -> Any:
    """Put the latitudes of a box in order: south above north is refused, and OpenAPI cannot say so."""
    words = str(query.get("bbox")).split(",") if isinstance(query, dict) else []
    if len(words) == 4 and all(NUMBER.fullmatch(word) for word in words):
        west, south, east, north = words
        low, high = sorted((south, north), key=float)
        query["bbox"] = ",".join((west, low, east, high))
    return query


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Give an end a start before it, and a file an end, and a state a day on which there was one: nor can it
    say that these are refused."""
    query = case.query
    if not isinstance(query, dict):
        return
    if query.get("after") == A_MARK and query.get("dataset") == "ders":
        query["after"] = MARK_OF_DER
    for name, year in (("as_of", "2025"), ("from", "2024"), ("to", "2025")):
        if re.match(MOMENT, str(query.get(name))):
            query[name] = year + query[name][4:].replace("-02-29", "-02-28")
    start, end = query.get("start_date"), query.get("end_date")
    is_moment = isinstance(start, str) and re.match(MOMENT, start)
    if end is not None and (start is None or (is_moment and start[:10] >= str(end)[:10])):
        query["start_date"] = "1990-01-01"
    if query.get("start_date") is not None and query.get("format") == "csv":
        query.setdefault("limit", 10)
