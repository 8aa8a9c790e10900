"""What each row of a source says: columns that hold for the whole row, and the capacities it carries."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from utilities.spec_readings import (
    Closed,
    Date,
    Flag,
    Kilovolts,
    Megawatts,
    Metric,
    Number,
    Phases,
    Reading,
    Text,
    misfit,
)

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$", max_length=40)]


class RemainingBasis(StrEnum):
    """What is left, by what the study already contains."""

    PUBLISHED = "published"
    HOSTING = "hosting"
    LESS_INSTALLED = "hosting_less_installed"
    LESS_QUEUED = "hosting_less_queued"
    LESS_INSTALLED_AND_QUEUED = "hosting_less_installed_and_queued"
    UNKNOWN = "unknown"

    @property
    def subtracts(self) -> tuple[str, ...]:
        """Our columns that are taken from the hosting capacity."""
        return {
            "hosting_less_installed": ("installed_dg_mw",),
            "hosting_less_queued": ("queued_dg_mw",),
            "hosting_less_installed_and_queued": ("installed_dg_mw", "queued_dg_mw"),
        }.get(self.value, ())


class Figure(Closed):
    """One (capacity type, variant) pair that each row of a source carries."""

    capacity_type: Literal["generation", "load", "storage"]
    variant: Slug = "default"
    meaning: str = Field("", description="the publisher's definition, in a sentence of ours")
    hosting_capacity_mw: Megawatts | None = None
    hosting_capacity_min_mw: Megawatts | None = None
    hosting_capacity_max_mw: Megawatts | None = None
    remaining_capacity_mw: Megawatts | None = None
    installed_dg_mw: Megawatts | None = None
    queued_dg_mw: Megawatts | None = None
    installed_since_study_mw: Megawatts | None = None
    substation_capacity_mw: Megawatts | None = Field(
        None, description="what the bulk substation can take; compared with, not kept"
    )
    constraining_metric: Metric | None = None
    criteria: dict[Slug, Megawatts] = Field(default_factory=dict)
    remaining: RemainingBasis
    study_contains: tuple[Literal["installed", "queued"], ...] = ()
    rollup: Literal["min", "max", "feeder_max"] | None = Field(
        None,
        description="which of its sections' values is the feeder's headline figure: the lowest, the highest, "
        "or the feeder's own, which each section repeats (the highest, should they differ)",
    )

    @model_validator(mode="after")
    def _basis_has_its_columns(self) -> Self:
        published = self.remaining == RemainingBasis.PUBLISHED
        if published and self.remaining_capacity_mw is None:
            raise misfit("'published', but remaining_capacity_mw is not mapped", "remaining")
        if not published and self.remaining_capacity_mw is not None:
            raise misfit("remaining_capacity_mw is mapped, so this must be 'published'", "remaining")
        for column in self.remaining.subtracts:
            if getattr(self, column) is None:
                raise misfit(f"'{self.remaining}', but {column} is not mapped", "remaining")
            if column.split("_")[0] in self.study_contains:
                raise misfit(f"takes off {column}, which the study already contains", "remaining")
        if self.rollup == "feeder_max" and self.hosting_capacity_max_mw is None:
            raise misfit("'feeder_max', but hosting_capacity_max_mw is not mapped", "rollup")
        if not {"hosting_capacity_mw", "hosting_capacity_max_mw", "remaining_capacity_mw"} & set(
            self.readings()
        ):
            raise misfit("a figure needs a hosting capacity or a remaining capacity")
        return self

    def readings(self) -> dict[str, Reading]:
        """Our column to its reading, criteria as `criteria.<name>`."""
        found = {name: value for name, value in self if isinstance(value, Reading)}
        return found | {f"criteria.{name}": reading for name, reading in self.criteria.items()}


class Fields(Closed):
    """Columns that hold for a whole row, whatever figures it carries.

    `circuit_id` is another name of a section's feeder, by which DER may refer to it. `shape_length` is in
    whatever unit the publisher measures: it is compared with itself, and never shown as a length.
    """

    feeder_id: Text | None = None
    feeder_name: Text | None = None
    substation_name: Text | None = None
    county: Text | None = None
    voltage_kv: Kilovolts | None = None
    phase_config: Phases | None = None
    is_overhead: Flag | None = None
    is_network: Flag | None = None
    record_date: Date | None = None
    der_date: Date | None = None
    circuit_id: Text | None = None
    shape_length: Number | None = None
    map_colour: Text | None = Field(
        None, description="the colour on the publisher's map, with its range; compared with, not kept"
    )

    def readings(self) -> dict[str, Reading]:
        """Our column to its reading."""
        return {name: value for name, value in self if isinstance(value, Reading)}
