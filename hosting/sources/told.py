"""What a layer's own description says beside its fields: the legend of its map, and headings as written."""

from dataclasses import dataclass
from typing import Any

import orjson

MOST_LABELS = 100


@dataclass(frozen=True)
class Told:
    """`legend` is {field, labels: [[value, label], ...]} or nothing; `headings` are a file's, unstripped."""

    legend: dict[str, Any]
    headings: list[str]

    def kept(self) -> dict[str, Any]:
        """As a run remembers it: only what there is."""
        found: dict[str, Any] = {"legend": self.legend} if self.legend else {}
        return found | ({"headings": self.headings} if self.headings else {})


def told(description: bytes) -> Told:
    """Read a description as it was received; what is not understood says nothing."""
    try:
        content = orjson.loads(description)
    except orjson.JSONDecodeError:
        return Told({}, [])
    if not isinstance(content, dict):
        return Told({}, [])
    headings = content.get("headings")
    plain = [str(one).replace("\0", "") for one in headings] if isinstance(headings, list) else []
    return Told(_legend(content.get("drawingInfo")), plain)


def _legend(drawing: Any) -> dict[str, Any]:
    """The map's classes, by Esri's renderers `uniqueValue` and `classBreaks`."""
    renderer = drawing.get("renderer") if isinstance(drawing, dict) else None
    if not isinstance(renderer, dict):
        return {}
    field = renderer.get("field1") or renderer.get("field")
    classes = renderer.get("uniqueValueInfos") or renderer.get("classBreakInfos")
    if not isinstance(field, str) or not isinstance(classes, list):
        return {}
    labels = [
        [_text(one.get("value", one.get("classMaxValue"))), _text(one.get("label"))]
        for one in classes[:MOST_LABELS]
        if isinstance(one, dict)
    ]
    return {"field": _text(field), "kind": _text(renderer.get("type")), "labels": labels}


def _text(value: Any) -> str:
    return "" if value is None else str(value).replace("\0", "")[:200]
