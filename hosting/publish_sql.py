"""The SQL of a publication. Column lists are made once from the lake's schema, so that both sides agree."""

from hosting.lake import tables

# Columns of the temporary table, in the order of COPY: what the log has, typed as PostgreSQL has it.
_TYPES = {
    "decimal128(12, 5)": "numeric(12,5)",
    "decimal128(8, 3)": "numeric(8,3)",
    "date32[day]": "date",
    "bool": "boolean",
    "int32": "integer",
    "string": "text",
}
_JSON = ("criteria", "raw_attributes")
_LAKE_ONLY = ("shape_length", "missing_values")
_FIGURES = {
    name: kind
    for name, kind in (tables.SECTION_COLUMNS | tables.RECORD_COLUMNS | tables.CARRIED).items()
    if name not in _LAKE_ONLY
}
COPY_COLUMNS = ("operation", "key", "capacity_type", "variant", *_FIGURES, "geometry")
STAGE_TABLE = "CREATE TEMPORARY TABLE change ({}) ON COMMIT DROP".format(
    ", ".join(
        [
            "operation text, key text, capacity_type text, variant text",
            *[f"{name} {'jsonb' if name in _JSON else _TYPES[str(kind)]}" for name, kind in _FIGURES.items()],
            "geometry geometry(Geometry, 4326)",
        ]
    )
)
STAGE_KNOWN = "ANALYZE change"  # so that the joins are planned for what it holds

WORLD = "ST_MakeEnvelope(-180, -85.06, 180, 85.06, 4326)"  # as far as Web Mercator goes
OUT_OF_THIS_WORLD = f"""
SELECT count(*), coalesce((array_agg(key ORDER BY key))[:100], '{{}}')
FROM change WHERE NOT geometry @ {WORLD}
"""  # noqa: S608


def web_mercator(geometry: str) -> str:
    """For tiles; null for what lies outside the world, on which a transformation would fail."""
    return f"CASE WHEN {geometry} @ {WORLD} THEN ST_Transform({geometry}, 3857) END"


# Our column to what is written into it from `c` (the change), `f` (its feeder) and `g` (its shape).
_SHARED = {
    "utility_id": "%(utility)s",
    "ingestion_run_id": "%(run)s",
    "feeder_id": "f.id",
    **{
        name: f"c.{name}"
        for name in tables.SECTION_COLUMNS
        if name not in ("feeder_id", "circuit_id", *_LAKE_ONLY)
    },
    "remaining_basis": "coalesce(c.remaining_basis, '')",
    "valid_from": "%(valid_from)s",
}
_SECTION = _SHARED | {
    "circuit_id": "left(c.circuit_id, 120)",
    "geometry": "c.geometry",
    "geometry_3857": web_mercator("c.geometry"),
}
_RECORD = _SHARED | {
    "feeder_id_external": "coalesce(c.feeder_id, '')",
    # Names are cut to their columns; whole they stand in raw_attributes and in bronze.
    "feeder_name": "left(coalesce(c.feeder_name, ''), 200)",
    "substation_name": "left(coalesce(c.substation_name, ''), 200)",
    "county": "left(coalesce(c.county, ''), 60)",
    "grain": "c.grain",
    "hosting_capacity_min_mw": "c.hosting_capacity_min_mw",
    "hosting_capacity_max_mw": "c.hosting_capacity_max_mw",
    "section_count": "c.section_count",
    "raw_attributes": "c.raw_attributes",
    "geometry": "g.shape",
    "geometry_3857": web_mercator("g.shape"),
    "centroid": "ST_PointOnSurface(g.shape)",
    "geometry_type": "CASE ST_Dimension(g.shape) WHEN 0 THEN 'Point' WHEN 1 THEN 'MultiLineString' "
    "WHEN 2 THEN 'Polygon' END",
}
TARGETS = {
    "sections": ("hosting_hostingcapacitysection", _SECTION),
    "records": ("hosting_hostingcapacityrecord", _RECORD),
}
# Which part of a collection a source's kind of geometry is, for ST_CollectionExtract.
PARTS = {"point": 1, "polyline": 2, "polygon": 3, "none": 2}
# The same by what the layer said of itself in the run, where the source does not.
PARTS_OF_LAYERS = {"esriGeometryPoint": 1, "esriGeometryMultipoint": 1, "esriGeometryPolygon": 3}

