"""Which synthetic utilities there are: where they lie, what they publish, how much of the whole each has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from utilities.spec import UtilitySpec

PREFIX = "load_"
Box = tuple[float, float, float, float]  # west, south, east, north, in degrees
Basis = Literal[
    "hosting", "hosting_less_installed", "hosting_less_queued", "hosting_less_installed_and_queued"
]


@dataclass(frozen=True)
class Plan:
    """One utility. `share` is its part of all feeders, beside the others'."""

    number: int
    state: str
    timezone: str
    box: Box
    share: int
    basis: Basis
    grain: Literal["section", "feeder"] = "section"
    redistribution: Literal["allowed", "display_only", "unknown"] = "allowed"
    criteria: bool = False  # whether what each criterion allows is published too

    @property
    def code(self) -> str:
        return f"{PREFIX}{self.number}"

    @property
    def name(self) -> str:
        return f"Load Utility {self.number} (synthetic)"

    @property
    def takes_off(self) -> tuple[str, ...]:
        """What its basis takes off the hosting capacity of generation."""
        return tuple(word for word in ("installed", "queued") if word in self.basis.split("_"))


# Boxes well inside one state each, so that no feeder leaves it.
PLANS = (
    Plan(1, "NE", "America/Chicago", (-101.4, 40.4, -97.2, 42.5), 6, "hosting", criteria=True),
    Plan(2, "KS", "America/Chicago", (-101.6, 37.4, -95.4, 39.6), 5, "hosting_less_installed_and_queued"),
    Plan(3, "SD", "America/Chicago", (-102.6, 43.4, -97.2, 45.5), 4, "hosting_less_queued"),
    Plan(
        4, "CO", "America/Denver", (-108.5, 37.4, -102.6, 40.6), 3, "hosting", redistribution="display_only"
    ),
    Plan(
        5,
        "WY",
        "America/Denver",
        (-110.5, 41.4, -104.6, 44.6),
        2,
        "hosting_less_installed",
        grain="feeder",
        redistribution="unknown",
    ),
)


def entry(plan: Plan, made_by: str) -> UtilitySpec:
    """The catalog entry that such a utility would have, checked by the catalog's own schema."""
    rolled_up = plan.grain == "section"
    generation: dict[str, Any] = {
        "capacity_type": "generation",
        "meaning": "Generation that can be added without upgrades; synthetic.",
        "hosting_capacity_mw": {"mw": {"field": "GEN_MW", "at_least": 10}},
        "installed_dg_mw": {"mw": "INSTALLED_MW"},
        "queued_dg_mw": {"mw": "QUEUED_MW"},
        "constraining_metric": {"metric": "GEN_LIMIT"},
        "study_contains": [word for word in ("installed", "queued") if word not in plan.takes_off],
        "remaining": plan.basis,
    }
    load: dict[str, Any] = {
        "capacity_type": "load",
        "meaning": "Load that can be added without upgrades; synthetic.",
        "hosting_capacity_mw": {"mw": "LOAD_MW"},
        "remaining": "hosting",
    }
    if plan.criteria:
        generation["criteria"] = {"thermal": {"mw": "THERMAL_MW"}, "voltage": {"mw": "VOLTAGE_MW"}}
    if rolled_up:
        generation["rollup"], load["rollup"] = "max", "min"
    source = {
        "code": "sections" if rolled_up else "circuits",
        "title": f"Hosting capacity by {'section' if rolled_up else 'circuit'} (synthetic)",
        "service_url": f"recorded://{plan.code}/FeatureServer",
        "layer": 0,
        "grain": plan.grain,
        "key": ["SECTION" if rolled_up else "FEEDER"],
        "cadence": "monthly",
        "redistribution": plan.redistribution,
        "licence": "Synthetic data, free to use",
        "attribution": "hcportal load data",
        "fields": {
            "feeder_id": {"id": "FEEDER"},
            "feeder_name": {"text": "NAME"},
            "substation_name": {"text": "SUBSTATION"},
            "county": {"text": "COUNTY"},
            "voltage_kv": {"kv": "KV"},
            "phase_config": {"phases": "PHASES"},
            "is_overhead": {"flag": "OVERHEAD"},
            "is_network": {"flag": "NETWORK"},
            "record_date": {"date": "STUDIED"},
            "der_date": {"date": "DG_AS_OF"},
        },
        "figures": [generation, load],
    }
    return UtilitySpec.model_validate(
        {
            "code": plan.code,
            "name": plan.name,
            "states": [plan.state],
            "timezone": plan.timezone,
            "data_source_type": "custom",
            "synthetic": True,
            "evidence": made_by,
            "notes": "For measurements. No layer is behind it: bin/manage generate_load wrote the rows.",
            "sources": [source],
        }
    )


def split(total: int, plans: Sequence[Plan] = PLANS) -> dict[str, int]:
    """`total` by code, in the plans' shares, none of it lost."""
    whole = sum(plan.share for plan in plans)
    found, before = {}, 0
    for plan in plans:
        after = before + plan.share
        found[plan.code] = total * after // whole - total * before // whole
        before = after
    return found
