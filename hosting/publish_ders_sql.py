"""The SQL of a publication of DER, with column lists from the lake's schema, so that both sides agree."""

from typing import NamedTuple

from hosting.lake import tables


class Staging(NamedTuple):
    """A temporary table: its name, the statement that makes it, its columns in the order of COPY."""

    table: str
    make: str
    columns: tuple[str, ...]


_TYPES = {"decimal128(14, 3)": "numeric(14,3)", "date32[day]": "date", "bool": "boolean", "string": "text"}
_JSON = ("technologies", "costs", "as_published", "further_feeder_ids")

_COLUMNS = ("operation", "key", *tables.DER_COLUMNS)
_TYPED = [
    f"{name} {'jsonb' if name in _JSON else _TYPES[str(kind)]}" for name, kind in tables.DER_COLUMNS.items()
]
STAGED = Staging(
    "der_change",
    f"CREATE TEMPORARY TABLE der_change (operation text, key text, {', '.join(_TYPED)}) ON COMMIT DROP",
    _COLUMNS,
)
STAGE_KNOWN = "ANALYZE der_change"

# Feeders by the ids that the lake resolved; they are of the same utility.
_FURTHER = """coalesce((
    SELECT array_agg(g.id ORDER BY g.id) FROM jsonb_array_elements_text(c.further_feeder_ids) AS named(id)
    JOIN hosting_feeder g ON g.utility_id = %(utility)s AND g.external_id = named.id), '{}')"""
# Our column to what is written into it from `c` (the change) and `f` (its feeder). Texts are cut to their
# columns; whole they stand in bronze.
_WRITTEN = {
    "utility_id": "%(utility)s",
    "ingestion_run_id": "%(run)s",
    "feeder_id": "f.id",
    "further_feeder_ids": _FURTHER,
    "feeder_reference": "left(coalesce(c.feeder_reference, ''), 300)",
    "unresolved_references": "coalesce(c.unresolved_references, '')",
    "der_type": "left(coalesce(c.der_type, ''), 80)",
    "technologies": "coalesce(c.technologies, '{}'::jsonb)",
    "nameplate_kw": "c.nameplate_kw",
    "is_hybrid": "c.is_hybrid",
    "installed_on": "c.installed_on",
    "planned_on": "c.planned_on",
    "completed_on": "c.completed_on",
    "project_status": "left(coalesce(c.project_status, ''), 200)",
    "status_rationale": "coalesce(c.status_rationale, '')",
    "queue_request_id": "left(coalesce(c.queue_request_id, ''), 120)",
    "queue_position": "left(coalesce(c.queue_position, ''), 80)",
    "costs": "c.costs",
    "as_published": "c.as_published",
    "valid_from": "%(valid_from)s",
}
# The status is the source's, the same in all its rows.
_SAME_DER = "t.source_id = %(source)s AND t.external_id = c.key AND t.status = %(status)s"
KEPT = ("source_id", "external_id", "status", *_WRITTEN)

VERSIONS = f"""
INSERT INTO hosting_derversion (der_id, {", ".join(KEPT)}, valid_to, ended_by_run_id)
SELECT t.id, {", ".join(f"t.{name}" for name in KEPT)}, %(valid_from)s, %(run)s
FROM hosting_der t JOIN der_change c ON {_SAME_DER}
WHERE c.operation IN ('changed', 'removed')
"""  # noqa: S608 every name is a constant of ours
MERGE = f"""
MERGE INTO hosting_der t
USING (
    SELECT c.operation, c.key, {", ".join(f"{value} AS {name}" for name, value in _WRITTEN.items())}
    FROM der_change c
    LEFT JOIN hosting_feeder f ON f.utility_id = %(utility)s AND f.external_id = c.feeder_id
) c ON {_SAME_DER}
WHEN MATCHED AND c.operation = 'removed' THEN DELETE
WHEN MATCHED THEN UPDATE SET {", ".join(f"{name} = c.{name}" for name in _WRITTEN)}
WHEN NOT MATCHED AND c.operation <> 'removed' THEN
    INSERT (source_id, external_id, status, {", ".join(_WRITTEN)})
    VALUES (%(source)s, c.key, %(status)s, {", ".join(f"c.{name}" for name in _WRITTEN)})
"""  # noqa: S608
KNOW = "ANALYZE hosting_der (source_id, feeder_id, external_id, status)"

STAGED_ADDRESSES = Staging(
    "address_change",
    "CREATE TEMPORARY TABLE address_change (operation text, key text, street_address text) ON COMMIT DROP",
    ("operation", "key", "street_address"),
)
# Those of DER that go, go before them.
FORGET_ADDRESSES = """
DELETE FROM hosting_deraddress a USING address_change c, hosting_der t
WHERE c.operation = 'removed' AND t.id = a.der_id AND t.source_id = %(source)s AND t.external_id = c.key
AND t.status = %(status)s
"""
WRITE_ADDRESSES = """
INSERT INTO hosting_deraddress (der_id, source_id, ingestion_run_id, street_address)
SELECT t.id, %(source)s, %(run)s, left(c.street_address, 300)
FROM address_change c
JOIN hosting_der t ON t.source_id = %(source)s AND t.external_id = c.key AND t.status = %(status)s
WHERE c.operation <> 'removed'
ON CONFLICT (der_id) DO UPDATE
SET street_address = excluded.street_address, ingestion_run_id = excluded.ingestion_run_id
"""
FORGET_LOST_ADDRESSES = """
DELETE FROM hosting_deraddress a WHERE a.source_id = %(source)s
AND NOT EXISTS (SELECT FROM hosting_der t WHERE t.id = a.der_id)
"""
