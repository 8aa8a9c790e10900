"""Reading the catalog's files: every error names its file and line."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hcportal.errors import CatalogError
from utilities.spec import UtilitySpec

OWN_CATALOG = Path(__file__).parent / "catalog"


def read_catalog(folders: Iterable[Path] = ()) -> dict[str, UtilitySpec]:
    """Utility code to entry, from the project's own catalog and `folders`; a later folder wins.

    Raises CatalogError with every fault found, one a line, each starting `file:line:`.
    """
    entries: dict[str, UtilitySpec] = {}
    faults: list[str] = []
    for folder in (OWN_CATALOG, *folders):
        if not folder.is_dir():
            faults.append(f"{folder}: there is no such catalog folder (HCP_CATALOG names it)")
            continue
        for file in sorted(folder.glob("*.yaml")):
            try:
                entries[file.stem] = read_entry(file)
            except CatalogError as error:
                faults.append(str(error))
    if faults:
        raise CatalogError("\n".join(faults))
    return entries


def read_entry(file: Path) -> UtilitySpec:
    """One catalog file, checked. Raises CatalogError."""
    try:
        text = file.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        given = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CatalogError(f"{file}:{line}: not YAML: {error.problem}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise CatalogError(f"{file}:{line}: not YAML: {error.reason}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(f"{file}:1: cannot be read: {error}") from error
    if root is None or not isinstance(given, dict):
        what = "is empty" if root is None else "does not hold keys and values"
        raise CatalogError(f"{file}:1: {what}; a catalog file describes one utility")
    _refuse_repeated_keys(file, root)
    try:
        entry = UtilitySpec.model_validate(given)
    except ValidationError as error:
        faults = [(_place(fault), fault["msg"]) for fault in _root_causes(error.errors())]
        lines = [f"{file}:{_line(root, place)}: {_sentence(place, message)}" for place, message in faults]
        raise CatalogError("\n".join(lines)) from error
    if entry.code != file.stem:
        line = _line(root, ("code",))
        raise CatalogError(f"{file}:{line}: code is '{entry.code}', but the file is called {file.name}")
    return entry


def _root_causes(faults: list[ErrorDetails]) -> list[ErrorDetails]:
    """The faults without those that only follow from another one, or say the same of one place again."""
    kept: dict[tuple[int | str, ...], ErrorDetails] = {}
    for fault in faults:
        place = fault["loc"]
        follows = fault["type"] == "too_short" and any(
            other["loc"][: len(place)] == place for other in faults if other is not fault
        )
        if not follows:
            kept.setdefault(_place(fault), fault)
    return list(kept.values())


def _place(fault: ErrorDetails) -> tuple[int | str, ...]:
    """Where in the file a person should look: keys and positions, without parts that pydantic made up."""
    at: tuple[int | str, ...] = fault.get("ctx", {}).get("at", ())
    place = (*fault["loc"], *at)
    return tuple(step for step in place if not (isinstance(step, str) and "[" in step))


def _refuse_repeated_keys(file: Path, node: yaml.Node) -> None:
    """YAML would let the later of two equal keys win without a word."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise CatalogError(f"{file}:{key.start_mark.line + 1}: '{key.value}' stands here twice")
            seen.add(key.value)
            _refuse_repeated_keys(file, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_repeated_keys(file, value)


def _held_by(node: yaml.MappingNode, step: int | str) -> tuple[yaml.Node, yaml.Node] | None:
    """The key called `step` and its value, looked for within a reader's long form too."""
    for key, value in node.value:
        if key.value == step:
            return key, value
    if len(node.value) == 1 and isinstance(inner := node.value[0][1], yaml.MappingNode):
        return _held_by(inner, step)
    return None


def _line(node: yaml.Node, path: tuple[int | str, ...]) -> int:
    """The line of the deepest part of `path` that the file really holds."""
    line = node.start_mark.line + 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            held = _held_by(node, step)
            if held is None:
                continue  # a key that is missing
            key, node = held
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line


def _sentence(path: tuple[int | str, ...], message: str) -> str:
    where = ".".join(str(step) for step in path)
    if message == "Extra inputs are not permitted":
        known: Any = path[-1]
        return f"{where}: '{known}' is not a key of the catalog; see docs/catalog.md"
    if message == "Input should be a valid tuple":
        message = "must be a list, such as [this, that]"
    return f"{where}: {message}" if where else message
