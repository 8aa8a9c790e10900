"""What answers hold, as serializers that describe and never serialize.

An endpoint names its forms in `answers`, media type to serializer; `schema.py` derives the OpenAPI
description from them and from the endpoint's parameters, so that there is one place for each word of it.
"""

from typing import Any

from rest_framework import serializers

from hcportal.api.shapes import CSV, GEO_JSON, JSON, Answers, Shape
from hosting.api.geometries import GeometryShape

__all__ = ["CSV", "GEO_JSON", "JSON", "Answers", "Shape", "WithheldSerializer", "collected", "listed"]


class WithheldSerializer(serializers.Serializer[Any]):
    """Rows that were left out, because the terms of their source do not let them leave."""

    utility_code = serializers.CharField(help_text="Whose source it is")
    source = serializers.CharField(  # type: ignore[assignment]  # a field of that name
        help_text="The source's code within its utility"
    )
    records = serializers.IntegerField(help_text="How many rows were left out, filters aside")
    reason = serializers.CharField(help_text="Why, for a person to read")


NEXT = "Where the next page is; null on the last one"
WITHHELD = "Sources whose rows may not leave, and how many; absent where nothing is left out"


def listed(row: Shape, *, withheld: bool = False, **beside: serializers.Field[Any, Any, Any, Any]) -> Shape:
    """A list's answer: rows, the next page's address, and what stands `beside` them."""
    fields: dict[str, Any] = {
        "results": row(many=True, help_text="The rows, in order"),
        "next": serializers.URLField(allow_null=True, help_text=NEXT),
        **beside,
    }
    if withheld:
        fields["withheld"] = WithheldSerializer(many=True, required=False, help_text=WITHHELD)
    name = row.__name__.replace("Serializer", "ListSerializer")
    return type(name, (serializers.Serializer,), {"__doc__": f"A page. {row.__doc__}", **fields})


def collected(row: Shape, **beside: serializers.Field[Any, Any, Any, Any]) -> Shape:
    """A GeoJSON FeatureCollection (RFC 7946) whose features have a row as properties, and `beside` them."""
    name = row.__name__.replace("Serializer", "")
    feature = type(
        f"{name}FeatureSerializer",
        (serializers.Serializer,),
        {
            "__doc__": "A record with its geometry.",
            "type": serializers.ChoiceField(["Feature"], help_text="As RFC 7946 wants it"),
            "id": serializers.IntegerField(help_text="The record's id, which survives refreshes"),
            "geometry": GeometryShape(allow_null=True, help_text="In WGS 84, six decimals"),
            "properties": row(help_text="The record, as rows have it"),
        },
    )
    return type(
        f"{name}CollectionSerializer",
        (serializers.Serializer,),
        {
            "__doc__": "A FeatureCollection. One that breaks off is no JSON and cannot pass for all of it.",
            "type": serializers.ChoiceField(["FeatureCollection"], help_text="As RFC 7946 wants it"),
            "features": feature(many=True, help_text="The records, in order of their id"),
            "numberReturned": serializers.IntegerField(help_text="How many features came"),
            "next": serializers.URLField(allow_null=True, help_text=NEXT),
            "withheld": WithheldSerializer(many=True, required=False, help_text=WITHHELD),
            **beside,
        },
    )
