"""Layers that a utility publishes and that are not read."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from utilities.spec_access import Address
from utilities.spec_readings import Closed, FieldName

Title = Annotated[str, StringConstraints(max_length=200)]
# `unknown` where nobody who read the layer says what its shapes are.
Geometry = Literal["polyline", "polygon", "point", "none", "unknown"]


class OtherLayer(Closed):
    """A layer that the utility publishes and that is not read, with the reason.

    What is known of it is kept, so that nobody looks for it again. `holds` says what its rows are; layers of
    the network (substations, load profiles, boundaries) carry no capacity of a feeder, section or cell.
    """

    title: Title
    service_url: Address
    layers: tuple[Annotated[int, Field(ge=0)], ...] = Field((), description="empty where it was not seen")
    geometry: Geometry = "unknown"
    holds: Literal["capacity", "substations", "load_profiles", "boundaries", "network_needs", "der", "study"]
    fields: tuple[FieldName, ...] = Field((), description="those that were seen; empty where none was")
    not_read: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    rows_seen: str = ""
    evidence: str = ""
