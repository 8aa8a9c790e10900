"""Rows as they were or are, current ones on top of versions: what `as_of` reads.

Views of the database, made from these models after every migration (hosting/state_views.py). A row held from
`valid_from` until `valid_to`, in publisher time; `ingestion_run` wrote it and `ended_by_run` ended it. Both
ends are null where it holds still.
"""

from datetime import datetime
from typing import Any, ClassVar, TypeVar

from django.contrib.gis.db import models

from hosting.models.ders import DER, DERColumns, DERVersion
from hosting.models.network import Substation
from hosting.models.records import HostingCapacityRecord, HostingCapacityRecordVersion, RecordColumns
from hosting.models.runs import HCIngestionRun
from hosting.models.sections import HostingCapacitySection, HostingCapacitySectionVersion, SectionColumns

Row = TypeVar("Row", bound=models.Model)


class StateQuerySet(models.QuerySet[Row]):
    """Rows of all times, of which one time is to be chosen."""

    def at(self, instant: datetime) -> "StateQuerySet[Row]":
        """Those that held at an instant, in publisher time. Raises ValueError where it is naive."""
        if instant.tzinfo is None:
            raise ValueError(f"{instant} is naive; a state is asked for at an instant")
        still = models.Q(valid_to=None) | models.Q(valid_to__gt=instant)
        return self.filter(still, valid_from__lte=instant)

    def after_run(self, run: int) -> "StateQuerySet[Row]":
        """Those that readers saw once the run was published, and no later one of its source."""
        still = models.Q(ended_by_run=None) | models.Q(ended_by_run__gt=run)
        return self.filter(still, ingestion_run__lte=run)


class State(models.Model):
    """What every one of these has."""

    id = models.BigIntegerField(primary_key=True, help_text="Of the row itself; one at any one time")
    valid_to = models.DateTimeField(null=True)
    ended_by_run = models.ForeignKey(
        HCIngestionRun, null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )

    current: ClassVar[type[models.Model]]
    version: ClassVar[type[models.Model]]
    version_id: ClassVar[str]  # the version's column with the row's id

    objects: Any = StateQuerySet.as_manager()

    class Meta:
        abstract = True


class HostingCapacityRecordState(State, RecordColumns):
    """A record as it was or is."""

    current, version, version_id = HostingCapacityRecord, HostingCapacityRecordVersion, "record_id"
    centroid = models.PointField(srid=4326, null=True, blank=True, spatial_index=False)

    # A view: a substation that goes is taken from the rows beneath it, and nothing can be written here.
    substation = models.ForeignKey(
        Substation, null=True, blank=True, on_delete=models.DO_NOTHING, related_name="+", db_index=False
    )

    class Meta:
        managed = False
        db_table = "hosting_recordstate"

    def __str__(self) -> str:
        return f"{self.feeder_id_external or self.key} since {self.valid_from:%Y-%m-%d}"


class HostingCapacitySectionState(State, SectionColumns):
    """A section as it was or is."""

    current, version, version_id = HostingCapacitySection, HostingCapacitySectionVersion, "section_id"

    class Meta:
        managed = False
        db_table = "hosting_sectionstate"

    def __str__(self) -> str:
        return f"{self.key} since {self.valid_from:%Y-%m-%d}"


class DERState(State, DERColumns):
    """A DER as it was or is. Addresses have no history and are no part of it."""

    current, version, version_id = DER, DERVersion, "der_id"

    class Meta:
        managed = False
        db_table = "hosting_derstate"

    def __str__(self) -> str:
        return f"{self.external_id} since {self.valid_from:%Y-%m-%d}"


STATES: tuple[type[State], ...] = (HostingCapacityRecordState, HostingCapacitySectionState, DERState)
