"""The four groups and what each may do; made again after every migration, so that code is the truth.

| group | may |
|---|---|
| viewer | read everything in the admin, what only stewards read apart |
| steward | of their utilities, also read addresses and DER without feeder, and decide on held runs |
| operator | what a viewer may; start runs, edit sources and the timetable |
| admin | everything, users included |
"""

from typing import Any

READ_APPS = ("utilities", "hosting", "interregional")
OF_STEWARDS = ("deraddress", "unresolvedder")  # of their own utilities
OPERATOR_EDITS = (
    ("utilities", "source"),
    ("interregional", "flowsource"),
    ("interregional", "interface"),
    ("django_celery_beat", "periodictask"),
    ("django_celery_beat", "crontabschedule"),
    ("django_celery_beat", "intervalschedule"),
)


def ensure_groups(**_signal: Any) -> None:
    """Give each group exactly its permissions. Runs after `migrate`, when all permissions can exist."""
    from django.apps import apps
    from django.contrib.auth.management import create_permissions
    from django.contrib.auth.models import Group, Permission

    for app in apps.get_app_configs():
        create_permissions(app, verbosity=0)
    every = Permission.objects.select_related("content_type")
    read = every.filter(content_type__app_label__in=READ_APPS, codename__startswith="view_").exclude(
        content_type__model__in=OF_STEWARDS
    )
    of_stewards = every.filter(codename__in=[f"view_{model}" for model in OF_STEWARDS])
    edit = [
        permission
        for permission in every
        if (permission.content_type.app_label, permission.content_type.model) in OPERATOR_EDITS
        and permission.codename.startswith(("view_", "change_"))
    ]
    runs = every.filter(codename__in=["start_run", "start_flowrun"])
    decides = every.filter(content_type__app_label="hosting", codename="decide_run")
    for name, permissions in {
        "viewer": [*read],
        "steward": [*read, *of_stewards, *decides],
        "operator": [*read, *edit, *runs],
        "admin": [*every],
    }.items():
        group, _created = Group.objects.get_or_create(name=name)
        group.permissions.set(permissions)
