"""A serializer's columns as the database shows them: rows leave it as they are written."""

from typing import Any

from django.db.models import Case, F, Func, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Concat, NullIf
from rest_framework import serializers

from hosting.api.fields import ExactNumber, TextOrNull, WordOrNull

Field = serializers.Field[Any, Any, Any, Any]
Columns = dict[str, Combinable]  # a row's names, and what stands under each
# What spreadsheets take for a formula (OWASP, "CSV Injection"), full-width signs and leading spaces included.
FORMULA = r"^(\s*[=+\-@＝＋－＠]|[\t\r\n])"


def shown(serializer: serializers.Serializer[Any]) -> Columns:
    """What stands under each name in JSON."""
    return {name: _shown(field) for name, field in serializer.fields.items()}


def cells(serializer: serializers.Serializer[Any]) -> Columns:
    """The same as cells of a file: words for true and false, and no text that would be a formula."""
    return {name: _cell(field) for name, field in serializer.fields.items()}


def _shown(field: Field) -> Combinable:
    column = _column(field)
    if isinstance(field, ExactNumber):
        return Func(F(column), function="trim_scale")  # 3.80000 as 3.8
    if isinstance(field, TextOrNull | WordOrNull):
        return NullIf(F(column), Value(""), output_field=TextField())
    return F(column)


def _cell(field: Field) -> Combinable:
    expression = _shown(field)
    if isinstance(field, serializers.BooleanField):
        return Cast(expression, TextField())
    if isinstance(field, TextOrNull | serializers.CharField):
        column = _column(field)
        harmless = Concat(Value("'"), F(column), output_field=TextField())
        return Case(
            When(**{f"{column}__regex": FORMULA}, then=harmless), default=expression, output_field=TextField()
        )
    return expression


def _column(field: Field) -> str:
    """Its path from the row; REST framework writes a step of it as a point."""
    return str(field.source).replace(".", "__")
