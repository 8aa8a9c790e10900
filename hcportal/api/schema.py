"""How an endpoint becomes its OpenAPI description: from its parameters, its answers and its docstring.

The very serializers that refuse a request or form an answer are described, so that the two cannot part.
"""

import re
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_parameter_type, get_doc
from rest_framework import serializers

from hcportal.api.problems import PROBLEM_JSON
from hcportal.api.shapes import ProblemSerializer

Schema = dict[str, Any]

PROBLEMS = {
    400: "A parameter is wrong or unknown; `errors` names each of them",
    403: "The terms of the utility's sources do not let their rows leave; `detail` says which and why",
    404: "There is no such utility or feeder",
    405: "Another method than GET, HEAD or OPTIONS",
    406: "A form that is not served, by `Accept`",
}
UNCHANGED = "What the client holds is still the answer"
IN_ADDRESS = {
    "code": "The utility's code, as /api/v1/utilities lists it",
    "slug": "The feeder's name in addresses, as /api/v1/feeders has it",
}
IF_NONE_MATCH = "An ETag held from before: 304 without a body where the answer is unchanged"
HEADERS: Schema = {
    "ETag": {
        "description": "The version: changes when what the answer is made of does, and not otherwise",
        "schema": {"type": "string"},
    },
    "Cache-Control": {
        "description": "no-cache: ask with If-None-Match before using an answer again",
        "schema": {"type": "string"},
    },
}
WITHHELD_HEADER: Schema = {
    "X-Withheld": {
        "description": "Sources whose rows may not leave, and how many; absent where none is left out",
        "schema": {"type": "string"},
    }
}


class ApiSchema(AutoSchema):
    """Describes a StrictView."""

    view: Any

    def get_operation_id(self) -> str:
        """`get_` and the address's words; an address that also stands without a version is told apart."""
        words = re.sub(r"^/api/(v1/)?|[{}]", "", self.path)
        unversioned = "" if self.path.startswith("/api/v1/") else "_unversioned"
        return "get_" + re.sub(r"\W+", "_", words).strip("_") + unversioned

    def get_summary(self) -> str:
        """The docstring's first paragraph, without its full stop."""
        return self._paragraphs()[0].rstrip(".")

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular has it
        """The rest of the docstring."""
        return "\n\n".join(self._paragraphs()[1:])

    def _paragraphs(self) -> list[str]:
        return [" ".join(said.split()) for said in get_doc(self.view.__class__).split("\n\n")]

    def get_tags(self) -> list[str]:
        return [self.view.tag]

    def get_auth(self) -> list[Schema]:
        """None is needed."""
        return []

    def _get_parameters(self) -> list[Schema]:
        parameters = []
        for name, words in IN_ADDRESS.items():
            if f"{{{name}}}" in self.path:
                slug = {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"}
                parameters.append(build_parameter_type(name, slug, "path", required=True, description=words))
        parameters += [self._parameter(field) for field in self.view.parameters_class().fields.values()]
        if self.view.is_versioned:
            parameters.append(
                build_parameter_type("If-None-Match", {"type": "string"}, "header", description=IF_NONE_MATCH)
            )
        return parameters

    def _parameter(self, field: Any) -> Schema:
        described = self._map_serializer_field(field, "request")
        self._insert_field_validators(field, described)  # type: ignore[no-untyped-call]
        parameter: Schema = build_parameter_type(
            field.field_name,
            described,
            "query",
            required=field.required,
            description=described.pop("description", ""),
        )
        if described.get("type") == "array":
            parameter |= {"style": "form", "explode": False}
        if field.field_name in self.view.example:
            parameter["example"] = self.view.example[field.field_name]
        return parameter

    def _get_response_bodies(self, direction: str = "response") -> Schema:  # noqa: ARG002  # the overridden signature
        found = {"description": "The answer", "content": self._contents()}
        versioned = HEADERS if self.view.is_versioned else {}
        withheld = WITHHELD_HEADER if "text/csv" in self.view.answers else {}
        if headers := versioned | withheld:
            found["headers"] = headers
        answers: Schema = {"200": found}
        if self.view.is_versioned:
            answers["304"] = {"description": UNCHANGED, "headers": HEADERS}
        problem = self.resolve_serializer(ProblemSerializer, "response").ref
        for status, description in PROBLEMS.items():
            if (status == 403 and not self.view.may_refuse) or (status == 404 and "{code}" not in self.path):
                continue
            answers[str(status)] = {
                "description": description,
                "content": {PROBLEM_JSON: {"schema": problem}},
            }
        return answers

    def _contents(self) -> Schema:
        return {
            media_type: {
                "schema": shape if isinstance(shape, dict) else self.resolve_serializer(shape, "response").ref
            }
            for media_type, shape in self.view.answers.items()
        }

    def _map_serializer_field(self, field: Any, direction: str, bypass_extensions: bool = False) -> Schema:
        """Without the marks that the generator leaves for itself."""
        described: Schema = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        described.pop("x-spec-enum-id", None)
        return described

    def _get_serializer_field_meta(self, field: Any, direction: str) -> Schema:
        """No titles, which repeat the name; what a choice means; the column's words where it has none."""
        meta: Schema = super()._get_serializer_field_meta(field, direction)  # type: ignore[no-untyped-call]
        meta.pop("title", None)
        if isinstance(field, serializers.ChoiceField) and any(k != v for k, v in field.choices.items()):
            meta["x-enumDescriptions"] = {key: str(label) for key, label in field.choices.items()}
        if words := field.help_text or _words_of_column(field):
            meta["description"] = str(words)
        return meta

    def _postprocess_serializer_schema(self, schema: Schema, serializer: Any, direction: str) -> Schema:  # noqa: ARG002
        """Everything is read only here; it need not be said of each field."""
        for described in schema.get("properties", {}).values():
            described.pop("readOnly", None)
        return schema


def _words_of_column(field: Any) -> str:
    """The help text of the column that a field shows: its unit and meaning are said there."""
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    if model is None:
        return ""
    columns = {column.name: column for column in model._meta.get_fields()}
    return str(getattr(columns.get(field.source), "help_text", ""))
