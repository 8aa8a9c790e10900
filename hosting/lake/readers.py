"""From published text to our words and units: one small function for each reader of the catalog.

Input is always text (bronze keeps every scalar as a string), output a column that is null where the text is
not understood; what is null although something was published is reported by `unread`. The readers stand in
readers_numbers, readers_words and readers_dates.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from hosting.lake import readers_words as words
from hosting.lake.readers_dates import day
from hosting.lake.readers_numbers import (
    dollars,
    is_open_above,
    kilovolts,
    kilowatts,
    lacks_its_end,
    megawatts,
    plain,
    scaled,
)
from utilities.spec_readings import Reader, Reading

if TYPE_CHECKING:
    from pyspark.sql import Column

BLANKS = " \t\r\n"
SAYS_NOTHING = ("", "null", "none", "nan", "<null>")


def published(attributes: "Column", field: str) -> "Column":
    """The trimmed text of a field, null where it says nothing."""
    return said(attributes.getField(field))


def said(text: "Column") -> "Column":
    """The trimmed text, null where it says nothing."""
    text = F.trim(text, F.lit(BLANKS))
    return F.when(~F.lower(text).isin(*SAYS_NOTHING), text)


def read(reading: Reading, attributes: "Column", field_type: str, timezone: str) -> "Column":
    """The value of one reading.

    `attributes` is a struct of the row's texts, `field_type` the esriFieldType that the layer declares,
    `timezone` the utility's. MW come as decimal(12,5), kV as decimal(8,3).
    """
    text = published(attributes, reading.column)
    if sentinels := _sentinels(reading):
        text = F.when(~_is_one_of(text, sentinels), text)
    if reading.reader == Reader.DATE:
        return day(text, reading, field_type, timezone)
    return _READERS[reading.reader](text, reading)


def read_kilowatts(reading: Reading, attributes: "Column") -> "Column":
    """A DER's nameplate in kW, decimal(14,3), by a reading with mw or kw."""
    text = published(attributes, reading.column)
    if sentinels := _sentinels(reading):
        text = F.when(~_is_one_of(text, sentinels), text)
    return kilowatts(text, reading)


def unread(reading: Reading, attributes: "Column", value: "Column") -> "Column":
    """True where something was published that the reading did not understand."""
    text = published(attributes, reading.column)
    sentinels = _sentinels(reading)
    meant = ~_is_one_of(text, sentinels) if sentinels else F.lit(True)
    return text.isNotNull() & meant & value.isNull() & ~lacks_its_end(text, reading)


def status(reading: Reading, attributes: "Column", value: "Column") -> "Column":
    """What the figure is: published, at_least, withheld, not_studied or unknown."""
    text = published(attributes, reading.column)
    column = F.when(value.isNull(), "unknown").otherwise("published")
    if reading.end is not None:
        column = F.when(value.isNotNull() & is_open_above(text), "at_least").otherwise(column)
    if reading.at_least is not None:
        ceiling = scaled(F.lit(str(reading.at_least)).cast("decimal(28,9)"), reading)
        column = F.when(value >= ceiling, "at_least").otherwise(column)
    if reading.not_studied:
        column = F.when(_is_one_of(text, reading.not_studied), "not_studied").otherwise(column)
    if reading.withheld:
        column = F.when(_is_one_of(text, reading.withheld), "withheld").otherwise(column)
    return column


def _sentinels(reading: Reading) -> list[str]:
    """Published values that are no number but say why."""
    return [*reading.unknown, *reading.withheld, *reading.not_studied]


def _is_one_of(text: "Column", listed: Sequence[str]) -> "Column":
    """True where a listed value was published; '-9999.0' is what a float column made of -9999."""
    whole = F.regexp_replace(text, "^([+-]?[0-9]+)[.]0+$", "$1")
    return whole.isin(*[re.sub("^([+-]?[0-9]+)[.]0+$", r"\1", word) for word in listed])


_READERS: "Mapping[Reader, Callable[[Column, Reading], Column]]" = {
    Reader.TEXT: words.text_of,
    Reader.ID: words.identifier,
    Reader.MW: megawatts,
    Reader.KW: megawatts,
    Reader.MVA: megawatts,
    Reader.KVA: megawatts,
    Reader.KV: kilovolts,
    Reader.VOLTS: kilovolts,
    Reader.FLAG: words.flag,
    Reader.PHASES: words.phases,
    Reader.METRIC: words.metric,
    Reader.NUMBER: plain,
    Reader.DOLLARS: dollars,
}
