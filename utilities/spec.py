"""The closed schema of a catalog file: what may be said of a utility and its sources, and nothing else.

A source is facts, no code. Each field of ours is declared with the reader that turns the published text into
our unit: `hosting_capacity_mw: {kw: GenCapacity_kW}`. The long form names what a value can mean instead of a
number: `{mw: {field: HC, not_studied: ["NA"], at_least: 10}}`. No Django here: the lake compiles its
transforms from these objects.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$", max_length=40)]
Name = Annotated[str, StringConstraints(max_length=120)]
Title = Annotated[str, StringConstraints(max_length=200)]
Terms = Annotated[str, StringConstraints(max_length=300)]
Address = Annotated[str, StringConstraints(max_length=500)]
FieldName = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Constraint = Literal["thermal", "voltage", "protection", "islanding", "reverse_power", "unknown"]
# What makes the same quantity comparable: a column of ours takes only readers of its own kind.
MEGAWATT_READERS = ("mw", "kw", "mva", "kva")
POWER_READERS_WITH_FACTOR = ("mva", "kva")


def _misfit(message: str, *at: str | int) -> PydanticCustomError:
    """An error about parts that do not fit each other; `at` leads to the part to look at."""
    return PydanticCustomError("misfit", "{message}", {"message": message, "at": at})


class Closed(BaseModel):
    """A model that refuses unknown keys and cannot be changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Reader(StrEnum):
    """How a published value becomes ours. Each is one function in hosting/lake/readers.py."""

    TEXT = "text"
    ID = "id"
    MW = "mw"
    KW = "kw"
    MVA = "mva"
    KVA = "kva"
    KV = "kv"
    VOLTS = "volts"
    DATE = "date"
    FLAG = "flag"
    PHASES = "phases"
    METRIC = "metric"


class Reading(Closed):
    """One published field and how to read it.

    `unknown`, `withheld` and `not_studied` list published values (compared as trimmed text) that are not a
    number but say so; `at_least` is the value, in the published unit, at which the study stopped.
    """

    reader: Reader
    field: FieldName
    unknown: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    not_studied: tuple[str, ...] = ()
    at_least: Decimal | None = None
    format: str | None = Field(None, description="of a date published as text, as in Java: M/d/yyyy")
    power_factor: Decimal | None = Field(None, gt=0, le=1)
    words: dict[str, Constraint] = Field(default_factory=dict, description="published word to ours")

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, given: Any) -> Any:
        """Accept `{kw: Field}` and `{kw: {field: Field, ...}}` beside the plain form."""
        if isinstance(given, dict) and len(given) == 1 and "reader" not in given:
            [(reader, rest)] = given.items()
            if isinstance(rest, dict) and "reader" in rest:
                raise _misfit(
                    f"read with {reader} or with {rest['reader']}? Name one reader", reader, "reader"
                )
            return {"reader": reader, **(rest if isinstance(rest, dict) else {"field": rest})}
        return given

    @model_validator(mode="after")
    def _power_factor_where_needed(self) -> Self:
        if (self.reader in POWER_READERS_WITH_FACTOR) != (self.power_factor is not None):
            if self.power_factor is None:
                raise _misfit(f"{self.reader} needs a declared power_factor")
            raise _misfit(f"power_factor means nothing to {self.reader}", "power_factor")
        return self


def _readers(*allowed: str) -> Any:  # an annotated Reading; mypy cannot follow a made type
    """A type for a reading whose reader is one of `allowed`."""

    def check(reading: Reading) -> Reading:
        if reading.reader not in allowed:
            message = f"read with {reading.reader}; this field takes {', '.join(allowed)}"
            raise _misfit(message, reading.reader.value)
        return reading

    from pydantic import AfterValidator

    return Annotated[Reading, AfterValidator(check)]


