"""The closed schema of a catalog file: what may be said of a utility and its sources, and nothing else.

A source is facts, no code: what a field means stands in spec_readings, what a row carries in spec_figures. No
Django here: the lake compiles its transforms from these objects.
"""

from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import Field, StringConstraints, model_validator

from utilities.spec_access import Access, Address, Discovery
from utilities.spec_ders import Ders
from utilities.spec_figures import Fields, Figure, RemainingBasis, Slug
from utilities.spec_files import FileFeed
from utilities.spec_network import Holds, Network
from utilities.spec_readings import Closed, FieldName, Reader, Reading, misfit
from utilities.spec_thresholds import MappingCheck, Thresholds
from utilities.spec_unread import Geometry, OtherLayer, Title

__all__ = [
    "Access",
    "Closed",
    "Ders",
    "Discovery",
    "Fields",
    "Figure",
    "Lists",
    "OtherLayer",
    "Reader",
    "Reading",
    "RemainingBasis",
    "SourceSpec",
    "Thresholds",
    "UtilitySpec",
]

Name = Annotated[str, StringConstraints(max_length=120)]
Terms = Annotated[str, StringConstraints(max_length=300)]


class Lists(Closed):
    """Fields whose cells hold a list, the first entry of each belonging together, and so on.

    A row then becomes as many as its first listed field has entries. Another of them may hold a single value,
    which is that of all; any other number of entries is refused (Q11).
    """

    fields: tuple[FieldName, ...] = Field(min_length=1)
    separator: str = Field(",", min_length=1, max_length=3)


