"""CSV, as utilities write it: text stays text, and what is cut off is an error."""

import struct
import tracemalloc
from pathlib import Path

import pytest

from hcportal.errors import BadAnswer, MissingField
from hosting.sources.files.folder import Found, NoFile, find, months
from hosting.sources.files.opened import open_file
from tests.hosting.sources.files.reading import read
from tests.reference import reference
from utilities.spec_files import FileFeed


def write(folder: Path, content: str | bytes, name: str = "rows.csv") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def test_text_stays_text_with_leading_zeros_blanks_and_an_empty_cell(tmp_path: Path) -> None:
    write(tmp_path, 'FEEDER,HC,NOTE\n007,1.50," a ""b"", c"\n8.0,,\n')
    assert read(tmp_path, "rows.csv", "csv") == [
        {"FEEDER": "007", "HC": "1.50", "NOTE": ' a "b", c'},
        {"FEEDER": "8.0", "HC": "", "NOTE": ""},
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_columns_name(tmp_path: Path) -> None:
    write(tmp_path, b"\xef\xbb\xbfDER_ID,KW\r\n1,2\r\n")
    assert read(tmp_path, "rows.csv", "csv") == [{"DER_ID": "1", "KW": "2"}]


def test_a_declared_encoding_and_delimiter_are_used(tmp_path: Path) -> None:
    write(tmp_path, "Név;HC\nTük;1,5\n".encode("cp1250"))
    assert read(tmp_path, "rows.csv", "csv", encoding="cp1250", delimiter=";") == [
        {"Név": "Tük", "HC": "1,5"}
    ]


def test_columns_without_a_name_or_with_the_same_are_told_by_their_number(tmp_path: Path) -> None:
    write(tmp_path, ",HC,A,A\n1,2,3,4\n")
    assert read(tmp_path, "rows.csv", "csv") == [
        {"(column 1)": "1", "HC": "2", "A (column 3)": "3", "A (column 4)": "4"}
    ]


def test_names_may_stand_below_a_title_and_lines_without_anything_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "Hosting capacity 2026\n\nFEEDER,HC\nF1,1\n\nF2,2\n\n")
    rows = read(tmp_path, "rows.csv", "csv", header_line=3)
    assert [row["FEEDER"] for row in rows] == ["F1", "F2"]


def test_two_columns_can_be_a_point_and_a_row_without_them_has_no_place(tmp_path: Path) -> None:
    write(tmp_path, "X,Y\n-71.5,41.25\n0,0\n,\nn/a,1\n")
    rows = read(tmp_path, "rows.csv", "csv", longitude="X", latitude="Y")
    assert [row.get("wkb") and struct.unpack("<BIdd", row["wkb"])[2:] for row in rows] == [
        (-71.5, 41.25),
        (0.0, 0.0),
        None,
        None,
    ]


def test_a_filter_is_applied_to_the_texts(tmp_path: Path) -> None:
    write(
        tmp_path, "FEEDER,HC,KIND\n" + "".join(f"F{n},{n},{'a' if n % 2 else 'b'}\n" for n in range(12_000))
    )
    rows = read(tmp_path, "rows.csv", "csv", where="KIND = 'a' AND CAST(HC AS REAL) >= 11990")
    assert [row["FEEDER"] for row in rows] == ["F11991", "F11993", "F11995", "F11997", "F11999"]


@pytest.mark.parametrize("where", ["NOPE = 1", "KIND =", "1=1); DROP TABLE batch; --"])
def test_a_filter_that_cannot_be_applied_is_an_error(tmp_path: Path, where: str) -> None:
    write(tmp_path, "FEEDER,KIND\nF1,a\n")
    with pytest.raises(BadAnswer, match="where cannot be applied"):
        read(tmp_path, "rows.csv", "csv", where=where)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\r\n", "is empty"),
        (b"A,B,C\n1,2,3\n4,5", "line 3 has 2 cells where 3 columns are named; the file is cut off"),
        (b"A,B\n1,2,3\n", "line 2 has 3 cells where 2 columns"),
        (b'A,B\n1,"2\n3,4\n', "is not CSV .unexpected end of data.; the file is cut off"),
        (b'A,B\n1,"2"x\n', "is not CSV"),
        (b"<!DOCTYPE html><html><title>Sign in</title>", "is a web page, and not CSV"),
        (b"PK\x03\x04rest of an archive", "is a zip archive, and not CSV"),
        ("A,B\n1,2\n".encode("utf-16"), "is UTF-16 text, and not CSV"),
        ("A\nfünf\n".encode("cp1252"), "is not written in utf-8"),
        (b"\x00\x01\x02\x03A,B", "is something else, and not CSV"),
        (b"A\n" + b"x" * (5 << 20), "more than 4,194,304 characters|field larger"),
    ],
)  # fmt: skip
def test_what_is_not_whole_csv_is_one_clear_error(tmp_path: Path, content: bytes, said: str) -> None:
    write(tmp_path, content)
    with pytest.raises(BadAnswer, match=f"^file:rows.csv.*({said})"):
        read(tmp_path, "rows.csv", "csv")


