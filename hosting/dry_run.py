"""A dry run: fetch some rows, normalise them, show what would come out. Writes nothing anywhere."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

import pyarrow as pa
from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table

from hcportal.errors import EmptySource, FetchError
from hosting.fetching import http_client, locate
from hosting.file_feeds import NOTHING, Given, some_pages
from hosting.lake import ders, repeats, silver, tables
from hosting.lake.masking import masked
from hosting.lake.session import engine
from hosting.lake_settings import open_lake
from hosting.mapped import refuse_without_fields
from hosting.published_rows import known_names
from hosting.sources import arcgis
from hosting.steps import refuse_what_must_not_be_fetched, spec_of
from utilities.models import Source
from utilities.spec import SourceSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SAMPLE = 5
LARGEST = 100 << 20  # bytes that are handed to the engine in one message
STATISTICS = ("hosting_capacity_mw", "remaining_capacity_mw", "installed_dg_mw", "queued_dg_mw", "voltage_kv")


@dataclass(frozen=True)
class DryRun:
    """What a run would make of the first rows of a source.

    `sample` pairs published attributes with canonical columns; `statistics` has a row for each figure.
    """

    source: str
    fetched: int
    of: int | None
    sample: list[tuple[str, dict[str, Any]]]
    statistics: list[dict[str, Any]]
    refused: list[tuple[str, str, int]]


@dataclass(frozen=True)
class Read:
    """Some rows of a source, as published (`bronze`) and in our words (`staged`, refused rows included)."""

    spec: SourceSpec
    layer: arcgis.Layer
    fetched: int
    limit: int
    bronze: "DataFrame"
    staged: "DataFrame"

    @property
    def is_whole(self) -> bool:
        """True where these are all rows of the layer."""
        return self.fetched < self.limit or self.fetched == self.layer.count


def read_some(
    source: Source,
    limit: int,
    progress: Callable[[int, int], None] | None = None,
    given: Given = NOTHING,
) -> Read:
    """Fetch at most `limit` rows and normalise them. Raises FetchError."""
    refuse_what_must_not_be_fetched(source)
    spec, utility = spec_of(source), source.utility
    if spec.network is not None:
        raise FetchError(f"{source} holds {spec.holds}; a dry run shows capacity and DER. Nothing was read.")
    layer, pages = _first_pages(source, spec, limit, progress, given)
    rows = pa.table(
        {
            "row_no": pa.array(range(sum(len(page.object_ids) for page in pages)), pa.int64()),
            "object_id": pa.array([str(n) for page in pages for n in page.object_ids], pa.string()),
            "attributes": pa.array([text for page in pages for text in page.attributes], pa.string()),
            "geometry": pa.array([wkb for page in pages for wkb in page.wkb], pa.binary()),
        }
    )
    if not rows.num_rows:
        raise EmptySource(f"{layer.url} has no rows.")
    if rows.nbytes > LARGEST:
        raise FetchError(f"{rows.num_rows:,} rows of {layer.url} are too large to look at; ask for fewer.")
    bronze = engine(open_lake().remote).createDataFrame(rows)
    types = {field.name: field.type for field in layer.fields}
    of_run: dict[str, Any] = {"utility": utility.utility_code, "timezone": utility.timezone, "run_id": 0}
    if spec.ders is None:
        alone = silver.stage(bronze, spec, types, **of_run)
    else:
        names = known_names(utility.utility_code, bronze.sparkSession)
        alone = ders.stage(bronze, spec, types, names, **of_run)
    shown = bronze.withColumn("attributes", masked(F.col("attributes"), spec.personal_fields))
    return Read(spec, layer, rows.num_rows, limit, shown, repeats.marked(alone))


def _first_pages(
    source: Source,
    spec: SourceSpec,
    limit: int,
    progress: Callable[[int, int], None] | None,
    given: Given,
) -> tuple[arcgis.Layer, list[arcgis.Page]]:
    """A layer and the pages of its first rows."""
    if spec.file is not None:
        return some_pages(spec, given, limit)
    with http_client() as client:
        layer = locate(client, source, spec).layer
        refuse_without_fields(layer, spec)
        pages = list(
            arcgis.fetch(
                client,
                layer,
                where=spec.where,
                limit=limit,
                geometry=spec.geometry != "none",
                page_size=spec.page_size,
                progress=progress,
            )
        )
    return layer, pages


def dry_run(source: Source, *, limit: int = 2_000, given: Given = NOTHING) -> DryRun:
    """Fetch at most `limit` rows and normalise them. Raises FetchError."""
    read = read_some(source, limit, given=given)
    staged = read.staged
    return DryRun(
        source=str(source),
        fetched=read.fetched,
        of=read.layer.count,
        sample=_sample(staged, read.bronze, read.spec),
        statistics=_statistics(staged, read.spec),
        refused=[
            (check, reason, count)
            for check, reason, count in staged.where(F.col("reject_check").isNotNull())
            .groupBy("reject_check", "reject_reason")
            .count()
            .orderBy("reject_check", "reject_reason")
            .limit(20)
            .collect()
        ],
    )


def _kinds(spec: SourceSpec) -> tuple[str, ...]:
    """What tells the figures of a row apart."""
    return ("status",) if spec.ders else ("capacity_type", "variant")


def _sample(staged: "DataFrame", bronze: "DataFrame", spec: SourceSpec) -> list[tuple[str, dict[str, Any]]]:
    """Published and canonical side by side, empty columns left out; never an address."""
    columns = tables.DER_COLUMNS if spec.ders else tables.RECORD_COLUMNS
    wanted = [name for name in columns if name not in ("geometry_digest", *_kinds(spec))]
    published = bronze.select(F.col("row_no").alias("n"), F.col("attributes").alias("published"))
    rows = (
        staged.orderBy("row_no", *_kinds(spec))
        .limit(SAMPLE)
        .join(published, F.col("n") == F.col("row_no"))
        .orderBy("row_no", *_kinds(spec))
        .select("published", "key", *_kinds(spec), *wanted)
        .toArrow()
        .to_pylist()
    )
    return [
        (row.pop("published"), {name: value for name, value in row.items() if value not in (None, "")})
        for row in rows
    ]


def _statistics(staged: "DataFrame", spec: SourceSpec) -> list[dict[str, Any]]:
    """For each figure: rows, feeders, refused rows, and nulls, least, mean and most of each number."""
    numbers = []
    for name in ("nameplate_kw",) if spec.ders else STATISTICS:
        numbers += [
            F.count(name).alias(f"{name} known"),
            F.min(name).alias(f"{name} min"),
            F.avg(F.col(name).cast("double")).alias(f"{name} mean"),
            F.max(name).alias(f"{name} max"),
        ]
    frame = (
        staged.groupBy(*_kinds(spec))
        .agg(
            F.count(F.lit(1)).alias("rows"),
            F.countDistinct("feeder_id").alias("feeders"),
            F.count("reject_check").alias("refused"),
            *numbers,
        )
        .orderBy(*_kinds(spec))
    )
    found: list[dict[str, Any]] = frame.toArrow().to_pylist()
    return found


def show(result: DryRun, out: TextIO) -> None:
    """Print a dry run for a person."""
    console = Console(file=out, highlight=False, width=None if out.isatty() else 120)
    of = f" of {result.of:,}" if result.of is not None else ""
    console.print(f"{result.source}: {result.fetched:,}{of} rows fetched; nothing was written.\n")
    for published, ours in result.sample:
        console.print("published", published, sep="  ", markup=False)
        console.print("ours     ", ", ".join(f"{k}={v}" for k, v in ours.items()), sep="  ", markup=False)
        console.print()
    for figure in result.statistics:
        kind, rows = f"{figure.get('status')} DER", "rows on"
        if "capacity_type" in figure:
            kind, rows = f"{figure['capacity_type']} ({figure['variant']})", "figures of"
        console.print(
            f"{kind}: {figure['rows']:,} {rows} {figure['feeders']:,} feeders, {figure['refused']:,} refused"
        )
        table = Table("column", "known", "min", "mean", "max", box=None, pad_edge=False)
        for name in (*STATISTICS, "nameplate_kw"):
            if figure.get(f"{name} known"):
                table.add_row(
                    name,
                    f"{figure[f'{name} known']:,}",
                    f"{figure[f'{name} min']:.3f}",
                    f"{figure[f'{name} mean']:.3f}",
                    f"{figure[f'{name} max']:.3f}",
                )
        console.print(table)
    for check, reason, count in result.refused:
        console.print(f"refused by {check}: {count:,} figures; {reason}", markup=False)
