"""docs/api.md names every address of the API, what it takes and what its rows hold."""

from pathlib import Path
from typing import Any

import pytest
from django.urls import URLPattern, get_resolver

from hosting.api.ders import DERSerializer, DERTotalsSerializer
from hosting.api.feeders import LinkedFeederSerializer
from hosting.api.manifest import ManifestEntrySerializer
from hosting.api.nearby import NearbySerializer
from hosting.api.runs import RunSerializer

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "api.md").read_text()
ADDRESSES: dict[str, Any] = {
    str(entry.pattern): entry.callback
    for entry in get_resolver().url_patterns
    if isinstance(entry, URLPattern) and str(entry.pattern).startswith("api/v1/")
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_and_its_parameters_are_documented(address: str) -> None:
    assert f"## GET /{address.replace('<slug:', '{').replace('>', '}')}\n" in TEXT
    names = ADDRESSES[address].view_class.parameters_class().fields
    assert [name for name in names if f"`{name}`" not in TEXT] == []


def test_every_field_of_a_row_is_documented() -> None:
    rows = (
        NearbySerializer,
        RunSerializer,
        LinkedFeederSerializer,
        DERSerializer,
        DERTotalsSerializer,
        ManifestEntrySerializer,
    )
    names = [str(name) for row in rows for name in row().fields]
    assert [name for name in names if name not in TEXT] == []
