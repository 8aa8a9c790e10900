"""Days from epoch milliseconds, from ISO text, and from text in a declared form."""

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from hosting.lake.readers_numbers import number
from utilities.spec_readings import Reading

if TYPE_CHECKING:
    from pyspark.sql import Column

DATE_TYPE = "esriFieldTypeDate"
ISO_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?$"
EARLIEST, LATEST = -2_208_988_800_000, 4_102_444_800_000  # 1900 and 2100; what lies beyond is no date
DAY = 86_400_000


def day(text: "Column", reading: Reading, field_type: str, timezone: str) -> "Column":
    """A day in the utility's own zone.

    A date field holds epoch milliseconds, any other ISO days, which need no declaration. Declared formats
    come after what a date field holds, and instead of ISO in text.
    """
    declared = [F.try_to_timestamp(text, F.lit(form)).cast("date") for form in reading.formats]
    if field_type == DATE_TYPE:
        return F.coalesce(_from_epoch(text, timezone), *declared)
    return F.coalesce(*declared) if declared else _from_iso(text)


def _from_iso(text: "Column") -> "Column":
    whole = F.when(text.rlike(ISO_DAY), F.substring(text, 1, 10))
    return F.try_to_timestamp(whole, F.lit("yyyy-MM-dd")).cast("date")


def _from_epoch(text: "Column", timezone: str) -> "Column":
    """Exactly midnight UTC stands for a date, as ArcGIS stores bare ones; all else for an instant."""
    millis = number(text).try_cast("bigint")
    sane = F.when((millis > F.lit(EARLIEST)) & (millis < F.lit(LATEST)), millis)
    instant = F.timestamp_millis(sane)
    midnight = (sane % F.lit(DAY)) == F.lit(0)
    return F.when(midnight, instant.cast("date")).otherwise(
        F.from_utc_timestamp(instant, timezone).cast("date")
    )
