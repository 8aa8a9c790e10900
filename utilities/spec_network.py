"""What a row of the physical network says: a substation, its load in an hour, or the outline of a division.

Such a source has no capacity of a feeder, section or cell, so no figures.
"""

from typing import Literal

from utilities.spec_readings import Closed, Kilovolts, Megawatts, Reading, Text

Holds = Literal["capacity", "ders", "substations", "load_profiles", "boundaries"]


class Network(Closed):
    """Our columns of the network and the published fields they are read from.

    `name` is the substation's or the division's. `month_hour` is one field with both numbers in it, in this
    order (`7_18`); `hours` says how hours are counted, and 1-24 begins with the hour from midnight.
    """

    name: Text
    external_id: Text | None = None
    division: Text | None = None
    voltage_kv: Kilovolts | None = None
    installed_dg_mw: Megawatts | None = None
    queued_dg_mw: Megawatts | None = None
    month_hour: Text | None = None
    hours: Literal["0-23", "1-24"] = "0-23"
    low_mw: Megawatts | None = None
    high_mw: Megawatts | None = None

    def readings(self) -> dict[str, Reading]:
        """Our column to its reading."""
        return {name: value for name, value in self if isinstance(value, Reading)}
