"""Published words to the closed vocabularies: yes and no, phases, the limiting criterion; text and ids."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from utilities.spec_readings import Reading

if TYPE_CHECKING:
    from pyspark.sql import Column

METRICS: Mapping[str, tuple[str, ...]] = {
    "thermal": (
        "thermal", "thermal limit", "thermal discharging", "overload", "conductor thermal",
        "thermal overload", "thermal for gen", "thermal for load",
    ),
    "voltage": (
        "voltage", "voltage rise", "primary over voltage", "voltage deviation", "regulator deviation",
        "steady state voltage", "voltage variation", "over voltage", "overvoltage", "undervoltage",
        "under voltage", "voltage limit",
    ),
    "protection": (
        "protection", "fault current", "additional element fault", "breaker reach", "sympathetic trip",
        "breaker relay reduction of reach", "protection limit",
    ),
    "islanding": ("islanding", "unintentional islanding", "anti islanding"),
    "reverse_power": ("reverse power", "reverse power flow", "backfeed"),
}  # fmt: skip
PHASES: Mapping[str, tuple[str, ...]] = {
    "3-phase": ("3", "3.0", "abc", "3 phase", "three phase", "3ph", "three"),
    "2-phase": ("2", "2.0", "ab", "ac", "bc", "2 phase", "two phase", "2ph", "two"),
    "single-phase": ("1", "1.0", "a", "b", "c", "1 phase", "single phase", "one phase", "1ph", "single"),
}
YES = ("y", "yes", "true", "t", "1", "oh", "o", "overhead", "network")
NO = ("n", "no", "false", "f", "0", "ug", "u", "underground", "radial")


def text_of(text: "Column", _reading: Reading) -> "Column":
    """The text as it was published."""
    return text


def identifier(text: "Column", _reading: Reading) -> "Column":
    """An id is text. '36.0' is what a float column made of 36; leading zeros stay."""
    return F.regexp_replace(text, "^([0-9]+)[.]0$", "$1")


def flag(text: "Column", _reading: Reading) -> "Column":
    """True, false, or null for any other word."""
    word = F.lower(text)
    return F.when(word.isin(*YES), F.lit(True)).when(word.isin(*NO), F.lit(False))


def phases(text: "Column", _reading: Reading) -> "Column":
    """3-phase, 2-phase or single-phase; null for any other word."""
    return _vocabulary(_words(text), PHASES)


def metric(text: "Column", reading: Reading) -> "Column":
    """The limiting criterion; a word not known becomes `unknown`, and a finding."""
    word = _words(text)
    known = _vocabulary(word, METRICS)
    for theirs, ours in reading.words.items():
        known = F.when(word == _plain(theirs), ours).otherwise(known)
    return F.when(word.isNotNull(), F.coalesce(known, F.lit("unknown")))


def _words(text: "Column") -> "Column":
    """Lower case, with one space where there were dashes, underscores or several spaces."""
    return F.trim(F.regexp_replace(F.lower(text), "[ _/-]+", " "))


def _plain(word: str) -> str:
    return " ".join(word.lower().replace("_", " ").replace("-", " ").replace("/", " ").split())


def _vocabulary(word: "Column", vocabulary: Mapping[str, tuple[str, ...]]) -> "Column":
    column = F.lit(None).cast("string")
    for ours, theirs in vocabulary.items():
        column = F.when(word.isin(*theirs), ours).otherwise(column)
    return column
