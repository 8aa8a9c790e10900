"""/api/docs: the API's description as a page, from the same OpenAPI document that programs read."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from hosting.api.openapi import description
from hosting.models import HostingCapacityRecord
from utilities.models import Redistribution, Source

Schema = dict[str, Any]
REFERENCE = "#/components/schemas/"


@dataclass(frozen=True)
class Choice:
    """One value of a closed vocabulary; `meaning` is empty where the value says it."""

    value: str
    meaning: str


@dataclass(frozen=True)
class Field:
    """A parameter or a field of an answer."""

    name: str
    kind: str  # "whole number, 1 to 1,000"
    shape: str  # the name of the shape it holds, if it holds one
    meaning: SafeString
    choices: list[Choice]
    default: str = ""
    required: bool = False

    @property
    def explained(self) -> list[Choice]:
        """Choices of which more is to be said than their names."""
        return [choice for choice in self.choices if choice.meaning]


@dataclass(frozen=True)
class Form:
    """One media type of an answer."""

    media_type: str
    shape: str


@dataclass(frozen=True)
class Endpoint:
    """One address."""

    anchor: str
    path: str
    summary: SafeString
    description: list[SafeString]
    parameters: list[Field]
    headers: list[Field]
    forms: list[Form]
    problems: list[Choice]
    example: str  # an address to try, empty where there is nothing to show


@dataclass(frozen=True)
class Shape:
    """What an answer holds."""

    name: str
    description: SafeString
    fields: list[Field]


@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    """The page. Its examples are about a utility of this portal whose rows may leave, where there is one."""
    document = description()
    examples = _example_values()
    groups: dict[str, list[Endpoint]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        groups[operations["get"]["tags"][0]].append(_endpoint(path, operations["get"], examples))
    return render(
        request,
        "api/docs.html",
        {
            "about": _marked(document["info"]["description"]),
            "groups": groups,
            "shapes": [_shape(name, shape) for name, shape in document["components"]["schemas"].items()],
            "host": request.build_absolute_uri("/").rstrip("/"),
            "section": "api",
        },
    )


def _example_values() -> dict[str, Any]:
    """Code, slug, lat and lon that have an answer here; empty where no source's rows may leave."""
    found = (
        Source.objects.filter(published_run__isnull=False, in_catalog=True)
        .filter(redistribution__in=[Redistribution.ALLOWED, Redistribution.UNKNOWN])
        .order_by(
            Case(When(redistribution=Redistribution.ALLOWED, then=0), default=1), "utility__utility_code"
        )
        .values("pk", "utility__utility_code")
        .first()
    )
    if found is None:
        return {}
    record = HostingCapacityRecord.objects.filter(source=found["pk"], centroid__isnull=False).first()
    place = record.centroid if record else None
    feeder = HostingCapacityRecord.objects.filter(source=found["pk"], feeder__isnull=False)
    slug = feeder.values_list("feeder__slug", flat=True).first()
    return (
        {"code": found["utility__utility_code"]}
        | ({"slug": slug} if slug else {})
        | ({"lat": round(place.y, 3), "lon": round(place.x, 3)} if place else {})
    )


def _endpoint(path: str, operation: Schema, examples: dict[str, Any]) -> Endpoint:
    parameters = operation.get("parameters", [])
    answers = operation["responses"]
    return Endpoint(
        anchor=slugify(operation["operationId"]),
        path=path,
        summary=_marked(operation["summary"]),
        description=[_marked(said) for said in operation.get("description", "").split("\n\n") if said],
        parameters=[_parameter(said) for said in parameters if said["in"] == "query"],
        headers=[_parameter(said) for said in parameters if said["in"] == "header"],
        forms=[
            Form(media_type, _shape_name(content["schema"]))
            for media_type, content in answers["200"]["content"].items()
        ],
        problems=[
            Choice(status, _marked(answer["description"]))
            for status, answer in answers.items()
            if status > "299"
        ],
        example=_example(path, parameters, examples),
    )


def _example(path: str, parameters: list[Schema], examples: dict[str, Any]) -> str:
    for name in ("code", "slug"):
        if f"{{{name}}}" in path:
            if name not in examples:
                return ""
            path = path.replace(f"{{{name}}}", examples[name])
    given = {
        said["name"]: examples.get(said["name"], said["example"]) for said in parameters if "example" in said
    }
    return path + (f"?{urlencode(given)}" if given else "")


def _parameter(said: Schema) -> Field:
    shape = said["schema"]
    return _field(
        said["name"], {**shape, "description": said.get("description", "")}, said.get("required", False)
    )


def _field(name: str, shape: Schema, required: bool) -> Field:
    meanings = shape.get("x-enumDescriptions", {})
    choices = [
        _choice(value, meanings.get(value, "")) for value in shape.get("enum", []) if value is not None
    ]
    default = shape.get("default", "")
    return Field(
        name=name,
        kind=_kind(shape),
        shape=_shape_name(shape),
        meaning=_marked(shape.get("description", "")),
        choices=choices,
        default=str(default),
        required=required,
    )


def _choice(value: str, meaning: str) -> Choice:
    """A choice; "Thermal" says no more than `thermal` does."""
    return Choice(value, "" if meaning.lower() == value.replace("_", " ") else meaning)


def _shape(name: str, shape: Schema) -> Shape:
    required = shape.get("required", [])
    fields = [_field(field, said, field in required) for field, said in shape["properties"].items()]
    return Shape(name, _marked(" ".join(shape.get("description", "").split())), fields)


def _shape_name(shape: Schema) -> str:
    """The name of the shape that this refers to, itself or as the items of a list."""
    for part in (shape, shape.get("items", {}), *shape.get("allOf", [])):
        if "$ref" in part:
            return str(part["$ref"]).removeprefix(REFERENCE)
    return ""


def _kind(shape: Schema) -> str:
    """What a value is, in a few words."""
    kinds = shape.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    nullable = "null" in kinds or any(part.get("type") == "null" for part in shape.get("oneOf", []))
    kind = next((kind for kind in kinds if kind != "null"), "")
    words = [_KINDS.get(shape.get("format", ""), _KINDS.get(kind, _("GeoJSON geometry")))]
    if "prefixItems" in shape:
        words = [ngettext("%d number", "%d numbers", shape["maxItems"]) % shape["maxItems"]]
    if "enum" in shape:
        words = [_("one of")]
    if "minimum" in shape and "maximum" in shape:
        words.append(
            _("{low} to {high}").format(low=_number(shape["minimum"]), high=_number(shape["maximum"]))
        )
    if "maxLength" in shape:
        words.append(_("at most {n} characters").format(n=shape["maxLength"]))
    if nullable:
        words.append(_("or null"))
    return ", ".join(words)


_KINDS = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "array": "list",
    "object": "object",
    "date": "date",
    "date-time": "instant, UTC",
    "uri": "address",
}


def _number(value: float) -> str:
    return f"{value:,}".replace("-", "\u2212") if abs(value) < 2**62 else "2⁶³ \u2212 1"


def _marked(text: str) -> SafeString:
    """Text in which `code` and *stress* are marked."""
    said = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return mark_safe(re.sub(r"\*([^*]+)\*", r"<em>\1</em>", said))  # noqa: S308  # escaped above
