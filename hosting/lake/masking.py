"""Personal fields out of published rows: wherever a row is shown as it came, these hold a notice instead.

Bronze keeps what was published; a steward's tables keep addresses. Nothing else may.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column

NOTICE = "(address withheld)"


def masked(attributes: "Column", fields: Iterable[str]) -> "Column":
    """A row's JSON, as bronze has it, with the texts of `fields` replaced; nulls stay null.

    A quote within a text is escaped, so what looks like a field there does not match.
    """
    for field in fields:
        # As bronze wrote the name: JSON escapes quotes and backslashes.
        name = field.replace("\\", "\\\\").replace('"', '\\"')
        # The name is put back as it was found: engines differ in what they escape in a replacement.
        pattern = rf'("{re.escape(name)}":)"[^"\\]*(?:\\.[^"\\]*)*"'
        attributes = F.regexp_replace(attributes, pattern, f'$1"{NOTICE}"')
    return attributes
