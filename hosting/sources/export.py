"""A layer as a file: GeoJSONSeq, GeoParquet or GeoPackage, by suffix, typed by the layer's own fields.

The file appears under its name only when it is complete; until then it is a hidden file beside it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from hcportal.errors import HcportalError, UnknownName
from hcportal.http import Client
from hosting.sources.arcgis import fetch, open_layer
from hosting.sources.columns import GEOMETRY, schema, table
from hosting.sources.writers import WRITERS, free

ROWS_AT_ONCE = 20_000  # a row group of Parquet, a transaction of GeoPackage


def export_layer(
    client: Client,
    url: str,
    output: Path,
    *,
    where: str = "1=1",
    fields: Sequence[str] | None = None,
    limit: int | None = None,
    geometry: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write the whole layer to `output` and say how many rows it has; on any error nothing is written.

    Raises UnknownName for a suffix that is none of .geojsonl, .geojsons, .geojsonseq, .parquet, .gpkg, and
    whatever `fetch` raises.
    """
    output = Path(output)
    make = WRITERS.get(output.suffix.lower())
    if make is None:
        known = ", ".join(WRITERS)
        raise UnknownName(f"{output.name}: files end in {known}, not in {output.suffix or 'no suffix'}")
    if not output.parent.is_dir():
        raise HcportalError(f"the folder {output.parent} does not exist; nothing was fetched")
    layer = open_layer(client, url)
    names = layer.chosen(fields)
    geometry_name = free(GEOMETRY, names) if geometry and layer.geometry_type else None
    columns = schema(layer, names, geometry_name=geometry_name)
    with _beside(output) as partial:
        rows = 0
        batch: list[pa.Table] = []
        writer = make(partial, layer, columns, geometry_name)

        def start_over() -> None:
            nonlocal rows, writer
            rows = 0
            batch.clear()
            writer.close()
            partial.unlink(missing_ok=True)
            writer = make(partial, layer, columns, geometry_name)

        pages = fetch(
            client,
            layer,
            where=where,
            fields=fields,
            limit=limit,
            geometry=geometry,
            progress=progress,
            on_restart=start_over,
        )
        try:
            for page in pages:
                batch.append(table(layer, names, page, geometry_name=geometry_name))
                rows += len(page.object_ids)
                if sum(part.num_rows for part in batch) >= ROWS_AT_ONCE:
                    writer.write(pa.concat_tables(batch))
                    batch.clear()
            if batch or not rows:
                writer.write(pa.concat_tables(batch or [columns.empty_table()]))
        finally:
            writer.close()
    return rows


@contextmanager
def _beside(output: Path) -> Iterator[Path]:
    """A hidden file in the same folder, renamed at the end, removed on any error."""
    partial = output.with_name(f".{output.stem}.{os.getpid()}.partial{output.suffix}")
    try:
        partial.unlink(missing_ok=True)
        yield partial
        partial.replace(output)
    finally:
        # SQLite may leave its journal behind.
        for leftover in output.parent.glob(f"{partial.name}*"):
            leftover.unlink()
