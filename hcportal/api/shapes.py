"""What every API's answers share, as serializers that describe and never serialize: forms, and errors."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

JSON, GEO_JSON, CSV = "application/json", "application/geo+json", "text/csv"
Shape = type[serializers.Serializer[Any]]
Answers = Mapping[str, Shape | dict[str, Any]]


class ParameterErrorSerializer(serializers.Serializer[Any]):
    """What is wrong with one parameter."""

    parameter = serializers.CharField(help_text="Its name")
    detail = serializers.CharField(help_text="What is wrong with it")


class ProblemSerializer(serializers.Serializer[Any]):
    """An error (RFC 9457): what happened, and what to do."""

    type = serializers.CharField(help_text="about:blank: nothing beyond what the status says")
    title = serializers.CharField(help_text="The status in words")
    status = serializers.IntegerField(help_text="The HTTP status")
    detail = serializers.CharField(help_text="What happened, for a person to read")
    errors = ParameterErrorSerializer(  # type: ignore[assignment]  # a field of that name
        many=True, required=False, help_text="Each parameter at fault"
    )
