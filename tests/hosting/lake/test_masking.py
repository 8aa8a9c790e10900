"""Masking: whatever a field is called and whatever stands in it, that and nothing else is replaced."""

import json

import orjson
import pytest
from pyspark.sql import functions as F

from hosting.lake.masking import NOTICE, masked
from tests.hosting.lake.frames import session

NAMES = (
    "ADDRESS",
    "Street (service) [1]",
    "a.b*c+?",
    "$1 \\1 ^x|y$",
    'his "own"',
    "C:\\n",
    "Straße 道",
    "a b",
)
TEXTS = (
    "1 Example Street",
    'Flat "2"',
    "C:\\",
    "\\",
    '\\"',
    '","ADDRESS":"x',
    '"ADDRESS":"inside"',
    "two\nlines\ttabbed",
    "Größe 道 🏠",
    "$1 \\1",
    "",
    "(" * 50,
    "9" * 4_000,
)


@pytest.mark.parametrize("name", NAMES)
def test_the_field_is_replaced_and_nothing_else(name: str) -> None:
    rows: list[dict[str, str | None]] = []
    for text in TEXTS:
        rows.append({"before": text, name: text, "after": text, f"{name}2": text, f"x{name}": text})
        rows.append({name: text})
        rows.append({name: None, "after": text})
        rows.append({"other": text})
    published = [(number, orjson.dumps(row).decode()) for number, row in enumerate(rows)]
    frame = session().createDataFrame(published, "n int, attributes string")
    shown = frame.select("n", masked(F.col("attributes"), [name]).alias("a")).orderBy("n").collect()
    for row, (_number, text) in zip(rows, shown, strict=True):
        wanted = row | ({name: NOTICE} if row.get(name) is not None else {})
        assert json.loads(text) == wanted


def test_several_fields_are_replaced_and_none_where_none_is_named() -> None:
    row = orjson.dumps({"a": "1", "b": "2", "c": "3"}).decode()
    frame = session().createDataFrame([(row,)], "attributes string")
    [(both, none)] = frame.select(
        masked(F.col("attributes"), ["a", "c"]), masked(F.col("attributes"), [])
    ).collect()
    assert json.loads(both) == {"a": NOTICE, "b": "2", "c": NOTICE}
    assert none == row
