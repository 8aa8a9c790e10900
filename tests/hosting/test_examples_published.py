"""Examples of sources whose rows are unusual, taken all the way to what people read."""

import json
import shutil
from collections import Counter
from decimal import Decimal

from hosting.models import HostingCapacityRecord, HostingCapacitySection, RunStatus
from tests.conftest import Portal
from tests.layers import entry, write_layer
from tests.utilities.test_examples import ENTRIES, EXAMPLES
from utilities.models import Source


def publish(portal: Portal, utility: str, code: str) -> Source:
    """The example of a source, ingested as a utility of the portal's own; its first run was completed."""
    real = ENTRIES[utility]
    spec = next(spec for spec in real.sources if spec.code == code)
    shutil.copytree(EXAMPLES / utility / code, portal.folder / "recorded" / utility / "0")
    given = spec.model_dump(mode="json", exclude_defaults=True)
    given |= {"service_url": f"recorded://{utility}/FeatureServer", "layer": 0}
    given.pop("discovery", None)
    # An example is a handful of rows, of which one is to be refused.
    given["thresholds"] = {"max_quarantined": 1.0}
    own = {
        "code": utility,
        "name": real.name,
        "states": list(real.states),
        "timezone": real.timezone,
        "data_source_type": "arcgis_feature",
        "synthetic": True,
        "sources": [given],
    }
    source = portal.add(own)
    run = portal.ingest(source)
    assert (run.status, run.error_message) == (RunStatus.COMPLETED, "")
    return source


def test_the_feeders_of_a_cell_are_sections_of_their_own_and_have_the_cells_for_a_shape(
    portal: Portal,
) -> None:
    source = publish(portal, "ameren_il", "generation-grid")
    sections = HostingCapacitySection.objects.filter(source=source)
    assert Counter(sections.values_list("feeder__external_id", flat=True)) == {
        "A11001": 3,
        "B22002": 1,
        "C33003": 2,
    }
    records = {record.feeder_id_external: record for record in HostingCapacityRecord.objects.all()}
    assert {code: record.hosting_capacity_mw for code, record in records.items()} == {
        "A11001": Decimal("9.9"),
        "B22002": Decimal("9.9"),
        "C33003": Decimal("5.31"),
    }
    assert {record.geometry_type for record in records.values()} == {"Polygon"}
    # Read anew, the cells give the same sections under the same keys.
    again = portal.ingest(source, force=True)
    assert again.status == RunStatus.UNCHANGED


def test_the_shape_of_a_feeder_is_what_its_layer_says_where_the_catalog_does_not_know(
    portal: Portal,
) -> None:
    kinds = {}
    for utility, code in (("xcel_co", "segments"), ("dte", "circuits"), ("pseg_nj", "ev-capacity")):
        source = publish(portal, utility, code)
        kinds[utility] = set(
            HostingCapacityRecord.objects.filter(source=source).values_list("geometry_type", flat=True)
        )
    assert kinds == {"xcel_co": {"Polygon"}, "dte": {"MultiLineString"}, "pseg_nj": {"Point"}}


def test_a_range_and_a_place_without_a_feeder_are_published_with_both_ends(portal: Portal) -> None:
    publish(portal, "ladwp", "power-capacity")
    found = {
        record.key: (
            record.hosting_capacity_min_mw,
            record.hosting_capacity_mw,
            record.hosting_capacity_max_mw,
            record.capacity_status,
        )
        for record in HostingCapacityRecord.objects.all()
    }
    assert found == {
        "G-1": (Decimal("0.45"), Decimal("0.45"), Decimal("0.6"), "published"),
        "G-2": (Decimal("7.5"), Decimal("7.5"), None, "at_least"),
        "G-3": (Decimal(0), Decimal(0), Decimal(0), "published"),
        "G-4": (None, None, None, "unknown"),
    }


def test_names_of_a_joined_view_reach_the_portal(portal: Portal) -> None:
    publish(portal, "nv_energy", "sections")
    [found] = HostingCapacityRecord.objects.filter(feeder_id_external="SMP210", capacity_type="load")
    assert (found.hosting_capacity_mw, found.capacity_status, found.voltage_kv) == (
        Decimal(20),
        "at_least",
        Decimal("24.9"),
    )


def test_a_coded_domain_of_the_layer_is_read_by_a_run_and_a_changed_one_again(portal: Portal) -> None:
    rows = [{"feeder": "F1", "section": "S1", "mw": 2.0, "kind": 7}]
    write_layer(portal.folder / "recorded", "coded", rows)
    file = portal.folder / "recorded" / "coded" / "0" / "layer.json"

    def declare(meaning: str) -> None:
        layer = json.loads(file.read_text())
        for field in layer["fields"]:
            if field["name"] == "kind":
                field["domain"] = {"type": "codedValue", "codedValues": [{"code": 7, "name": meaning}]}
        file.write_text(json.dumps(layer))

    declare("Overhead")
    fields = {"feeder_id": {"id": "feeder"}, "is_overhead": {"flag": {"field": "kind", "coded": True}}}
    source = portal.add(entry("coded", fields=fields))
    portal.ingest(source)
    assert HostingCapacitySection.objects.get().is_overhead is True
    declare("Underground")
    assert portal.ingest(source).status == RunStatus.COMPLETED
    assert HostingCapacitySection.objects.get().is_overhead is False
