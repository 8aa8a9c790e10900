"""Reading a layer that does not number its rows: page after page, by offset, in an explicit order.

Weaker than a plan of ids, and only for layers that leave no choice: what proves completeness here is the
count.
"""

from __future__ import annotations

from collections.abc import Iterator

from hcportal.errors import IncompleteFetch
from hosting.sources.pages import Reader
from hosting.sources.rows import Page, features_of, page
from hosting.sources.service import ask

EMPTY_PAGES = 5
"""So many empty pages in a row are followed while the server says that there is more."""
UNORDERED = {"esriFieldTypeGeometry", "esriFieldTypeBlob", "esriFieldTypeRaster", "esriFieldTypeXML"}


def read_by_offset(reader: Reader, count: int | None, limit: int | None) -> Iterator[Page]:
    """All rows, numbered from 0. Raises IncompleteFetch where they are not as many as counted."""
    layer = reader.layer
    total = count if limit is None else min(limit, count or limit)
    # Every column takes part, so that only rows which are equal throughout can change places.
    order = ",".join(f.name for f in layer.fields if f.type not in UNORDERED and f.name in reader.names)
    received = empty = 0
    while total is None or received < total:
        wanted = reader.size.rows if total is None else min(reader.size.rows, total - received)
        paging = {"resultOffset": str(received), "resultRecordCount": str(wanted), "orderByFields": order}
        if not layer.supports_pagination:
            paging = {}
        reply = ask(
            reader.client,
            layer.query_url,
            {**reader.shape(), **paging, "where": reader.where},
            expect="features",
        )
        features = features_of(layer, reply, geometry=reader.geometry)
        if limit is not None:
            features = features[: limit - received]
        more = bool(reply.content.get("exceededTransferLimit"))
        empty = 0 if features else empty + 1
        if features:
            yield page(
                layer, reader.names, list(enumerate(features, received)), [reply], geometry=reader.geometry
            )
        received += len(features)
        done = not features and not more if layer.supports_pagination else True
        if done or empty >= EMPTY_PAGES:
            break
        if total is None and not more and len(features) < wanted:
            break
    if limit is None and count is not None and received != count:
        raise IncompleteFetch(
            f"{layer.url} has no object ids, counts {count:,} rows and gave {received:,}; nothing was kept"
        )
    if (
        limit is None
        and count is None
        and not layer.supports_pagination
        and received >= layer.max_record_count
    ):
        raise IncompleteFetch(
            f"{layer.url} has neither object ids nor pages nor a count: there is no way to know whether"
            f" {received:,} rows are all of it"
        )
