"""Rows as CSV (RFC 4180), written by PostgreSQL's COPY and streamed as it writes.

An answer that breaks off ends without the closing chunk of its transfer: a client that reads HTTP knows.
"""

from collections.abc import Generator
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework.renderers import JSONRenderer

from hosting.api.access import Access
from hosting.api.answers import CSV
from hosting.api.shown import Columns
from hosting.api.streaming import Started

CSV_SHAPE = {
    "type": "string",
    "description": "A line of names, then a line for each record: the fields of a row, empty for null",
}
BYTES_A_PIECE = 64_000


class CSVRenderer(JSONRenderer):
    """Lets clients ask for CSV. The database writes the rows; what is rendered here is an error, in JSON."""

    media_type = CSV
    format = "csv"


def csv_of(rows: QuerySet[Any], columns: Columns) -> Started:
    """The file in pieces."""
    return Started(_copied(rows, columns))


def csv_answer(pieces: Started | None, name: str, access: Access) -> HttpResponseBase:
    """The file as an answer, or its head alone; what was left out of it stands in a header."""
    content_type = f"{CSV}; charset=utf-8"
    answer: HttpResponseBase
    if pieces is None:
        answer = HttpResponse(content_type=content_type)
    else:
        answer = StreamingHttpResponse(pieces, content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    if access.withheld:
        answer["X-Withheld"] = ", ".join(
            f"{left_out['utility_code']}/{left_out['source']}; records={left_out['records']}"
            for left_out in access.withheld
        )
    return answer


def _copied(rows: QuerySet[Any], columns: Columns) -> Generator[bytes, None, None]:
    gathered = bytearray((",".join(columns) + "\n").encode())
    try:
        sql, parameters = rows.values_list(*columns.values()).query.sql_with_params()
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
