"""The lake's tables: names, columns, types, partitions. Docs: docs/data-dictionary.md is made from these.

Capacities are decimals, never doubles: adding the same rows in another order changed sums of doubles for four
feeders in five.
"""

import pyarrow as pa

MW = pa.decimal128(12, 5)
KV = pa.decimal128(8, 3)
KW = pa.decimal128(14, 3)  # of a DER's nameplate
LENGTH = pa.decimal128(20, 9)  # in whatever unit the publisher measures

BRONZE = "bronze/features"
MANIFEST = "bronze/manifest"
STAGE = "silver/stage"
CHANGES = "silver/changes"
SECTIONS = "silver/sections"
RECORDS = "silver/records"
QUARANTINE = "silver/quarantine"
DER_STAGE = "silver/der_stage"
REPEATS = "silver/stage_repeats"
DER_CHANGES = "silver/der_changes"
DERS = "silver/ders"
ADDRESS_CHANGES = "silver/der_address_changes"
ADDRESSES = "silver/der_addresses"
FEEDER_FINDINGS = "silver/feeder_findings"
DATA_QUALITY_SUMMARY = "platinum/data_quality_summary"
FEEDER_CAPACITY = "platinum/feeder_capacity"
DER_DETAILS = "platinum/der_details"

_SQL_TYPES = {  # of the engine, for an Arrow type
    "string": "string",
    "binary": "binary",
    "bool": "boolean",
    "int32": "int",
    "int64": "bigint",
    "date32[day]": "date",
    "decimal128(12, 5)": "decimal(12,5)",
    "decimal128(8, 3)": "decimal(8,3)",
    "decimal128(14, 3)": "decimal(14,3)",
    "decimal128(20, 9)": "decimal(20,9)",
}


def sql_type(kind: pa.DataType) -> str:
    """What the engine calls a column's type."""
    return _SQL_TYPES[str(kind)]


# What identifies a row within its utility: of capacity, and of a DER or its address.
KEY = ("source_code", "key", "capacity_type", "variant")
DER_KEY = ("source_code", "key")

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
    "circuit_id": pa.string(),
    "shape_length": LENGTH,
}
# What only a record has; it is of no circuit of its own, it is what they resolve to.
RECORD_COLUMNS: dict[str, pa.DataType] = {
    name: kind for name, kind in SECTION_COLUMNS.items() if name != "circuit_id"
} | {
    "feeder_name": pa.string(),
    "substation_name": pa.string(),
    "county": pa.string(),
    "grain": pa.string(),
    "hosting_capacity_min_mw": MW,
    "hosting_capacity_max_mw": MW,
    "section_count": pa.int32(),
    "missing_values": pa.int32(),
    "geometry_digest": pa.string(),
}
# Carried along, not compared: the published row behind a record, as of its last change.
CARRIED: dict[str, pa.DataType] = {"raw_attributes": pa.string()}
# A DER as published, but for its street address, which is kept apart.
DER_COLUMNS: dict[str, pa.DataType] = {
    "status": pa.string(),
    "feeder_id": pa.string(),
    "further_feeder_ids": pa.string(),
    "feeder_reference": pa.string(),
    "unresolved_references": pa.string(),
    "der_type": pa.string(),
    "technologies": pa.string(),
    "nameplate_kw": KW,
    "is_hybrid": pa.bool_(),
    "installed_on": pa.date32(),
    "planned_on": pa.date32(),
    "completed_on": pa.date32(),
    "project_status": pa.string(),
    "status_rationale": pa.string(),
    "queue_request_id": pa.string(),
    "queue_position": pa.string(),
    "costs": pa.string(),
    "as_published": pa.string(),
}
# Of a stage row only: what checks compare a figure with.
CHECKED: dict[str, pa.DataType] = {"substation_capacity_mw": MW, "map_colour": pa.string()}

_KEY_FIELDS = [pa.field(name, pa.string()) for name in KEY]
_RUN = [pa.field("utility_code", pa.string()), pa.field("run_id", pa.int64())]


def _fields(columns: dict[str, pa.DataType]) -> list[pa.Field]:
    return [pa.field(name, kind) for name, kind in columns.items()]