def test_a_missing_column_of_places_is_named(tmp_path: Path) -> None:
    write(tmp_path, "A,B\n1,2\n")
    with pytest.raises(MissingField, match="lacks the column LAT"):
        read(tmp_path, "rows.csv", "csv", longitude="A", latitude="LAT")


def test_a_million_cells_are_read_in_bounded_memory(tmp_path: Path) -> None:
    with (tmp_path / "rows.csv").open("w") as file:
        file.write(",".join(f"C{n}" for n in range(10)) + "\n")
        for n in range(200_000):
            file.write(",".join([str(n)] * 10) + "\n")
    feed = FileFeed(name="rows.csv", format="csv")
    tracemalloc.start()
    with open_file(find(tmp_path, feed), feed) as opened:
        assert sum(len(page.object_ids) for page in opened.pages()) == 200_000
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 30 << 20  # the file has 13 MB, its rows as objects ten times that


def test_the_files_own_bytes_come_first_so_that_bronze_keeps_them(tmp_path: Path) -> None:
    write(tmp_path, b"\xef\xbb\xbfA\r\n1\r\n")
    feed = FileFeed(name="rows.csv", format="csv")
    with open_file(find(tmp_path, feed), feed) as opened:
        assert b"".join(page.raw for page in opened.pages()) == b"\xef\xbb\xbfA\r\n1\r\n"


def test_months_are_folders_and_only_those_that_hold_the_file_count(tmp_path: Path) -> None:
    for folder in ("2026-02", "2026-01", "2026-13", "notes"):
        write(tmp_path, "A\n1\n", f"{folder}/circuits_{folder}.csv")
    (tmp_path / "2026-03").mkdir()
    feed = FileFeed(name="circuits_*.csv", format="csv", monthly=True)
    assert [f"{month:%Y-%m}" for month in months(tmp_path, feed)] == ["2026-01", "2026-02"]
    assert find(tmp_path, feed, months(tmp_path, feed)[0]).address == "file:2026-01/circuits_2026-01.csv"


def test_no_file_or_several_say_what_is_there(tmp_path: Path) -> None:
    write(tmp_path, "A\n1\n", "a1.csv")
    write(tmp_path, "A\n1\n", "a2.csv")
    with pytest.raises(NoFile, match=r"no file b\.csv in .*; it has a1\.csv, a2\.csv"):
        find(tmp_path, FileFeed(name="b.csv", format="csv"))
    with pytest.raises(NoFile, match=r"2 files .* are called like a.*Keep one"):
        find(tmp_path, FileFeed(name="a*.csv", format="csv"))
    with pytest.raises(NoFile, match="no folder"):
        find(tmp_path / "nowhere", FileFeed(name="b.csv", format="csv"))


def test_a_link_that_leads_out_of_the_folder_is_no_file_of_it(tmp_path: Path) -> None:
    secret = write(tmp_path / "else", "A\n1\n") / "rows.csv"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.csv").symlink_to(secret)
    with pytest.raises(NoFile):
        find(tmp_path / "data", FileFeed(name="rows.csv", format="csv"))


@pytest.mark.parametrize(
    "name", ["../a.csv", "/etc/passwd", "a/../b.csv", "C:\\a.csv", "*/a.csv", "a//b.csv"]
)
def test_an_entry_cannot_name_a_file_elsewhere(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        FileFeed(name=name, format="csv")


@pytest.mark.parametrize("sample", ["utility1_circuits", "utility2_install_der", "utility2_planned_der"])
def test_files_as_new_yorks_utilities_write_them_are_read(sample: str) -> None:
    file = next(reference("iedr").rglob(f"{sample}.csv"))
    feed = FileFeed(name=file.name, format="csv")
    with open_file(Found(file, f"file:{file.name}"), feed) as opened:
        names = [field.name for field in opened.layer.fields]
        assert len(set(names)) == len(names)
        assert names[0] in {"(column 1)", "DER_ID", "DER_TYPE"}
        assert sum(len(page.object_ids) for page in opened.pages()) > 1
