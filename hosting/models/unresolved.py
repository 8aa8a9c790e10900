"""DER of which the published reference leads to no feeder: what a steward looks into."""

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Q

from hosting.models.ders import DER, UNRESOLVED

if TYPE_CHECKING:
    AnyManager = models.Manager["UnresolvedDER"]
else:  # takes no parameters at run time
    AnyManager = models.Manager


class UnresolvedManager(AnyManager):
    """Only those that lead nowhere, wholly or in part."""

    def get_queryset(self) -> "models.QuerySet[UnresolvedDER]":
        return super().get_queryset().filter(UNRESOLVED)


class UnresolvedDER(DER):
    """A DER without a feeder, or whose reference is a list of which a part leads nowhere (Q59).

    The same rows as DER, under permissions of their own: a view of work to do, and no table.
    """

    objects: ClassVar[UnresolvedManager] = UnresolvedManager()  # type: ignore[assignment]

    class Meta:
        proxy = True
        verbose_name = "DER whose feeder is not known"
        verbose_name_plural = "DER whose feeder is not known"
        default_permissions = ("view",)
        permissions = [("view_every_unresolvedder", "Can view DER whose feeder is not known, of any utility")]


NO_FEEDER = Q(feeder__isnull=True)
REFERENCES = {  # what became of the reference, in words of the address, and its condition
    "nowhere": NO_FEEDER & ~Q(unresolved_references=""),
    "in_part": Q(feeder__isnull=False),
    "none": NO_FEEDER & Q(unresolved_references=""),
}
