"""New York's clock: the hour that comes twice, and the one that does not come."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from interregional.clock import day_bounds, grid_of, instants
from interregional.noticing import Noticed
from interregional.nyiso import Reading, read
from tests.interregional.files import Row, as_file, day_like_the_real_one, minutes, real_day, row, utc
from tests.reference import reference

AUTUMN, SPRING = date(2024, 11, 3), date(2025, 3, 9)
EDT_HOUR, EST_HOUR, TWO = utc("2024-11-03 05:00"), utc("2024-11-03 06:00"), utc("2024-11-03 07:00")


def wall(hour: int, minute: int, day: date) -> datetime:
    """What New York's clocks show."""
    return datetime.combine(day, time(hour, minute))


def stamps(reading: Reading) -> list[datetime]:
    return sorted({found.timestamp for found in reading.rows()})


def kinds(reading: Reading) -> set[Noticed]:
    return {notice.kind for notice in reading.notices}


def same(body: bytes, rows: list[Row], **options: object) -> bool:
    """Whether the file comes out as the rows it was made of: instant, interface and flow."""
    found = [(r.timestamp, r.point_id, float(r.flow_mw)) for r in read(body, **options).rows()]  # type: ignore[arg-type]
    return found == sorted((instant, point_id, float(flow)) for instant, _, point_id, flow, *_ in rows)


@pytest.mark.parametrize(("day", "hours"), [(AUTUMN, 25), (SPRING, 23), (date(2024, 7, 1), 24)])
def test_a_day_has_its_own_number_of_hours(day: date, hours: int) -> None:
    begins, ends = day_bounds(day)
    assert ends - begins == timedelta(hours=hours)
    assert len(grid_of(day)) == hours * 12


def test_a_wall_time_has_no_one_or_two_instants() -> None:
    assert instants(wall(2, 30, SPRING)) == ()
    assert instants(wall(1, 30, AUTUMN)) == (EDT_HOUR + minutes(30), EST_HOUR + minutes(30))
    assert instants(wall(2, 0, AUTUMN)) == (TWO,)


@pytest.mark.parametrize(("day", "marks"), [(AUTUMN, 300), (SPRING, 276)])
def test_a_day_of_another_length_comes_out_at_the_right_instants(day: date, marks: int) -> None:
    rows = day_like_the_real_one(day)
    reading = read(as_file(rows))
    assert len(stamps(reading)) == marks
    assert same(as_file(rows), rows)
    assert kinds(reading) & {Noticed.GAP, Noticed.GUESSED_HOUR, Noticed.DUPLICATE} == set()


def test_a_row_in_the_hour_that_did_not_exist_is_set_aside() -> None:
    rows = day_like_the_real_one(SPRING)
    body = as_file(rows).replace(
        b"\r\n03/09/2025 03:00", b"\r\n03/09/2025 02:30,X,7,1,9999,-9999\r\n03/09/2025 03:00", 1
    )
    reading = read(body)
    assert len(stamps(reading)) == 276
    assert [(fault.kind, fault.text) for fault in reading.refused] == [
        (Noticed.NO_SUCH_TIME, "03/09/2025 02:30,X,7,1,9999,-9999")
    ]


def test_duplicates_gaps_and_odd_stamps_inside_the_repeated_hour_come_out_right() -> None:
    rows = [
        r
        for r in day_like_the_real_one(AUTUMN)
        if r[0] not in {EDT_HOUR + minutes(15), EST_HOUR + minutes(40)}
    ]
    odd = [(EST_HOUR + minutes(57.0), *r[1:]) for r in rows if r[0] == EST_HOUR + minutes(55)]
    at = next(n for n, r in enumerate(rows) if r[0] == TWO)
    rows[at:at] = odd
    twice = [(r[0], r[1], r[2], "1", *r[4:]) for r in rows if r[0] == EDT_HOUR + minutes(30)]
    at = next(n for n, r in enumerate(rows) if r[0] == EDT_HOUR + minutes(35))
    body = as_file([*rows[:at], *twice, *rows[at:]])
    expected = [*[r for r in rows if r[0] != EDT_HOUR + minutes(30)], *twice]
    assert same(body, expected)
    assert kinds(read(body)) >= {Noticed.DUPLICATE, Noticed.GAP, Noticed.OFF_GRID}
    assert Noticed.GUESSED_HOUR not in kinds(read(body))


def test_an_equal_stamp_is_a_duplicate_and_no_step_back() -> None:
    """Neither in the first pass alone, nor in the second, nor while one is under way."""
    first = [r for r in day_like_the_real_one(AUTUMN) if not EST_HOUR <= r[0] < TWO and r[2] == 23316]
    at = next(n for n, r in enumerate(first) if r[0] == EDT_HOUR + minutes(30))
    assert same(as_file([*first[:at], first[at], *first[at:]]), first)
    under_way = [r for r in first if r[0] <= EDT_HOUR + minutes(40)]
    body = as_file([*under_way[:at], under_way[at], *under_way[at:]])
    assert same(body, under_way, asked_at=EDT_HOUR + minutes(41))
    second = [r for r in day_like_the_real_one(AUTUMN) if EST_HOUR <= r[0] < TWO and r[2] == 23316]
    body = as_file([*second[:3], second[2], *second[3:]])
    assert same(body, second, asked_at=TWO - minutes(4))


def test_an_interface_that_lacks_the_first_pass_follows_the_others() -> None:
    rows = [r for r in day_like_the_real_one(AUTUMN) if r[2] != 23316 or not EDT_HOUR <= r[0] < EST_HOUR]
    assert same(as_file(rows), rows)


