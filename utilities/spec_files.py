"""Which file a source is, and how it is written, where a utility gives files instead of a service.

Facts of the publisher, no path of this machine: the folder is given when files are read.
"""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from utilities.spec_readings import Closed, FieldName, misfit

FileName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
TABLES = ("csv", "xlsx")


class FileFeed(Closed):
    """One file: its name below the folder that is read, its format, and what the format leaves open.

    `name` may hold `*` in its last part, for a date or a version in it; exactly one file must fit.
    With `monthly`, each month has a folder of its own: `2026-03/circuits.csv`.
    """

    name: FileName
    format: Literal["csv", "xlsx", "geojson", "gpkg", "shapefile", "kml"]
    monthly: bool = False
    encoding: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{2,30}$")] = Field(
        "utf-8", description="of CSV; a byte-order mark is left out by itself"
    )
    delimiter: str = Field(",", min_length=1, max_length=1)
    header_line: int = Field(1, ge=1, le=100, description="the line or row on which the columns are named")
    layer: Annotated[str, StringConstraints(max_length=200)] = Field(
        "", description="the layer or sheet, where a file has several"
    )
    longitude: FieldName | None = None
    latitude: FieldName | None = None
    crs: Annotated[str, StringConstraints(pattern=r"^(|EPSG:[0-9]{4,6})$")] = Field(
        "", description="where the file does not say it: EPSG:26918"
    )

    @property
    def is_table(self) -> bool:
        """True where rows have no shapes of their own."""
        return self.format in TABLES

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        parts = self.name.split("/")
        if any(part in {"", ".", ".."} for part in parts) or re.search(r'[\\:?"<>|\x00-\x1f]', self.name):
            raise misfit(f"'{self.name}' must be a name below the folder that is read", "name")
        if any("*" in part for part in parts[:-1]):
            raise misfit("only the last part of the name may hold *", "name")
        if (self.longitude is None) != (self.latitude is None):
            raise misfit("longitude and latitude go together", "longitude" if self.longitude else "latitude")
        for key in ("longitude", "latitude", "header_line"):
            if key in self.model_fields_set and not self.is_table:
                raise misfit(f"means something in csv and xlsx only, not in {self.format}", key)
        for key in ("encoding", "delimiter"):
            if key in self.model_fields_set and self.format != "csv":
                raise misfit(f"means something in csv only, not in {self.format}", key)
        try:
            "".encode(self.encoding)
        except LookupError:
            raise misfit(f"'{self.encoding}' is no encoding that Python knows", "encoding") from None
        return self
