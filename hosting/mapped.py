"""Whether a layer or file has the fields that its entry maps. Knows nothing of the lake: pages ask it too."""

from difflib import get_close_matches

from hcportal.errors import MissingField
from hosting.sources.layer import Layer
from utilities.spec import SourceSpec


def missing_fields(layer: Layer, spec: SourceSpec) -> list[str]:
    """The mapped fields that the layer has not."""
    names = {field.name for field in layer.fields}
    return [name for name in spec.published_fields() if name not in names]


def lacking(layer: Layer, spec: SourceSpec) -> str:
    """Which mapped fields the layer lacks, as a clause with the nearest names it has; empty where none."""
    folded = {field.name.lower(): field.name for field in layer.fields}
    missing = []
    for name in missing_fields(layer, spec):
        near = get_close_matches(name.lower(), folded, n=1)
        missing.append(f"'{name}'" + (f" (is it '{folded[near[0]]}' now?)" if near else ""))
    return f"lacks the mapped field{'s' if len(missing) > 1 else ''} {', '.join(missing)}" if missing else ""


def refuse_without_fields(layer: Layer, spec: SourceSpec) -> None:
    """Raise MissingField where a mapped field is not there."""
    if missing := lacking(layer, spec):
        raise MissingField(f"{layer.url} {missing}. Correct the catalog entry and run again.")
