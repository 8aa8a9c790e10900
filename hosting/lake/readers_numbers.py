"""Numbers in published text: megawatts from four units, kilovolts from two, and the ends of ranges.

Only forms that Spark and Sail read alike: ASCII patterns, `try_cast`, multiplication instead of division.
"""

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from utilities.spec_readings import Reader, Reading

if TYPE_CHECKING:
    from pyspark.sql import Column

DECIMAL_PATTERN = r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)$"
EXPONENT_PATTERN = r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)[eE][+-]?[0-9]{1,3}$"
GROUPED_PATTERN = r"^[+-]?[0-9]{1,3}(,[0-9]{3})+([.][0-9]*)?$"
# Ranges, in lower case: '450 - 600', 'over 7500' or '7500+', 'up to 300'.
RANGE_PATTERN = r"^([0-9.]+)[ \t]*(?:-|–|to)[ \t]*([0-9.]+)$"
ABOVE_PATTERN = r"^(?:>=?|≥|over|above|more than|at least)[ \t]*([0-9.]+)$"
PLUS_PATTERN = r"^([0-9.]+)[ \t]*[+]$"
BELOW_PATTERN = r"^(?:<=?|≤|under|below|less than|up to)[ \t]*([0-9.]+)$"


def number(text: "Column") -> "Column":
    """Text to decimal(28,9); never by way of a double unless it has an exponent (0.015 must stay 0.015)."""
    plain = F.when(text.rlike(DECIMAL_PATTERN), text.try_cast("decimal(28,9)"))
    exponent = F.when(text.rlike(EXPONENT_PATTERN), text.try_cast("double").try_cast("decimal(28,9)"))
    return F.coalesce(plain, exponent)


def megawatts(text: "Column", reading: Reading) -> "Column":
    """decimal(12,5): a number in the reader's unit, the declared end of a range, or a word for zero."""
    value = number(text)
    if reading.end is not None:
        value = F.coalesce(value, _end(F.lower(text), reading.end))
    if reading.zero:
        value = F.when(text.isin(*reading.zero), F.lit("0").cast("decimal(28,9)")).otherwise(value)
    return scaled(value, reading)


def scaled(value: "Column", reading: Reading) -> "Column":
    """A number in the published unit as MW, decimal(12,5)."""
    if reading.reader in (Reader.KW, Reader.KVA):
        value = value * F.lit("0.001").cast("decimal(4,3)")
    if reading.power_factor is not None:
        value = value.try_cast("decimal(28,9)") * F.lit(str(reading.power_factor)).cast("decimal(4,3)")
    return value.try_cast("decimal(12,5)")


def kilowatts(text: "Column", reading: Reading) -> "Column":
    """decimal(14,3): a nameplate in the reader's unit, or a word for zero."""
    value = number(text)
    if reading.zero:
        value = F.when(text.isin(*reading.zero), F.lit("0").cast("decimal(28,9)")).otherwise(value)
    if reading.reader == Reader.MW:
        value = value * F.lit("1000").cast("decimal(4,0)")
    return value.try_cast("decimal(14,3)")


def plain(text: "Column", _reading: Reading) -> "Column":
    """decimal(20,9): a number whose unit is the publisher's own."""
    return number(text).try_cast("decimal(20,9)")


def dollars(text: "Column", _reading: Reading) -> "Column":
    """decimal(14,2): US dollars, a sign and commas between thousands or none."""
    bare = F.regexp_replace(text, "^([+-]?)[$]", "$1")
    grouped = F.when(
        bare.rlike("^[+-]?[0-9]{1,3}(,[0-9]{3})+([.][0-9]*)?$"), F.replace(bare, F.lit(","), F.lit(""))
    )
    return number(F.coalesce(grouped, bare)).try_cast("decimal(14,2)")


def is_open_above(text: "Column") -> "Column":
    """True for a range without an upper end: what is published is a least."""
    word = F.lower(text)
    return word.rlike(ABOVE_PATTERN) | word.rlike(PLUS_PATTERN)


def lacks_its_end(text: "Column", reading: Reading) -> "Column":
    """True for a range that is open at the end that the reading takes: understood, and no number."""
    if reading.end is None:
        return F.lit(False)
    return is_open_above(text) if reading.end == "high" else F.lower(text).rlike(BELOW_PATTERN)


def _end(word: "Column", end: str) -> "Column":
    """One end of a range as decimal(28,9); null where there is none, or the text is no range."""
    # What does not match is empty text, which is no number.
    whole = F.regexp_extract(word, RANGE_PATTERN, 1 if end == "low" else 2)
    if end == "high":
        return F.coalesce(number(whole), number(F.regexp_extract(word, BELOW_PATTERN, 1)))
    above = F.regexp_extract(word, ABOVE_PATTERN, 1)
    return F.coalesce(number(whole), number(above), number(F.regexp_extract(word, PLUS_PATTERN, 1)))


def kilovolts(text: "Column", reading: Reading) -> "Column":
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
