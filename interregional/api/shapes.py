"""What is answered."""

from typing import Any

from rest_framework import serializers

from hcportal.api.shapes import Shape
from interregional.models import Region

REASONS = [
    ("no_limit_posted", "No limit posted for this direction"),
    ("closed_this_way", "The limit of this direction is 0 or below"),
    ("a_line_has_no_limit", "One of the region's lines has no limit"),
    ("line_missing", "One of the region's lines has no row at this instant"),
]


class InterfaceFlowSerializer(serializers.Serializer[Any]):
    """One interface at one instant, or over one hour or day."""

    timestamp = serializers.DateTimeField(help_text="The instant (UTC), or when the hour or day begins")
    point_id = serializers.IntegerField(help_text="NYISO's number of the interface, which never changes")
    interface_name = serializers.CharField(help_text="As the newest file has it")
    node_name = serializers.CharField(help_text="The interface's label, for people")
    region = serializers.ChoiceField(Region.choices, help_text="Who is on the other side")
    flow_mw = serializers.FloatField(help_text="Positive is into New York. The mean, over an hour or day")
    direction = serializers.ChoiceField(
        ["import", "export", "none"], allow_null=True, help_text="Null within New York, or where the flow is"
    )
    positive_limit_mw = serializers.FloatField(allow_null=True, help_text="Null: no limit posted")
    negative_limit_mw = serializers.FloatField(allow_null=True, help_text="Null: no limit posted")
    utilization_percent = serializers.FloatField(
        allow_null=True, help_text="Of the limit of the flow's direction. May exceed 100"
    )
    utilization_reason = serializers.ChoiceField(REASONS, allow_null=True, help_text="Why there is none")
    kind = serializers.ChoiceField(["interface"], help_text="What the row is of")
    min_mw = serializers.FloatField(required=False, help_text="Lowest of the hour or day")
    max_mw = serializers.FloatField(required=False, help_text="Highest of the hour or day")
    count = serializers.IntegerField(required=False, help_text="Stamps in the hour or day")


class InterregionalFlowSerializer(InterfaceFlowSerializer):
    """A neighbour's primary interface, or the sum of all lines to it."""

    point_id = serializers.IntegerField(allow_null=True, help_text="Null for a region")
    interface_name = serializers.CharField(help_text="As the newest file has it; of a region, its name")
    flow_mw = serializers.FloatField(
        allow_null=True, help_text="Positive is into New York; null: a line is missing"
    )
    kind = serializers.ChoiceField(
        [
            ("interface", "The region's primary interface alone"),
            ("region", "The sum of all lines to the region"),
        ],
        help_text="What the row is of",
    )
    min_mw = serializers.FloatField(required=False, allow_null=True, help_text="Lowest of the hour or day")
    max_mw = serializers.FloatField(required=False, allow_null=True, help_text="Highest of the hour or day")


def listed(row: Shape) -> Shape:
    """A page of rows."""
    return type(
        row.__name__.replace("Serializer", "ListSerializer"),
        (serializers.Serializer,),
        {
            "__doc__": f"A page. {row.__doc__}",
            "results": row(many=True, help_text="The rows, in order of time"),
            "next": serializers.URLField(
                allow_null=True, help_text="Where the next page is; null on the last one"
            ),
            "synthetic": serializers.BooleanField(
                help_text="True while the flows are made up for demonstration"
            ),
            "attribution": serializers.CharField(help_text="Whose data it is"),
        },
    )
