"""Strict query parameters: an endpoint declares what it takes, everything else is a 400.

A misspelt filter that is silently ignored answers a question nobody asked.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.core.validators import MaxLengthValidator, RegexValidator
from django.http import QueryDict
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from hcportal.api.schema import ApiSchema
from hcportal.api.shapes import Answers


class Slug(serializers.RegexField):
    """A code as addresses hold it; spaces around it are an error, not trimmed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(r"^[-a-zA-Z0-9_]+\Z", trim_whitespace=False, **kwargs)
        # What else REST framework asks of any text is in the pattern; one fault, one sentence.
        self.validators = [v for v in self.validators if isinstance(v, RegexValidator | MaxLengthValidator)]


class Parameters(serializers.Serializer[Any]):
    """An endpoint's parameters, each a field; a name that is no field, or given twice, is an error."""

    @classmethod
    def read(cls, given: QueryDict) -> dict[str, Any]:
        """The checked values, defaults included. Raises ValidationError naming every parameter at fault."""
        parameters = cls(data=given.dict())
        known = list(parameters.fields)
        faults: dict[str, list[str]] = {}
        for name, values in given.lists():
            if name not in known:
                taken = f"This address takes {', '.join(known)}." if known else "This address takes none."
                faults[name] = [f"There is no such parameter. {taken}"]
            elif len(values) > 1:
                faults[name] = ["Give this parameter once."]
        if not parameters.is_valid():
            faults = {**parameters.errors, **faults}
        if faults:
            raise serializers.ValidationError(faults)
        return dict(parameters.validated_data)


class StrictView(APIView):
    """An endpoint whose parameters are `parameters_class`; their checked values are in `self.parameters`.

    The other attributes, with the docstring, are what its description is made of.
    """

    schema = ApiSchema()
    parameters_class: ClassVar[type[Parameters]] = Parameters
    answers: ClassVar[Answers]  # media type to what a 200 of it holds
    tag: ClassVar[str] = "Hosting capacity"
    is_versioned: ClassVar[bool] = False  # answers carry an ETag
    may_refuse: ClassVar[bool] = False  # a source's terms can make it a 403
    example: ClassVar[Mapping[str, Any]] = {}  # parameters of a request worth trying
    parameters: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check parameters first: REST framework would take `?format=` for itself.

        Only where they are used: what OPTIONS tells, and that a method is not allowed, depend on none.
        """
        if request.method in ("GET", "HEAD"):
            self.parameters = self.parameters_class.read(request.query_params)
        super().initial(request, *args, **kwargs)
