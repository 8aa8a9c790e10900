"""Published text becomes our words and units, or is reported as not understood; never something else."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from hosting.lake.readers_words import METRICS
from tests.hosting.lake.frames import column, figure, source, staged

MIDNIGHT = int(datetime(2022, 10, 1, tzinfo=UTC).timestamp() * 1000)
HOUR = 3_600_000


def megawatts(reader: dict[str, Any], *published: str | None) -> list[Any]:
    """What a reader of capacity makes of each text: a decimal, null, or the check that refused it."""
    spec = source(figure(hosting_capacity_mw=reader, remaining="hosting"))
    rows = staged(spec, [{"hc": text} for text in published])
    assert {row["reject_check"] for row in rows} <= {None, "Q27"}
    return [row["reject_check"] or row["hosting_capacity_mw"] for row in rows]


def of_fields(fields: dict[str, Any], name: str, *published: str | None, **given: Any) -> list[Any]:
    """What a reader of a row's column makes of each text in the field `x`."""
    return column(source(fields=fields), name, [{"hc": "1", "x": text} for text in published], **given)


def test_numbers_are_read_as_they_are_commonly_written() -> None:
    forms = {
        "5000": "5", " 1200 ": "1.2", "\t1200\r\n": "1.2", "1e3": "1", "1E+3": "1",
        "1.2345678E7": "12345.678", "15e-3": "0.00002", ".5": "0.0005", "5.": "0.005",
        "-3": "-0.003", "+7": "0.007", "0": "0", "-0": "0",
        "5000.0": "5", "00012": "0.012", "12345678.0": "12345.678", "9999999999": "9999999.999",
    }  # fmt: skip
    assert megawatts({"kw": "hc"}, *forms) == [Decimal(value) for value in forms.values()]


def test_half_of_the_last_place_is_rounded_away_from_zero() -> None:
    forms = {
        "0.015": "0.00002", "0.025": "0.00003", "0.035": "0.00004", "0.0149": "0.00001", "0.005": "0.00001",
        "0.0049": "0", "-0.015": "-0.00002", "1.015": "0.00102", "1000.005": "1.00001",
    }  # fmt: skip
    assert megawatts({"kw": "hc"}, *forms) == [Decimal(value) for value in forms.values()]


def test_what_is_no_plain_number_is_quarantined_and_never_guessed() -> None:
    odd = [
        "11,660", "450 - 600", "5 MW", "10d", "1e3f", "0x10", "1_000", "１２", "٣", "½", "1e400", "Infinity",
        "--5", "5-", "1.2.3", ".", "e5", "99999999999999", "TBD", "1 000", "1'000",
    ]  # fmt: skip
    assert megawatts({"mw": "hc"}, *odd) == ["Q27"] * len(odd)


def test_nothing_said_is_null_and_no_fault() -> None:
    nothing = ["", "   ", "\t", "null", "NULL", "<Null>", "None", "NaN", None]
    assert megawatts({"mw": "hc"}, *nothing) == [None] * len(nothing)


def test_a_refused_number_is_told_with_its_column_and_field() -> None:
    [row] = staged(source(), [{"hc": "11,660"}])
    assert (row["reject_check"], row["reject_reason"]) == (
        "Q27",
        "not a number: hosting_capacity_mw (field hc)",
    )


def test_units_are_those_of_the_reader() -> None:
    assert megawatts({"mw": "hc"}, "12.3456789") == [Decimal("12.34568")]
    assert megawatts({"kw": "hc"}, "12.3456789") == [Decimal("0.01235")]
    assert megawatts({"mva": {"field": "hc", "power_factor": 0.95}}, "10", "9.99999", "-2") == [
        Decimal("9.5"),
        Decimal("9.49999"),
        Decimal("-1.9"),
    ]
    assert megawatts({"kva": {"field": "hc", "power_factor": 0.9}}, "10000", "5", "1e3") == [
        Decimal(9),
        Decimal("0.0045"),
        Decimal("0.9"),
    ]


def test_voltages_are_kilovolts_whatever_unit_is_written_behind_them() -> None:
    forms: dict[str, str | None] = {
        "24.9 KV": "24.9", "12.47": "12.47", "13.2kV": "13.2", "4.16 kv": "4.16", "34.5 kVolts": "34.5",
        "24900 V": "24.9", "4160 Volts": "4.16", "12.47/7.2": None, "12,470": None, "kV": None,
    }  # fmt: skip
    expected = [value and Decimal(value) for value in forms.values()]
    assert of_fields({"voltage_kv": {"kv": "x"}}, "voltage_kv", *forms) == expected


