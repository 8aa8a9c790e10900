"""Q19: numbers that stand for nothing known, where the catalog entry does not say so."""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from hosting.lake import readers
from utilities.spec import Figure
from utilities.spec_readings import MEGAWATT_READERS

if TYPE_CHECKING:
    from pyspark.sql import Column

ALWAYS = ("-99", "-999", "-9999", "-99999", "-999999", "999999", "9999999")
# Where what remains may be negative, these can be meant.
ELSEWHERE = ("-1", "-9")


def undeclared(figure: Figure, a: "Column", values: "Mapping[str, Column]") -> "Column":
    """True where a capacity of the figure was read as a number from such a text."""
    may_be_negative = figure.remaining in ("hosting", "published")
    words = ALWAYS if may_be_negative else (*ALWAYS, *ELSEWHERE)
    found = []
    for name, reading in figure.readings().items():
        if reading.reader in MEGAWATT_READERS:
            whole = F.regexp_replace(readers.published(a, reading.column), "^([+-]?[0-9]+)[.]0+$", "$1")
            found.append(values[name].isNotNull() & whole.isin(*words))
    return F.coalesce(reduce(or_, found), F.lit(False))
