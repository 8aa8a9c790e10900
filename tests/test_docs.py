"""What the documentation says that can be checked: the data dictionary, the catalog's example, links."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from utilities import spec
from utilities.catalog_files import read_entry

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
CATALOG = ROOT / "docs" / "catalog.md"


def test_the_data_dictionary_says_what_tables_and_models_say() -> None:
    script = ROOT / "docs" / "make_data_dictionary.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_worked_example_of_the_catalog_is_a_valid_entry(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(code: (\S+)\n.*?)```", CATALOG.read_text(), re.DOTALL)
    assert example is not None
    file = tmp_path / f"{example[2]}.yaml"
    file.write_text(example[1])
    entry = read_entry(file)
    assert [source.grain for source in entry.sources] == ["section", "cell"]


def test_the_list_of_checks_says_what_the_checks_are() -> None:
    script = ROOT / "docs" / "make_quality.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "model",
    [
        spec.UtilitySpec,
        spec.SourceSpec,
        spec.Lists,
        spec.Fields,
        spec.Figure,
        spec.Reading,
        spec.OtherLayer,
    ],
)
def test_every_key_of_the_catalog_is_explained(model: type[spec.Closed]) -> None:
    text = CATALOG.read_text()
    assert [key for key in model.model_fields if f"`{key}`" not in text] == []


def test_every_reader_and_basis_is_explained() -> None:
    text = CATALOG.read_text()
    words = [*spec.Reader, *spec.RemainingBasis]
    assert [word for word in words if f"`{word}`" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
