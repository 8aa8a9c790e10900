"""What stands in a published cell before a reader looks at it: coded values, and lists.

Pure: frame in, frame out. Adds the struct `a` of a row's texts, in which a coded field has its meaning beside
its code; a row whose cells hold lists becomes one row for each entry.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from hosting.lake.readers import said
from utilities.spec import Lists, SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

Codes = Mapping[str, Mapping[str, str]]  # field to code to meaning


def texts(rows: "DataFrame", spec: SourceSpec, codes: Codes) -> "DataFrame":
    """Rows with the struct `a`, `entry`, which numbers those of one row's lists, and `uneven`: true where the
    lists of a row do not belong together.
    """
    schema = T.StructType([T.StructField(name, T.StringType()) for name in spec.published_fields()])
    rows = rows.withColumn("a", F.from_json("attributes", schema))
    if spec.lists:
        rows = _apart(rows, spec, spec.lists)
    else:
        rows = rows.withColumns({"uneven": F.lit(False), "entry": F.lit(0)})
    coded = {
        reading.column: _meaning(F.col("a").getField(reading.field), codes.get(reading.field, {}))
        for reading in spec.readings()
        if reading.coded
    }
    return rows.withColumn("a", _rebuilt(spec, coded)) if coded else rows


def _apart(rows: "DataFrame", spec: SourceSpec, listed: Lists) -> "DataFrame":
    """One row for each entry of the first listed field."""
    pattern = _literally(listed.separator)
    lists = {
        name: F.split(F.coalesce(said(F.col("a").getField(name)), F.lit("")), pattern)
        for name in listed.fields
    }
    count = F.size(lists[listed.fields[0]])
    uneven = F.lit(False)
    for parts in lists.values():
        uneven = uneven | ((F.size(parts) != count) & (F.size(parts) != 1))
    rows = rows.withColumns({"uneven": uneven, "entries": F.sequence(F.lit(0), count - 1)})
    rows = rows.select("*", F.explode("entries").alias("entry")).drop("entries")
    entries = {
        name: F.when(F.size(parts) == 1, parts[0]).otherwise(F.get(parts, F.col("entry")))
        for name, parts in lists.items()
    }
    return rows.withColumn("a", _rebuilt(spec, entries))


def _rebuilt(spec: SourceSpec, changed: "Mapping[str, Column]") -> "Column":
    """The struct of texts with some of them changed or added."""
    kept = {name: F.col("a").getField(name) for name in spec.published_fields()}
    return F.struct(*[value.alias(name) for name, value in (kept | dict(changed)).items()])


def _meaning(text: "Column", codes: Mapping[str, str]) -> "Column":
    """What the layer's domain says of a code; a code that it does not list stays."""
    code = F.regexp_replace(said(text), "^([+-]?[0-9]+)[.]0+$", "$1")
    meaning = text
    for known, name in codes.items():
        meaning = F.when(code == known, F.lit(name)).otherwise(meaning)
    return meaning


def _literally(separator: str) -> str:
    """A pattern that is these characters and no others."""
    return "".join(f"\\{sign}" if sign in "^\\" else f"[{sign}]" for sign in separator)
