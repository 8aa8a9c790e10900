"""Names that move: which service a source is read from today.

Publishers rename services with each refresh, in irregular words (JUN2024, 032026, 2026_Q1). Candidates come
from `candidates`; the newest whose fields fit is chosen, what was read last is the fallback, and the entry's
address at last. A layer that fits but is empty is not chosen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from hcportal.errors import FetchError, RefusedAddress
from hcportal.http import Client, plain
from hosting.sources.candidates import Candidate, candidates, without_date
from hosting.sources.layer import Layer, open_layer
from hosting.sources.service import ask, understood
from utilities.spec import SourceSpec
from utilities.spec_access import Discovery

NEWEST, LAST, ENTRY = "the newest that fits", "what was read last", "the entry's address"
MOST_TRIED = 8  # candidates that are opened; older ones are named and left alone
Fits = Callable[[Layer], str]
"""Why a layer is not the one, as a clause; empty where it is."""


@dataclass
class Found:
    """The layer that is read, and how it came to be that one."""

    layer: Layer
    strategy: str
    chosen: dict[str, Any]
    rejected: list[dict[str, Any]] = field(default_factory=list)
    trouble: str = ""

    def told(self) -> dict[str, Any]:
        """As a run keeps it."""
        told = {"strategy": self.strategy, "chosen": self.chosen, "rejected": self.rejected}
        told["at"] = datetime.now(UTC).isoformat(timespec="seconds")
        return told | ({"trouble": self.trouble} if self.trouble else {})


def find(client: Client, spec: SourceSpec, rule: Discovery, fits: Fits, *, last_url: str = "") -> Found:
    """The layer to read. Raises FetchError where neither a candidate nor a fallback fits."""
    if rule.strategy == "static":
        only = open_layer(client, spec.url)
        return Found(only, "static", {"url": only.url, "because": ENTRY})
    trouble = ""
    listed: list[Candidate] = []
    try:
        listed = candidates(client, spec, rule)
    except FetchError as problem:
        if isinstance(problem, RefusedAddress):
            raise
        trouble = f"nothing could be listed: {problem}"
    for number, candidate in enumerate(listed):
        if number >= MOST_TRIED:
            candidate.rejected = "older; not tried"
            continue
        if (layer := _try(client, candidate, spec, rule, fits)) is not None:
            others = [_left(other) for other in listed if other is not candidate]
            chosen = candidate.told() | {"url": layer.url, "because": NEWEST}
            return Found(layer, rule.strategy, chosen, others, trouble)
    rejected = [candidate.told() for candidate in listed]
    try:
        layer, because = _known(client, spec, fits, last_url)
    except FetchError as problem:
        tried = "; ".join(f"{one['name']}: {one['rejected']}" for one in rejected[:MOST_TRIED])
        raise FetchError(
            f"No service like {rule.like} fits ({tried or trouble or 'none is listed'}),"
            f" and neither does what was known: {problem}"
        ) from problem
    return Found(layer, rule.strategy, {"url": layer.url, "because": because}, rejected, trouble)


def _left(candidate: Candidate) -> dict[str, Any]:
    return candidate.told() | ({} if candidate.rejected else {"rejected": "older"})


def _try(client: Client, candidate: Candidate, spec: SourceSpec, rule: Discovery, fits: Fits) -> Layer | None:
    """The candidate's layer, or None and the reason on the candidate."""
    try:
        layer = open_layer(client, _layer_url(client, candidate.url, spec, rule))
    except FetchError as problem:
        candidate.rejected = plain(str(problem))
        return None
    candidate.rejected = fits(layer) or ("it has no rows" if layer.count == 0 else "")
    return None if candidate.rejected else layer


def _layer_url(client: Client, service: str, spec: SourceSpec, rule: Discovery) -> str:
    """The address of the source's layer in a service, by its name where the entry says so."""
    if re.search(r"/\d+$", service):
        return service
    if not rule.layer_like:
        return service if spec.layer is None else f"{service}/{spec.layer}"
    content = ask(client, service).content
    with understood(f"the description of {service}"):
        layers = [*(content.get("layers") or []), *(content.get("tables") or [])]
        named = [layer for layer in layers if fnmatchcase(str(layer.get("name")), rule.layer_like)]
        if len(named) != 1:
            listed = ", ".join(f"{layer.get('id')} ({layer.get('name')})" for layer in layers) or "none"
            raise FetchError(f"{service} has {len(named)} layers like {rule.layer_like}: {plain(listed)}")
        return f"{service}/{int(named[0]['id'])}"


def _known(client: Client, spec: SourceSpec, fits: Fits, last_url: str) -> tuple[Layer, str]:
    """What was read last, else the entry's own address, and which of them. Raises FetchError."""
    problems = []
    reasons = {url: because for url, because in ((last_url, LAST), (spec.url, ENTRY)) if url}
    for url, because in reasons.items():
        try:
            layer = open_layer(client, url)
        except FetchError as problem:
            problems.append(str(problem))
            continue
        if why := fits(layer):
            problems.append(f"{url}: {why}")
            continue
        return layer, because
    raise FetchError("; ".join(problems))


def rules_of(spec: SourceSpec, data_source_type: str) -> Sequence[Discovery]:
    """How a source is looked for, best first: as it declares, else as its family does.

    The Exelon utilities share an organisation whose services are renamed about each quarter: a dated name is
    looked for in the catalogue that holds it, then by the names of past quarters.
    """
    if spec.discovery.strategy != "static" or data_source_type != "exelon":
        return [spec.discovery]
    parts = urlsplit(spec.service_url)
    path = re.fullmatch(
        r"(.*/rest/services(?:/[^/]+)*?)/([^/]+)/(?:Feature|Map)Server", parts.path, re.IGNORECASE
    )
    like = without_date(path[2]) if path else None
    if path is None or like is None:
        return [spec.discovery]
    directory = f"{parts.scheme}://{parts.netloc}{path[1]}"
    return [
        Discovery(strategy="services", directory=directory, like=like),
        Discovery(strategy="quarterly", like=like),
    ]


def find_by(
    client: Client, spec: SourceSpec, rules: Iterable[Discovery], fits: Fits, *, last_url: str = ""
) -> Found:
    """`find` by the first rule that leads to a candidate; the last one's fallback where none does."""
    found: Found | None = None
    problem: FetchError | None = None
    for rule in rules:
        try:
            found = find(client, spec, rule, fits, last_url=last_url)
        except FetchError as trouble:
            problem = trouble
            continue
        if rule.strategy == "static" or found.chosen["because"] == NEWEST:
            return found
    if found is None:
        raise problem or FetchError(f"{spec.url}: nothing says where it is looked for")
    return found
