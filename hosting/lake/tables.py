"""The lake's tables: names, columns, types, partitions. Docs: docs/data-dictionary.md is made from these.

Capacities are decimals, never doubles: adding the same rows in another order changed sums of doubles for four
feeders in five.
"""

import pyarrow as pa

MW = pa.decimal128(12, 5)
KV = pa.decimal128(8, 3)

BRONZE = "bronze/features"
MANIFEST = "bronze/manifest"
STAGE = "silver/stage"
CHANGES = "silver/changes"
SECTIONS = "silver/sections"
RECORDS = "silver/records"
QUARANTINE = "silver/quarantine"
FEEDER_CAPACITY = "platinum/feeder_capacity"

# What identifies a row within its utility.
KEY = ("source_code", "key", "capacity_type", "variant")

# The figures and attributes of a section, and so of a record too.
SECTION_COLUMNS: dict[str, pa.DataType] = {
    "feeder_id": pa.string(),
    "hosting_capacity_mw": MW,
    "capacity_status": pa.string(),
    "installed_dg_mw": MW,
    "queued_dg_mw": MW,
    "installed_since_study_mw": MW,
    "remaining_capacity_mw": MW,
    "remaining_basis": pa.string(),
    "constraining_metric": pa.string(),
    "criteria": pa.string(),
    "voltage_kv": KV,
    "phase_config": pa.string(),
    "is_overhead": pa.bool_(),
    "is_network": pa.bool_(),
    "record_date": pa.date32(),
    "der_date": pa.date32(),
}
# What only a record has.
RECORD_COLUMNS: dict[str, pa.DataType] = SECTION_COLUMNS | {
    "feeder_name": pa.string(),
    "substation_name": pa.string(),
    "county": pa.string(),
    "grain": pa.string(),
    "hosting_capacity_min_mw": MW,
    "hosting_capacity_max_mw": MW,
    "section_count": pa.int32(),
    "geometry_digest": pa.string(),
}
# Carried along, not compared: the published row behind a record, as of its last change.
CARRIED: dict[str, pa.DataType] = {"raw_attributes": pa.string()}

_KEY_FIELDS = [pa.field(name, pa.string()) for name in KEY]
_RUN = [pa.field("utility_code", pa.string()), pa.field("run_id", pa.int64())]


def _fields(columns: dict[str, pa.DataType]) -> list[pa.Field]:
    return [pa.field(name, kind) for name, kind in columns.items()]


_ALL = [*_fields(RECORD_COLUMNS | CARRIED), pa.field("geometry", pa.binary())]

SCHEMAS: dict[str, pa.Schema] = {
    # One row as published: every scalar of `attributes` is a JSON string; geometry is WKB, EPSG:4326.
    BRONZE: pa.schema(
        [
            *_RUN,
            pa.field("row_no", pa.int64()),
            pa.field("object_id", pa.string()),
            pa.field("attributes", pa.string()),
            pa.field("geometry", pa.binary()),
        ]
    ),
    # One row a run: where its raw bytes are and what they hash to.
    MANIFEST: pa.schema(
        [
            *_RUN,
            pa.field("source_code", pa.string()),
            pa.field("url", pa.string()),
            pa.field("fetched_at", pa.timestamp("us", tz="UTC")),
            pa.field("path", pa.string()),
            pa.field("sha256", pa.string()),
            pa.field("content_sha256", pa.string()),
            pa.field("raw_bytes", pa.int64()),
            pa.field("rows", pa.int64()),
            pa.field("layer", pa.string()),
        ]
    ),
    # A run's rows in our words, refused ones included; dropped once the run has ended.
    STAGE: pa.schema(
        [
            *_RUN,
            pa.field("row_no", pa.int64()),
            pa.field("object_id", pa.string()),
            *_KEY_FIELDS,
            *_ALL,
            pa.field("unread", pa.string()),
            pa.field("reject_check", pa.string()),
            pa.field("reject_reason", pa.string()),
        ]
    ),
    # The append-only log: what each run added, changed and removed. `dataset` is sections or records.
    CHANGES: pa.schema(
        [*_RUN, pa.field("dataset", pa.string()), pa.field("operation", pa.string()), *_KEY_FIELDS, *_ALL]
    ),
    SECTIONS: pa.schema([*_RUN, *_KEY_FIELDS, *_fields(SECTION_COLUMNS), pa.field("geometry", pa.binary())]),
    RECORDS: pa.schema([*_RUN, *_KEY_FIELDS, *_ALL]),
    QUARANTINE: pa.schema(
        [
            *_RUN,
            pa.field("source_code", pa.string()),
            pa.field("object_id", pa.string()),
            pa.field("key", pa.string()),
            pa.field("check_id", pa.string()),
            pa.field("reason", pa.string()),
            pa.field("attributes", pa.string()),
        ]
    ),
    FEEDER_CAPACITY: pa.schema(
        [
            *_RUN,
            pa.field("source_code", pa.string()),
            pa.field("feeder_id", pa.string()),
            pa.field("capacity_type", pa.string()),
            pa.field("variant", pa.string()),
            pa.field("hosting_capacity_mw", MW),
            pa.field("max_hosting_capacity_mw", MW),
            pa.field("min_hosting_capacity_mw", MW),
            pa.field("remaining_capacity_mw", MW),
            pa.field("remaining_basis", pa.string()),
            pa.field("capacity_status", pa.string()),
            pa.field("installed_dg_mw", MW),
            pa.field("queued_dg_mw", MW),
            pa.field("constraining_metric", pa.string()),
            pa.field("record_date", pa.date32()),
        ]
    ),
}

PARTITIONS: dict[str, list[str]] = {
    BRONZE: ["utility_code", "run_id"],
    MANIFEST: ["utility_code"],
    STAGE: ["utility_code", "run_id"],
    CHANGES: ["utility_code", "run_id"],
    SECTIONS: ["utility_code"],
    RECORDS: ["utility_code"],
    QUARANTINE: ["utility_code", "run_id"],
    FEEDER_CAPACITY: ["utility_code"],
}
