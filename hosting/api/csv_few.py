"""Rows that are few and at hand as CSV, in the form that `csv_rows.py` has for what PostgreSQL writes."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any

from hosting.api.shown import FORMULA


def csv_file(names: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """A line of names and one for each row; several values in a cell have spaces between."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        value = " ".join(value)
    return f"'{value}" if isinstance(value, str) and re.match(FORMULA, value) else value
