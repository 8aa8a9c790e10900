"""What `--discover` would have proposed for the layers that the catalog knows: a draft that the schema takes.

The examples have the publishers' own field names and a few rows, so names decide; what values say is tested
in tests/hosting/test_discovery.py.
"""

from pathlib import Path
from typing import Any

import yaml

from hcportal.http import Client
from hosting.sources.discovery import discover
from hosting.sources.proposal import proposal
from tests.utilities.test_examples import EXAMPLES, sources
from utilities.spec import SourceSpec, UtilitySpec

KNOWN = [(entry.code, spec) for entry, spec in sources() if spec.holds == "capacity"]


def drafted(folder: Path, code: str, spec: SourceSpec) -> SourceSpec | None:
    """The proposed source, as the schema has it; None where nothing looks like a capacity."""
    recorded = folder / f"{code}.{spec.code}"
    recorded.mkdir()
    (recorded / "0").symlink_to(EXAMPLES / code / spec.code, target_is_directory=True)
    with Client(recorded_root=folder) as client:
        draft = proposal(client, discover(client, f"recorded://{recorded.name}/FeatureServer/0"))
    content: dict[str, Any] | None = yaml.safe_load(draft)
    if content is None:
        return None
    content["sources"][0]["service_url"] = "https://gis.example.org/rest/services/x/FeatureServer"
    return UtilitySpec.model_validate(content).sources[0]


def capacities(spec: SourceSpec) -> set[str]:
    """The published fields that a source reads a capacity from."""
    readings = [pair for figure in spec.figures for pair in figure.readings().items()]
    return {reading.field for name, reading in readings if name.startswith(("hosting_capacity", "remaining"))}


def test_drafts_of_known_layers_name_the_capacity_and_the_feeder_nearly_always(tmp_path: Path) -> None:
    wrong = []
    for code, spec in KNOWN:
        draft = drafted(tmp_path, code, spec)
        if draft is None:
            wrong.append((code, spec.code, "nothing"))
            continue
        [figure] = draft.figures
        headline = figure.readings()["hosting_capacity_mw"].field
        if headline not in capacities(spec):
            wrong.append((code, spec.code, headline))
        feeder = draft.fields.feeder_id.field if draft.fields.feeder_id else None
        if spec.fields.feeder_id is not None and feeder != spec.fields.feeder_id.field:
            wrong.append((code, spec.code, feeder or "no feeder"))
        assert draft.status == "unverified"
    assert len(wrong) <= len(KNOWN) // 12, wrong
