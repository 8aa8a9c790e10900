"""How one published field becomes a column of ours: the reader, and what a value can mean beside a number.

`hosting_capacity_mw: {kw: GenCapacity_kW}` is the short form; the long form says more of the field:
`{mw: {field: HC, not_studied: ["NA"], at_least: 10}}`.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

FieldName = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Constraint = Literal["thermal", "voltage", "protection", "islanding", "reverse_power", "unknown"]
# What makes the same quantity comparable: a column of ours takes only readers of its own kind.
MEGAWATT_READERS = ("mw", "kw", "mva", "kva")
POWER_READERS_WITH_FACTOR = ("mva", "kva")
KILOWATT_READERS = ("kw", "mw")
# Keys of the long form that mean something to some readers only.
KEYS_OF_READERS = {
    "power_factor": POWER_READERS_WITH_FACTOR,
    "end": MEGAWATT_READERS,
    "zero": MEGAWATT_READERS,
    "at_least": MEGAWATT_READERS,
    "format": ("date",),
    "words": ("metric",),
}


def misfit(message: str, *at: str | int) -> PydanticCustomError:
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
    NUMBER = "number"
    DOLLARS = "dollars"


class Reading(Closed):
    """One published field and how to read it.

    `unknown`, `withheld` and `not_studied` list published values (compared as trimmed text) that are not a
    number but say so, `zero` lists words for nothing at all; `at_least` is the value, in the published unit,
    at which the study stopped. `end` takes one end of a published range ('450 - 600'). `coded` reads the
    meaning that the layer's own coded domain gives to the value, instead of the code.
    """

    reader: Reader
    field: FieldName
    coded: bool = False
    unknown: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    not_studied: tuple[str, ...] = ()
    zero: tuple[str, ...] = ()
    at_least: Decimal | None = None
    end: Literal["low", "high"] | None = None
    format: str | tuple[str, ...] | None = Field(
        None, description="of a date published as text, as in Java: M/d/yyyy; of several, the first that fits"
    )
    power_factor: Decimal | None = Field(None, gt=0, le=1)
    words: dict[str, Constraint] = Field(default_factory=dict, description="published word to ours")

    @property
    def formats(self) -> tuple[str, ...]:
        """The declared date formats, in the order in which they are tried."""
        return (self.format,) if isinstance(self.format, str) else self.format or ()

    @property
    def column(self) -> str:
        """What the transforms call this field's text: the field, or its meaning by the layer's domain."""
        return f"{self.field} (meaning)" if self.coded else self.field

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, given: Any) -> Any:
        """Accept `{kw: Field}` and `{kw: {field: Field, ...}}` beside the plain form."""
        if isinstance(given, dict) and len(given) == 1 and "reader" not in given:
            [(reader, rest)] = given.items()
            if isinstance(rest, dict) and "reader" in rest:
                raise misfit(
                    f"read with {reader} or with {rest['reader']}? Name one reader", reader, "reader"
                )
            return {"reader": reader, **(rest if isinstance(rest, dict) else {"field": rest})}
        return given

    @model_validator(mode="after")
    def _keys_fit_the_reader(self) -> Self:
        if self.reader in POWER_READERS_WITH_FACTOR and self.power_factor is None:
            raise misfit(f"{self.reader} needs a declared power_factor")
        for key, readers in KEYS_OF_READERS.items():
            if key in self.model_fields_set and getattr(self, key) and self.reader not in readers:
                raise misfit(f"{key} means nothing to {self.reader}", key)
        return self


def _readers(*allowed: str) -> Any:  # an annotated Reading; mypy cannot follow a made type
    """A type for a reading whose reader is one of `allowed`."""

    def check(reading: Reading) -> Reading:
        if reading.reader not in allowed:
            message = f"read with {reading.reader}; this field takes {', '.join(allowed)}"
            raise misfit(message, reading.reader.value)
        return reading

    return Annotated[Reading, AfterValidator(check)]


Megawatts = _readers(*MEGAWATT_READERS)
Text = _readers("text", "id")
Kilovolts = _readers("kv", "volts")
Date = _readers("date")
Flag = _readers("flag")
Phases = _readers("phases")
Metric = _readers("metric")
# A DER's nameplate is in kW, as both publishers and developers say it.
Kilowatts = _readers(*KILOWATT_READERS)
Number = _readers("number")
Dollars = _readers("dollars")
