"""Which published field may be which column of ours, by its name and by the range of its values.

Guesses, each with its reason, for a person to judge: nothing here is read into a record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hcportal.errors import FetchError
from hcportal.http import Client
from hosting.sources.discovery import (
    CAPACITY_WORDS,
    FEEDER_WORDS,
    NUMBERS,
    SECTION_WORDS,
)
from hosting.sources.layer import Layer
from hosting.sources.rows import features_of
from hosting.sources.service import ask

SAMPLED = 500  # rows
ENOUGH = 5  # rows below which values say nothing
SENTINELS = 5  # different words among numbers; with more of them, the numbers are part of names
KILOVOLTS = {2.4, 4, 4.16, 4.8, 6.9, 7.2, 7.6, 8.3, 11, 12, 12.47, 13, 13.2, 13.8, 14.4, 16, 20.8, 21, 22.9}
KILOVOLTS |= {23, 24, 24.9, 25, 26.4, 27, 27.6, 33, 34, 34.5, 46, 69}
PHASES = {"a", "b", "c", "ab", "bc", "ac", "ca", "abc", "1-phase", "2-phase", "3-phase", "single"}
DATE_FORMATS = {
    "yyyyMMdd": re.compile(r"20\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])"),
    "yyyy-MM-dd": re.compile(r"20\d\d-\d\d-\d\d"),
    "M/d/yyyy": re.compile(r"\d{1,2}/\d{1,2}/20\d\d"),
}
_NO_CAPACITY = re.compile(
    r"(shape|length|area|perim|lat|lon|^x$|^y$|coord|year|zip|date|time|phone|volt|kv$|(?<!gr)id$|count|mile|feet"
    r"|legend|nominal|^sum_)",  # capacities do not add up
    re.IGNORECASE,
)
INSTALLED = ("installed", "connected", "existing")
QUEUED = ("queue", "pending", "proposed")
_NO_FEEDER = re.compile(
    r"(kw|mw|kva|mva|pv|hc|cap|avail|peak|load|dg$|volt|rating|headroom|queue)", re.IGNORECASE
)
_NUMBER = re.compile(r"\s*[<>≥≤]?\s*(-?\d[\d,]*\.?\d*)\s*(kw|mw|kva|mva|kv|v)?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Seen:
    """A field and the values of it that were looked at, as text, and as numbers where most of them are.

    `words` are those that are none: what they stand for, the publisher's map may say.
    """

    name: str
    type: str
    rows: int
    texts: tuple[str, ...]
    numbers: tuple[float, ...]
    words: tuple[str, ...] = ()

    @property
    def distinct(self) -> int:
        return len(set(self.texts))

    @property
    def is_enough(self) -> bool:
        return len(self.texts) >= ENOUGH

    @property
    def range(self) -> str:
        """For people: the smallest and largest number, or how many different words."""
        if not self.texts:
            return "empty in the rows looked at"
        if self.numbers:
            between = f"{min(self.numbers):,.6g} to {max(self.numbers):,.6g}"
            return f"{between} and {', '.join(map(repr, self.words[:3]))}" if self.words else between
        return f"{self.distinct:,} different in {len(self.texts):,} rows, such as {self.texts[0][:40]!r}"


@dataclass(frozen=True)
class Guess:
    """A candidate for one of our columns. `by` is name, values, or both; `reader` how it would be read."""

    field: str
    by: str
    reader: str
    range: str

    def told(self) -> str:
        return f"{self.field} (by {self.by}; {self.range}; read as {self.reader})"


def look(client: Client, layer: Layer) -> dict[str, Seen]:
    """The first rows of a layer, field by field; no values where the server gives none."""
    wanted = {"where": "1=1", "outFields": ",".join(layer.chosen(None)), "returnGeometry": "false"}
    if layer.supports_pagination:
        wanted["resultRecordCount"] = str(min(SAMPLED, layer.max_record_count))
    try:
        reply = ask(client, layer.query_url, wanted, expect="features")
        rows = [feature.get("attributes") or {} for feature in features_of(layer, reply, geometry=False)]
    except FetchError:
        rows = []
    return seen(layer, rows[:SAMPLED])


def seen(layer: Layer, rows: Sequence[dict[str, Any]]) -> dict[str, Seen]:
    """Every field of the layer with the values it has in these rows."""
    found = {}
    for field in layer.fields:
        texts = [str(row[field.name]).strip() for row in rows if row.get(field.name) is not None]
        texts = [text for text in texts if text]
        matches = [_NUMBER.fullmatch(text) for text in texts]
        numbers = [float(match[1].replace(",", "")) for match in matches if match]
        words = {text for text, match in zip(texts, matches, strict=True) if not match}
        if len(words) > SENTINELS or 2 * len(numbers) < len(texts):
            numbers, words = [], set()
        found[field.name] = Seen(
            field.name, field.type, len(rows), tuple(texts), tuple(numbers), tuple(sorted(words))
        )
    return found


def unit_of(field: Seen) -> tuple[str, str]:
    """The unit that a capacity is likely in, and why: it stands in the name, or the values are that large."""
    name = field.name.lower()
    for unit, words in {"kw": ("kw",), "mw": ("mw", "megawatt"), "kva": ("kva",), "mva": ("mva",)}.items():
        if any(word in name for word in words):
            return unit, "by its name"
    if not field.numbers:
        return "mw", "for want of anything that says"
    high = max(field.numbers)
    return ("kw" if high > 150 else "mw"), f"for its highest value is {high:,.6g}"


def guesses(layer: Layer, fields: dict[str, Seen]) -> dict[str, list[Guess]]:
    """Candidates for each of our columns, the likeliest first."""
    known = [one for name, one in fields.items() if name != layer.object_id_field]
    dates = [one for one in known if one.type == "esriFieldTypeDate" or _date_format(one)]
    plain = [one for one in known if one not in dates]
    rules: dict[str, tuple[list[Seen], tuple[str, ...], Callable[[Seen], str], Callable[[Seen], str]]] = {
        "hosting_capacity_mw": (plain, CAPACITY_WORDS, _room, _named_room),
        "installed_dg_mw": (plain, INSTALLED, _none, _amount),
        "queued_dg_mw": (plain, QUEUED, _none, _amount),
        "feeder_id": (plain, FEEDER_WORDS, _none, _feeder),
        "feeder_name": (plain, ("feeder_name", "feedername", "circuit_name", "circuitname"), _none, _text),
        "section": (plain, SECTION_WORDS, _identifies, _id),
        "substation_name": (plain, ("substation", "sub_name", "subname", "subst"), _none, _text),
        "county": (plain, ("county",), _none, _text),
        "voltage_kv": (plain, ("volt", "_kv", "kv_"), _volts, _volts),
        "phase_config": (plain, ("phase",), _phases, _phases),
        "record_date": (
            dates,
            ("study", "analysis", "refresh", "updat", "publish", "date"),
            _date_format,
            _date,
        ),
    }
    return {column: _ranked(*rule) for column, rule in rules.items()}


def _ranked(
    fields: list[Seen], words: tuple[str, ...], by_values: Callable[[Seen], str], reads: Callable[[Seen], str]
) -> list[Guess]:
    """By name and values, then by name in the order of its words, then by values alone."""
    ranked = []
    for place, one in enumerate(fields):
        named = next((i for i, word in enumerate(words) if word in one.name.lower()), None)
        valued = by_values(one)
        reader = reads(one)
        if not reader or (named is None and not valued):
            continue
        by = "name and values" if named is not None and valued else "values" if named is None else "name"
        rank = (named is None, not valued, named or 0, place)
        ranked.append((rank, Guess(one.name, by, reader, one.range)))
    return [guess for _, guess in sorted(ranked, key=lambda pair: pair[0])]


def _none(_one: Seen) -> str:
    """Values say nothing."""
    return ""


def _id(_one: Seen) -> str:
    return "id"


def _feeder(one: Seen) -> str:
    """`id` for what may name a feeder, and is no amount that a feeder has."""
    return "" if _NO_FEEDER.search(one.name) else "id"


def _text(_one: Seen) -> str:
    return "text"


def _amount(one: Seen) -> str:
    """The unit, where the values may be amounts of power and the name is not that of something else."""
    return "" if _NO_CAPACITY.search(one.name) or (one.texts and not one.numbers) else unit_of(one)[0]


def _named_room(one: Seen) -> str:
    """The unit, where the name may be that of what can be added, and not of what is there or waits."""
    other = any(word in one.name.lower() for word in (*INSTALLED, *QUEUED, "peak", "rating"))
    return "" if other or _NO_CAPACITY.search(one.name) else unit_of(one)[0]


def _room(one: Seen) -> str:
    """The same by the values."""
    return _capacity(one) if _named_room(one) else ""


def _capacity(one: Seen) -> str:
    """The unit, where the values may be amounts of power; by values alone only for what varies."""
    if one.type not in NUMBERS | {"esriFieldTypeString"} or _NO_CAPACITY.search(one.name):
        return ""
    if not one.is_enough:
        return unit_of(one)[0] if not one.texts or one.numbers else ""
    if not one.numbers or one.distinct < ENOUGH or _volts(one):
        return ""
    whole_count = all(n == int(n) for n in one.numbers) and one.distinct == len(one.texts)
    if whole_count or not -50_000 <= min(one.numbers) <= max(one.numbers) <= 500_000:
        return ""  # numbers that count rows, and coordinates in feet or metres
    return unit_of(one)[0]


def _identifies(one: Seen) -> str:
    """`id` where every row has a value of its own that is no measured number."""
    whole = all(n == int(n) for n in one.numbers)
    unique = one.is_enough and one.distinct == len(one.texts) == one.rows
    return "id" if unique and whole and not one.type.endswith(("Double", "Date", "GlobalID")) else ""


def _volts(one: Seen) -> str:
    """`kv` or `volts` where the values are those of distribution lines; without values, by the name."""
    if one.is_enough and one.numbers:
        kv = sum(round(n, 2) in KILOVOLTS for n in one.numbers)
        volts = sum(round(n / 1_000, 2) in KILOVOLTS for n in one.numbers)
        if max(kv, volts) >= 0.9 * len(one.numbers) and any(n != int(n) for n in one.numbers) | (volts > kv):
            return "kv" if kv >= volts else "volts"
        return ""
    return "kv" if "volt" in one.name.lower() or "kv" in one.name.lower() else ""


def _phases(one: Seen) -> str:
    if one.is_enough:
        return "phases" if {text.lower() for text in one.texts} <= PHASES and not one.numbers else ""
    return "phases" if "phase" in one.name.lower() else ""


def _date_format(one: Seen) -> str:
    """The form of a date in text, where all values have one."""
    if not one.texts:
        return ""
    fits = (form for form, rule in DATE_FORMATS.items() if all(map(rule.fullmatch, one.texts)))
    return next(fits, "")


def _date(one: Seen) -> str:
    return "date" if one.type == "esriFieldTypeDate" else f"date {_date_format(one)}"
