"""A catalog file that cannot be used is refused with its file, its line and one clear sentence."""

import json
import re
from pathlib import Path

import pytest
import yaml

from hcportal.errors import CatalogError
from tests.layers import entry
from utilities.catalog_files import OWN_CATALOG, read_catalog, read_entry
from utilities.spec import SourceSpec, UtilitySpec

FILES = sorted(OWN_CATALOG.glob("*.yaml"))
GOOD = """\
# One utility.
code: good
name: Good Electric
states: [RI]
timezone: America/New_York
data_source_type: arcgis_feature
sources:
  - code: sections
    title: Sections
    service_url: https://gis.example.org/FeatureServer
    layer: 0
    grain: section
    key: [ID]
    fields:
      feeder_id: {id: Feeder}
    figures:
      - capacity_type: generation
        hosting_capacity_mw:
          kw:
            field: HC
            not_studied: ["NA"]
        installed_dg_mw: {kw: DG}
        remaining: hosting_less_installed
        rollup: max
"""


def refused(folder: Path, text: str | bytes) -> list[str]:
    """What is said of a file called good.yaml that holds `text`, without the folder's name."""
    file = folder / "good.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CatalogError) as refusal:
        read_entry(file)
    said = str(refusal.value)
    assert all(line.startswith(f"{file}:") for line in said.splitlines())
    return said.replace(f"{folder}/", "").splitlines()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_of_the_catalog_reads(file: Path) -> None:
    assert read_entry(file).code == file.stem