_ALL = [*_fields(SECTION_COLUMNS | RECORD_COLUMNS | CARRIED), pa.field("geometry", pa.binary())]
_DER_KEY_FIELDS = [pa.field(name, pa.string()) for name in DER_KEY]
_REFUSED = [
    pa.field("unread", pa.string()),
    pa.field("reject_check", pa.string()),
    pa.field("reject_reason", pa.string()),
]
_LOGGED = [*_RUN, pa.field("dataset", pa.string()), pa.field("operation", pa.string())]
_ADDRESS = pa.field("street_address", pa.string())

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
            pa.field("entry", pa.int32()),
            pa.field("object_id", pa.string()),
            *_KEY_FIELDS,
            *_ALL,
            *_fields(CHECKED),
            *_REFUSED,
        ]
    ),
    # The append-only log: what each run added, changed and removed. `dataset` is sections or records.
    CHANGES: pa.schema([*_LOGGED, *_KEY_FIELDS, *_ALL]),
    SECTIONS: pa.schema([*_RUN, *_KEY_FIELDS, *_fields(SECTION_COLUMNS), pa.field("geometry", pa.binary())]),
    RECORDS: pa.schema(
        [*_RUN, *_KEY_FIELDS, *_fields(RECORD_COLUMNS | CARRIED), pa.field("geometry", pa.binary())]
    ),
    # The same for DER. Addresses stand in tables of their own, so that who may not see them reads the others.
    DER_STAGE: pa.schema(
        [
            *_RUN,
            pa.field("row_no", pa.int64()),
            pa.field("entry", pa.int32()),
            pa.field("object_id", pa.string()),
            *_DER_KEY_FIELDS,
            *_fields(DER_COLUMNS),
            _ADDRESS,
            pa.field("published_hybrid", pa.bool_()),
            *_REFUSED,
        ]
    ),
    DER_CHANGES: pa.schema([*_LOGGED, *_DER_KEY_FIELDS, *_fields(DER_COLUMNS)]),
    DERS: pa.schema([*_RUN, *_DER_KEY_FIELDS, *_fields(DER_COLUMNS)]),
    ADDRESS_CHANGES: pa.schema([*_LOGGED, *_DER_KEY_FIELDS, _ADDRESS]),
    ADDRESSES: pa.schema([*_RUN, *_DER_KEY_FIELDS, _ADDRESS]),
    # Of a stage only: keys that stand in more than one row that passes; of DER without type and variant.
    REPEATS: pa.schema(
        [
            *_RUN,
            *[pa.field(name, pa.string()) for name in ("key", "capacity_type", "variant")],
            pa.field("first_place", pa.int64()),
        ]
    ),
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
    # What each run's checks said of feeders, published or not.
    FEEDER_FINDINGS: pa.schema(
        [
            *_RUN,
            pa.field("source_code", pa.string()),
            pa.field("feeder_id", pa.string()),
            pa.field("check_id", pa.string()),
            pa.field("severity", pa.string()),
            pa.field("concerned_rows", pa.int32()),
            pa.field("feeder_rows", pa.int32()),
        ]
    ),
    # One row for each dataset and published run.
    DATA_QUALITY_SUMMARY: pa.schema(
        [
            *_RUN,
            pa.field("source_code", pa.string()),
            pa.field("dataset", pa.string()),
            pa.field("refresh_date", pa.date32()),
            pa.field("row_count", pa.int64()),
            pa.field("null_shares", pa.string()),
            pa.field("unresolved_references", pa.int64()),
            pa.field("quarantined_rows", pa.int64()),
            pa.field("score", pa.decimal128(5, 2)),
            pa.field("score_parts", pa.string()),
            pa.field("computed_at", pa.timestamp("us", tz="UTC")),
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
            pa.field("section_count", pa.int32()),
            pa.field("missing_values", pa.int32()),
            pa.field("shape_length", LENGTH),
            pa.field("installed_der_count", pa.int64()),
            pa.field("planned_der_count", pa.int64()),
            pa.field("installed_der_kw", KW),
            pa.field("planned_der_kw", KW),
        ]
    ),
    # One row for each DER and feeder that its reference leads to; without a feeder where it leads nowhere.
    DER_DETAILS: pa.schema([*_RUN, *_DER_KEY_FIELDS, *_fields(DER_COLUMNS)]),
}

PARTITIONS: dict[str, list[str]] = {
    BRONZE: ["utility_code", "run_id"],
    MANIFEST: ["utility_code"],
    STAGE: ["utility_code", "run_id"],
    CHANGES: ["utility_code", "run_id"],
    SECTIONS: ["utility_code"],
    RECORDS: ["utility_code"],
    REPEATS: ["utility_code", "run_id"],
    QUARANTINE: ["utility_code", "run_id"],
    DER_STAGE: ["utility_code", "run_id"],
    DER_CHANGES: ["utility_code", "run_id"],
    DERS: ["utility_code"],
    ADDRESS_CHANGES: ["utility_code", "run_id"],
    ADDRESSES: ["utility_code"],
    FEEDER_FINDINGS: ["utility_code", "run_id"],
    DATA_QUALITY_SUMMARY: ["utility_code"],
    FEEDER_CAPACITY: ["utility_code"],
    DER_DETAILS: ["utility_code"],
}
