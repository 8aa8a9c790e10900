"""Writes docs/data-dictionary.md from the lake's tables and the models' help texts.

    .venv/bin/python docs/make_data_dictionary.py           write it
    .venv/bin/python docs/make_data_dictionary.py --check   exit status 1 if it is out of date

Nothing is asked of a database. What a column means is said where the column is declared; only what the lake
has and no model does is said here.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(__file__).with_name("data-dictionary.md")
APPS = ("utilities", "hosting", "interregional")

INTRODUCTION = """\
# Data dictionary

Made by `docs/make_data_dictionary.py` from `hosting/lake/tables.py` and the models; do not edit it by hand.

Units stand in the names: `_mw` is megawatts, `_kw` kilowatts, `_kv` kilovolts, `_pct` per cent. Geometry is
longitude and latitude (EPSG:4326) unless the name says otherwise. Instants are UTC. An empty value means
unknown and never zero. Words are explained in the [glossary](glossary.md).
"""

LAKE = """\
## The lake

Delta tables at `<HCP_LAKE>/<HCP_ENV>/<layer>/<table>`. Bronze is what was published, silver our words and
units, platinum ready to serve. Beside them lie the answers of the servers as they came, one file a run:
`bronze/raw/<utility>/<source>/<run>.zst`. Where a column takes words from a closed list, the list stands with
the column of the same name under HostingCapacityRecord.
"""

LAKE_TABLES = {
    "bronze/features": "Rows as published: every value of `attributes` is text, exactly as it came.",
    "bronze/manifest": "One row a run: what was read, when, where its raw bytes are and what they hash to.",
    "silver/stage": "A run's rows in our words, refused ones included; removed once they are compared.",
    "silver/changes": "The log: what each run found added, changed and removed, published or not.",
    "silver/sections": "The sections that readers see, as of the run that last changed each.",
    "silver/records": "The feeders and cells that readers see, as of the run that last changed each.",
    "silver/feeder_findings": "Which feeders a run's findings concern, with their rows; published or not.",
    "platinum/data_quality_summary": "How each dataset stood after a run that was published.",
    "silver/quarantine": "Published rows that were refused, with the reason.",
    "silver/stage_repeats": "Keys that stand in several rows of a stage; removed with it.",
    "silver/der_stage": "A run's DER in our words, refused ones included; removed once they are compared.",
    "silver/der_changes": "The log of DER: what each run found added, changed and removed, published or not.",
    "silver/ders": "The DER that readers see, as of the run that last changed each.",
    "silver/der_address_changes": "The log of street addresses. Personal: for stewards alone.",
    "silver/der_addresses": "Street addresses of current DER. Personal: for stewards alone.",
    "platinum/der_details": "One row for each DER and feeder that it is on, or without a feeder.",
    "platinum/feeder_capacity": "One row for each feeder, capacity type and variant, for any query engine.",
}

# Columns of the lake that no model has, or that mean something else there.
LAKE_COLUMNS = {
    "utility_code": "The utility's code",
    "substation_capacity_mw": "What the bulk substation can take: compared with, not kept",
    "severity": "F, B, E, W or I (docs/quality.md)",
    "concerned_rows": "Rows of the feeder that the finding is about",
    "refresh_date": "Latest date that the publisher states, or the month",
    "row_count": "Rows that are published after the run",
    "null_shares": "Column to its share of nulls, 0 to 1, as JSON",
    "unresolved_references": "What of a reference leads to no feeder; in a summary, how many DER",
    "quarantined_rows": "Rows of the run that were kept back",
    "score": "0 to 100 (docs/decisions/014)",
    "score_parts": "Part of the score to 0 to 100, as JSON",
    "computed_at": "When it was written",
    "feeder_rows": "All rows of the feeder in the run",
    "published_hybrid": "Whether the publisher calls it hybrid: compared with, not kept",
    "map_colour": "The colour on the publisher's map: compared with, not kept",
    "run_id": "The run that wrote the row; in current tables, the one that last changed it",
    "row_no": "Position in the run, from 0",
    "object_id": "The server's number for the row; may change from one refresh to the next",
    "attributes": "The published row as JSON, every value a text",
    "geometry": "WKB, EPSG:4326",
    "source_code": "The source's code, unique within its utility",
    "url": "The layer that was read",
    "fetched_at": "When the last row had come",
    "path": "Of the raw bytes, within the lake's environment",
    "sha256": "Of the answers as received, unpacked, in order",
    "content_sha256": "Of the rows in order, attributes and geometry",
    "raw_bytes": "Size of the answers, unpacked",
    "rows": "How many rows were read",
    "layer": "The layer's own description, as received",
    "feeder_id": "The feeder's id as published",
    "geometry_digest": "Of the shapes of all sections; tells that a feeder's merged shape must be made anew",
    "section_count": "Sections that the record was rolled up from",
    "entry": "Number of the entry within the lists of one published row; 0 where there are none",
    "first_place": "Of the first row that passes: its number, times 1,048,576, and its entry",
    "unread": "What was published and not understood: our column, and the field it came from",
    "reject_check": "The check that refused the row; empty where it passed",
    "reject_reason": "Why, for a person",
    "check_id": "The check that refused the row",
    "reason": "Why, for a person",
    "dataset": "sections or records",
    "operation": "added, changed or removed",
    "max_hosting_capacity_mw": "Highest of its sections, or the headline figure where there is no range",
    "min_hosting_capacity_mw": "Lowest of its sections, or the headline figure where there is no range",
    "capacity_type": "What could be added",
    "variant": "Which of the publisher's figures of that type",
    "capacity_status": "What the hosting capacity figure is",
    "remaining_basis": "How the remaining capacity came about",
    "constraining_metric": "The criterion that binds first",
    "voltage_kv": "Nominal voltage",
    "phase_config": "How many phases",
    "is_overhead": "Overhead or underground",
    "feeder_name": "As published",
    "substation_name": "As published",
    "county": "As published",
    "criteria": "Metric to MW, as JSON",
    "circuit_id": "Another name of the feeder, as published",
    "shape_length": "As published, in the publisher's own unit",
    "missing_values": "Sections without a hosting capacity",
    "status": "installed or planned",
    "further_feeder_ids": "JSON list of other feeders that the reference leads to",
    "technologies": "Technology to kW, as JSON",
    "costs": "Published cost to US dollars, as JSON",
    "as_published": "Further fields as text, as JSON",
    "street_address": "As published",
    "installed_der_count": "Installed DER on the feeder; empty where the utility publishes none",
    "planned_der_count": "Planned DER on the feeder; empty where the utility publishes none",
    "installed_der_kw": "Nameplate of the installed DER on the feeder",
    "planned_der_kw": "Nameplate of the planned DER on the feeder",
    "queue_request_id": "As published",
    "project_status": "As published",
    "status_rationale": "As published",
    "nameplate_kw": "Rated AC output",
    "is_hybrid": "As published, or two technologies or more",
    "installed_on": "As published",
    "planned_on": "As published",
    "completed_on": "As published",
}

ARROW_TYPES = {
    "string": "text",
    "binary": "bytes",
    "bool": "true or false",
    "int32": "integer",
    "int64": "integer",
    "date32[day]": "date",
    "timestamp[us, tz=UTC]": "instant",
}
FIELD_TYPES = {
    "ArrayField": "list of text",
    "AutoField": "integer",
    "BigAutoField": "integer",
    "BigIntegerField": "integer",
    "BooleanField": "true or false",
    "DateField": "date",
    "DateTimeField": "instant",
    "FloatField": "number",
    "PositiveBigIntegerField": "integer",
    "PositiveSmallIntegerField": "integer",
    "SmallAutoField": "integer",
    "JSONField": "JSON",
    "PositiveIntegerField": "integer",
    "TextField": "text",
}


def dictionary() -> str:
    """The whole document."""
    parts = [INTRODUCTION, LAKE, *_lake_tables(), "## PostgreSQL\n", *_models()]
    return "\n".join(parts)


def _lake_tables() -> Iterator[str]:
    from hosting.lake import tables
    from hosting.models import DER, HostingCapacityRecord

    known = {
        field.name: str(field.help_text)
        for model in (DER, HostingCapacityRecord)
        for field in model._meta.concrete_fields
    }
    for name, schema in tables.SCHEMAS.items():
        partitions = ", ".join(f"`{column}`" for column in tables.PARTITIONS[name])
        yield f"### {name}\n"
        yield f"{LAKE_TABLES[name]} Partitioned by {partitions}.\n"
        yield _table(
            (column.name, _arrow_type(str(column.type)), LAKE_COLUMNS.get(column.name) or known[column.name])
            for column in schema
        )


def _arrow_type(name: str) -> str:
    return ARROW_TYPES.get(name) or name.replace("decimal128", "decimal")


def _models() -> Iterator[str]:
    from django.apps import apps

    for label in APPS:
        for model in apps.get_app_config(label).get_models():
            if model._meta.auto_created or model._meta.proxy:
                continue
            yield f"### {model.__name__}\n"
            yield f"{_first_paragraph(model.__doc__ or '')} Table `{model._meta.db_table}`.\n"
            if keys := _keys(model):
                yield f"Unique: {'; '.join(keys)}.\n"
            fields = [*model._meta.concrete_fields, *model._meta.many_to_many]
            yield _table((field.name, _field_type(field), _meaning(field)) for field in fields)


def _keys(model: Any) -> list[str]:
    fields = [", ".join(c.fields) for c in model._meta.constraints if getattr(c, "fields", None)]
    return [f"`{names}`" for names in fields]


def _field_type(field: Any) -> str:
    """The type in words, with `or empty` where nothing may stand there."""
    name = field.get_internal_type()
    if field.many_to_many:
        return f"any number of {field.related_model.__name__}"
    if field.is_relation:
        kind = f"one {field.related_model.__name__}"
    elif name == "DecimalField":
        kind = f"decimal({field.max_digits}, {field.decimal_places})"
    elif field.max_length and name != "ArrayField":
        kind = f"text, up to {field.max_length}"
    elif hasattr(field, "srid"):
        kind = f"{field.geom_type.lower()}, EPSG:{field.srid}"
    else:
        kind = FIELD_TYPES[name]
    return f"{kind}, or empty" if field.null or (field.blank and kind.startswith("text")) else kind


def _meaning(field: Any) -> str:
    """The help text, and the words that a closed vocabulary allows."""
    said = [str(field.help_text)] if field.help_text else []
    if field.choices:
        words = [
            f"`{value}`" if str(value).lower() == str(label).lower() else f"`{value}` ({label})"
            for value, label in field.flatchoices
        ]
        said.append(f"One of {', '.join(words)}")
    return ". ".join(said)


def _first_paragraph(text: str) -> str:
    """Of a docstring, in one line that ends in a full stop."""
    return " ".join(text.strip().split("\n\n")[0].split()).rstrip(".:;") + "."


def _table(rows: Iterator[tuple[str, str, str]]) -> str:
    lines = ["| column | type | meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | {kind} | {meaning.replace('|', '/')} |" for name, kind, meaning in rows]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write the document, or with --check only say whether it is up to date; the exit status."""
    import django

    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hcportal.settings")
    django.setup()
    text = dictionary()
    if "--check" in arguments:
        is_up_to_date = TARGET.exists() and TARGET.read_text(encoding="utf-8") == text
        if not is_up_to_date:
            sys.stderr.write(f"{TARGET.name} is out of date: run docs/make_data_dictionary.py\n")
        return 0 if is_up_to_date else 1
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
