"""The admin of flows: sources with a button that pulls, interfaces, runs, findings, and how whole each day
is."""

from interregional.admin import interfaces, runs, sources

__all__ = ["interfaces", "runs", "sources"]
