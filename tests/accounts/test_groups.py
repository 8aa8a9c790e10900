"""The four groups have exactly what accounts/groups.py documents."""

import pytest
from django.contrib.auth.models import Group, Permission

from accounts.groups import ensure_groups

pytestmark = pytest.mark.django_db

EDITED_BY_OPERATORS = {
    "utilities.source",
    "interregional.flowsource",
    "interregional.interface",
    "django_celery_beat.periodictask",
    "django_celery_beat.crontabschedule",
    "django_celery_beat.intervalschedule",
}


OF_STEWARDS = {"hosting.view_deraddress", "hosting.view_unresolvedder"}


def named(permissions: "list[Permission]") -> set[str]:
    return {f"{permission.content_type.app_label}.{permission.codename}" for permission in permissions}


def of(group: str) -> set[str]:
    found = Group.objects.get(name=group).permissions.select_related("content_type")
    return named(list(found))


def every() -> set[str]:
    return named(list(Permission.objects.select_related("content_type")))


def reading() -> set[str]:
    """All that is ours, but what only stewards read."""
    ours = {
        name
        for name in every()
        if name.split(".")[0] in ("utilities", "hosting", "interregional") and ".view_" in name
    }
    return ours - OF_STEWARDS - {"hosting.view_every_unresolvedder"}


def test_there_are_four_groups() -> None:
    assert set(Group.objects.values_list("name", flat=True)) == {"viewer", "steward", "operator", "admin"}


def test_a_viewer_reads_everything_of_ours_and_does_nothing() -> None:
    assert of("viewer") == reading()
    assert {"utilities.view_source", "hosting.view_hcingestionrun", "hosting.view_finding"} < of("viewer")


def test_a_steward_also_reads_addresses_and_decides_on_held_runs() -> None:
    assert of("steward") == reading() | OF_STEWARDS | {"hosting.decide_run"}


def test_an_operator_also_starts_runs_and_edits_sources_and_the_timetable() -> None:
    edits = {
        f"{app}.{action}_{model}"
        for app, model in (name.split(".") for name in EDITED_BY_OPERATORS)
        for action in ("view", "change")
    }
    assert of("operator") == reading() | edits | {"hosting.start_run", "interregional.start_flowrun"}


def test_an_admin_may_do_everything() -> None:
    assert of("admin") == every()
    assert {"accounts.add_user", "hosting.start_run", "hosting.decide_run"} < of("admin")


def test_the_code_is_the_truth_after_every_migration() -> None:
    Group.objects.get(name="viewer").permissions.set(Permission.objects.all())
    Group.objects.get(name="steward").permissions.clear()
    Group.objects.get(name="operator").delete()
    ensure_groups()
    test_a_viewer_reads_everything_of_ours_and_does_nothing()
    test_a_steward_also_reads_addresses_and_decides_on_held_runs()
    test_an_operator_also_starts_runs_and_edits_sources_and_the_timetable()
