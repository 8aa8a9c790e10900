"""From a file to what is stored: nothing twice, nothing half, what was revised kept."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from interregional.coverage import by_day
from interregional.demonstration import advance, is_demonstration
from interregional.ingest import forget_old_runs, load_file, pull_current, read_day
from interregional.models import (
    FlowFinding,
    FlowRevision,
    FlowRun,
    FlowSource,
    Interface,
    InterfaceFlow,
    InterfaceName,
    QuarantinedFlow,
)
from interregional.noticing import Noticed
from tests.interregional.conftest import Publishers
from tests.interregional.files import (
    HEADER,
    REAL_DAY,
    as_file,
    as_zip,
    day_like_the_real_one,
    minutes,
    real_day,
    real_extract,
    row,
    utc,
)
from tests.interregional.publisher import body

pytestmark = pytest.mark.django_db


@pytest.fixture
def written(tmp_path: Path) -> "Writer":
    return Writer(tmp_path)


class Writer:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, content: bytes, name: str = "file.csv") -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path


def stored() -> list[tuple[object, ...]]:
    return list(
        InterfaceFlow.objects.order_by("timestamp", "interface__point_id").values_list(
            "timestamp", "interface__point_id", "flow_mw", "positive_limit_mw", "negative_limit_mw"
        )
    )


def test_the_real_day_is_stored_row_by_row_as_read(written: Writer) -> None:
    from interregional.nyiso import read

    run = load_file(written(real_day()))
    assert (run.status, run.rows_read, run.inserted, run.quarantined) == ("completed", 5_202, 5_202, 0)
    assert stored() == [
        (r.timestamp, r.point_id, r.flow_mw, r.positive_limit_mw, r.negative_limit_mw)
        for r in read(real_day()).rows()
    ]


def test_a_file_twice_changes_nothing(written: Writer) -> None:
    path = written(real_day())
    load_file(path)
    before, findings = stored(), FlowFinding.objects.count()
    again = load_file(path)
    assert (again.status, again.inserted, again.updated, again.unchanged) == ("unchanged", 0, 0, 5_202)
    assert stored() == before
    assert not FlowRevision.objects.exists()
    assert FlowFinding.objects.count() == findings


def test_known_rows_are_not_even_locked(written: Writer) -> None:
    from django.db import connection

    path = written(real_day())
    load_file(path)
    with connection.cursor() as cursor:
        query = "SELECT count(*) FROM interregional_interfaceflow WHERE xmax::text <> '0'"
        load_file(path)
        cursor.execute(query)
        assert cursor.fetchone() == (0,)


def test_revised_values_are_counted_dated_and_kept(written: Writer) -> None:
    load_file(written(real_day()))
    revised = real_day().replace(
        b"00:00,CENTRAL EAST - VC,23330,2054.26", b"00:00,CENTRAL EAST - VC,23330,2054.27"
    )
    run = load_file(written(revised))
    assert (run.status, run.inserted, run.updated, run.unchanged) == ("completed", 0, 1, 5_201)
    kept = FlowRevision.objects.get()
    assert (kept.flow_mw, kept.run, kept.timestamp) == (Decimal("2054.26"), run, utc("2017-11-22 05:00"))
    assert abs(timezone.now() - kept.revised_at) < minutes(2)
    now = InterfaceFlow.objects.get(timestamp=kept.timestamp, interface=kept.interface)
    assert (now.flow_mw, now.run_id) == (Decimal("2054.27"), run.pk)


def test_a_limit_that_is_taken_back_is_a_revision_too(written: Writer) -> None:
    at = utc("2026-07-01 12:00")
    load_file(written(as_file([row(at)])))
    without = as_file([row(at)]).replace(b",100,-100", b",9999,-100")
    assert load_file(written(without)).updated == 1
    assert InterfaceFlow.objects.get().positive_limit_mw is None


def test_a_zip_of_a_month_is_loaded_whole(written: Writer) -> None:
    packed = as_zip(
        {"20171122ExternalLimitsFlows.csv": real_day(), "20140910ExternalLimitsFlows.csv": real_extract()}
    )
    run = load_file(written(packed, "month.zip"))
    assert (run.inserted, run.oldest, run.newest) == (5_268, utc("2014-09-10 04:00"), utc("2017-11-23 04:55"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (as_zip({"a.csv": b"x" * 3000})[:-40], "zip is broken"),
        (as_zip({"readme.txt": b"x"}), "holds no CSV"),
        (as_zip({f"{n}.csv": b"x" for n in range(401)}), "more than a month"),
        (as_zip({f"{n}.csv": b"" for n in range(801)}), "lists 801 files, more than a month"),
        (as_zip({"bomb.csv": b"\0" * (9 << 20)}), "larger than any day"),
        (as_zip({"a.csv": as_file([row(utc("2026-07-01 12:00"))]), "b.csv": b"<html>"}), "b.csv: A web page"),
        (b"<html><title>Error</title></html>", "web page"),
        (b"", "is empty"),
        (b"Time Stamp,Name,PTID\r\n1,2,3\r\n", "another report"),
        (f"{HEADER}\r\n07/01/2026 08:00,A,1,5,100".encode(), "breaks off"),
    ],
)
def test_what_is_no_file_of_the_report_stores_nothing_and_says_why(
    written: Writer, content: bytes, said: str
) -> None:
    run = load_file(written(content))
    assert run.status == "failed"
    assert said in run.error
    assert not InterfaceFlow.objects.exists()


def test_a_file_larger_than_any_month_is_not_read_whole(written: Writer) -> None:
    path = written(b"")
    with path.open("wb") as endless:
        endless.truncate(1 << 40)  # as far as anybody can see; it takes no room
    run = load_file(path)
    assert (run.status, InterfaceFlow.objects.exists()) == ("failed", False)
    assert "more than 100,663,296 bytes" in run.error


def test_a_zip_that_lies_about_its_size_is_stopped(written: Writer) -> None:
    packed = as_zip({"a.csv": b"\0" * (20 << 20)})
    said = (20 << 20).to_bytes(4, "little")
    run = load_file(written(packed.replace(said, (100).to_bytes(4, "little"))))
    assert run.status == "failed"
    assert "larger than any day" in run.error or "broken" in run.error


def test_an_unknown_point_id_is_stored_shown_as_unclassified_and_found(written: Writer) -> None:
    load_file(written(as_file([row(utc("2026-07-01 12:00"), 700_001, name="SCH - NEW")])))
    met = Interface.objects.get(point_id=700_001)
    assert (met.region, met.is_summed, met.label) == ("unclassified", False, "SCH - NEW")
    assert FlowFinding.objects.filter(kind=Noticed.UNKNOWN, interface=met).count() == 1


def test_a_renamed_interface_keeps_its_names_with_their_dates(written: Writer) -> None:
    at = utc("2026-07-01 12:00")
    load_file(written(as_file([row(at, name="SCH - PJM - OLD")])))
    load_file(written(as_file([row(at + minutes(5), name="SCH - PJ - NY")])))
    names = InterfaceName.objects.filter(interface__point_id=23316).values_list(
        "name", "first_seen", "last_seen"
    )
    assert list(names) == [("SCH - PJM - OLD", at, at), ("SCH - PJ - NY", at + minutes(5), at + minutes(5))]
    assert Interface.objects.get(point_id=23316).name == "SCH - PJ - NY"
    found = FlowFinding.objects.get(kind=Noticed.RENAMED)
    assert "so far SCH - PJM - OLD" in found.message
    load_file(written(as_file([row(at - minutes(5), name="SCH - PJM - OLD")])))
    assert Interface.objects.get(point_id=23316).name == "SCH - PJ - NY"


def test_lines_that_are_no_rows_are_kept_once_with_their_reason(written: Writer) -> None:
    good = "07/01/2026 08:00,A,1,5,100,-100"
    path = written(f"{HEADER}\r\n{good}\r\n07/01/2026 08:05,A,1,none,100,-100\r\n".encode())
    assert [load_file(path).quarantined for _ in range(2)] == [1, 1]
    kept = QuarantinedFlow.objects.get()
    assert (kept.line, kept.text) == (3, "07/01/2026 08:05,A,1,none,100,-100")


def test_a_flow_that_stands_still_for_an_hour_is_found_across_files(written: Writer) -> None:
    at = utc("2026-07-01 12:00")
    for number in range(13):
        load_file(
            written(
                as_file(
                    [
                        row(at + minutes(5 * number), 23317, "1017.25"),
                        row(at + minutes(5 * number), 325305, "660.5"),
                    ]
                )
            )
        )
    found = FlowFinding.objects.get(kind=Noticed.FROZEN)
    assert found.interface is not None
    assert (found.interface.point_id, found.starts_at, found.ends_at) == (23317, at, at + minutes(60))
    load_file(written(as_file([row(at + minutes(65), 23317, "1017.25")])))
    assert FlowFinding.objects.get(kind=Noticed.FROZEN).ends_at == at + minutes(65)


def test_a_row_of_another_year_lets_nobody_look_at_the_years_between(written: Writer) -> None:
    """A damaged stamp in the file of the moment would else read the whole table, every five minutes."""
    at = utc("2015-07-01 12:00")
    load_file(written(as_file([row(at + minutes(5 * n), 23317, "1017.25") for n in range(13)])))
    assert FlowFinding.objects.filter(kind=Noticed.FROZEN).delete()[0] == 1
    load_file(written(as_file([row(utc("2005-07-01 12:00"), 23317), row(utc("2026-07-01 12:00"), 23317)])))
    assert not FlowFinding.objects.filter(kind=Noticed.FROZEN).exists()


@pytest.mark.parametrize(("point_id", "number"), [(23317, 1), (325305, 0), (700_001, 0)])
def test_a_measured_flow_that_stands_still_at_a_whole_number_is_found_too(
    written: Writer, point_id: int, number: int
) -> None:
    at = utc("2026-07-01 12:00")
    load_file(written(as_file([row(at + minutes(5 * n), point_id, "0") for n in range(13)])))
    assert FlowFinding.objects.filter(kind=Noticed.FROZEN).count() == number


def test_a_finding_that_began_earlier_than_was_known_says_so(written: Writer) -> None:
    at = utc("2026-07-01 12:00")
    outside = [row(at + minutes(5 * n), 23317, 500 + n) for n in range(4)]
    load_file(written(as_file(outside[2:])))
    load_file(written(as_file(outside)))
    found = FlowFinding.objects.get(kind=Noticed.OUTSIDE_LIMIT)
    assert (found.starts_at, found.ends_at, found.count) == (at, at + minutes(15), 4)


def test_an_interface_that_is_no_longer_there_is_found(written: Writer) -> None:
    at = utc("2026-07-01 12:00")
    load_file(written(as_file([row(at), row(at, 325305)])))
    for number in (1, 2, 3):
        load_file(written(as_file([row(at + minutes(5 * number))])))
    found = FlowFinding.objects.get(kind=Noticed.MISSING)
    assert found.interface is not None
    assert (found.interface.point_id, found.starts_at, found.ends_at) == (
        325305,
        at + minutes(5),
        at + minutes(15),
    )


def test_a_gap_is_found_in_what_is_stored_and_goes_when_it_is_closed(written: Writer) -> None:
    rows = day_like_the_real_one(date(2026, 7, 1))
    hole = {utc("2026-07-01 12:00"), utc("2026-07-01 12:05")}
    load_file(written(as_file([r for r in rows if r[0] not in hole])))
    gap = FlowFinding.objects.get(kind=Noticed.GAP)
    assert (gap.count, gap.starts_at, gap.examples) == (2, min(hole), ["2026-07-01 08:00 EDT to 08:05 EDT"])
    load_file(written(as_file(rows)))
    assert not FlowFinding.objects.filter(kind=Noticed.GAP).exists()
    assert [(c.marks, c.stored) for c in by_day(date(2026, 7, 1), date(2026, 7, 2))] == [(288, 288), (288, 0)]


@pytest.mark.parametrize(("day", "marks"), [(date(2024, 11, 3), 300), (date(2025, 3, 9), 276)])
def test_days_of_other_lengths_are_stored_whole(written: Writer, day: date, marks: int) -> None:
    load_file(written(as_file(day_like_the_real_one(day))))
    coverage = by_day(day, day)[0]
    assert (coverage.marks, coverage.stored, coverage.rows) == (marks, marks, marks * 18)


def test_a_pull_takes_the_first_publisher_that_is_fresh_and_says_which(publishers: Publishers) -> None:
    now = timezone.now().replace(second=0, microsecond=0)
    fresh = now - minutes(now.minute % 5)
    publishers.first.answers["/current.csv"] = body(as_file([row(fresh - minutes(30))]))
    publishers.second.answers["/current.csv"] = body(as_file([row(fresh)]))
    run = pull_current()
    assert (run.status, run.inserted, run.newest) == ("completed", 1, fresh)
    assert run.source_url == f"{publishers.second.url}/current.csv"
    assert [attempt["said"].partition(":")[0] for attempt in run.attempts] == ["stale", "taken"]


def test_the_day_of_a_zip_is_found_where_no_file_is(publishers: Publishers) -> None:
    packed = as_zip(
        {"20171122ExternalLimitsFlows.csv": real_day(), "20171123ExternalLimitsFlows.csv": b"<html>"}
    )
    publishers.second.answers["/20171101.zip"] = body(packed)
    run = read_day(REAL_DAY)
    assert (run.status, run.inserted, run.target_date) == ("completed", 5_202, REAL_DAY)
    assert publishers.first.asked == ["/2017/11/22.csv"]
    assert publishers.second.asked == ["/20171122.csv", "/20171101.zip"]
    assert "has no file of 2017-11-24" in read_day(date(2017, 11, 24)).error
    assert "a web page" in read_day(date(2017, 11, 23)).error.lower()


def test_a_backfill_goes_on_where_it_ended_and_tells_gaps(
    publishers: Publishers, capsys: pytest.CaptureFixture[str]
) -> None:
    days = [date(2024, 11, 2), date(2024, 11, 3), date(2024, 11, 4)]
    for day in days[:2]:
        publishers.first.answers[f"/{day:%Y/%m/%d}.csv"] = body(as_file(day_like_the_real_one(day)))
    with pytest.raises(CommandError, match=r"1 of these days were not brought: 2024-11-04"):
        call_command("backfill_flows", "--from", "2024-11-02", "--to", "2024-11-04")
    assert "gap: 2024-11-04 lacks 288 of 288" in capsys.readouterr().out
    publishers.first.asked.clear()
    publishers.first.answers["/2024/11/04.csv"] = body(as_file(day_like_the_real_one(days[2])))
    call_command("backfill_flows", "--from", "2024-11-02", "--to", "2024-11-04")
    assert publishers.first.asked == ["/2024/11/04.csv"]
    assert "2 had been read before" in capsys.readouterr().out
    assert [c.missing for c in by_day(days[0], days[-1])] == [0, 0, 0]


def test_the_demonstration_moves_with_the_clock_until_real_rows_come(written: Writer) -> None:
    now = timezone.now().replace(second=0, microsecond=0)
    call_command("load_demo_flows")
    first = InterfaceFlow.objects.count()
    assert is_demonstration()
    assert first > 19 * 400
    advance(now + minutes(60))
    assert 19 * 6 <= InterfaceFlow.objects.count() - first <= 19 * 13
    load_file(written(real_day()))
    assert not is_demonstration()
    assert InterfaceFlow.objects.count() == 5_202
    assert not FlowSource.objects.filter(is_synthetic=True).exists()
    call_command("load_demo_flows")
    assert advance(now + minutes(120)) == 0
    assert InterfaceFlow.objects.count() == 5_202


def test_commands_end_with_a_sentence_where_something_is_wrong(
    written: Writer, publishers: Publishers
) -> None:
    good, bad = written(real_day(), "good.csv"), written(b"<html>", "bad.csv")
    with pytest.raises(CommandError, match=r"bad\.csv: A web page came"):
        call_command("load_flows", str(good), str(bad))
    assert InterfaceFlow.objects.count() == 5_202
    with pytest.raises(CommandError, match="No publisher has the latest interval"):
        call_command("pull_flows")
    with pytest.raises(CommandError, match="in this order"):
        call_command("backfill_flows", "--from", "2024-11-04", "--to", "2024-11-02")


def test_old_runs_that_brought_nothing_are_forgotten(publishers: Publishers) -> None:
    pull_current()
    assert forget_old_runs(timezone.now() + minutes(29 * 1440)) == 0
    assert forget_old_runs(timezone.now() + minutes(31 * 1440)) == 1
    assert not FlowRun.objects.exists()
