"""Bronze keeps what they published byte for byte, whole or not at all."""

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard

from hcportal.errors import IncompleteFetch
from hosting.lake import bronze, maintain, tables
from hosting.lake.store import Lake
from tests.hosting.lake.frames import SHAPE

ORIGIN = bronze.Origin("test", "sections", 7, "https://gis.example.org/FeatureServer/0", '{"name": "Lines"}')


@dataclass(frozen=True)
class Page:
    """Rows as a reader hands them over."""

    object_ids: list[int]
    attributes: list[str]
    wkb: list[bytes | None]
    raw: bytes


def page(*numbers: int, **changed: Any) -> Page:
    rows = [json.dumps({"id": str(n), "name": None, "odd": 'a "quoted"\nline, Ü'} | changed) for n in numbers]
    shapes = [SHAPE if n % 2 else None for n in numbers]
    return Page(list(numbers), rows, shapes, json.dumps({"features": rows}).encode())


PAGES = [page(1, 2, 3), page(10, 11), page(12)]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(root=str(tmp_path / "lake"))


def kept(lake: Lake) -> set[str]:
    """Every file of rows or bodies."""
    root = Path(lake.root)
    return {
        str(file.relative_to(root))
        for file in root.rglob("*")
        if file.is_file() and "_delta_log" not in file.parts
    }


def rows(lake: Lake, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lake.delta(table).to_pyarrow_table().to_pylist()
    return found


def test_every_row_is_kept_in_order_as_it_was_published(lake: Lake) -> None:
    stored = bronze.store(lake, iter(PAGES), ORIGIN)
    assert (stored.rows, stored.is_new) == (6, True)
    found = sorted(rows(lake, tables.BRONZE), key=lambda row: row["row_no"])
    assert [row["row_no"] for row in found] == list(range(6))
    assert [row["object_id"] for row in found] == ["1", "2", "3", "10", "11", "12"]
    assert [row["attributes"] for row in found] == [text for part in PAGES for text in part.attributes]
    assert [row["geometry"] for row in found] == [shape for part in PAGES for shape in part.wkb]
    assert {(row["utility_code"], row["run_id"]) for row in found} == {("test", 7)}
    assert lake.read_run(tables.BRONZE, "test", 7).count() == 6
    assert lake.read_run(tables.BRONZE, "test", 8).count() == 0


def test_the_bodies_are_readable_back_byte_for_byte(lake: Lake) -> None:
    stored = bronze.store(lake, iter(PAGES), ORIGIN)
    file = Path(lake.path("bronze/raw/test/sections/7.zst"))
    bodies = b"".join(part.raw for part in PAGES)
    with zstandard.ZstdDecompressor().stream_reader(
        io.BytesIO(file.read_bytes()), read_across_frames=True
    ) as reader:
        assert reader.read() == bodies
    frames, rest = [], file.read_bytes()
    while rest:
        one = zstandard.ZstdDecompressor().decompressobj()
        frames.append(one.decompress(rest))
        rest = one.unused_data
    assert frames == [part.raw for part in PAGES]
    assert stored.raw_sha256 == hashlib.sha256(bodies).hexdigest()


def test_the_manifest_says_where_a_run_s_rows_come_from(lake: Lake) -> None:
    stored = bronze.store(lake, iter(PAGES), ORIGIN)
    [row] = rows(lake, tables.MANIFEST)
    fetched_at = row.pop("fetched_at")
    assert timedelta(0) <= datetime.now(UTC) - fetched_at < timedelta(minutes=1)
    assert row == {
        "utility_code": "test",
        "run_id": 7,
        "source_code": "sections",
        "url": "https://gis.example.org/FeatureServer/0",
        "path": "bronze/raw/test/sections/7.zst",
        "sha256": stored.raw_sha256,
        "content_sha256": stored.content_sha256,
        "raw_bytes": sum(len(part.raw) for part in PAGES),
        "rows": 6,
        "layer": '{"name": "Lines"}',
    }


@pytest.mark.parametrize("at", [0, 1, 3])
def test_a_failure_among_the_pages_leaves_no_commit_and_no_file(lake: Lake, at: int) -> None:
    def failing() -> Iterator[Page]:
        yield from PAGES[:at]
        raise IncompleteFetch("object ids 12 to 14 did not come")

    bronze.store(lake, iter(PAGES), bronze.Origin("test", "sections", 6, "", ""))
    before, version = kept(lake), lake.delta(tables.BRONZE).version()
    with pytest.raises(IncompleteFetch, match="object ids 12 to 14 did not come"):
        bronze.store(lake, failing(), ORIGIN)
    assert kept(lake) == before
    assert lake.delta(tables.BRONZE).version() == version
    assert len(rows(lake, tables.MANIFEST)) == 1


def test_a_page_that_does_not_hang_together_leaves_nothing(lake: Lake) -> None:
    crooked = Page([1, 2], page(1, 2).attributes, [SHAPE], b"{}")
    with pytest.raises(ValueError, match=r"shorter|longer"):
        bronze.store(lake, iter([PAGES[0], crooked]), ORIGIN)
    assert kept(lake) == set()


def test_the_same_rows_again_are_not_kept_again(lake: Lake) -> None:
    first = bronze.store(lake, iter(PAGES), ORIGIN)
    before = kept(lake)
    # The same rows in other pages: the content counts, not how it was served.
    other_pages = [page(1), page(2, 3, 10), page(11, 12)]
    later = bronze.Origin("test", "sections", 8, ORIGIN.url, ORIGIN.layer)
    again = bronze.store(lake, iter(other_pages), later, published_sha256=first.content_sha256)
    assert (again.rows, again.content_sha256, again.is_new) == (6, first.content_sha256, False)
    assert kept(lake) == before
    assert len(rows(lake, tables.MANIFEST)) == 1
    assert len(rows(lake, tables.BRONZE)) == 6


@pytest.mark.parametrize(
    "other",
    [
        [*PAGES[:2], page(12, name="x")],
        PAGES[:2],
        [PAGES[2], *PAGES[:2]],
        [*PAGES[:2], Page([12], PAGES[2].attributes, [SHAPE], b"")],
    ],
    ids=["a value", "a row less", "the order", "a shape"],
)
def test_any_difference_is_new(lake: Lake, other: list[Page]) -> None:
    first = bronze.store(lake, iter(PAGES), ORIGIN)
    later = bronze.Origin("test", "sections", 8, ORIGIN.url, ORIGIN.layer)
    assert bronze.store(lake, iter(other), later, published_sha256=first.content_sha256).is_new


def test_no_rows_are_stored_as_no_rows(lake: Lake) -> None:
    stored = bronze.store(lake, iter([]), ORIGIN)
    assert (stored.rows, stored.is_new) == (0, False)


def test_a_forgotten_utility_leaves_nothing_and_others_stay(lake: Lake) -> None:
    bronze.store(lake, iter(PAGES), ORIGIN)
    bronze.store(lake, iter(PAGES), bronze.Origin("other", "sections", 8, "", ""))
    maintain.forget_utility(lake, "test")
    assert {row["utility_code"] for row in rows(lake, tables.BRONZE)} == {"other"}
    assert {row["utility_code"] for row in rows(lake, tables.MANIFEST)} == {"other"}
    assert not Path(lake.path("bronze/raw/test")).exists()
    assert Path(lake.path("bronze/raw/other/sections/8.zst")).exists()
