"""From the catalog's files to the database: facts are written anew, a person's choices are kept."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, models
from pytest_django import Settings

from hcportal.errors import CatalogError
from tests.factories import make_run
from tests.layers import entry
from utilities.catalog_files import OWN_CATALOG
from utilities.models import Iso, Source, Utility
from utilities.spec import SourceSpec, UtilitySpec
from utilities.sync import sync_catalog

pytestmark = pytest.mark.django_db
REAL = {file.stem for file in OWN_CATALOG.glob("*.yaml")} - {"demo_harbor", "demo_valley"}
AWAY = "https://gis.example.org/FeatureServer"


@pytest.fixture(autouse=True)
def no_folders_of_a_user(settings: Settings) -> None:
    settings.HCP_CATALOG = []
    settings.HCP_ALLOW_LOOPBACK = False


def write(folder: Path, code: str, address: str = AWAY, **changed: Any) -> None:
    """A catalog file of a utility that is not synthetic."""
    given = entry(code, address) | {"synthetic": False} | changed
    (folder / f"{code}.yaml").write_text(yaml.safe_dump(given))


def stored() -> list[list[dict[str, Any]]]:
    """Everything that a sync may write."""
    found: list[type[models.Model]] = [Iso, Utility, Source]
    return [list(model._default_manager.order_by("pk").values()) for model in found]


def test_a_first_sync_adds_the_real_utilities_as_their_files_say() -> None:
    synced = sync_catalog()
    assert set(synced.added) == REAL
    assert len(REAL) >= 50
    assert synced.updated == synced.left == []
    pge = Utility.objects.get(utility_code="pge")
    assert (pge.iso and pge.iso.code, pge.states, pge.timezone) == ("caiso", ["CA"], "America/Los_Angeles")
    source = pge.sources.get(code="line-detail")
    assert (
        SourceSpec.model_validate(source.config_json)
        == UtilitySpec.model_validate(pge.config_json).sources[0]
    )
    assert (source.layer, source.grain, source.cadence, source.is_scheduled) == (
        3,
        "section",
        "monthly",
        True,
    )
    assert Iso.objects.count() == 7


def test_a_second_sync_changes_nothing() -> None:
    sync_catalog()
    before = stored()
    synced = sync_catalog()
    assert (synced.added, set(synced.updated), synced.left) == ([], REAL, [])
    assert stored() == before


def test_synthetic_utilities_come_when_they_are_asked_for_and_are_kept_up_to_date_then() -> None:
    assert not {"demo_harbor", "demo_valley"} & set(sync_catalog().added)
    assert set(sync_catalog(include_synthetic=True).added) == {"demo_harbor", "demo_valley"}
    assert Utility.objects.filter(is_synthetic=True).count() == 2
    Utility.objects.filter(is_synthetic=True).update(utility_name="Something else")
    assert {"demo_harbor", "demo_valley"} < set(sync_catalog().updated)
    assert not Utility.objects.filter(utility_name="Something else").exists()


def test_what_an_admin_chose_survives() -> None:
    sync_catalog()
    Source.objects.filter(utility__utility_code="pge").update(is_enabled=False)
    sync_catalog()
    source = Source.objects.get(utility__utility_code="pge", code="line-detail")
    assert not source.is_enabled
    assert not source.is_scheduled


def test_a_changed_file_is_written_over_what_was(tmp_path: Path) -> None:
    write(tmp_path, "ours")
    sync_catalog([tmp_path])
    before = Source.objects.get(utility__utility_code="ours")
    write(tmp_path, "ours", "https://other.example.org/FeatureServer", name="Renamed", status="unverified")
    sync_catalog([tmp_path])
    after = Source.objects.select_related("utility").get(pk=before.pk)
    assert (after.service_url, after.utility.utility_name) == (
        "https://other.example.org/FeatureServer",
        "Renamed",
    )
    assert (after.status, after.is_scheduled) == ("unverified", False)


def test_an_entry_whose_file_is_gone_is_marked_and_keeps_its_history(tmp_path: Path) -> None:
    write(tmp_path, "ours")
    sync_catalog([tmp_path])
    run = make_run(Source.objects.get(utility__utility_code="ours"))
    (tmp_path / "ours.yaml").unlink()
    assert sync_catalog([tmp_path]).left == ["ours"]
    assert sync_catalog([tmp_path]).left == []
    source = Source.objects.select_related("utility").get(pk=run.source_id)
    assert not source.in_catalog
    assert not source.utility.in_catalog
    assert not source.is_scheduled
    assert list(source.runs.all()) == [run]
    write(tmp_path, "ours")
    assert "ours" in sync_catalog([tmp_path]).updated
    source.refresh_from_db()
    assert source.in_catalog


def test_a_source_that_left_its_file_is_marked(tmp_path: Path) -> None:
    write(tmp_path, "ours")
    sync_catalog([tmp_path])
    [first] = entry("ours", AWAY)["sources"]
    write(tmp_path, "ours", sources=[first | {"code": "another"}])
    sync_catalog([tmp_path])
    assert dict(Source.objects.filter(utility__utility_code="ours").values_list("code", "in_catalog")) == {
        "sections": False,
        "another": True,
    }


def test_one_fault_in_one_file_writes_nothing(tmp_path: Path) -> None:
    write(tmp_path, "ours")
    write(tmp_path, "theirs", timezone="Mars/Olympus")
    with pytest.raises(CatalogError, match=r"theirs\.yaml:[0-9]+: timezone: 'Mars/Olympus'"):
        sync_catalog([tmp_path])
    assert stored() == [[], [], []]


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8080", "HTTP://localhost", "https://localhost", "http://[::1]:1"]
)
def test_a_source_on_this_machine_needs_the_setting(tmp_path: Path, settings: Settings, address: str) -> None:
    write(tmp_path, "ours", f"{address}/FeatureServer")
    with pytest.raises(CatalogError, match=r"ours/sections: .* only under HCP_ALLOW_LOOPBACK=1"):
        sync_catalog([tmp_path])
    assert stored() == [[], [], []]
    settings.HCP_ALLOW_LOOPBACK = True
    assert "ours" in sync_catalog([tmp_path]).added


def test_a_database_without_tables_is_told_in_a_sentence() -> None:
    with connection.cursor() as cursor:  # the test's transaction takes it back
        cursor.execute("ALTER TABLE utilities_source RENAME TO elsewhere")
    with pytest.raises(CommandError, match=r"not the tables of this version yet. Nothing was done; bin/up"):
        call_command("sync_catalog")