class SourceSpec(Closed):
    """One published layer or file feed, fetched once per run."""

    code: Slug
    title: Title
    service_url: Address = Field("", description="empty where nothing but discovery leads to it")
    layer: int | None = Field(None, ge=0)
    geometry: Geometry = "polyline"
    holds: Holds = "capacity"
    grain: Literal["section", "feeder", "cell", "none"]
    key: tuple[FieldName, ...] | Literal["geometry", "none"] = Field(
        description="published fields that identify a row; 'geometry' where its shape does; "
        "'none' where nothing does: replaced whole, without row history"
    )
    feed: Literal["snapshot", "incremental"] = "snapshot"
    cadence: Literal["daily", "weekly", "monthly"] = "weekly"
    status: Literal["seen", "unverified", "unavailable"] = "seen"
    redistribution: Literal["allowed", "display_only", "forbidden", "unknown"] = "unknown"
    licence: Terms = ""
    attribution: Terms = ""
    terms: Terms = Field("", description="what the publisher's terms ask, in words of ours")
    where: str = "1=1"
    page_size: int | None = Field(None, ge=1, le=10_000)
    file: FileFeed | None = Field(None, description="where it is a file and no service")
    unreadable: tuple[int, ...] = Field(
        (), description="object ids of rows that the server cannot give and whose loss is accepted"
    )
    access: Access = Access()
    discovery: Discovery = Discovery()
    lists: Lists | None = None
    fields: Fields = Fields()
    network: Network | None = Field(None, description="where it holds the network: its columns")
    ders: Ders | None = Field(None, description="where it holds DER: their columns")
    figures: tuple[Figure, ...] = ()
    feeder_records: bool = Field(
        True,
        description="whether sections are rolled up to feeder records; off where another source has them",
    )
    part: Slug | None = Field(
        None, description="which feeders this is of, where several sources have the same figure"
    )
    thresholds: Thresholds = Thresholds()
    accepted: dict[MappingCheck, Terms] = Field(
        default_factory=dict, description="checks of this mapping that are right to speak, and why it stays"
    )
    rows_seen: str = Field("", description="for people; never compared")
    evidence: str = Field("", description="where the fields were seen, and when")
    notes: str = ""

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        pairs = [(figure.capacity_type, figure.variant) for figure in self.figures]
        if len(set(pairs)) < len(pairs):
            raise misfit("two of them have the same capacity_type and variant", "figures")
        if self.file is not None:
            self._check_file(self.file)
        elif not self.service_url and self.discovery.strategy not in {"services", "owner"}:
            raise misfit("is required, as discovery does not find another", "service_url")
        self._check_holds()
        if self.grain in {"section", "feeder"} and self.fields.feeder_id is None:
            raise misfit(f"'{self.grain}', so fields.feeder_id must be mapped", "grain")
        for number, figure in enumerate(self.figures):
            if self.rolls_up and figure.rollup is None:
                raise misfit(
                    f"{figure.capacity_type}/{figure.variant} needs rollup: min or max, "
                    "or the source feeder_records: false",
                    "figures",
                    number,
                )
            if not self.rolls_up and figure.rollup is not None:
                message = "means something only where sections become feeder records"
                raise misfit(message, "figures", number, "rollup")
        if self.rolls_up and self.feed == "incremental":
            raise misfit(
                "incremental, so a run has only some of a feeder's sections: set feeder_records: false",
                "feed",
            )
        if self.geometry == "none" and self.key == "geometry":
            raise misfit("'geometry', but the source has none", "key")
        for number, name in enumerate(self.lists.fields if self.lists else ()):
            if name not in self.published_fields():
                raise misfit(f"'{name}' is read by nothing", "lists", "fields", number)
        return self

    def _check_holds(self) -> None:
        """Each kind of rows has its own columns, and no other's."""
        holds_network = self.holds not in {"capacity", "ders"}
        if holds_network != (self.network is not None):
            raise misfit("network is for a source that holds a part of it, and needed there", "holds")
        if (self.holds == "ders") != (self.ders is not None):
            raise misfit("ders is for a source that holds DER, and needed there", "holds")
        if (self.holds == "capacity") != bool(self.figures):
            raise misfit("figures are for a source that holds capacity, and needed there", "figures")
        if (self.holds == "capacity") == (self.grain == "none"):
            raise misfit("'none' is for a source that holds no capacity, and needed there", "grain")
        if self.network and (self.holds == "load_profiles") != (self.network.month_hour is not None):
            raise misfit("month_hour is for load_profiles, and needed there", "network")
        if self.holds in {"substations", "boundaries"} and self.geometry == "none":
            raise misfit(f"'none', but {self.holds} are places", "geometry")
        if self.ders is not None and isinstance(self.key, str):
            raise misfit("a DER is known by published fields", "key")
        if self.ders is not None and self.geometry != "none":
            raise misfit("a DER has no shape of its own: 'none'", "geometry")

    def _check_file(self, file: FileFeed) -> None:
        if self.layer is not None or self.discovery.strategy != "static" or self.page_size is not None:
            raise misfit("a file has no layer number, page_size or discovery; see file.layer", "file")
        if file.monthly and self.service_url:
            message = "months are folders: they are read from a folder, not from an address"
            raise misfit(message, "file", "monthly")
        if file.is_table and (self.geometry != "none") != (file.longitude is not None):
            raise misfit(
                f"{file.format} has no shapes: 'none', or 'point' with file.longitude and file.latitude",
                "geometry",
            )

    @property
    def rolls_up(self) -> bool:
        """True where feeder records are made from sections."""
        return self.grain == "section" and self.feeder_records

    @property
    def has_feeders(self) -> bool:
        """True where feeder records come of it, published or made."""
        return self.grain == "feeder" or self.rolls_up

    @property
    def url(self) -> str:
        """The layer's address, the service's where no layer is named; empty where only discovery finds it."""
        bare = self.layer is None or not self.service_url
        return self.service_url if bare else f"{self.service_url}/{self.layer}"

    @property
    def scheme(self) -> str:
        """Of the address: https, http or recorded."""
        return urlsplit(self.service_url).scheme

    @property
    def is_on_this_machine(self) -> bool:
        """True for a loopback address: a server that a person runs for themselves."""
        return urlsplit(self.service_url).hostname in {"127.0.0.1", "localhost", "::1"}

    @property
    def personal_fields(self) -> tuple[str, ...]:
        """Published fields that only stewards may see."""
        return (self.ders.street_address.field,) if self.ders and self.ders.street_address else ()

    def readings(self) -> list[Reading]:
        """Every reading of a row, those of the whole row first."""
        of_figures = [reading for figure in self.figures for reading in figure.readings().values()]
        of_network = list(self.network.readings().values()) if self.network else []
        of_ders = list(self.ders.readings().values()) if self.ders else []
        return [*self.fields.readings().values(), *of_figures, *of_network, *of_ders]

    def published_fields(self) -> tuple[str, ...]:
        """Every published field that this source maps, each once, in order of first mention."""
        named = [*(self.key if isinstance(self.key, tuple) else ())]
        named += [reading.field for reading in self.readings()]
        named += self.ders.as_published.values() if self.ders else ()
        return tuple(dict.fromkeys(named))


