"""Search: utilities, feeders and substations by what people type. An id that is exactly that comes first.

Forgiving: case, spaces and punctuation do not matter ("beaver creek 12" finds BEAVERCREEK-12), every word has
to occur somewhere. Leading zeros do: 0123 is not 123, though 123 finds both.

Measured on 500,000 feeders: docs/decisions/010-search.md.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection
from django.db.models import Q

from hosting.models import Feeder, HostingCapacityRecord
from hosting.visible import VISIBLE_SQL, visible, visible_sources
from utilities.models import Utility

# ruff: noqa: S608  # what the SQL is put together from are constants of ours

MOST_TYPED: Final = 100  # characters that are read of what was typed
MOST_WORDS: Final = 8
SHOWN: Final = 20
_CANDIDATES: Final = 400  # of each kind of match, before they are ranked

# What is left of a text when nothing but its letters and digits counts. The same as in the migration
# 0005_trigrams_for_search, where the indexes are;
# tests/hosting/views/test_search_page.py sees that they are used.
_LEFT_OUT: Final = " -_./\\#()&,;:%'\"+*"
_SQUEEZED: Final = "translate(upper({}), ' -_./\\#()&,;:%%''\"+*', '')"
FEEDER_TEXT: Final = _SQUEEZED.format("external_id || ' ' || name")
SUBSTATION_TEXT: Final = _SQUEEZED.format("substation_name")
SHORTEST: Final = 3  # an index of trigrams is of no use to a shorter word

_OF_FEEDER: Final = (
    "EXISTS (SELECT 1 FROM hosting_hostingcapacityrecord r JOIN utilities_source s ON s.id = r.source_id"
    f" AND {VISIBLE_SQL} WHERE r.feeder_id = f.id)"
)

_BEGINNING: Final = (
    f"(SELECT f.id FROM hosting_feeder f WHERE upper(external_id) LIKE %(beginning)s AND {_OF_FEEDER}"
    f" ORDER BY upper(external_id) USING ~<~ LIMIT {_CANDIDATES})"
)
_ALIASES: Final = (
    "(SELECT f.id FROM hosting_feederalias a JOIN hosting_feeder f ON f.id = a.feeder_id"
    f" WHERE upper(a.external_id) LIKE %(beginning)s AND {_OF_FEEDER} LIMIT {_CANDIDATES})"
)
_FEEDERS: Final = f"""
SELECT f.id FROM hosting_feeder f JOIN utilities_utility u ON u.id = f.utility_id
WHERE f.id IN ({{arms}})
ORDER BY CASE
    WHEN upper(f.external_id) = %(typed)s THEN 0
    WHEN EXISTS (SELECT 1 FROM hosting_feederalias a
                 WHERE a.feeder_id = f.id AND upper(a.external_id) = %(typed)s) THEN 1
    WHEN %(squeezed)s IN ({_SQUEEZED.format("f.external_id")}, {_SQUEEZED.format("f.name")}) THEN 2
    WHEN upper(f.external_id) LIKE %(beginning)s THEN 3
    WHEN {_SQUEEZED.format("f.name")} LIKE %(squeezed_beginning)s THEN 4
    ELSE 5 END,
    u.is_synthetic, length(f.external_id), f.external_id, u.utility_code, f.id
LIMIT {SHOWN + 1}
"""


# Substations are what records name: few publishers have a layer of them. `f` is the record here.
_SUBSTATIONS: Final = f"""
SELECT u.utility_code, u.utility_name, u.is_synthetic, f.substation_name, count(DISTINCT f.feeder_id)
FROM (SELECT r.* FROM hosting_hostingcapacityrecord r JOIN utilities_source s ON s.id = r.source_id
          AND {VISIBLE_SQL}
      WHERE {{conditions}} LIMIT {_CANDIDATES * 20}) f