Megawatts = _readers(*MEGAWATT_READERS)
Text = _readers("text", "id")
Kilovolts = _readers("kv", "volts")
Date = _readers("date")
Flag = _readers("flag")
Phases = _readers("phases")
Metric = _readers("metric")


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
    hosting_capacity_mw: Megawatts | None = None  # type: ignore[valid-type]
    hosting_capacity_min_mw: Megawatts | None = None  # type: ignore[valid-type]
    hosting_capacity_max_mw: Megawatts | None = None  # type: ignore[valid-type]
    remaining_capacity_mw: Megawatts | None = None  # type: ignore[valid-type]
    installed_dg_mw: Megawatts | None = None  # type: ignore[valid-type]
    queued_dg_mw: Megawatts | None = None  # type: ignore[valid-type]
    installed_since_study_mw: Megawatts | None = None  # type: ignore[valid-type]
    constraining_metric: Metric | None = None  # type: ignore[valid-type]
    criteria: dict[Slug, Megawatts] = Field(default_factory=dict)  # type: ignore[valid-type]
    remaining: RemainingBasis
    study_contains: tuple[Literal["installed", "queued"], ...] = ()
    rollup: Literal["min", "max"] | None = Field(
        None, description="which of its sections' values is the feeder's headline figure"
    )

    @model_validator(mode="after")
    def _basis_has_its_columns(self) -> Self:
        published = self.remaining == RemainingBasis.PUBLISHED
        if published and self.remaining_capacity_mw is None:
            raise _misfit("'published', but remaining_capacity_mw is not mapped", "remaining")
        if not published and self.remaining_capacity_mw is not None:
            raise _misfit("remaining_capacity_mw is mapped, so this must be 'published'", "remaining")
        for column in self.remaining.subtracts:
            if getattr(self, column) is None:
                raise _misfit(f"'{self.remaining}', but {column} is not mapped", "remaining")
            if column.split("_")[0] in self.study_contains:
                raise _misfit(f"takes off {column}, which the study already contains", "remaining")
        if not {"hosting_capacity_mw", "hosting_capacity_max_mw", "remaining_capacity_mw"} & set(
            self.readings()
        ):
            raise _misfit("a figure needs a hosting capacity or a remaining capacity")
        return self

    def readings(self) -> dict[str, Reading]:
        """Our column to its reading, criteria as `criteria.<name>`."""
        found = {name: value for name, value in self if isinstance(value, Reading)}
        return found | {f"criteria.{name}": reading for name, reading in self.criteria.items()}


class Fields(Closed):
    """Columns that hold for a whole row, whatever figures it carries."""

    feeder_id: Text | None = None  # type: ignore[valid-type]
    feeder_name: Text | None = None  # type: ignore[valid-type]
    substation_name: Text | None = None  # type: ignore[valid-type]
    county: Text | None = None  # type: ignore[valid-type]
    voltage_kv: Kilovolts | None = None  # type: ignore[valid-type]
    phase_config: Phases | None = None  # type: ignore[valid-type]
    is_overhead: Flag | None = None  # type: ignore[valid-type]
    is_network: Flag | None = None  # type: ignore[valid-type]
    record_date: Date | None = None  # type: ignore[valid-type]
    der_date: Date | None = None  # type: ignore[valid-type]

    def readings(self) -> dict[str, Reading]:
        """Our column to its reading."""
        return {name: value for name, value in self if isinstance(value, Reading)}


class Thresholds(Closed):
    """When a refresh is held. Defaults suit most; a source with a reason sets its own."""

    max_row_loss: float = Field(0.2, ge=0, le=1, description="share of rows that may vanish at once")
    max_key_change: float = Field(0.5, ge=0, le=1, description="Q56: share of keys that may be replaced")
    max_feeder_change: float = Field(0.05, ge=0, description="Q56: share by which feeders may grow or shrink")
    scale_shift: float = Field(300, gt=1, description="Q24: median ratio to the last refresh, either way")
    max_quarantined: float = Field(0.5, ge=0, le=1, description="share of rows that may be quarantined")


