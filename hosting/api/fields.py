"""How our quantities look in JSON."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


@extend_schema_field({"type": "number"})
class ExactNumber(serializers.Field[Decimal, Any, float, Any]):
    """A decimal column as a JSON number.

    The float nearest to a decimal of up to 15 digits prints as that decimal again (IEEE 754), so 3.80000
    leaves as 3.8; REST framework's own field would send a string.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Decimal) -> float:
        return float(value)


@extend_schema_field({"type": "string"})
class TextOrNull(serializers.Field[str, Any, str | None, Any]):
    """A text column whose empty text means that nothing was published: null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **kwargs)

    def to_representation(self, value: str) -> str | None:
        return value or None


class WordOrNull(serializers.ChoiceField):
    """A text column of a closed vocabulary whose empty text means that nothing was published: null."""

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(choices, read_only=True, allow_null=True, **kwargs)

    def to_representation(self, value: str) -> Any:
        return value or None
