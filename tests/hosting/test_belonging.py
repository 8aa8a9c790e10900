"""The list of what belongs to a utility is whole: removing one never fails at a row that was forgotten."""

from django.apps import apps
from django.db.models import PROTECT

from hosting.belonging import BELONGS_BY


def test_every_model_that_would_not_let_a_utility_go_is_listed_before_what_it_points_to() -> None:
    listed = [model for model, _path in BELONGS_BY]
    protecting = {
        (model, field.related_model)
        for model in apps.get_models()
        if model._meta.managed and not model._meta.proxy  # a view keeps no row; a proxy has no row of its own
        for field in model._meta.concrete_fields
        if field.remote_field is not None
        and getattr(field.remote_field, "on_delete", None) is PROTECT
        and field.related_model in listed
        and field.related_model is not model
    }
    assert {model for model, _other in protecting} <= set(listed)
    # A source and its runs point to each other; removal takes that back first.
    earlier = {(one, other) for one, other in protecting if listed.index(one) < listed.index(other)}
    assert {(one.__name__, other.__name__) for one, other in protecting - earlier} <= {
        ("Source", "HCIngestionRun")
    }