class UtilitySpec(Closed):
    """One catalog file."""

    SCHEMES: ClassVar[tuple[str, ...]] = ("https", "recorded")

    code: Slug
    name: Name
    parent_company: Name = ""
    iso: Literal["caiso", "pjm", "nyiso", "isone", "miso", "spp", "ercot"] | None = None
    states: tuple[Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")], ...] = Field(min_length=1)
    timezone: str
    data_source_type: Literal[
        "arcgis_feature", "arcgis_map", "exelon", "custom", "unavailable", "csv", "file"
    ]
    status: Literal["seen", "unverified", "unavailable"] = "seen"
    unavailable_because: Literal["login", "not_machine_readable", "terms", "not_found"] | None = None
    synthetic: bool = Field(False, description="made for demonstration; badged everywhere")
    requires_auth: bool = False
    evidence: str = ""
    notes: str = ""
    sources: tuple[SourceSpec, ...] = ()
    other_layers: tuple[OtherLayer, ...] = ()

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if self.timezone not in available_timezones():
            raise misfit(f"'{self.timezone}' is not an IANA name such as America/New_York", "timezone")
        if (self.status == "unavailable") != (self.unavailable_because is not None):
            if self.unavailable_because is None:
                raise misfit("'unavailable' needs unavailable_because", "status")
            raise misfit(f"says why it is unavailable, but it is '{self.status}'", "unavailable_because")
        codes: set[str] = set()
        for number, source in enumerate(self.sources):
            if source.code in codes:
                raise misfit(f"two sources are called '{source.code}'", "sources", number, "code")
            codes.add(source.code)
            if source.file is None and self.data_source_type in {"csv", "file"}:
                raise misfit("its utility publishes files: file says which", "sources", number, "code")
            scheme, where = source.scheme, ("sources", number, "service_url")
            if source.service_url and not (
                scheme in self.SCHEMES or (scheme == "http" and source.is_on_this_machine)
            ):
                raise misfit(f"must be https, not {source.service_url}", *where)
            if scheme == "recorded" and not self.synthetic:
                raise misfit("recorded:// is for synthetic utilities only", *where)
        self._one_record_for_each_feeder()
        return self

    def _one_record_for_each_feeder(self) -> None:
        """Two sources with one figure must be of different feeders, or each of those has two records."""
        seen: dict[tuple[str, str], list[SourceSpec]] = {}
        for number, source in enumerate(self.sources):
            for figure in source.figures if source.has_feeders else ():
                others = seen.setdefault((figure.capacity_type, figure.variant), [])
                for other in others:
                    if source.part and other.part and source.part != other.part:
                        continue
                    raise misfit(
                        f"'{source.code}' and '{other.code}' both have feeders with "
                        f"{figure.capacity_type}/{figure.variant}: give one another variant, or each "
                        "the part of the utility that it is of",
                        "sources",
                        number,
                        "part" if source.part else "code",
                    )
                others.append(source)
