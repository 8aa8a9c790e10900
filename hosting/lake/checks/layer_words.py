"""The words of a layer's description: names and aliases taken apart, units in them, its legend."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# 'HC_kW', 'Capacity (MW)', 'capacity in kVA'; not 'kWh', and not the 'mw' of 'MWBE'.
UNIT = re.compile(r"(?:^|[^A-Za-z]|(?<=[a-z]))([kKmM])([wW]|[vV][aA])(?![A-Za-z])")


@dataclass(frozen=True)
class Described:
    """A layer as a run remembers it."""

    name: str
    fields: Mapping[str, Mapping[str, Any]]
    headings: tuple[str, ...]
    legend_field: str
    legend_kind: str
    labels: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, layer: Mapping[str, Any]) -> "Described":
        fields = {str(field["name"]): field for field in layer.get("fields", [])}
        legend = layer.get("legend") or {}
        return cls(
            name=str(layer.get("name", "")),
            fields=fields,
            headings=tuple(layer.get("headings") or fields),
            legend_field=str(legend.get("field", "")),
            legend_kind=str(legend.get("kind", "")),
            labels=tuple((str(value), str(label)) for value, label in legend.get("labels", [])),
        )

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.fields)

    def words(self, name: str) -> str:
        """A field's name and alias."""
        alias = str(self.fields.get(name, {}).get("alias") or "")
        return name if alias == name else f"{name} {alias}".strip()

    def legend_words(self, name: str) -> str:
        """What the legend says, where the map is of this field."""
        return " ".join(label for _, label in self.labels) if self.legend_field == name else ""

    def codes(self, name: str) -> Mapping[str, str]:
        """What a field's coded values mean; empty where it has none."""
        found: Mapping[str, str] = self.fields.get(name, {}).get("codes") or {}
        return found


def units(text: str) -> set[str]:
    """The units of power that a text names: mw, kw, mva, kva."""
    return {(prefix + unit).lower() for prefix, unit in UNIT.findall(text)}


def tokens(text: str) -> set[str]:
    """The words of a name in lower case: 'GenCapacity_kW' is gen, capacity, kw."""
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text)
    apart = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", apart)
    return {word for word in re.split(r"[^A-Za-z0-9]+", apart.lower()) if word}
