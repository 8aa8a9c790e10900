"""The figures as a table, with what holds and what does not."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line: our figure beside a peer's, in `unit`; `limit` in the same unit, or none."""

    what: str
    ours: float
    peer: float | None = None
    peer_name: str = ""
    limit: float | None = None
    unit: str = "ms"

    @property
    def holds(self) -> bool:
        return self.limit is None or self.ours <= self.limit


HEAD = f"{'':<52}{'ours':>10}{'peer':>10}  {'':<22}{'ratio':>7}{'limit':>10}  holds"


def written(figures: list[Figure]) -> str:
    """A line for each figure."""
    lines = []
    for figure in figures:
        peer = f"{figure.peer:>10.2f}  {figure.peer_name:<22}" if figure.peer is not None else " " * 34
        ratio = f"{figure.ours / figure.peer:>7.2f}" if figure.peer else " " * 7
        limit = f"{figure.limit:>10.2f}" if figure.limit is not None else f"{'-':>10}"
        holds = "" if figure.limit is None else "yes" if figure.holds else "NO"
        lines.append(f"{figure.what:<52}{figure.ours:>10.2f}{peer}{ratio}{limit}  {holds}".rstrip())
    return "\n".join(lines)
