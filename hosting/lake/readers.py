"""From published text to our words and units: one small function for each reader of the catalog.

Input is always text (bronze keeps every scalar as a string), output a column that is null where the text is
not understood; what is null although something was published is reported by `unread`. Only forms that Spark
and Sail read alike: ASCII patterns, `try_cast`, multiplication instead of division.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from utilities.spec import Reader, Reading

if TYPE_CHECKING:
    from pyspark.sql import Column

DECIMAL_PATTERN = r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)$"
EXPONENT_PATTERN = r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)[eE][+-]?[0-9]{1,3}$"
BLANKS = " \t\r\n"
SAYS_NOTHING = ("", "null", "none", "nan", "<null>")
DATE_TYPE = "esriFieldTypeDate"

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
YES = ("y", "yes", "true", "t", "1", "oh", "overhead", "network")
NO = ("n", "no", "false", "f", "0", "ug", "underground", "radial")


def published(attributes: "Column", field: str) -> "Column":
    """The trimmed text of a field, null where it says nothing."""
    text = F.trim(attributes.getField(field), F.lit(BLANKS))
    return F.when(~F.lower(text).isin(*SAYS_NOTHING), text)


def read(reading: Reading, attributes: "Column", field_type: str, timezone: str) -> "Column":
    """The value of one reading.

    `attributes` is a struct of the row's texts, `field_type` the esriFieldType that the layer declares,
    `timezone` the utility's. MW come as decimal(12,5), kV as decimal(8,3).
    """
    text = published(attributes, reading.field)
    said = [*reading.unknown, *reading.withheld, *reading.not_studied]
    if said:
        text = F.when(~_is_one_of(text, said), text)
    if reading.reader == Reader.DATE:
        return _date(text, reading, field_type, timezone)
    return _READERS[reading.reader](text, reading)


def unread(reading: Reading, attributes: "Column", value: "Column") -> "Column":
    """True where something was published that the reading did not understand."""
    text = published(attributes, reading.field)
    said = [*reading.unknown, *reading.withheld, *reading.not_studied]
    meant = ~_is_one_of(text, said) if said else F.lit(True)
    return text.isNotNull() & meant & value.isNull()


def status(reading: Reading, attributes: "Column", value: "Column") -> "Column":
    """What the figure is: published, at_least, withheld, not_studied or unknown."""
    text = published(attributes, reading.field)
    column = F.when(value.isNull(), "unknown").otherwise("published")
    if reading.at_least is not None:
        ceiling = _scaled(F.lit(str(reading.at_least)).cast("decimal(28,9)"), reading)
        column = F.when(value >= ceiling, "at_least").otherwise(column)
    if reading.not_studied:
        column = F.when(_is_one_of(text, reading.not_studied), "not_studied").otherwise(column)
    if reading.withheld:
        column = F.when(_is_one_of(text, reading.withheld), "withheld").otherwise(column)
    return column


def _is_one_of(text: "Column", said: Sequence[str]) -> "Column":
    """True where a listed value was published; '-9999.0' is what a float column made of -9999."""
    whole = F.regexp_replace(text, "^([+-]?[0-9]+)[.]0+$", "$1")
    return whole.isin(*[re.sub("^([+-]?[0-9]+)[.]0+$", r"\1", word) for word in said])


def number(text: "Column") -> "Column":
    """Text to decimal(28,9); never by way of a double unless it has an exponent (0.015 must stay 0.015)."""
    plain = F.when(text.rlike(DECIMAL_PATTERN), text.try_cast("decimal(28,9)"))
    exponent = F.when(text.rlike(EXPONENT_PATTERN), text.try_cast("double").try_cast("decimal(28,9)"))
    return F.coalesce(plain, exponent)


def _scaled(value: "Column", reading: Reading) -> "Column":
    """A number in the published unit as MW, decimal(12,5)."""
    if reading.reader in (Reader.KW, Reader.KVA):
        value = value * F.lit("0.001").cast("decimal(4,3)")
    if reading.power_factor is not None:
        value = value.try_cast("decimal(28,9)") * F.lit(str(reading.power_factor)).cast("decimal(4,3)")
    return value.try_cast("decimal(12,5)")


def _megawatts(text: "Column", reading: Reading) -> "Column":
    return _scaled(number(text), reading)


def _kilovolts(text: "Column", reading: Reading) -> "Column":
    """'24.9' or, with the reader `volts`, '24900'. A unit behind the number ('24.9 kV', '24900 V') counts."""
    word = F.lower(text)
    value = number(F.trim(F.regexp_replace(word, "k?v(olts)?$", "")))
    in_volts = (
        F.when(word.rlike("kv(olts)?$"), F.lit(False))
        .when(word.rlike("v(olts)?$"), F.lit(True))
        .otherwise(F.lit(reading.reader == Reader.VOLTS))
    )
    from_volts = (value * F.lit("0.001").cast("decimal(4,3)")).try_cast("decimal(8,3)")
    return F.when(in_volts, from_volts).otherwise(value.try_cast("decimal(8,3)"))


def _text(text: "Column", _reading: Reading) -> "Column":
    return text


def _id(text: "Column", _reading: Reading) -> "Column":
    """An id is text. '36.0' is what a float column made of 36; leading zeros stay."""
    return F.regexp_replace(text, "^([0-9]+)[.]0$", "$1")


def _flag(text: "Column", _reading: Reading) -> "Column":
    word = F.lower(text)
    return F.when(word.isin(*YES), F.lit(True)).when(word.isin(*NO), F.lit(False))


def _phases(text: "Column", _reading: Reading) -> "Column":
    return _vocabulary(_words(text), PHASES)


def _metric(text: "Column", reading: Reading) -> "Column":
    """A word not known becomes `unknown`, and a finding."""
    word = _words(text)
    known = _vocabulary(word, METRICS)
    for theirs, ours in reading.words.items():
        known = F.when(word == _plain(theirs), ours).otherwise(known)
    return F.when(word.isNotNull(), F.coalesce(known, F.lit("unknown")))


def _date(text: "Column", reading: Reading, field_type: str, timezone: str) -> "Column":
    """A day in the utility's own zone.

    Epoch milliseconds stand for a date where they are exactly midnight UTC, as ArcGIS stores bare dates, and
    for an instant otherwise.
    """
    if reading.format is not None:
        return F.try_to_timestamp(text, F.lit(reading.format)).cast("date")
    if field_type != DATE_TYPE:
        # ISO days, with or without a time behind them, need no declaration.
        day = F.when(text.rlike("^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?$"), F.substring(text, 1, 10))
        return F.try_to_timestamp(day, F.lit("yyyy-MM-dd")).cast("date")
    millis = number(text).try_cast("bigint")
    sane = F.when((millis > F.lit(-2_208_988_800_000)) & (millis < F.lit(4_102_444_800_000)), millis)
    instant = F.timestamp_millis(sane)
    midnight = (sane % F.lit(86_400_000)) == F.lit(0)
    return F.when(midnight, instant.cast("date")).otherwise(
        F.from_utc_timestamp(instant, timezone).cast("date")
    )


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


_READERS: "Mapping[Reader, Callable[[Column, Reading], Column]]" = {
    Reader.TEXT: _text,
    Reader.ID: _id,
    Reader.MW: _megawatts,
    Reader.KW: _megawatts,
    Reader.MVA: _megawatts,
    Reader.KVA: _megawatts,
    Reader.KV: _kilovolts,
    Reader.VOLTS: _kilovolts,
    Reader.FLAG: _flag,
    Reader.PHASES: _phases,
    Reader.METRIC: _metric,
}