def test_the_reader_volts_takes_a_bare_number_as_volts() -> None:
    read = of_fields({"voltage_kv": {"volts": "x"}}, "voltage_kv", "24900", "12470.0", "4160 V", "24.9 kV")
    assert read == [Decimal("24.9"), Decimal("12.47"), Decimal("4.16"), Decimal("24.9")]


def test_a_voltage_that_is_not_read_is_reported_and_the_row_stays() -> None:
    [row] = staged(source(fields={"voltage_kv": {"kv": "x"}}), [{"hc": "1", "x": "12.47/7.2"}])
    assert (row["reject_check"], row["unread"]) == (None, "voltage_kv (field x)")


def test_flags_are_yes_no_or_unknown() -> None:
    forms = {
        "Y": True, "yes": True, "TRUE": True, "1": True, "OH": True, "Overhead": True, "N": False,
        "no": False, "false": False, "0": False, "UG": False, "Underground": False, "radial": False,
        "maybe": None, "": None,
    }  # fmt: skip
    assert of_fields({"is_overhead": {"flag": "x"}}, "is_overhead", *forms) == list(forms.values())


RANGES: dict[str, tuple[str | None, str | None, str]] = {
    # Published in kW: the low end and the high end in MW, and what the low end is.
    "450 - 600": ("0.45", "0.6", "published"),
    "450-600": ("0.45", "0.6", "published"),
    "0.5 – 1": ("0.0005", "0.001", "published"),
    "450 to 600": ("0.45", "0.6", "published"),
    "700": ("0.7", "0.7", "published"),
    ">7500": ("7.5", None, "at_least"),
    ">= 7500": ("7.5", None, "at_least"),
    "Over 7500": ("7.5", None, "at_least"),
    "7500+": ("7.5", None, "at_least"),
    "<300": (None, "0.3", "unknown"),
    "Up to 300": (None, "0.3", "unknown"),
    "NO CAPACITY": ("0", "0", "published"),
    "": (None, None, "unknown"),
}


def test_a_range_keeps_both_its_ends_and_an_open_one_the_end_it_has() -> None:
    def end(which: str) -> dict[str, Any]:
        return {"kw": {"field": "hc", "end": which, "zero": ["NO CAPACITY"]}}

    spec = source(
        figure(
            hosting_capacity_mw=end("low"),
            hosting_capacity_min_mw=end("low"),
            hosting_capacity_max_mw=end("high"),
        )
    )
    rows = staged(spec, [{"hc": text} for text in RANGES])
    assert [row["reject_check"] for row in rows] == [None] * len(RANGES)
    found = [
        (row["hosting_capacity_min_mw"], row["hosting_capacity_max_mw"], row["capacity_status"])
        for row in rows
    ]
    assert found == [
        (low and Decimal(low), high and Decimal(high), status) for low, high, status in RANGES.values()
    ]
    assert [row["hosting_capacity_mw"] for row in rows] == [low for low, _high, _status in found]


def test_a_range_is_no_number_where_no_end_is_declared_nor_is_a_broken_one() -> None:
    assert megawatts({"kw": "hc"}, "450 - 600", ">7500", "7500+") == ["Q27"] * 3
    broken = ["450 -", "- 600", "450 - 600 - 700", "> x", "1.2.3 - 4", "+", "450 – ?"]
    assert megawatts({"kw": {"field": "hc", "end": "low"}}, *broken) == ["Q27"] * len(broken)


def test_a_word_for_no_capacity_is_zero_and_known_and_no_other_word_is() -> None:
    reading = {"kw": {"field": "hc", "zero": ["NO CAPACITY"], "not_studied": ["NA"]}}
    rows = staged(
        source(figure(hosting_capacity_mw=reading)), [{"hc": text} for text in ("NO CAPACITY", "NA", "NO")]
    )
    assert [(row["hosting_capacity_mw"], row["capacity_status"]) for row in rows[:2]] == [
        (Decimal(0), "published"),
        (None, "not_studied"),
    ]
    assert rows[2]["reject_check"] == "Q27"


def test_the_meaning_of_a_code_is_read_where_the_entry_asks_for_it() -> None:
    codes = {"x": {"1": "OH", "2": "UG", "9": "maybe"}}
    published = ["1", "2.0", " 2 ", "9", "3", "UG", "", None]
    read = {"flag": {"field": "x", "coded": True}}
    assert of_fields({"is_overhead": read}, "is_overhead", *published, codes=codes) == [
        True, False, False, None, None, False, None, None,
    ]  # fmt: skip
    # Without it, and where the layer has no such domain, the code itself is read.
    assert of_fields({"is_overhead": {"flag": "x"}}, "is_overhead", "1", "0", codes=codes) == [True, False]
    assert of_fields({"is_overhead": read}, "is_overhead", "1", "0") == [True, False]


