"""What a run can change, as one table: where each dataset's rows stand, and what tells one row from another.

All of them go the same way: compared with their current rows, logged, published, brought along in the lake.
"""

from dataclasses import dataclass

import pyarrow as pa

from hosting.lake import tables


@dataclass(frozen=True)
class Dataset:
    """`current` holds what readers see, `log` what each run changed; both are keyed by `key`.

    A row has changed where one of `compared` has; the others are carried along.
    """

    name: str
    current: str
    log: str
    key: tuple[str, ...]
    compared: tuple[str, ...]

    @property
    def carried(self) -> dict[str, pa.DataType]:
        """Every column of a logged row beside its key and what says whose it is."""
        own = {"utility_code", "run_id", "dataset", "operation", *self.key}
        return {field.name: field.type for field in tables.SCHEMAS[self.log] if field.name not in own}


CAPACITY = (
    Dataset("sections", tables.SECTIONS, tables.CHANGES, tables.KEY, (*tables.SECTION_COLUMNS, "geometry")),
    Dataset("records", tables.RECORDS, tables.CHANGES, tables.KEY, (*tables.RECORD_COLUMNS, "geometry")),
)
DER = (
    Dataset("ders", tables.DERS, tables.DER_CHANGES, tables.DER_KEY, tuple(tables.DER_COLUMNS)),
    Dataset("addresses", tables.ADDRESSES, tables.ADDRESS_CHANGES, tables.DER_KEY, ("street_address",)),
)
DATASETS = {dataset.name: dataset for dataset in (*CAPACITY, *DER)}


def of_source(holds: str) -> tuple[Dataset, ...]:
    """The datasets that a source can change, in the order in which they are published."""
    return {"capacity": CAPACITY, "ders": DER}.get(holds, ())
