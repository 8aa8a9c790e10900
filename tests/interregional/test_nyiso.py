"""The reader: what a file holds, and what is said of a file that is none."""

import zipfile
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interregional.archive import csv_files
from interregional.lines import NotAFlowFile, _by_line, columns_of
from interregional.noticing import Noticed
from interregional.nyiso import FlowRow, Reading, read
from tests.interregional.files import (
    HEADER,
    as_file,
    as_zip,
    minutes,
    real_day,
    real_extract,
    real_rows,
    row,
    utc,
)

T = utc("2026-07-01 12:00")


def noticed(reading: Reading) -> dict[str, int]:
    return {notice.kind.value: notice.count for notice in reading.notices}


def test_the_real_day_is_read_whole() -> None:
    reading = read(real_day())
    rows = reading.rows()
    assert (len(rows), reading.rows_read) == (5_202, 5_202)
    assert len({row.timestamp for row in rows}) == 289
    assert len({row.point_id for row in rows}) == 18
    assert reading.refused == []
    assert noticed(reading) == {"off_grid": 2, "gap": 1}
    assert rows[0].timestamp == utc("2017-11-22 05:00")
    assert reading.newest == utc("2017-11-23 04:55")


def test_every_value_of_the_real_day_is_as_published() -> None:
    found = {(row.timestamp, row.point_id): row for row in read(real_day()).rows()}
    for stamp, name, point_id, flow, positive, negative in real_rows():
        hour = utc(f"2017-11-22 {stamp[-5:]}") + minutes(5 * 60)  # EST all day
        limits = [None if text in {"9999", "-9999"} else Decimal(text) for text in (positive, negative)]
        assert found[hour, int(point_id)] == FlowRow(hour, int(point_id), name, Decimal(flow), *limits)


def test_spot_values_of_the_real_day() -> None:
    found = {(row.timestamp, row.name): row for row in read(real_day()).rows()}
    five = utc("2017-11-22 05:00")
    central = found[five, "CENTRAL EAST - VC"]
    assert (central.flow_mw, central.positive_limit_mw, central.negative_limit_mw) == (
        Decimal("2054.26"),
        Decimal(2175),
        None,
    )
    assert found[five, "SCH - NE - NY"].flow_mw == Decimal("-1124.96")
    assert found[five, "WEST CENTRAL"].positive_limit_mw is None
    last = found[utc("2017-11-23 04:55"), "WEST CENTRAL"]
    assert last.flow_mw == Decimal("784.45")


def test_the_unsorted_extract_of_2014_is_read() -> None:
    rows = read(real_extract()).rows()
    assert len(rows) == 66
    assert rows == sorted(rows, key=lambda row: (row.timestamp, row.point_id))
    first = {row.name: row.flow_mw for row in rows if row.timestamp == utc("2014-09-10 04:00")}
    assert first["SCH - OH - NY"] == Decimal("1011.6")


def test_the_extract_lacks_most_of_its_day_and_six_interfaces_one_stamp() -> None:
    reading = read(real_extract())
    assert noticed(reading)["gap"] == 284
    assert sorted(n.point_id or 0 for n in reading.notices if n.kind is Noticed.MISSING) == [
        *(23314, 325274, 325277, 325305, 325376, 325658),
    ]


def test_exactly_9999_is_no_limit_and_9899_and_zero_are() -> None:
    lines = [
        "07/01/2026 08:00,A,1,5,9999,-9999",
        "07/01/2026 08:00,B,2,5,9899,-9899",
        "07/01/2026 08:00,C,3,0,0,0",
        "07/01/2026 08:00,D,4,5,-9999,9999",
        "07/01/2026 08:00,E,5,5,,",
    ]
    found = {row.name: row for row in read(("\r\n".join([HEADER, *lines]) + "\r\n").encode()).rows()}
    limits = {name: (row.positive_limit_mw, row.negative_limit_mw) for name, row in found.items()}
    assert limits == {
        "A": (None, None),
        "B": (Decimal(9899), Decimal(-9899)),
        "C": (Decimal(0), Decimal(0)),
        "D": (None, None),
        "E": (None, None),
    }


def test_the_last_of_equal_rows_counts_and_they_are_counted() -> None:
    reading = read(as_file([row(T, flow=1), row(T, 325305), row(T, flow=2), row(T, flow=3)]))
    assert [(r.point_id, r.flow_mw) for r in reading.rows()] == [(23316, Decimal(3)), (325305, Decimal(1))]
    duplicate = next(n for n in reading.notices if n.kind is Noticed.DUPLICATE)
    assert duplicate.count == 2
    assert "1 MW, then 2 MW" in duplicate.examples[0]


def test_rows_in_any_order_come_out_in_order_and_it_is_noticed() -> None:
    reading = read(as_file([row(T + minutes(5)), row(T), row(T + minutes(10))]))
    assert [r.timestamp for r in reading.rows()] == [T, T + minutes(5), T + minutes(10)]
    assert noticed(reading)["unsorted"] == 1


