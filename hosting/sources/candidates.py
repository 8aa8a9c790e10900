"""Where a service may be: what catalogues, owners' items and the habits of a publisher offer as candidates.

Says when each is from, as far as its name or its item says so; opens none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import Any

from hcportal.addresses import entered
from hcportal.errors import RefusedAddress
from hcportal.http import Client
from hosting.sources.service import ask, understood
from utilities.spec import SourceSpec
from utilities.spec_access import Discovery

QUARTERS = 6
ITEMS = 100  # the portal's largest page of items
MOST_PAGES = 5
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WORD = rf"(?P<word>{'|'.join(MONTHS)})[a-z]*"
_MONTH, _DAY = r"(?P<month>0[1-9]|1[0-2])", r"(?P<day>0[1-9]|[12]\d|3[01])"
_DATES = [
    re.compile(pattern.replace("YEAR", r"(?P<year>20\d\d)"), re.IGNORECASE)
    for pattern in (
        rf"{_WORD}[_-]?YEAR",
        rf"YEAR[_-]?{_WORD}",
        r"Q(?P<quarter>[1-4])[_-]?YEAR",
        r"YEAR[_-]?Q(?P<quarter>[1-4])",
        rf"(?<!\d)YEAR[_-]?{_MONTH}(?:[_-]?{_DAY})?(?!\d)",
        rf"(?<!\d){_MONTH}[_-]?(?:{_DAY}[_-]?)?YEAR(?!\d)",
        r"(?<!\d)YEAR(?!\d)",
    )
]
_AT_THE_END = re.compile(
    rf"(?:(?:{'|'.join(MONTHS)})[a-z]*[_-]?20\d\d|\d{{8}}|\d{{6}}|Q[1-4][_-]?20\d\d|20\d\d[_-]?Q[1-4])$",
    re.IGNORECASE,
)


@dataclass
class Candidate:
    """A service that may be the source's, and when it is from, as far as anything says."""

    url: str
    name: str
    dated: date | None = None
    modified: datetime | None = None
    rejected: str = ""

    @property
    def newest_first(self) -> tuple[int, float, float]:
        """Sorts by the date in the name, then by the day on which the item was modified."""
        modified = self.modified.timestamp() if self.modified else 0.0
        dated = self.dated.toordinal() if self.dated else 0
        return (-int(dated > 0), -dated, -modified)

    def told(self) -> dict[str, Any]:
        return {
            "url": self.url,
            "name": self.name,
            "dated": self.dated.isoformat() if self.dated else None,
            "modified": self.modified.isoformat() if self.modified else None,
        } | ({"rejected": self.rejected} if self.rejected else {})


def candidates(client: Client, spec: SourceSpec, rule: Discovery) -> list[Candidate]:
    """The candidates of a rule, newest first. Raises FetchError where they cannot be listed."""
    offered: Iterator[Candidate]
    if rule.strategy == "services":
        offered = _from_catalogue(client, rule)
    elif rule.strategy == "owner":
        offered = _from_owner(client, rule)
    else:
        offered = quarters(spec.service_url, rule.like, datetime.now(UTC).date())
    found: dict[str, Candidate] = {}
    for candidate in offered:
        candidate.dated = date_in(candidate.name)
        found.setdefault(candidate.url.lower(), candidate)
    return sorted(found.values(), key=lambda candidate: candidate.newest_first)


def _from_catalogue(client: Client, rule: Discovery) -> Iterator[Candidate]:
    """Services by the catalogue's `services`; names there may begin with their folder."""
    directory = rule.directory.rstrip("/")
    content = ask(client, directory, expect="services").content
    root = re.sub(r"(/rest/services).*$", r"\1", directory, flags=re.IGNORECASE)
    with understood(f"the catalogue {directory}"):
        for service in content["services"] or []:
            kind, name = str(service.get("type")), str(service.get("name"))
            if kind in {"FeatureServer", "MapServer"} and fnmatchcase(name.rpartition("/")[2], rule.like):
                yield Candidate(service.get("url") or f"{root}/{name}/{kind}", name.rpartition("/")[2])


def _from_owner(client: Client, rule: Discovery) -> Iterator[Candidate]:
    """Items of one account, newest first, page after page."""
    start = 1
    for _ in range(MOST_PAGES):
        params = {
            "q": f'owner:{rule.owner} AND (type:"Feature Service" OR type:"Map Service")',
            "sortField": "modified",
            "sortOrder": "desc",
            "num": str(ITEMS),
            "start": str(start),
        }
        content = ask(client, f"{rule.directory.rstrip('/')}/search", params, expect="results").content
        with understood(f"the items of {rule.owner}"):
            for item in content["results"] or []:
                url, modified = str(item.get("url") or "").rstrip("/"), item.get("modified")
                service = url.rpartition("/rest/services/")[2].split("/")
                names = [str(item.get("name") or ""), str(item.get("title") or ""), *service[-2:-1]]
                name = next((name for name in names if fnmatchcase(name, rule.like)), None)
                if not url or name is None or item.get("owner", rule.owner) != rule.owner:
                    continue
                when = _instant(modified)
                try:
                    yield Candidate(entered(url), name, modified=when)
                except RefusedAddress:
                    continue  # a web map, an image: no service
            start = int(content.get("nextStart") or -1)
        if start < 1:
            return


def _instant(milliseconds: Any) -> datetime | None:
    return (
        datetime.fromtimestamp(milliseconds / 1_000, UTC) if isinstance(milliseconds, int | float) else None
    )


def quarters(service_url: str, like: str, today: date) -> Iterator[Candidate]:
    """`…_MAR2026` and its kind, from the quarter that `today` is in backwards; they may not exist."""
    directory, _, kind = service_url.rpartition("/")
    directory = directory.rpartition("/")[0]
    month, year = (today.month - 1) // 3 * 3 + 3, today.year
    for _ in range(QUARTERS):
        name = like.replace("*", f"{MONTHS[month - 1].upper()}{year}")
        yield Candidate(f"{directory}/{name}/{kind}", name)
        month, year = (month - 3, year) if month > 3 else (12, year - 1)


def date_in(name: str) -> date | None:
    """The date that a service's name holds, as its first day; None where it holds none."""
    for pattern in _DATES:
        if match := pattern.search(name):
            parts = match.groupdict()
            month = parts.get("month") or "1"
            if parts.get("quarter"):
                month = str(int(parts["quarter"]) * 3)
            elif parts.get("word"):
                month = str(MONTHS.index(parts["word"].lower()) + 1)
            try:
                return date(int(parts["year"]), int(month), int(parts.get("day") or 1))
            except ValueError:
                return None
    return None


def without_date(name: str) -> str | None:
    """The name with `*` for the date at its end; None where it ends in none."""
    dated = _AT_THE_END.search(name)
    return name[: dated.start()] + "*" if dated else None