_SAME_ROW = (
    "t.source_id = %(source)s AND t.key = c.key AND t.capacity_type = c.capacity_type"
    " AND t.variant = c.variant"
)
# A record's shape is its own, or where sections make it, all of theirs together: one aggregate over the
# sections of feeders that changed, none over the others.
_OWN_SHAPE = "LEFT JOIN LATERAL (SELECT CASE WHEN ST_Dimension(c.geometry) = 1 THEN ST_Multi(c.geometry) ELSE c.geometry END AS shape) g ON true"  # noqa: E501
MERGE_SHAPES = """
CREATE TEMPORARY TABLE shape ON COMMIT DROP AS
SELECT s.feeder_id, s.capacity_type, s.variant,
       ST_Multi(ST_CollectionExtract(ST_Collect(s.geometry ORDER BY s.key), %(part)s)) AS shape
FROM hosting_hostingcapacitysection s
WHERE s.source_id = %(source)s AND s.feeder_id IN (
    SELECT f.id FROM change c JOIN hosting_feeder f
    ON f.utility_id = %(utility)s AND f.external_id = c.feeder_id)
GROUP BY s.feeder_id, s.capacity_type, s.variant
"""
_MERGED_SHAPE = (
    "LEFT JOIN shape g ON g.feeder_id = f.id AND g.capacity_type = c.capacity_type AND g.variant = c.variant"
)


def merge(dataset: str, *, shapes_from_sections: bool) -> str:
    """One MERGE that adds, changes and removes; ids of rows that stay are kept."""
    table, written = TARGETS[dataset]
    shapes = {"sections": "", "records": _MERGED_SHAPE if shapes_from_sections else _OWN_SHAPE}
    values = ", ".join(f"{source} AS {name}" for name, source in written.items())
    names = ("source_id", "key", "capacity_type", "variant", *written)
    inserted = ("%(source)s", "c.key", "c.capacity_type", "c.variant", *[f"c.{name}" for name in written])
    return f"""
MERGE INTO {table} t
USING (
    SELECT c.operation, c.key, c.capacity_type, c.variant, {values}
    FROM change c
    LEFT JOIN hosting_feeder f ON f.utility_id = %(utility)s AND f.external_id = c.feeder_id
    {shapes[dataset]}
) c ON {_SAME_ROW}
WHEN MATCHED AND c.operation = 'removed' THEN DELETE
WHEN MATCHED THEN UPDATE SET {", ".join(f"{name} = c.{name}" for name in written)}
WHEN NOT MATCHED AND c.operation <> 'removed' THEN
    INSERT ({", ".join(names)}) VALUES ({", ".join(inserted)})
"""  # noqa: S608 every name is a constant of ours


def kept(dataset: str) -> tuple[str, list[str]]:
    """A dataset's table, and the columns that it shares with its versions."""
    table, written = TARGETS[dataset]
    names = ["source_id", "key", "capacity_type", "variant"]
    names += [name for name in written if name not in ("geometry_3857", "centroid")]
    return table, names + (["substation_id"] if dataset == "records" else [])


def versions(dataset: str) -> str:
    """Keep rows that are about to be changed or removed, as they were."""
    table, names = kept(dataset)
    own = "section_id" if dataset == "sections" else "record_id"
    return f"""
INSERT INTO {table}version ({own}, {", ".join(names)}, valid_to, ended_by_run_id)
SELECT t.id, {", ".join(f"t.{name}" for name in names)}, %(valid_from)s, %(run)s
FROM {table} t JOIN change c ON {_SAME_ROW}
WHERE c.operation IN ('changed', 'removed')
"""  # noqa: S608


# Statistics of the columns that later statements join on; geometry is left out, it costs most to sample.
KNOW = {
    dataset: f"ANALYZE {table} (source_id, feeder_id, key, capacity_type, variant)"
    for dataset, (table, _written) in TARGETS.items()
}
KNOW_FEEDERS = "ANALYZE hosting_feeder"

NEW_FEEDERS = """
SELECT c.feeder_id, left(max(coalesce(c.feeder_name, '')), 200)
FROM change c
WHERE c.feeder_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM hosting_feeder f WHERE f.utility_id = %(utility)s AND f.external_id = c.feeder_id)
GROUP BY c.feeder_id ORDER BY c.feeder_id
"""
# After both datasets: every feeder of this source was seen by this run.
SEE_FEEDERS = """
UPDATE hosting_feeder f SET last_seen_id = %(run)s
WHERE f.utility_id = %(utility)s AND (
    EXISTS (SELECT 1 FROM hosting_hostingcapacityrecord r
            WHERE r.feeder_id = f.id AND r.source_id = %(source)s)
    OR EXISTS (SELECT 1 FROM hosting_hostingcapacitysection s
               WHERE s.feeder_id = f.id AND s.source_id = %(source)s))
"""
NAME_FEEDERS = """
UPDATE hosting_feeder f SET name = c.feeder_name
FROM (SELECT feeder_id, left(max(feeder_name), 200) AS feeder_name FROM change
      WHERE feeder_name <> '' GROUP BY feeder_id) c
WHERE f.utility_id = %(utility)s AND f.external_id = c.feeder_id AND c.feeder_name <> f.name
"""