def test_rows_sorted_by_interface_come_out_right_too() -> None:
    rows = sorted(day_like_the_real_one(AUTUMN), key=lambda r: (r[1], r[0]))
    assert same(as_file(rows), rows)


def test_one_pass_alone_is_taken_for_daylight_time_and_said_to_be_a_guess() -> None:
    rows = [r for r in day_like_the_real_one(AUTUMN) if not EST_HOUR <= r[0] < TWO]
    body = as_file(rows)
    assert same(body, rows)
    assert Noticed.GUESSED_HOUR in kinds(read(body))


@pytest.mark.parametrize("late", [0, 40, 100])
@pytest.mark.parametrize("mark", range(0, 120, 5))
def test_a_snapshot_inside_the_repeated_hour_is_of_the_pass_in_which_it_was_taken(
    mark: int, late: int
) -> None:
    instant = EDT_HOUR + minutes(mark)
    asked_at = instant + timedelta(seconds=late)
    assert stamps(
        read(as_file([row(instant), row(instant, 325305)]), asked_at=asked_at, is_snapshot=True)
    ) == [instant]


@pytest.mark.parametrize("mark", range(5, 125, 5))
def test_a_snapshot_whose_stamp_leads_the_clock_is_of_the_right_pass(mark: int) -> None:
    instant = EDT_HOUR + minutes(mark)
    assert stamps(read(as_file([row(instant)]), asked_at=instant - minutes(5), is_snapshot=True)) == [instant]


@pytest.mark.parametrize("mark", range(0, 180, 5))
def test_a_day_in_progress_is_right_whenever_it_is_asked_for(mark: int) -> None:
    until = EDT_HOUR + minutes(mark)
    rows = [r for r in day_like_the_real_one(AUTUMN) if r[0] <= until]
    assert same(as_file(rows), rows, asked_at=until + minutes(1))
    assert same(as_file(rows), rows, asked_at=until - minutes(4))


def test_a_sister_report_shows_the_same_order_in_the_repeated_hour() -> None:
    lines = reference("nyiso/20211107realtime_zone_extract.csv").read_text().splitlines()[1:]
    walls = [line.split(",")[0].strip('"') for line in lines]
    body = "".join(f"{shown},A,1,{number},9999,-9999\r\n" for number, shown in enumerate(walls))
    header = real_day().partition(b"\n")[0].decode() + "\n"
    found = read((header + body).encode(), asked_at=utc("2021-11-09 00:00")).rows()
    assert [int(r.flow_mw) for r in found] == list(range(len(walls)))
    hours = {r.timestamp.hour for r in found}
    assert {5, 6} <= hours


# Any mixture of stamps that leaves a trace of the change: the last before it is later on the wall than the
# first after.
passes = st.tuples(
    st.lists(st.integers(0, 59), min_size=1, max_size=14),
    st.lists(st.integers(0, 59), min_size=1, max_size=14),
)


@st.composite
def autumn_rows(draw: st.DrawFn) -> list[Row]:
    first, second = draw(passes)
    assume(max(first) > min(second))
    ids = draw(st.lists(st.integers(1, 400_000), min_size=1, max_size=4, unique=True))
    around = [utc("2024-11-03 04:55")] if draw(st.booleans()) else []
    after = [TWO, TWO + minutes(5)] if draw(st.booleans()) else []
    times = [
        *around,
        *(EDT_HOUR + minutes(n) for n in sorted(first)),
        *(EST_HOUR + minutes(n) for n in sorted(second)),
        *after,
    ]
    rows: list[Row] = []
    number = 0
    edges = {EDT_HOUR + minutes(max(first)), EST_HOUR + minutes(min(second))}
    for instant in times:
        # One interface has every stamp; the others come and go, in any order within a stamp.
        present = (
            [ids[0], *draw(st.lists(st.sampled_from(ids), unique=True))] if instant not in edges else ids
        )
        for point_id in draw(st.permutations(sorted(set(present)))):
            number += 1
            rows.append(row(instant, point_id, number))
    return rows


def last_of_each(rows: list[Row]) -> list[Row]:
    return list({(r[0], r[2]): r for r in rows}.values())


@settings(max_examples=300, deadline=None)
@given(autumn_rows())
def test_any_mixture_of_stamps_in_the_repeated_hour_comes_out_right(rows: list[Row]) -> None:
    assert same(as_file(rows), last_of_each(rows))


@settings(max_examples=200, deadline=None)
@given(autumn_rows(), st.integers(-5, 4))
def test_any_mixture_of_a_day_in_progress_comes_out_right(rows: list[Row], ahead: int) -> None:
    assert same(as_file(rows), last_of_each(rows), asked_at=rows[-1][0] + minutes(ahead))


@settings(max_examples=200, deadline=None)
@given(autumn_rows(), st.randoms(use_true_random=False))
def test_files_sorted_by_interface_come_out_right(rows: list[Row], chance: object) -> None:
    steps: dict[int, list[Row]] = {}
    for r in rows:
        steps.setdefault(r[2], []).append(r)
    ordered = [r for own in steps.values() for r in own]
    assert same(as_file(ordered), last_of_each(rows))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 276 * 5 - 1), min_size=1, max_size=40), st.booleans())
def test_any_stamps_of_the_short_day_come_out_right(found: list[int], seconds: bool) -> None:
    begins, _ = day_bounds(SPRING)
    rows = [row(begins + minutes(n), flow=number) for number, n in enumerate(found)]
    assert same(as_file(rows, seconds=seconds), last_of_each(rows))
