"""What can be asked of flows."""

import re
from datetime import date, datetime, timedelta
from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from hcportal.api.numbers import WholeNumber
from hcportal.api.parameters import Parameters
from interregional.clock import day_bounds
from interregional.models import Interface, InterfaceName, Region
from interregional.roster import OTHER_SPELLINGS
from interregional.rows import NEIGHBOUR_CODES, RESOLUTIONS

FIRST, LAST = date(1990, 1, 1), date(2200, 1, 1)
LONGEST_AT_5_MIN: Final = timedelta(days=367)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[ +-]\d\d:\d\d)?", re.ASCII)
# What programs are told: days that there are (of February 28), hours and minutes, the offset.
_DAY = (
    r"(199\d|20\d\d|21\d\d)-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)"
    r"|02-(0[1-9]|1\d|2[0-8]))"
)
_TIME = r"([01]\d|2[0-3]):[0-5]\d"
_SECONDS = r":[0-5]\d(\.\d{1,6})?"
MOMENT = rf"^{_DAY}([T ]{_TIME}({_SECONDS})?(Z|[ +-]{_TIME}))?$".replace(r"\d", "[0-9]")
PLACE = rf"^{_DAY}T{_TIME}{_SECONDS}Z~\d{{1,9}}$".replace(r"\d", "[0-9]")


@extend_schema_field({"type": "string", "pattern": MOMENT})
class Moment(serializers.Field[Any, str, Any, Any]):
    """A New York day, or an instant with its offset; read as a pair of instants, of which the second is after
    it."""

    default_error_messages = {
        "form": "Give a date (2026-07-01, a New York day) or an instant with its offset (2026-07-01T12:00Z).",
        "naive": "This time has no offset: end it with Z or an offset such as -04:00.",
        "range": "Give a date between 1990 and 2200.",
    }

    def to_internal_value(self, data: str) -> tuple[datetime, datetime]:
        if _DATE.fullmatch(data):
            return day_bounds(self._in_range(lambda: date.fromisoformat(data)))
        found = _INSTANT.fullmatch(data)
        if not found:
            self.fail("form")
        if not found[3]:
            self.fail("naive")
        text = data[:-6] + data[-6:].replace(
            " ", "+"
        )  # a plus that was not written as %2B arrives as a space
        instant = self._in_range(lambda: datetime.fromisoformat(text))
        return instant, instant + timedelta(microseconds=1)

    def _in_range(self, parse: Any) -> Any:
        try:
            found = parse()
        except ValueError:
            self.fail("form")
        if not FIRST <= (found.date() if isinstance(found, datetime) else found) <= LAST:
            self.fail("range")
        return found


@extend_schema_field({"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1})
class InterfacesField(serializers.Field[Any, str, Any, Any]):
    """Names (present or past) or Point IDs, separated by commas; read as the interfaces' own ids."""

    default_error_messages = {
        "unknown": "There is no interface '{word}'. Give Point IDs or names, as an answer has them."
    }

    def to_internal_value(self, data: str) -> list[int]:
        by_word = _words()
        found = []
        for given in data.split(","):
            word = " ".join(given.split()).casefold()
            if word not in by_word:
                self.fail("unknown", word=given.strip()[:60])
            found.append(by_word[word])
        return found


def _words() -> dict[str, int]:
    """Everything that an interface can be called, to its id."""
    words: dict[str, int] = {}
    own = {}
    for pk, name in InterfaceName.objects.values_list("interface_id", "name"):
        words[name.casefold()] = pk
    for pk, point_id, name in Interface.objects.values_list("pk", "point_id", "name"):
        words[name.casefold()] = words[str(point_id)] = own[point_id] = pk
    for spelling, point_id in OTHER_SPELLINGS.items():
        if point_id in own:
            words.setdefault(spelling.casefold(), own[point_id])
    return words


@extend_schema_field({"type": "array", "items": {"type": "string", "enum": Region.values}, "minItems": 1})
class RegionsField(serializers.Field[Any, str, Any, Any]):
    """Regions, separated by commas."""

    default_error_messages = {"unknown": "There is no region '{word}'. There are {known}."}

    def __init__(self, *, known: list[str], **given: Any) -> None:
        super().__init__(**given)
        self.known = known

    def to_internal_value(self, data: str) -> list[str]:
        found = [word.strip() for word in data.split(",")]
        for word in found:
            if word not in self.known:
                self.fail("unknown", word=word[:40], known=", ".join(self.known))
        return found


@extend_schema_field({"type": "string", "pattern": PLACE})
class After(serializers.Field[Any, str, Any, Any]):
    """Where the page before ended: instant and place."""

    default_error_messages = {"form": "Take this from `next`; it is not made by hand."}

    def to_internal_value(self, data: str) -> tuple[datetime, int]:
        at, _, place = data.partition("~")
        try:
            instant = datetime.fromisoformat(at.replace(" ", "+"))
        except ValueError:
            self.fail("form")
        is_place = re.fullmatch(r"\d{1,9}", place, re.ASCII)
        if instant.tzinfo is None or not FIRST <= instant.date() <= LAST or not is_place:
            self.fail("form")
        return instant, int(place)


@extend_schema_field({"type": "array", "items": {"type": "string", "enum": NEIGHBOUR_CODES}, "minItems": 1})
class NeighboursField(RegionsField):
    """Neighbours, separated by commas."""


class FlowParameters(Parameters):
    """A stretch of time."""

    start_date = Moment(
        default=None, help_text="From here on; without it, the latest instant alone, or its hour or day"
    )
    end_date = Moment(default=None, help_text="Up to here, included; the newest row without it")
    regions = RegionsField(default=None, known=Region.values, help_text="Only these, separated by commas")
    resolution = serializers.ChoiceField(
        RESOLUTIONS,
        default="5min",
        help_text="Each stamp, or the mean of an hour or of a New York day with its extremes",
    )
    limit = WholeNumber(
        default=None, min_value=1, max_value=10_000, help_text="Rows a page, 1,000 without it; CSV has all"
    )
    after = After(default=None, help_text="Where the page before ended; `next` carries it")
    format = serializers.ChoiceField(
        ["json", "csv"], default=None, help_text="The form, as `Accept` would say it"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The dates together."""
        start, end = attrs["start_date"], attrs["end_date"]
        if end is not None and start is None:
            raise serializers.ValidationError(
                {"start_date": "Give it too: end_date alone is no stretch of time."}
            )
        if start is not None and end is not None and start[0] >= end[1]:
            raise serializers.ValidationError({"end_date": "It lies before start_date."})
        return attrs


class InterfaceFlowParameters(FlowParameters):
    """Interfaces over a stretch of time."""

    interfaces = InterfacesField(
        default=None, help_text="Names or Point IDs, separated by commas; all without it"
    )


class InterregionalFlowParameters(FlowParameters):
    """Neighbours over a stretch of time."""

    regions = NeighboursField(
        default=None, known=NEIGHBOUR_CODES, help_text="Only these, separated by commas"
    )
    limit = WholeNumber(
        default=None, min_value=1, max_value=1_000, help_text="Rows a page, 100 without it; CSV has all"
    )
