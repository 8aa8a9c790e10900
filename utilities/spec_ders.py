"""What a row says of a distributed energy resource (DER): one project, installed or planned.

Nameplates are rated AC output. A row names the feeder that it is on by a reference, which need not be the
feeder's own id: hosting/lake/references.py says how it is resolved.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from utilities.spec_readings import (
    Closed,
    Date,
    Dollars,
    FieldName,
    Flag,
    Kilowatts,
    Reading,
    Text,
    misfit,
)

Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
# Columns that are one reading each, in the order of the table.
TEXTS = (
    "feeder_reference",
    "der_type",
    "project_status",
    "status_rationale",
    "queue_request_id",
    "queue_position",
)
DATES = ("installed_on", "planned_on", "completed_on")


class Ders(Closed):
    """Our columns of a DER and the published fields they are read from.

    `status` holds for all rows of the source; installed and planned are two sources, and may share ids.
    `technologies` maps a technology to its share of the nameplate; where none is mapped, the whole nameplate
    is that of `der_type`. `street_address` is personal: it is kept apart and shown to stewards only.
    `as_published` keeps further fields as text, by a name of ours, where their meaning or unit is not sure.
    """

    status: Literal["installed", "planned"]
    nameplate_kw: Kilowatts
    feeder_reference: Text | None = None
    reference_separator: str = Field(",", min_length=1, max_length=1)
    der_type: Text | None = None
    technologies: dict[Word, Kilowatts] = Field(default_factory=dict)
    is_hybrid: Flag | None = None
    installed_on: Date | None = None
    planned_on: Date | None = None
    completed_on: Date | None = None
    project_status: Text | None = None
    status_rationale: Text | None = None
    queue_request_id: Text | None = None
    queue_position: Text | None = None
    costs: dict[Word, Dollars] = Field(default_factory=dict)
    street_address: Text | None = None
    as_published: dict[Word, FieldName] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _address_stays_apart(self) -> Self:
        address = self.street_address.field if self.street_address else None
        if address is None:
            return self
        others = [reading.field for name, reading in self.readings().items() if name != "street_address"]
        if address in others or address in self.as_published.values():
            raise misfit(f"'{address}' is a street address, and may stand nowhere else", "street_address")
        return self

    def readings(self) -> dict[str, Reading]:
        """Our column to its reading; `technologies.<name>` and `costs.<name>` for those of a kind."""
        found = {name: value for name, value in self if isinstance(value, Reading)}
        found |= {f"technologies.{name}": reading for name, reading in self.technologies.items()}
        return found | {f"costs.{name}": reading for name, reading in self.costs.items()}
