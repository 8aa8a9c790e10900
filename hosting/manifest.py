"""What there is to take away: each source with its terms, rows, last refresh, and where its files are.

The page about data and the API's manifest say the same, from here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet

from hosting.visible import visible_sources
from utilities.models import Redistribution, Source


@dataclass(frozen=True)
class File:
    """One file, or page of rows, of a source's data: what it is, and its path and query."""

    form: str
    path: str
    of: str = ""  # which figure, where the source has several


@dataclass(frozen=True)
class Entry:
    """A published source and what may be taken of it."""

    source: Source
    refreshed_at: datetime | None
    rows: int | None  # as published, of the last read
    files: tuple[File, ...]  # of the utility, as its address names it; empty where terms keep them back

    @property
    def citation(self) -> str:
        """How to name it: publisher, title, this portal, the state."""
        publisher = self.source.attribution or self.source.utility.utility_name
        state = f", as published {self.refreshed_at:%Y-%m-%d}" if self.refreshed_at else ""
        made_up = " Synthetic data: no real utility." if self.source.utility.is_synthetic else ""
        return (
            f"{publisher}: {self.source.title}{state}. Retrieved through hcportal ({self.source}).{made_up}"
        )


def entries() -> list[Entry]:
    """Every source that readers see something of, by utility. One query."""
    found: QuerySet[Source] = (
        visible_sources()
        .select_related("utility", "published_run")
        .only(
            *("code", "title", "redistribution", "licence", "attribution", "cadence", "config_json", "grain"),
            *("utility__utility_code", "utility__utility_name", "utility__is_synthetic", "utility__timezone"),
            *("published_run__completed_at", "published_run__records_fetched", "published_run__period"),
        )
        .order_by("utility__is_synthetic", "utility__utility_name", "utility__utility_code", "code")
    )
    return [_entry(source) for source in found]


def _entry(source: Source) -> Entry:
    run = source.published_run
    return Entry(
        source=source,
        refreshed_at=run.completed_at if run else None,
        rows=run.records_fetched if run else None,
        files=tuple(_files(source)),
    )


def _files(source: Source) -> list[File]:
    """Where its rows are. DER are taken feeder by feeder; nothing stands for the network itself."""
    if source.redistribution == Redistribution.DISPLAY_ONLY or source.grain == "none":
        return []
    code = source.utility.utility_code
    rows = f"/api/v1/utilities/{code}/hosting-capacity"
    feeders = "/api/v1/feeders"
    figures = source.config_json.get("figures", [])
    pairs = list(dict.fromkeys((f["capacity_type"], f.get("variant", "default")) for f in figures))
    files = []
    for capacity_type, variant in pairs:
        query: dict[str, Any] = {} if capacity_type == "generation" else {"capacity_type": capacity_type}
        of = f"{capacity_type} {variant}".removesuffix(" default") if len(pairs) > 1 else ""
        query |= {} if variant == "default" else {"variant": variant}
        if source.redistribution == Redistribution.ALLOWED:
            files.append(File("csv", _address(rows, query | {"format": "csv"}), of))
            files.append(File("geojson", _address(f"{rows}/geojson", query), of))
            if source.grain in ("section", "feeder"):
                files.append(
                    File("feeders.csv", _address(feeders, {"utility": code, **query, "format": "csv"}), of)
                )
        else:  # page by page
            files.append(File("json", _address(rows, query | {"limit": 1000}), of))
    return files


def _address(path: str, query: dict[str, Any]) -> str:
    return path + (f"?{urlencode(query)}" if query else "")