def test_the_file_that_the_faulty_ones_are_made_from_is_good(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    assert read_entry(tmp_path / "good.yaml").sources[0].url == "https://gis.example.org/FeatureServer/0"


@pytest.mark.parametrize(
    ("was", "is_now", "said"),
    [
        ("    layer: 0", "    layer: 0\n    colour: red", "12: sources.0.colour: 'colour' is not a key"),
        ("            not_studied:", "            not_studdied:", "21: .*'not_studdied' is not a key"),
        ("    layer: 0", "    layer: 0\n    layer: 1", "12: 'layer' stands here twice"),
        ("{id: Feeder}", "{kw: Feeder}", "15: .*read with kw; this field takes text, id"),
        ("          kw:\n", "          kv:\n", "19: .*read with kv; this field takes mw, kw, mva, kva"),
        ("          kw:\n", "          kww:\n", "18: .*Input should be 'text', 'id', 'mw'"),
        ("          kw:\n", "          kva:\n", "18: .*kva needs a declared power_factor"),
        ("field: HC", "field: HC\n            reader: mw", "21: .*read with kw or with mw"),
        ('["NA"]', "[-9999]", "21: .*not_studied.0: Input should be a valid string"),
        ("        rollup: max\n", "", "17: .*generation/default needs rollup: min or max"),
        (
            "    grain: section",
            "    feed: incremental\n    grain: section",
            "12: .*feed: incremental, .*set feeder_records: false",
        ),
        ("grain: section", "grain: feeder", "24: .*rollup: means something only where sections"),
        (
            "        installed_dg_mw: {kw: DG}\n",
            "",
            "22: .*remaining: 'hosting_less_installed', but installed_dg_mw is not mapped",
        ),
        (
            "remaining: hosting_less_installed",
            "remaining: published",
            "23: .*remaining: 'published', but remaining_capacity_mw is not mapped",
        ),
        (
            "installed_dg_mw:",
            "remaining_capacity_mw:",
            "23: .*remaining_capacity_mw is mapped, so this must be 'published'",
        ),
        (
            "remaining: hosting_less_installed",
            "study_contains: [installed]\n        remaining: hosting_less_installed",
            "24: .*takes off installed_dg_mw, which the study already contains",
        ),
        ("America/New_York", "America/NewYork", "5: timezone: 'America/NewYork' is not an IANA name"),
        ("https:", "http:", "10: .*service_url: must be https, not http://gis.example.org"),
        ("https://gis.example.org", "recorded://x", "10: .*recorded:// is for synthetic util"),
        ("code: good", "code: other", "2: code is 'other', but the file is called good.yaml"),
        ("key: [ID]", "key: ID", r"13: sources.0.key: must be a list, such as \[this, that\]"),
        ("states: [RI]", "states: [Rhode Island]", "4: states.0: String should match pattern"),
        ("    fields:\n      feeder_id: {id: Feeder}\n", "", "12: .*'section', so fields.feeder_id"),
        ("name: Good Electric\n", "", "2: name: Field required"),
        ("states: [RI]", "states: [RI", "5: not YAML: expected"),
        ("Good Electric", "Good\x07Electric", "3: not YAML: special characters are not allowed"),
        (
            "        remaining: hosting",
            "        constraining_metric: {metric: {field: L, words: {Hot: thermic}}}\n"
            "        remaining: hosting",
            "23: .*words.Hot: Input should be 'thermal', 'voltage', 'protection', 'islanding', 'reverse_",
        ),
        ("states: [RI]", "states: [RI]\nstatus: unavailable", "5: status: 'unavailable' needs unavail"),
        (
            "states: [RI]",
            "states: [RI]\nunavailable_because: terms",
            "5: unavailable_because: says why it is unavailable, but it is 'seen'",
        ),
        (
            "states: [RI]",
            "states: [RI]\nstatus: unavailable\nunavailable_because: lazy",
            "6: unavailable_because: Input should be 'login', 'not_machine_readable', 'terms' or 'not_found'",
        ),
        ("    layer: 0", "    lists: {fields: [ID, Odd]}", "11: .*lists.fields.1: 'Odd' is read by nothing"),
        (
            "    service_url: https://gis.example.org/FeatureServer\n",
            "",
            "8: sources.0.service_url: is required, as discovery does not find another",
        ),
        ("    layer: 0", "    lists: {fields: []}", "11: .*lists.fields: .*at least 1 item"),
        ("{id: Feeder}", "{id: {field: Feeder, end: low}}", "15: .*end: end means nothing to id"),
        ("{id: Feeder}", "{id: {field: Feeder, zero: [X]}}", "15: .*zero: zero means nothing to id"),
        ("{id: Feeder}", "{id: {field: Feeder, format: yyyy}}", "15: .*format: format means nothing to id"),
        ("field: HC", "field: HC\n            end: middle", "21: .*end: Input should be 'low' or 'high'"),
        (
            "sources:",
            "other_layers: [{title: T, service_url: U, holds: gold, not_read: So}]\nsources:",
            "7: other_layers.0.holds: Input should be 'capacity', 'substations'",
        ),
        ("name: Good", "name: " + "G" * 121, "3: name: String should have at most 120 characters"),
        ("states:", f"parent_company: {'P' * 121}\nstates:", "4: parent_company: .*at most 120 char"),
        ("title: Sections", "title: " + "S" * 201, "9: .*title: String should have at most 200 char"),
        ("/FeatureServer", "/F" * 250, "10: .*service_url: String should have at most 500 char"),
        ("    layer: 0", f"    licence: {'L' * 301}", "11: .*licence: String should have at most 300 char"),
        ("    layer: 0", f"    attribution: {'L' * 301}", "11: .*attribution: .*at most 300 char"),
        (GOOD, "", "1: is empty; a catalog file describes one utility"),
        (GOOD, "# Nothing yet.\n", "1: is empty"),
        (GOOD, "- good\n", "1: does not hold keys and values"),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_with_its_place(tmp_path: Path, was: str, is_now: str, said: str) -> None:
    assert was in GOOD
    [line] = refused(tmp_path, GOOD.replace(was, is_now))
    assert re.match(f"good.yaml:{said}", line), line


@pytest.mark.parametrize(
    ("north", "south", "said"),
    [
        ("", "", "sources.1.code: 'south' and 'sections' both have feeders with generation/default"),
        ("part: north", "", "sources.1.code: 'south' and 'sections' both have"),
        ("", "part: south", "sources.1.part: 'south' and 'sections' both have"),
        ("part: north", "part: north", "sources.1.part: 'south' and 'sections' both have"),
        ("part: north", "part: south", ""),
        ("feeder_records: false", "", ""),
    ],
)
def test_two_sources_with_one_figure_are_of_different_parts(
    tmp_path: Path, north: str, south: str, said: str
) -> None:
    head, one = GOOD.split("sources:\n")
    other = one.replace("code: sections", "code: south")
    first = f"    {north}\n" if north else ""
    if north.startswith("feeder_records"):
        one = one.replace("        rollup: max\n", "")
    text = f"{head}sources:\n{one}{first}{other}" + (f"    {south}\n" if south else "")
    if said:
        [line] = refused(tmp_path, text)
        assert said in line, line
        at = next(n for n, row in enumerate(text.splitlines(), 1) if row == "  - code: south")
        wanted = len(text.splitlines()) if south else at
        assert line.startswith(f"good.yaml:{wanted}:"), line
    else:
        (tmp_path / "good.yaml").write_text(text)
        assert len(read_entry(tmp_path / "good.yaml").sources) == 2


def test_another_variant_or_grain_needs_no_part(tmp_path: Path) -> None:
    head, one = GOOD.split("sources:\n")
    for was, is_now in (
        ("capacity_type: generation", "capacity_type: generation\n        variant: other"),
        ("capacity_type: generation", "capacity_type: load"),
        ("        rollup: max\n", ""),
    ):
        other = one.replace("code: sections", "code: south").replace(was, is_now)
        if "rollup" in was:
            other = other.replace("grain: section", "grain: cell")
        (tmp_path / "good.yaml").write_text(f"{head}sources:\n{one}{other}")
        assert len(read_entry(tmp_path / "good.yaml").sources) == 2


def test_a_source_that_only_discovery_finds_has_no_address_of_its_own(tmp_path: Path) -> None:
    address = "    service_url: https://gis.example.org/FeatureServer\n"
    rule = "strategy: owner, directory: https://maps.example.org/sharing/rest, owner: u, like: HC_*"
    (tmp_path / "good.yaml").write_text(GOOD.replace(address, f"    discovery: {{{rule}}}\n"))
    [source] = read_entry(tmp_path / "good.yaml").sources
    assert (source.service_url, source.url, source.layer) == ("", "", 0)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    [line] = refused(tmp_path, b"code: \xff\xfe")
    assert line.startswith("good.yaml:1: cannot be read: 'utf-8' codec")


def test_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(GOOD)
    (tmp_path / "two.yaml").write_text(GOOD.replace("code: good", "code: two").replace("https", "http"))
    with pytest.raises(CatalogError) as refusal:
        read_catalog([tmp_path, tmp_path / "absent"])
    lines = str(refusal.value).replace(f"{tmp_path}/", "").splitlines()
    assert [line.split(" ")[0] for line in lines] == ["one.yaml:2:", "two.yaml:10:", "absent:"]


def test_an_entry_of_a_later_folder_wins(tmp_path: Path) -> None:
    own = (OWN_CATALOG / "ri_energy.yaml").read_text()
    (tmp_path / "ri_energy.yaml").write_text(own.replace("name: Rhode Island Energy", "name: Ours"))
    assert read_catalog([tmp_path])["ri_energy"].name == "Ours"
    assert read_catalog()["ri_energy"].name == "Rhode Island Energy"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_entry_survives_the_database(file: Path) -> None:
    utility = read_entry(file)
    stored = json.loads(json.dumps(utility.model_dump(mode="json", exclude_defaults=True)))
    assert UtilitySpec.model_validate(stored) == utility
    for source in utility.sources:
        stored = json.loads(json.dumps(source.model_dump(mode="json", exclude_defaults=True)))
        assert SourceSpec.model_validate(stored) == source


def test_everything_that_can_be_said_survives_the_database() -> None:
    whole = entry(
        "whole",
        key=["a", "b"],
        thresholds={"max_row_loss": 0.5},
        lists={"fields": ["a", "b"], "separator": ";"},
        terms="Asks to be named",
        fields={
            "feeder_id": {"id": "feeder"},
            "record_date": {"date": {"field": "d", "format": "M/d/yyyy"}},
            "der_date": {"date": {"field": "e", "format": ["M/d/yyyy", "yyyyMMdd"]}},
        },
        figures=[
            {
                "capacity_type": "load",
                "variant": "summer-peak",
                "hosting_capacity_mw": {
                    "mva": {
                        "field": "hc",
                        "power_factor": 0.95,
                        "at_least": 10.5,
                        "withheld": ["REDACTED"],
                        "not_studied": ["NA"],
                        "unknown": ["?"],
                        "zero": ["NONE"],
                        "end": "low",
                        "coded": True,
                    }
                },
                "constraining_metric": {"metric": {"field": "m", "words": {"Hot wire": "thermal"}}},
                "criteria": {"over-voltage": {"kw": "ov"}},
                "remaining": "unknown",
                "rollup": "min",
            }
        ],
    )
    utility = UtilitySpec.model_validate(yaml.safe_load(yaml.safe_dump(whole)))
    stored = json.loads(json.dumps(utility.model_dump(mode="json", exclude_defaults=True)))
    assert UtilitySpec.model_validate(stored) == utility
