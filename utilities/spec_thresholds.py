"""When a check speaks: the numbers that a source may set. Which check uses which: docs/quality.md."""

from typing import Literal

from pydantic import Field

from utilities.spec_readings import Closed

# Those that look at the entry and the layer's description, and at no row.
MappingCheck = Literal["Q07", "Q20", "Q26", "Q28", "Q29", "Q30", "Q33", "Q48", "Q66"]
Steps = tuple[tuple[float, float], ...]


class Thresholds(Closed):
    """When a refresh is held or flagged. Defaults suit most; a source with a reason sets its own."""

    max_row_loss: float = Field(0.2, ge=0, le=1, description="share of rows that may vanish at once")
    max_key_change: float = Field(0.5, ge=0, le=1, description="Q56: share of keys that may be replaced")
    max_feeder_change: float = Field(0.05, ge=0, description="Q56: share by which feeders may grow or shrink")
    max_total_change: float = Field(0.15, ge=0, description="Q56: share by which all capacity may change")
    max_changed_feeders: float = Field(
        0.5, ge=0, le=1, description="Q56: share of feeders whose figure may change"
    )
    scale_shift: float = Field(300, gt=1, description="Q24: median ratio to the last refresh, either way")
    max_quarantined: float = Field(0.5, ge=0, le=1, description="share of rows that may be quarantined")
    max_ratio_change: float = Field(0.25, ge=0, description="Q09: change of the number of rows a feeder")
    max_null_rise: float = Field(0.1, ge=0, le=1, description="Q12: rise of a column's share of nulls")
    max_zero_share: float = Field(0.5, ge=0, le=1, description="Q21: share of figures that may be zero")
    max_zero_rise: float = Field(0.05, ge=0, le=1, description="Q21: rise of the share of zeros")
    pile_up: int = Field(10, ge=2, description="Q22: figures at the highest value that look like a ceiling")
    policy_caps: Steps = Field(
        ((15, 3), (27, 6), (36, 10)), description="Q23: up to this many kV, this many MW are a policy's cap"
    )
    policy_cap_share: float = Field(0.2, gt=0, le=1, description="Q23: share of figures that equal the cap")
    plausible_mw: Steps = Field(
        ((15, 40), (36, 150)), description="Q25: up to this many kV, more MW than these are not plausible"
    )
    max_remaining_gap: float = Field(
        0.05, ge=0, description="Q32: published remaining against hosting less installed and queued"
    )
    max_headline_gap: float = Field(0.01, ge=0, description="Q36: headline against the lowest criterion")
    max_age_days: int = Field(400, ge=1, description="Q42: days since the newest study")
    max_der_age_days: int = Field(62, ge=1, description="Q42: days since the newest DER figures")
    max_same_after_date: float = Field(
        0.5, ge=0, le=1, description="Q45: share of feeders with a new date and the old values"
    )
    max_name_months: int = Field(12, ge=1, description="Q46: months between a service's name and its dates")
    max_outside: float = Field(0.05, ge=0, le=1, description="Q50: share of rows outside the states")
    max_misplaced: float = Field(
        0.5, ge=0, le=1, description="Q51, Q52: share of rows with swapped or projected coordinates"
    )
    max_extent_degrees: float = Field(1.0, gt=0, description="Q53: how far one row may reach")
    max_length_change: float = Field(0.1, ge=0, description="Q55: share by which all lengths may change")
    max_move_mw: float = Field(5, ge=0, description="Q58: MW that a feeder may move by")
    max_move: float = Field(0.5, ge=0, description="Q58: share that a feeder may move by")
    max_nameplate_kw: float = Field(500_000, gt=0, description="Q61: nameplates above are not plausible")
    max_technology_gap: float = Field(0.01, ge=0, description="Q62: sum of technologies against nameplate")
    max_substation_gap: float = Field(0.01, ge=0, description="Q64: substation total against its projects")
