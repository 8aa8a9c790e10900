"""Asking the API, and what must be true of every answer."""

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

JSON, GEO_JSON, PROBLEM = "application/json", "application/geo+json", "application/problem+json"


def get(client: Client, address: str, kind: str = JSON) -> Any:
    """The body of a 200."""
    answer: Any = client.get(address)
    assert answer.status_code == 200, body(answer)
    assert answer["Content-Type"] == kind
    return json.loads(body(answer))


def body(answer: Any) -> bytes:
    """All of an answer, streamed or not."""
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def problem(client: Client, address: str, status: int, method: str = "get") -> Any:
    """The body of an error."""
    answer: HttpResponse = getattr(client, method)(address)
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == PROBLEM
    said = json.loads(answer.content)
    assert said["status"] == status
    assert {"type", "title", "detail"} <= set(said)
    return said


def pages(client: Client, address: str) -> list[list[Any]]:
    """All pages of a list, by following `next`."""
    found: list[list[Any]] = []
    following: str | None = address
    while following:
        answer = get(client, following)
        found.append(answer["results"])
        following = answer["next"]
    return found