def test_a_code_and_its_meaning_are_read_from_one_field() -> None:
    spec = source(
        figure(hosting_capacity_mw={"mw": {"field": "x", "coded": True, "end": "low"}}),
        fields={"feeder_name": {"text": "x"}, "substation_name": {"text": {"field": "x", "coded": True}}},
    )
    [row] = staged(spec, [{"x": "7"}], codes={"x": {"7": "2 - 3"}})
    assert (row["feeder_name"], row["substation_name"]) == ("7", "2 - 3")
    assert (row["hosting_capacity_mw"], row["reject_check"]) == (Decimal(2), None)


def test_phases_are_counted_or_spelt_out() -> None:
    forms = {
        "3": "3-phase", "3.0": "3-phase", "ABC": "3-phase", "Three-Phase": "3-phase", "3 PHASE": "3-phase",
        "3PH": "3-phase", "2": "2-phase", "AB": "2-phase", "BC": "2-phase", "two_phase": "2-phase",
        "1": "single-phase", "C": "single-phase", "Single Phase": "single-phase", "1-phase": "single-phase",
        "4": None, "N": None,
    }  # fmt: skip
    assert of_fields({"phase_config": {"phases": "x"}}, "phase_config", *forms) == list(forms.values())


def test_epoch_milliseconds_are_a_day_at_midnight_utc_and_an_instant_otherwise() -> None:
    def days(timezone: str, *millis: int | str) -> list[Any]:
        published = [str(value) for value in millis]
        fields = {"record_date": {"date": "x"}}
        return of_fields(fields, "record_date", *published, timezone=timezone, x="esriFieldTypeDate")

    october, september = date(2022, 10, 1), date(2022, 9, 30)
    instants = (MIDNIGHT, MIDNIGHT + HOUR, MIDNIGHT + 5 * HOUR, MIDNIGHT + 8 * HOUR, MIDNIGHT - HOUR)
    assert days("America/New_York", *instants) == [october, september, october, october, september]
    assert days("America/Los_Angeles", *instants) == [october, september, september, october, september]
    assert days("UTC", *instants) == [october, october, october, october, september]
    assert days("UTC", f"{MIDNIGHT}.0", "1.6645824E12") == [october, october]
    assert days("UTC", "99999999999999", "2022-10-01", "-99999999999999", "soon") == [None] * 4


def test_dates_as_text_are_iso_or_in_the_declared_form() -> None:
    def days(declared: str | None, *published: str) -> list[Any]:
        reader = {"field": "x"} | ({"format": declared} if declared else {})
        return of_fields({"record_date": {"date": reader}}, "record_date", *published)

    assert days(None, "2022-10-01", "2022-10-01T13:45:00Z", "2022-10-01 00:00:00") == [date(2022, 10, 1)] * 3
    assert days(None, "10/1/2022", "2022-13-41", "2022-10", "20221001", "1664582400000") == [None] * 5
    assert days("M/d/yyyy", "06/05/2020", "6/5/2020", " 6/5/2020 ") == [date(2020, 6, 5)] * 3
    assert days("M/d/yyyy", "13/5/2020", "2020-06-05", "6/5/20x") == [None] * 3
    assert days("yyyy/MM/dd HH:mm:ssX", "2022/10/01 00:00:00+00", "2022/09/30 13:00:00+00") == [
        date(2022, 10, 1),
        date(2022, 9, 30),
    ]


def test_of_several_declared_forms_the_first_that_fits_counts_and_a_date_field_keeps_its_epoch() -> None:
    def days(kind: str, *published: str) -> list[Any]:
        reader = {"field": "x", "format": ["yyyyMMdd", "M/d/yyyy"]}
        return of_fields({"record_date": {"date": reader}}, "record_date", *published, x=kind)

    october = date(2022, 10, 1)
    assert days("esriFieldTypeString", "20221001", "10/01/2022", "2022-10-01") == [october, october, None]
    assert days("esriFieldTypeDate", str(MIDNIGHT), "10/1/2022") == [october, october]


def test_a_date_that_is_not_read_is_quarantined() -> None:
    spec = source(fields={"record_date": {"date": "x"}})
    rows = staged(spec, [{"hc": "1", "x": text} for text in ("10/1/2022", "", "2022-10-01", None)])
    assert [row["reject_check"] for row in rows] == ["Q47", None, None, None]
    assert rows[0]["reject_reason"] == "not a date: record_date (field x)"


SPELLINGS = {
    "thermal": "thermal limit, thermal_discharging, overload, conductor thermal",
    "voltage": "voltage rise, primary_over_voltage, voltage_deviation, regulator_deviation,"
    " steady state voltage, voltage variation",
    "protection": "fault current, additional_element_fault, breaker_reach, sympathetic trip",
    "islanding": "unintentional_islanding, anti-islanding",
    "reverse_power": "reverse power, backfeed",
}


