"""What a discovery and a dry run show in the admin: plain JSON, bounded in size. In the worker only."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from hcportal.errors import FetchError
from hosting import dry_run
from hosting.fetching import http_client
from hosting.lake import quality, rollup, tables
from hosting.models import Trial
from hosting.published_rows import compare, published
from hosting.sources.discovery import (
    CAPACITY_WORDS,
    FEEDER_WORDS,
    KINDS,
    LOAD_WORDS,
    NUMBERS,
    SECTION_WORDS,
    discover,
)
from hosting.sources.layer import Layer
from hosting.sources.proposal import proposal
from hosting.steps import spec_of
from hosting.trials import MOST_ROWS, Following

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SAMPLE = 12  # published rows shown beside ours
REFUSED = 20
LONGEST_VALUE = 160  # characters of a published value
MOST_FIELDS = 80  # of a published row
MOST_LAYERS = 100
LARGEST = 600_000  # bytes of a result as JSON
HIDDEN = ("geometry_digest", "section_count", "missing_values", "shape_length")  # of no meaning in a row
# Columns of ours whose least and most mean something, in the order in which they are shown.
SHOWN = [name for name in ("key", *tables.RECORD_COLUMNS) if name not in HIDDEN]
TEXT = {name for name, kind in tables.RECORD_COLUMNS.items() if str(kind) in ("string", "bool")} | {"key"}
UNITS = {"mw": "MW", "kv": "kV"}


def discovery_result(trial: Trial, follow: Following) -> dict[str, Any]:
    """What the server has: `layers` with fields and candidates, `troubles`, `proposal` in YAML."""
    follow.step("ask the server")
    mapped = {trial.source.layer: spec_of(trial.source)} if trial.source is not None else {}
    with http_client() as client:
        found = discover(client, trial.url, follow.progress)
        draft = proposal(client, found)
    layers = []
    for layer in found.layers[:MOST_LAYERS]:
        number = layer.url.rpartition("/")[2]
        spec = mapped.get(int(number)) if number.isdigit() else None
        names = {field.name for field in layer.fields}
        wanted = sorted(spec.published_fields()) if spec is not None else []
        layers.append(
            {
                "number": number,
                "name": layer.name,
                "kind": "table" if layer.geometry_type is None else KINDS.get(layer.geometry_type, "other"),
                "rows": layer.count,
                "object_id": layer.object_id_field,
                "is_ours": spec is not None,
                "mapped": [name for name in wanted if name in names],
                "lacking": [name for name in wanted if name not in names],
                "fields": [
                    {
                        "name": field.name,
                        "alias": field.alias if field.alias != field.name else "",
                        "type": field.type.removeprefix("esriFieldType"),
                        "candidate": _candidate(layer, field.name, field.type),
                        "is_mapped": field.name in wanted,
                    }
                    for field in layer.fields
                ],
            }
        )
    result = {
        "url": found.url,
        "layers": layers,
        "layers_left_out": max(0, len(found.layers) - MOST_LAYERS),
        "troubles": [trouble[:500] for trouble in found.troubles[:MOST_LAYERS]],
        "proposal": draft,
    }
    return _bounded(result, "layers")


def _candidate(layer: Layer, name: str, kind: str) -> str:
    """What of ours a field may be, by its name; empty where nothing is guessed."""
    folded = name.lower()
    if name == layer.object_id_field:
        return "object id"
    if kind in NUMBERS | {"esriFieldTypeString"} and any(word in folded for word in CAPACITY_WORDS):
        return "load capacity" if any(word in f"_{folded}_" for word in LOAD_WORDS) else "capacity"
    if any(word in folded for word in FEEDER_WORDS):
        return "feeder id"
    return "section id" if any(word in folded for word in SECTION_WORDS) else ""


def dry_run_result(trial: Trial, follow: Following) -> dict[str, Any]:
    """What a run would make of the first rows, and change; nothing is written but this.

    Where the rows are only part of the layer, they are compared with the published rows of the same keys:
    what is absent means nothing then, and the checks that count rows stay silent.
    """
    source = trial.source
    assert source is not None  # noqa: S101 - a dry run has a source
    if spec_of(source).ders is not None:
        raise FetchError(f"{source} holds DER; bin/manage ingest_hosting_capacity --dry-run shows them.")
    follow.step("fetch")
    limit = min(int(trial.options.get("limit", 2_000)), MOST_ROWS)
    read = dry_run.read_some(source, limit, follow.progress)
    follow.step("normalise")
    spark = read.bronze.sparkSession
    computed = read.staged.toArrow()
    small = computed.nbytes < dry_run.LARGEST
    staged = spark.createDataFrame(computed) if small else read.staged  # computed once, read many times
    passed = staged.where(F.col("reject_check").isNull())
    follow.step("compare")
    dataset = "sections" if read.spec.grain == "section" else "records"
    before = published(source, dataset, spark)
    if not read.is_whole:
        before = before.join(passed.select(*tables.KEY).distinct(), list(tables.KEY), "left_semi")
    absence_counts = read.is_whole and read.spec.feed == "snapshot"
    changes = {dataset: compare(passed, before, dataset, snapshot=absence_counts)}
    if dataset == "sections" and read.is_whole and read.spec.rolls_up:
        feeders = rollup.feeders(passed, read.spec)
        changes["records"] = compare(feeders, published(source, "records", spark), "records", snapshot=True)
    follow.step("check")
    if read.spec.rolls_up:
        before = rollup.with_own_figures(before, published(source, "records", spark), read.spec)
    found = quality.check(quality.measure(staged, before, read.spec))
    result = {
        "fetched": read.fetched,
        "of": read.layer.count,
        "is_whole": read.is_whole,
        "layer": {"url": read.layer.url, "name": read.layer.name},
        "compared_with": source.published_run_id,
        "figures": _figures(staged),
        "sample": _sample(staged, read.bronze, read.spec.published_fields()),
        "refused": _refused(staged, read.bronze),
        "findings": [
            {"check_id": n.check_id, "severity": n.severity, "message": n.message, "count": n.count}
            for n in found
        ],
        "changes": changes,
    }
    return _bounded(result, "sample", "refused")


def _figures(staged: "DataFrame") -> list[dict[str, Any]]:
    """For each capacity type and variant: rows, and of each column the share of nulls, least and most."""
    asked = []
    for name in SHOWN:
        asked.append(F.count(name).alias(f"{name} known"))
        if name in TEXT:
            asked.append(F.countDistinct(name).alias(f"{name} distinct"))
        else:
            asked += [F.min(name).alias(f"{name} min"), F.max(name).alias(f"{name} max")]
    rows = (
        staged.groupBy("capacity_type", "variant")
        .agg(F.count(F.lit(1)).alias("rows"), F.count("reject_check").alias("refused"), *asked)
        .orderBy("capacity_type", "variant")
        .toArrow()
        .to_pylist()
    )
    return [
        {
            "capacity_type": row["capacity_type"],
            "variant": row["variant"],
            "rows": row["rows"],
            "refused": row["refused"],
            "columns": [
                {
                    "name": name,
                    "unit": UNITS.get(name.rpartition("_")[2], ""),
                    "null_share": round(1 - row[f"{name} known"] / row["rows"], 4),
                    "distinct": row.get(f"{name} distinct"),
                    "min": _plain(row.get(f"{name} min")),
                    "max": _plain(row.get(f"{name} max")),
                }
                for name in SHOWN
            ],
        }
        for row in rows
    ]


def _sample(staged: "DataFrame", bronze: "DataFrame", mapped: Any) -> list[dict[str, Any]]:
    """Published rows, each with the figures that were made of it."""
    found: dict[int, list[dict[str, Any]]] = {}
    for row in _beside(staged.where(F.col("row_no") < SAMPLE), bronze):
        found.setdefault(row["row_no"], []).append(row)
    return [
        {
            "object_id": figures[0]["object_id"],
            "published": _published(figures[0]["published"], set(mapped)),
            "figures": [
                {
                    "capacity_type": figure["capacity_type"],
                    "variant": figure["variant"],
                    "refused": figure["reject_reason"] or "",
                }
                for figure in figures
            ],
            "columns": [
                {
                    "name": name,
                    "unit": UNITS.get(name.rpartition("_")[2], ""),
                    "values": [_plain(figure[name]) for figure in figures],
                }
                for name in SHOWN
                if any(figure[name] not in (None, "") for figure in figures)
            ],
        }
        for figures in found.values()
    ]


def _refused(staged: "DataFrame", bronze: "DataFrame") -> list[dict[str, Any]]:
    """The first rows that would go to quarantine, as published, with the reason."""
    refused = staged.where(F.col("reject_check").isNotNull()).orderBy("row_no").limit(REFUSED)
    return [
        {
            "object_id": row["object_id"],
            "key": row["key"] or "",
            "check_id": row["reject_check"],
            "reason": row["reject_reason"],
            "published": _text(row["published"])[:1_000],
        }
        for row in _beside(refused, bronze)
    ]


def _beside(staged: "DataFrame", bronze: "DataFrame") -> list[dict[str, Any]]:
    """Stage rows with the published attributes, in the order of the source."""
    attributes = bronze.select(F.col("row_no").alias("n"), F.col("attributes").alias("published"))
    wanted = ["row_no", "object_id", "capacity_type", "variant", "reject_check", "reject_reason", *SHOWN]
    rows: list[dict[str, Any]] = (
        staged.join(attributes, F.col("n") == F.col("row_no"))
        .select("published", *wanted)
        .orderBy("row_no", "capacity_type", "variant")
        .toArrow()
        .to_pylist()
    )
    return rows


def _published(attributes: str, mapped: set[str]) -> list[dict[str, Any]]:
    """A row's fields as the publisher wrote them, those that the catalog maps first."""
    fields = json.loads(attributes).items()
    named = sorted(fields, key=lambda item: item[0] not in mapped)  # sorting keeps the publisher's order
    return [
        {"name": _text(name), "value": None if value is None else _text(value), "is_mapped": name in mapped}
        for name, value in named[:MOST_FIELDS]
    ]


def _text(value: object) -> str:
    """As people read it, without what PostgreSQL takes in no text."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text.replace("\0", "")
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _plain(value: object) -> object:
    """A value for JSON: decimals as short as they are exact, dates as ISO."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, date | datetime):
        return value.isoformat()
    return _text(value) if isinstance(value, str) else value


def _bounded(result: dict[str, Any], *lists: str) -> dict[str, Any]:
    """The result within LARGEST bytes: the longest lists are halved until it fits, and that is said."""
    while len(json.dumps(result)) > LARGEST and any(result[name] for name in lists):
        name = max(lists, key=lambda name: len(json.dumps(result[name])))
        result[name] = result[name][: len(result[name]) // 2]
        result["is_shortened"] = True
    return result