def test_files_of_2005_have_seconds() -> None:
    rows = [row(utc("2005-02-01 12:00") + minutes(5 * n)) for n in range(3)]
    assert read(as_file(rows, seconds=True)).rows() == read(as_file(rows)).rows()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("07/01/2026 08:05,A,1,,100,-100", "'' is no possible number of megawatts"),
        ("07/01/2026 08:05,A,1,nan,100,-100", "'nan' is no possible"),
        ("07/01/2026 08:05,A,1,inf,100,-100", "'inf' is no possible"),
        ("07/01/2026 08:05,A,1,1e9,100,-100", "'1e9' is no possible"),
        ("07/01/2026 08:05,A,1,5,many,-100", "'many' is no possible"),
        ("07/01/2026 08:05,A,0,5,100,-100", "'0' is no Point ID"),
        ("07/01/2026 08:05,A,99999999999,5,100,-100", "is no Point ID"),
        ("07/01/2026 08:05,A,x,5,100,-100", "'x' is no Point ID"),
        (f"07/01/2026 08:05,A,000000000001{'9' * 20},5,100,-100", "is no Point ID"),
        ("07/01/2026 08:05,A,1,5\0,100,-100", "is no possible number of megawatts"),
        ("12/31/9999 00:00,A,1,5,100,-100", "is no time"),
        ("01/01/0001 00:00,A,1,5,100,-100", "is no time"),
        ("01/01/1969 00:00,A,1,5,100,-100", "is no time"),
        ("07/01/2026 08:05, ,1,5,100,-100", "names no interface"),
        (f"07/01/2026 08:05,{'A' * 61},1,5,100,-100", "name has more than 60 characters"),
        ("13/01/2026 08:05,A,1,5,100,-100", "is no time"),
        ("07/01/2026 25:05,A,1,5,100,-100", "is no time"),
        ("2026-07-01 08:05,A,1,5,100,-100", "is no time"),
        ("07/01/2026 08:05,A,1,5,100", "it has 5 fields instead of 6"),
        ("07/01/2026 08:05,A,1,5,100,-100,7", "it has 7 fields instead of 6"),
    ],
)
def test_a_line_that_is_no_row_is_set_aside_with_its_reason(line: str, reason: str) -> None:
    good = "07/01/2026 08:00,A,1,5,100,-100"
    reading = read(f"{HEADER}\r\n{good}\r\n{line}\r\n".encode())
    assert len(reading.rows()) == 1
    assert [fault.line for fault in reading.refused] == [3]
    assert reason in reading.refused[0].reason
    assert reading.refused[0].text == line
    assert noticed(reading)["unreadable_row"] == 1


def test_by_column_and_by_line_are_the_same() -> None:
    body = real_day()
    quickly, _ = columns_of(body)
    carefully, refused = _by_line(body)
    assert refused == []
    for column in ("line", "point_id", "flow_mw", "positive_limit_mw", "negative_limit_mw"):
        one, other = getattr(quickly, column), getattr(carefully, column)
        assert ((one == other) | ((one != one) & (other != other))).all(), column
    assert [quickly.stamps[n] for n in quickly.stamp] == [carefully.stamps[n] for n in carefully.stamp]
    assert [quickly.names[n] for n in quickly.name] == [carefully.names[n] for n in carefully.name]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is empty"),
        (b"  \r\n", "is empty"),
        (b"<!DOCTYPE html><html><title>Down</title>", "web page"),
        (b'"Time Stamp","Name","PTID","LBMP ($/MWHr)"\r\n', "another report"),
        (b"\x89PNG\r\n\x1a\n", "not name the columns"),
        (f"{HEADER}\r\n07/01/2026 08:00,A,1,5,100,-1".encode(), "breaks off in line 2"),
        (as_file([row(T)] * 3).replace(b"-100\r\n", b"-100\r") + b"\n", "Line 2 cannot be read"),
        (as_file([row(T, name="x" * 200_000), row(T, flow="x")]), "Line 2 cannot be read"),
        (as_file([row(T, flow="x")] * 2_001), "More than 2,000 of its lines are no rows; line 2: 'x'"),
        (f"{HEADER}\r\n07/01/2026 08:00,\xff,1,5,100,-1\r\n".encode("latin-1"), "not text"),
    ],
)
def test_what_is_no_file_of_the_report_is_refused_in_a_sentence(body: bytes, said: str) -> None:
    with pytest.raises(NotAFlowFile, match=said) as caught:
        read(body)
    assert "Nothing was stored" in str(caught.value)


PIECES = st.one_of(
    st.binary(max_size=6),
    st.text('\r\n,"0123456789.+-eE/: \0', max_size=9).map(str.encode),
    st.sampled_from([b"\r", b"12/31/9999 00:00", b"03/09/2025 02:30", b"9" * 30, b'"', b"\xef\xbb\xbf"]),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1_000), st.integers(0, 40), PIECES), min_size=1, max_size=8))