def test_every_spelling_of_a_constraint_is_known_with_dashes_underscores_and_in_any_case() -> None:
    words = {
        spelling: ours
        for ours, theirs in SPELLINGS.items()
        for plain in [ours, *theirs.split(", "), *METRICS[ours]]
        for spelling in {
            plain,
            plain.upper(),
            plain.title(),
            plain.replace(" ", "_"),
            plain.replace("_", "-"),
            plain.replace("-", " ").replace("_", "  "),
            f" {plain} ",
        }
    }
    spec = source(figure(constraining_metric={"metric": "why"}))
    rows = staged(spec, [{"hc": "1", "why": word} for word in words])
    assert dict(zip(words, (row["constraining_metric"] for row in rows), strict=True)) == words


def test_a_constraint_not_known_is_unknown_and_a_blank_one_is_null() -> None:
    spec = source(figure(constraining_metric={"metric": {"field": "why", "words": {"Hot Wire": "thermal"}}}))
    published = ["Gremlins", "hot_wire", "HOT WIRE", "", "  ", None, "N/A"]
    rows = [{"hc": "1", "why": word} for word in published]
    read = ["unknown", "thermal", "thermal", None, None, None, "unknown"]
    assert column(spec, "constraining_metric", rows) == read


def test_withheld_not_studied_unknown_and_at_least_are_four_different_things_and_none_is_zero() -> None:
    reading = {
        "kw": {
            "field": "hc",
            "withheld": ["REDACTED"],
            "not_studied": ["NA", "-9999"],
            "unknown": ["TBD"],
            "at_least": 10_000,
        }
    }
    spec = source(figure(hosting_capacity_mw=reading, remaining="hosting"))
    cases: dict[str | None, tuple[str | None, str]] = {
        "REDACTED": (None, "withheld"),
        " REDACTED ": (None, "withheld"),
        "NA": (None, "not_studied"),
        "-9999": (None, "not_studied"),
        "-9999.0": (None, "not_studied"),
        "TBD": (None, "unknown"),
        "": (None, "unknown"),
        None: (None, "unknown"),
        "10000": ("10", "at_least"),
        "10000.0": ("10", "at_least"),
        "12000": ("12", "at_least"),
        "9999.99": ("9.99999", "published"),
        "0": ("0", "published"),
    }
    rows = staged(spec, [{"hc": text} for text in cases])
    assert [row["reject_check"] for row in rows] == [None] * len(cases)
    assert [(row["hosting_capacity_mw"], row["capacity_status"]) for row in rows] == [
        (value and Decimal(value), status) for value, status in cases.values()
    ]
    assert [row["remaining_capacity_mw"] for row in rows] == [row["hosting_capacity_mw"] for row in rows]


def test_a_word_that_is_not_declared_is_no_status_but_a_fault() -> None:
    reading = {"kw": {"field": "hc", "not_studied": ["NA"]}}
    rows = staged(source(figure(hosting_capacity_mw=reading)), [{"hc": "na"}, {"hc": "N/A"}])
    assert [row["reject_check"] for row in rows] == ["Q27", "Q27"]


def test_ids_are_text_with_their_leading_zeros_and_without_what_a_float_column_added() -> None:
    ids = {
        "007": "007",
        "12345678.0": "12345678",
        "0012.0": "0012",
        "36_13_81756": "36_13_81756",
        "1e3": "1e3",
    }
    ids |= {"12.50": "12.50", " F-1 ": "F-1", "A.0": "A.0"}
    rows = [{"id": published, "hc": "1"} for published in ids]
    assert column(source(), "feeder_id", rows) == list(ids.values())
    assert column(source(), "key", rows) == list(ids.values())


@pytest.mark.parametrize("nothing", ["", "  ", "NULL", "<Null>", None])
def test_names_that_say_nothing_are_null(nothing: str | None) -> None:
    assert of_fields({"feeder_name": {"text": "x"}}, "feeder_name", nothing) == [None]


def test_text_is_kept_as_published_within_its_blanks() -> None:
    names = ['He said "no"', "a,b", "line\nbreak", "back\\slash", "\\N", "Überlandwerk 電力", "it's"]
    assert of_fields({"feeder_name": {"text": "x"}}, "feeder_name", *names) == names


def test_nul_characters_go_and_the_backslash_before_one_stays() -> None:
    names = {"A\x00\x00": "A", "\x00": None, "a\\\x00b": "a\\b", "a\\u0000b": "a\\u0000b", "\\\\\x00": "\\\\"}
    assert of_fields({"feeder_name": {"text": "x"}}, "feeder_name", *names) == list(names.values())