JOIN utilities_utility u ON u.id = f.utility_id
GROUP BY u.id, f.substation_name
ORDER BY {SUBSTATION_TEXT} <> %(squeezed)s, u.is_synthetic, length(f.substation_name), f.substation_name, u.id
LIMIT {SHOWN + 1}
"""


@dataclass(frozen=True)
class Substation:
    """A substation as records name it, with the number of its feeders that have one."""

    utility_code: str
    utility_name: str
    is_synthetic: bool
    name: str
    feeders: int


@dataclass(frozen=True)
class Found:
    """What was found, the best first; `is_more` names the kinds that have more than is shown."""

    utilities: list[Utility] = field(default_factory=list)
    feeders: list[Feeder] = field(default_factory=list)
    substations: list[Substation] = field(default_factory=list)
    is_more: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.utilities or self.feeders or self.substations)


def search(typed: str) -> Found:
    """Everything that readers may see and that has all the words of `typed`, up to SHOWN of each kind."""
    typed = " ".join(typed.replace("\x00", " ").split())[:MOST_TYPED].strip()
    words = [word for word in map(_squeeze, typed.split()) if word][:MOST_WORDS]
    if not words:
        return Found()
    feeders, substations = _feeders(typed, words), _substations(words)
    more = {name for name, rows in (("feeders", feeders), ("substations", substations)) if len(rows) > SHOWN}
    return Found(_utilities(typed), feeders[:SHOWN], substations[:SHOWN], more)


def _squeeze(text: str) -> str:
    return text.upper().translate({ord(sign): None for sign in _LEFT_OUT})


def _escaped(text: str) -> str:
    """Text that LIKE takes as it is."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _utilities(typed: str) -> list[Utility]:
    """Utilities whose name, code or parent has every word."""
    found = Utility.objects.filter(in_catalog=True).select_related("iso").defer("config_json")
    for word in typed.split():
        found = found.filter(
            Q(utility_name__icontains=word)
            | Q(utility_code__icontains=word)
            | Q(parent_company__icontains=word)
        )
    return list(found.order_by("is_synthetic", "utility_name", "pk")[:SHOWN])


def _feeders(typed: str, words: list[str]) -> list[Feeder]:
    given: dict[str, Any] = {
        "typed": typed.upper(),
        "beginning": f"{_escaped(typed.upper())}%",
        "squeezed": "".join(words),
        "squeezed_beginning": f"{''.join(words)}%",
    }
    arms = [_BEGINNING, _ALIASES]
    if conditions := _has_all(words, given, FEEDER_TEXT):
        arms.append(
            f"(SELECT f.id FROM hosting_feeder f WHERE {conditions} AND {_OF_FEEDER} LIMIT {_CANDIDATES})"
        )
    found = _ids(_FEEDERS.format(arms=" UNION ".join(arms)), given)
    rows = Feeder.objects.select_related("utility", "substation").defer("utility__config_json").in_bulk(found)
    return [rows[pk] for pk in found]


def _substations(words: list[str]) -> list[Substation]:
    given: dict[str, Any] = {"squeezed": "".join(words)}
    conditions = _has_all(words, given, SUBSTATION_TEXT)
    if not conditions:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_SUBSTATIONS.format(conditions=conditions), given)
        return [Substation(*row) for row in cursor.fetchall()]


def _has_all(words: list[str], given: dict[str, Any], text: str) -> str:
    """A condition that `text` has every word; empty where no word is long enough for the index.

    Adds the words to `given`.
    """
    if not any(len(word) >= SHORTEST for word in words):
        return ""
    given |= {f"word{number}": f"%{word}%" for number, word in enumerate(words)}
    return " AND ".join(f"{text} LIKE %(word{number})s" for number in range(len(words)))


def _ids(sql: str, given: dict[str, Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return [pk for (pk,) in cursor.fetchall()]


def remaining_of(feeders: list[Feeder]) -> dict[int, HostingCapacityRecord]:
    """The generation record of each feeder that has one, by the feeder's id: one query."""
    records = visible(
        HostingCapacityRecord.objects.filter(
            feeder__in=feeders, capacity_type="generation", variant="default"
        )
    )
    light = records.only(
        "feeder", "remaining_capacity_mw", "remaining_basis", "hosting_capacity_mw", "capacity_status"
    )
    return {record.feeder_id: record for record in light.order_by("valid_from", "pk") if record.feeder_id}


def has_figures(utilities: list[Utility]) -> set[int]:
    """Ids of those utilities that readers can see something of."""
    return set(visible_sources().filter(utility__in=utilities).values_list("utility", flat=True))
