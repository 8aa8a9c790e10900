"""The API's own description, OpenAPI 3.1."""

from functools import cache
from typing import Any, ClassVar

from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request
from rest_framework.response import Response

from hcportal.api.parameters import StrictView
from hosting.api.answers import JSON, Answers


@cache
def description() -> dict[str, Any]:
    """The OpenAPI document as plain data. The code decides it, so it is made once."""
    generator: Any = SchemaGenerator
    made: dict[str, Any] = generator().get_schema(request=None, public=True)
    return made


class OpenAPI(StrictView):
    """This description.

    OpenAPI 3.1, made from the code that answers. Feed it to a client generator, or read it at /api/docs.
    """

    tag: ClassVar = "Description"
    answers: ClassVar[Answers] = {JSON: {"type": "object"}}

    def get(self, _request: Request) -> Response:
        return Response(description())
