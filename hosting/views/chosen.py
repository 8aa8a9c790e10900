"""Which feeder, and which of its figures, an address means."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.gis.db.models import Extent
from django.db.models import F, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from hosting.models import CapacityType, Feeder, FeederAlias, HostingCapacityRecord
from hosting.visible import visible

# Large columns that a figure does not need.
HEAVY = ("geometry", "geometry_3857", "raw_attributes", "source__config_json", "utility__config_json")
SAME_FIGURE = ("capacity_type", "variant")


@dataclass(frozen=True)
class Asked:
    """The figure that an address asks for. What cannot be is as if it were not there."""

    capacity_type: str = CapacityType.GENERATION
    variant: str = "default"
    figure: str = "remaining"
    is_said: bool = False  # the address names a type or a variant

    @classmethod
    def read(cls, given: QueryDict) -> "Asked":
        """From a query; the map's defaults where it says nothing."""
        capacity_type = given.get("capacity_type", "")
        known = capacity_type in CapacityType.values
        return cls(
            capacity_type=capacity_type if known else CapacityType.GENERATION,
            variant=given.get("variant") or "default",
            figure="hosting" if given.get("figure") == "hosting" else "remaining",
            is_said=known or bool(given.get("variant")),
        )


def readable_records(rows: QuerySet[HostingCapacityRecord]) -> QuerySet[HostingCapacityRecord]:
    """Those that readers may see, with source, run and utility, without what is large."""
    return (
        visible(rows)
        .select_related("source", "source__published_run", "ingestion_run", "utility", "feeder", "substation")
        .defer(*HEAVY, "source__published_run__config_json", "source__published_run__layer")
        .defer("ingestion_run__config_json", "ingestion_run__layer")
    )


def records_of(feeder: Feeder) -> list[HostingCapacityRecord]:
    """The feeder's records by type and variant; where two sources have the same figure, the later first."""
    found = readable_records(HostingCapacityRecord.objects.filter(feeder=feeder))
    order = F("record_date").desc(nulls_last=True)
    return list(found.order_by(*SAME_FIGURE, order, "-valid_from", "pk"))


def choose(records: list[HostingCapacityRecord], asked: Asked) -> HostingCapacityRecord | None:
    """The record asked for; where nothing was said generation's default, or else the first there is."""
    for record in records:
        if (record.capacity_type, record.variant) == (asked.capacity_type, asked.variant):
            return record
    return None if asked.is_said or not records else records[0]


def bounds_of(rows: QuerySet[HostingCapacityRecord]) -> str:
    """west,south,east,north in degrees of all of `rows`; empty where none has a shape."""
    extent: tuple[float, ...] | None = rows.order_by().aggregate(box=Extent("geometry"))["box"]
    return ",".join(f"{degrees:.6f}" for degrees in extent) if extent else ""


def feeder_address(record: HostingCapacityRecord, **query: str) -> str:
    """The page of a record's feeder, showing this figure; empty for a cell."""
    if record.feeder is None:
        return ""
    address = reverse("feeder", args=[record.utility.utility_code, record.feeder.slug])
    if (record.capacity_type, record.variant) != (Asked.capacity_type, Asked.variant):
        query = {"capacity_type": record.capacity_type, "variant": record.variant} | query
    return f"{address}?{urlencode(query)}" if query else address


def find_feeder(**which: Any) -> Feeder | None:
    """One feeder with its utility and substation, whether or not anything of it may be seen."""
    if any("\0" in str(word) for word in which.values()):
        return None  # PostgreSQL has no text with NUL, and says so as an error
    return Feeder.objects.select_related("utility", "substation").filter(**which).first()


def renamed(code: str, word: str) -> Feeder | None:
    """The feeder of a utility that is or was known by another id, its own spelling or a slug's."""
    if "\0" in code + word:
        return None
    aliases = FeederAlias.objects.filter(feeder__utility__utility_code=code, external_id__iexact=word)
    alias = aliases.select_related("feeder__utility").order_by("-pk").first()
    return alias.feeder if alias else None


def feeder_name(feeder: Feeder) -> str:
    """What to call a feeder: its name, or its id."""
    return feeder.name or feeder.external_id


def record_name(record: HostingCapacityRecord) -> str:
    """What to call a record: its feeder's name, or that it is a cell."""
    if record.feeder is not None:
        return feeder_name(record.feeder)
    return record.feeder_name or record.feeder_id_external or _("Cell %(key)s") % {"key": record.key}
