"""The app, and what it keeps in the database of its own accord: sources, interfaces, the timetable."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class InterregionalConfig(AppConfig):
    name = "interregional"
    verbose_name = "Interregional flows"

    def ready(self) -> None:
        post_migrate.connect(_set_up, sender=self, dispatch_uid="interregional.set_up")


def _set_up(using: str = "default", **_signal: Any) -> None:
    """After every migration: what a new installation needs, and what a new release corrects."""
    from django.db import connections

    from interregional.defaults import ensure_defaults
    from interregional.timetable import ensure_timetable

    if "interregional_flowsource" in connections[using].introspection.table_names():
        ensure_defaults()
        ensure_timetable()