class SourceSpec(Closed):
    """One published layer or file feed, fetched once per run."""

    code: Slug
    title: Title
    service_url: Address
    layer: int | None = Field(None, ge=0)
    geometry: Literal["polyline", "polygon", "point", "none"] = "polyline"
    grain: Literal["section", "feeder", "cell"]
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
    where: str = "1=1"
    page_size: int | None = Field(None, ge=1, le=10_000)
    fields: Fields = Fields()
    figures: tuple[Figure, ...] = Field(min_length=1)
    feeder_records: bool = Field(
        True,
        description="whether sections are rolled up to feeder records; off where another source has them",
    )
    part: Slug | None = Field(
        None, description="which feeders this is of, where several sources have the same figure"
    )
    thresholds: Thresholds = Thresholds()
    rows_seen: str = Field("", description="for people; never compared")
    evidence: str = Field("", description="where the fields were seen, and when")
    notes: str = ""

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        pairs = [(figure.capacity_type, figure.variant) for figure in self.figures]
        if len(set(pairs)) < len(pairs):
            raise _misfit("two of them have the same capacity_type and variant", "figures")
        if self.grain != "cell" and self.fields.feeder_id is None:
            raise _misfit(f"'{self.grain}', so fields.feeder_id must be mapped", "grain")
        for number, figure in enumerate(self.figures):
            if self.rolls_up and figure.rollup is None:
                raise _misfit(
                    f"{figure.capacity_type}/{figure.variant} needs rollup: min or max, "
                    "or the source feeder_records: false",
                    "figures",
                    number,
                )
            if not self.rolls_up and figure.rollup is not None:
                message = "means something only where sections become feeder records"
                raise _misfit(message, "figures", number, "rollup")
        if self.rolls_up and self.feed == "incremental":
            raise _misfit(
                "incremental, so a run has only some of a feeder's sections: set feeder_records: false",
                "feed",
            )
        if self.geometry == "none" and self.key == "geometry":
            raise _misfit("'geometry', but the source has none", "key")
        return self

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
        """The layer's address, the service's where no layer is named."""
        return self.service_url if self.layer is None else f"{self.service_url}/{self.layer}"

    @property
    def scheme(self) -> str:
        """Of the address: https, http or recorded."""
        return urlsplit(self.service_url).scheme

    @property
    def is_on_this_machine(self) -> bool:
        """True for a loopback address: a server that a person runs for themselves."""
        return urlsplit(self.service_url).hostname in {"127.0.0.1", "localhost", "::1"}

    def published_fields(self) -> tuple[str, ...]:
        """Every published field that this source maps, each once, in order of first mention."""
        named = [*(self.key if isinstance(self.key, tuple) else ())]
        named += [reading.field for reading in self.fields.readings().values()]
        named += [reading.field for figure in self.figures for reading in figure.readings().values()]
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
    synthetic: bool = Field(False, description="made for demonstration; badged everywhere")
    requires_auth: bool = False
    evidence: str = ""
    notes: str = ""
    sources: tuple[SourceSpec, ...] = ()

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if self.timezone not in available_timezones():
            raise _misfit(f"'{self.timezone}' is not an IANA name such as America/New_York", "timezone")
        codes: set[str] = set()
        for number, source in enumerate(self.sources):
            if source.code in codes:
                raise _misfit(f"two sources are called '{source.code}'", "sources", number, "code")
            codes.add(source.code)
            scheme, where = source.scheme, ("sources", number, "service_url")
            if not (scheme in self.SCHEMES or (scheme == "http" and source.is_on_this_machine)):
                raise _misfit(f"must be https, not {source.service_url}", *where)
            if scheme == "recorded" and not self.synthetic:
                raise _misfit("recorded:// is for synthetic utilities only", *where)
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
                    raise _misfit(
                        f"'{source.code}' and '{other.code}' both have feeders with "
                        f"{figure.capacity_type}/{figure.variant}: give one another variant, or each "
                        "the part of the utility that it is of",
                        "sources",
                        number,
                        "part" if source.part else "code",
                    )
                others.append(source)
