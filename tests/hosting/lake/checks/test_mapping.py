"""Entries that read a layer otherwise than its publisher means it; decided without a row."""

from typing import Any

import pytest

from hosting.lake.checks import mapping
from hosting.lake.checks.found import Noticed
from hosting.lake.checks.layer_words import tokens, units
from tests.hosting.lake.frames import figure, source
from utilities.spec import SourceSpec


def layer(*fields: str | dict[str, Any], **given: Any) -> dict[str, Any]:
    """A layer with these fields; an alias is told by a field's own description."""
    described = [field if isinstance(field, dict) else {"name": field, "alias": field} for field in fields]
    return {"name": "HC", "fields": described, **given}


def found(check: str, spec: SourceSpec, described: dict[str, Any]) -> list[Noticed]:
    return [one for one in mapping.check(spec, described) if one.check_id == check]


def severities(check: str, spec: SourceSpec, described: dict[str, Any]) -> list[str]:
    return [one.severity for one in found(check, spec, described)]


def reads(field: str, reader: str = "mw", **given: Any) -> SourceSpec:
    return source(figure(hosting_capacity_mw={reader: field}, **given))


def test_q07_flags_noise_in_headings() -> None:
    spec = reads("hc")
    assert severities("Q07", spec, layer("id", "hc", headings=["\ufeffid", "hc"])) == ["W"]
    assert severities("Q07", spec, layer("id", "hc", headings=["id", "hc "])) == ["W"]
    assert severities("Q07", spec, layer("id", "hc", "HC")) == ["W"]
    assert severities("Q07", spec, layer("id", "hc", headings=["id", "hc"])) == []


def test_q20_holds_a_twin_made_for_display() -> None:
    assert severities("Q20", reads("hc_v"), layer("id", "hc", "hc_v")) == ["B"]
    assert severities("Q20", reads("hc"), layer("id", "hc", "hc_v")) == []
    assert severities("Q20", reads("hc_v"), layer("id", "hc_v")) == []


def test_q26_holds_another_unit_than_the_layer_names() -> None:
    alias = {"name": "hc", "alias": "Hosting Capacity (kW)"}
    assert severities("Q26", reads("hc"), layer("id", alias)) == ["B"]
    assert severities("Q26", reads("hc", "kw"), layer("id", alias)) == []
    assert severities("Q26", reads("HC_MVA"), layer("HC_MVA")) == ["B"]
    legend = {"field": "hc", "kind": "classBreaks", "labels": [["1", "0 - 1 MVA"], ["2", "1 - 2 MVA"]]}
    assert severities("Q26", reads("hc"), layer("id", "hc", legend=legend)) == ["B"]
    assert severities("Q26", reads("hc"), layer("id", "hc", legend=legend | {"field": "other"})) == []
    assert severities("Q26", reads("hc"), layer("id", "hc")) == []


def test_q28_holds_the_number_of_a_class() -> None:
    codes = {"name": "hc", "alias": "Limit", "codes": {"1": "0 - 1 MW", "2": "1 - 5 MW", "3": "over 5 MW"}}
    assert severities("Q28", reads("hc"), layer("id", codes)) == ["B"]
    coded = source(figure(hosting_capacity_mw={"mw": {"field": "hc", "coded": True, "end": "low"}}))
    assert severities("Q28", coded, layer("id", codes)) == []
    legend = {"field": "hc", "kind": "uniqueValue", "labels": [["1", "less than 1"], ["2", "1 to 5"]]}
    assert severities("Q28", reads("hc"), layer("id", "hc", legend=legend)) == ["B"]
    assert severities("Q28", reads("hc"), layer("id", "hc", legend=legend | {"kind": "classBreaks"})) == []


