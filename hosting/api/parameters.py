"""Strict query parameters: an endpoint declares what it takes, everything else is a 400.

A misspelt filter that is silently ignored answers a question nobody asked.
"""

from typing import Any, ClassVar

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView


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
    """An endpoint whose parameters are `parameters_class`; their checked values are in `self.parameters`."""

    parameters_class: ClassVar[type[Parameters]] = Parameters
    parameters: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check parameters first: REST framework would take `?format=` for itself.

        Only where they are used: what OPTIONS tells, and that a method is not allowed, depend on none.
        """
        if request.method in ("GET", "HEAD"):
            self.parameters = self.parameters_class.read(request.query_params)
        super().initial(request, *args, **kwargs)