def test_whatever_happened_to_a_file_it_is_read_or_refused_in_a_sentence(
    damages: list[tuple[int, int, bytes]],
) -> None:
    """Bytes taken out, put in and overwritten, anywhere behind the header."""
    body = as_file(
        [row(utc("2024-11-03 04:50") + minutes(5 * n), point) for n in range(12) for point in (1, 2)]
    )
    for at, length, piece in damages:
        where = len(HEADER) + 2 + at % (len(body) - len(HEADER) - 4)
        body = body[:where] + piece + body[where + length :]
    body = body.rstrip(b"\r\n") + b"\r\n"
    reading, said = None, ""
    try:
        reading = read(body, asked_at=utc("2024-11-03 06:00"))
    except NotAFlowFile as problem:
        said = str(problem)
    if reading is None:
        assert said.endswith("Nothing was stored.")
    else:
        assert len(reading.flows) <= reading.rows_read
        assert all(fault.reason for fault in reading.refused)


ZIPS = [
    as_zip({"20140910ExternalLimitsFlows.csv": real_extract(), "Qu\u00e9bec.csv": real_extract()}, how)
    for how in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
]


@settings(max_examples=600, deadline=None)
@given(
    st.sampled_from(ZIPS),
    st.lists(
        st.tuples(st.integers(1, 400) | st.integers(1, 9_000), st.integers(0, 255)), min_size=1, max_size=4
    ),
    st.integers(0, 4),
)
def test_whatever_happened_to_a_zip_it_is_unpacked_or_refused_in_a_sentence(
    packed: bytes, damages: list[tuple[int, int]], lost: int
) -> None:
    """Bytes overwritten, mostly in the list of files at its end, and some lost in the middle."""
    body = bytearray(packed)
    for from_the_end, value in damages:
        body[max(4, len(body) - from_the_end)] = value
    del body[len(body) // 2 : len(body) // 2 + lost]
    files, said = [], ""
    try:
        files = csv_files(bytes(body))
    except NotAFlowFile as problem:
        said = str(problem)
    assert files or said.endswith("Nothing was stored.")


def test_what_cannot_be_seen_is_left_out_of_names() -> None:
    reading = read(as_file([row(T, 1, name="A\0B\u202eC\u200b D")]))
    assert [seen.name for seen in reading.names] == ["A B C D"]


def test_half_of_the_real_day_is_refused_wherever_it_breaks_off() -> None:
    body = real_day()
    for size in range(1_000, 200_000, 9_973):
        cut = body[:size]
        if cut.endswith(b"\n"):
            continue
        with pytest.raises(NotAFlowFile, match="breaks off"):
            read(cut)


def test_a_header_alone_is_a_file_without_rows() -> None:
    reading = read(f"{HEADER}\r\n".encode())
    assert (reading.rows(), reading.newest, reading.rows_read) == ([], None, 0)


def test_an_unknown_id_and_other_names_are_kept_as_published() -> None:
    reading = read(
        as_file([row(T, 999_999, name="NEW LINE"), row(T + minutes(5), 999_999, name="NEWER LINE")])
    )
    assert [(s.point_id, s.name, s.first, s.last) for s in reading.names] == [
        (999_999, "NEW LINE", T, T),
        (999_999, "NEWER LINE", T + minutes(5), T + minutes(5)),
    ]


@pytest.mark.parametrize(
    ("flow", "positive", "negative", "outside"),
    [
        ("119.9", "100", "-100", False),
        ("120", "100", "-100", True),
        ("-120", "100", "-100", True),
        ("-119", "100", "-100", False),
        ("500", "9999", "-100", False),
        ("-500", "100", "-9999", False),
        ("0.5", "0", "0", False),
        ("5", "0", "-100", True),
    ],
)
def test_a_flow_outside_of_its_limit_by_a_fifth_is_noticed(
    flow: str, positive: str, negative: str, outside: bool
) -> None:
    reading = read(f"{HEADER}\r\n07/01/2026 08:00,A,1,{flow},{positive},{negative}\r\n".encode())
    assert ("outside_limit" in noticed(reading)) is outside


def test_a_day_under_way_has_no_gap_after_its_last_row() -> None:
    begin = utc("2026-07-01 04:00")
    rows = [row(begin + minutes(5 * n)) for n in range(20) if n != 7]
    assert noticed(read(as_file(rows), asked_at=begin + minutes(100))) == {"gap": 1}
    assert noticed(read(as_file(rows), asked_at=begin + minutes(1_440)))["gap"] == 288 - 19


def test_rows_a_little_ahead_of_the_clock_are_normal_and_those_that_would_stand_for_hours_are_not() -> None:
    body = as_file([row(T + minutes(5)), row(T + minutes(20))])
    reading = read(body, asked_at=T, is_snapshot=True)
    assert [r.timestamp for r in reading.rows()] == [T + minutes(5)]
    assert [fault.kind for fault in reading.refused] == [Noticed.AHEAD]
