"""Numbers in addresses, as people write them: ASCII digits, a point, an exponent where it helps.

Python reads more than that ("nan", "1_000", "1.0" for a whole number, digits of other scripts); what a client
means by those is a guess, and a guess answers a question nobody asked.
"""

import re
from decimal import Decimal
from typing import Any

from rest_framework import serializers

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,40}", re.ASCII)
MOST_MW = 10_000_000  # what a column of megawatts can hold, and a thousand times any grid's peak


class Number(serializers.FloatField):
    """A finite number."""

    def to_internal_value(self, data: Any) -> float:
        if not NUMBER.fullmatch(str(data)):
            self.fail("invalid")
        return super().to_internal_value(data)


class WholeNumber(serializers.IntegerField):
    """A number without a point."""

    def to_internal_value(self, data: Any) -> int:
        if not _WHOLE.fullmatch(str(data)):
            self.fail("invalid")
        return super().to_internal_value(data)


class Megawatts(Number):
    """A bound in MW, as exact as it is written; any number of decimals compares with the five of a column."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=-MOST_MW, max_value=MOST_MW, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        super().to_internal_value(data)
        return Decimal(str(data))