def test_q29_holds_generation_read_from_load_and_the_reverse() -> None:
    assert severities("Q29", reads("EV_Load_kW", "kw"), layer("EV_Load_kW")) == ["B"]
    assert severities("Q29", reads("EV_Load_kW", "kw", capacity_type="load"), layer("EV_Load_kW")) == []
    assert severities(
        "Q29", reads("GenCapacity_kW", "kw", capacity_type="load"), layer("GenCapacity_kW")
    ) == ["B"]
    assert severities("Q29", reads("GenCapacity_kW", "kw"), layer("GenCapacity_kW")) == []
    assert severities("Q29", reads("gen_at_min_load"), layer("gen_at_min_load")) == []


def test_q30_holds_a_flag() -> None:
    assert severities("Q30", reads("HC_PassFail"), layer("HC_PassFail")) == ["B"]
    codes = {"name": "hc", "alias": "Screen", "codes": {"1": "Pass", "0": "Fail"}}
    assert severities("Q30", reads("hc"), layer("id", codes)) == ["B"]
    assert severities("Q30", reads("hc"), layer("id", "hc")) == []


def test_q33_holds_what_would_be_taken_off_twice() -> None:
    parts: dict[str, Any] = {"remaining": "hosting_less_installed", "installed_dg_mw": {"mw": "inst"}}
    assert severities("Q33", reads("Remaining_HC", **parts), layer("Remaining_HC", "inst")) == ["B"]
    assert severities("Q33", reads("HC", **parts), layer("HC", "inst")) == []
    assert severities("Q33", reads("Remaining_HC", remaining="hosting"), layer("Remaining_HC")) == []
    with pytest.raises(ValueError, match="which the study already contains"):
        reads("HC", **parts, study_contains=["installed"])


def test_q48_holds_years_of_a_forecast() -> None:
    sliced = layer("id", "hc", "Year", name="Load forecast")
    assert severities("Q48", reads("hc"), sliced) == ["B"]
    chosen = source(figure(), where="Year = 2026")
    assert severities("Q48", chosen, sliced) == []
    both = source(figure(hosting_capacity_mw={"mw": "hc_2026"}, hosting_capacity_max_mw={"mw": "hc_2030"}))
    assert severities("Q48", both, layer("hc_2026", "hc_2030")) == ["B"]
    assert severities("Q48", reads("hc_2026"), layer("hc_2026")) == []


def test_q66_holds_columns_of_persons_and_flags_an_unknown_licence() -> None:
    known = source(redistribution="allowed")
    assert severities("Q66", known, layer("id", "hc", "CUSTOMER_NAME")) == ["B"]
    assert severities("Q66", known, layer("id", "hc", "SERVICE_STREET_ADDRESS")) == ["B"]
    assert severities("Q66", known, layer("id", "hc", "SUBSTATION", "ADDED_ON")) == []
    assert severities("Q66", source(), layer("id", "hc")) == ["W"]
    load = source(figure(capacity_type="load"), redistribution="allowed")
    assert severities("Q66", load, layer("id", "hc", "CUST_COUNT")) == ["B"]
    assert severities("Q66", known, layer("id", "hc", "CUST_COUNT")) == []


def test_what_an_entry_accepts_holds_nothing_and_is_told_with_its_reason() -> None:
    spec = source(figure(hosting_capacity_mw={"mw": "HC_MVA"}), accepted={"Q26": "The values are MW."})
    [told] = found("Q26", spec, layer("HC_MVA"))
    assert told.severity == "I"
    assert told.message.endswith("Accepted: The values are MW.")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("GenCapacity_kW", {"kw"}),
        ("Capacity (MW)", {"mw"}),
        ("kVA left", {"kva"}),
        ("MAX_HC_MVA_2", {"mva"}),
        ("Energy_kWh", set()),
        ("MWBE status", set()),
    ],
)
def test_units_are_found_in_words(text: str, named: set[str]) -> None:
    assert units(text) == named


def test_a_name_is_taken_apart() -> None:
    assert {"ev", "load", "capacity", "total"} <= tokens("EVLoadCapacity_kW (total)")
    assert tokens("HC_PassFail") == {"hc", "pass", "fail"}
