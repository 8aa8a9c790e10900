"""Rows as CSV (RFC 4180), written by PostgreSQL's COPY and streamed as it writes.

An answer that breaks off ends without the closing chunk of its transfer: a client that reads HTTP knows.
"""

from collections.abc import Generator
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, F, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Concat
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from hosting.api.answers import CSV
from hosting.api.fields import TextOrNull
from hosting.api.records import SHOWN, RecordSerializer, Rows
from hosting.api.streaming import Started

CSV_SHAPE = {
    "type": "string",
    "description": "A line of names, then a line for each record: the fields of a row, empty for null",
}
# What spreadsheets take for a formula (OWASP, "CSV Injection"), full-width signs and leading spaces included.
FORMULA = r"^(\s*[=+\-@＝＋－＠]|[\t\r\n])"
BYTES_A_PIECE = 64_000


class CSVRenderer(JSONRenderer):
    """Lets clients ask for CSV. The database writes the rows; what is rendered here is an error, in JSON."""

    media_type = CSV
    format = "csv"


def csv_of(rows: Rows) -> Started:
    """The file in pieces."""
    return Started(_copied(rows))


def _copied(rows: Rows) -> Generator[bytes, None, None]:
    gathered = bytearray((",".join(CELLS) + "\n").encode())
    try:
        sql, parameters = rows.values_list(*CELLS.values()).query.sql_with_params()
    except EmptyResultSet:  # nothing is published, or the filters contradict one another
        yield bytes(gathered)
        return
    operations: Any = connection.ops
    selected = operations.compose_sql(sql, parameters)  # COPY takes no parameters of its own
    with connection.cursor() as cursor, cursor.copy(f"COPY ({selected}) TO STDOUT (FORMAT csv)") as copy:
        for row in copy:  # gathered, because each piece becomes a write to the client
            gathered += row
            if len(gathered) > BYTES_A_PIECE:
                yield bytes(gathered)
                gathered.clear()
    yield bytes(gathered)


def _cell(field: serializers.Field[Any, Any, Any, Any], shown: Combinable) -> Combinable:
    """A column as a cell: true and false in words; text that would be a formula begins with an apostrophe."""
    if isinstance(field, serializers.BooleanField):
        return Cast(shown, TextField())
    if isinstance(field, TextOrNull | serializers.CharField):
        column = str(field.source)
        harmless = Concat(Value("'"), F(column), output_field=TextField())
        return Case(
            When(**{f"{column}__regex": FORMULA}, then=harmless), default=shown, output_field=TextField()
        )
    return shown


CELLS = {name: _cell(field, SHOWN[name]) for name, field in RecordSerializer().fields.items()}
