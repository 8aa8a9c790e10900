"""People and their groups."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from accounts.models import User

if TYPE_CHECKING:
    DjangoUserAdmin = UserAdmin[User]
else:  # takes no parameters at run time
    DjangoUserAdmin = UserAdmin


@admin.register(User)
class PersonAdmin(DjangoUserAdmin):
    """Django's own; who is no superuser cannot make one, nor touch one."""

    list_display = ("username", "email", "first_name", "last_name", "group_names", "is_staff", "last_login")
    list_filter = ("groups", "is_staff", "is_superuser", "is_active")
    date_hierarchy = "date_joined"

    @admin.display(description="groups")
    def group_names(self, person: User) -> str:
        return ", ".join(group.name for group in person.groups.all())

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[Any, ...]:
        given = tuple(super().get_readonly_fields(request, obj))
        return given if request.user.is_superuser else (*given, "is_superuser", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)


def _may_touch(request: HttpRequest, person: User | None) -> bool:
    is_superuser = person is not None and person.is_superuser
    return bool(request.user.is_superuser) or not is_superuser
