"""Asking a source's server how it is: reachable or not, how many rows, last edit, mapped fields. Never a row.

What is found is kept on the source. Nothing else changes: no run, nothing in the lake, nothing that readers
see. An unverified source whose probe finds every mapped field may be scheduled from then on.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from hcportal.errors import HcportalError
from hcportal.http import Client
from hosting.fetching import http_client, locate
from hosting.mapped import missing_fields
from hosting.steps import spec_of
from utilities.models import Redistribution, Source

AT_ONCE = 8  # sources; each host has its own limit below that
LONGEST_MESSAGE = 500  # characters, as the column has them


@dataclass(frozen=True)
class Probed:
    """What one probe found. `missing` are mapped fields that the layer lacks."""

    source: Source
    at: datetime
    reached: bool
    message: str = ""
    url: str = ""
    count: int | None = None
    edited_at: datetime | None = None
    missing: tuple[str, ...] = ()

    def told(self) -> str:
        """In a sentence."""
        if not self.reached:
            return f"not reachable: {self.message}"
        count = "rows not counted" if self.count is None else f"{self.count:,} rows"
        edited = f"edited {self.edited_at:%Y-%m-%d %H:%M} UTC" if self.edited_at else "no edit date"
        fields = f"lacks {', '.join(self.missing)}" if self.missing else "every mapped field is there"
        return f"{count}, {edited}, {fields}."


def may_be_probed(source: Source) -> bool:
    """Whether asking is allowed and there is an address to ask."""
    return (
        source.is_enabled
        and source.in_catalog
        and bool(source.service_url or source.config_json.get("discovery"))
        and not source.utility.is_generated
        and "file" not in source.config_json  # a file says nothing but its rows
        and source.redistribution != Redistribution.FORBIDDEN
    )


def probe(sources: Iterable[Source]) -> list[Probed]:
    """Ask each source, several at a time, and keep what was found on it."""
    with http_client() as client, ThreadPoolExecutor(AT_ONCE, thread_name_prefix="probe") as pool:
        # What a thread would read from the database is read here.
        asked = [(source, source.utility, source.published_run) for source in sources]
        found = list(pool.map(lambda one: _look(client, one[0]), asked))
    for probed in found:
        _keep(probed)
    return found


def _look(client: Client, source: Source) -> Probed:
    now = timezone.now()
    try:
        spec = spec_of(source)
        layer = locate(client, source, spec).layer
    except HcportalError as problem:
        return Probed(source, now, reached=False, message=str(problem)[:LONGEST_MESSAGE].replace("\0", ""))
    missing = tuple(missing_fields(layer, spec))
    return Probed(
        source, now, True, url=layer.url, count=layer.count, edited_at=layer.edited_at, missing=missing
    )


def _keep(probed: Probed) -> None:
    Source.objects.filter(pk=probed.source.pk).update(
        probed_at=probed.at,
        probe_reached=probed.reached,
        probe_message=probed.message,
        probe_url=probed.url,
        probe_count=probed.count,
        probe_edited_at=probed.edited_at,
        probe_missing=list(probed.missing),
    )
