"""How current rows lead to what they were: `HostingCapacityRecord.objects.as_of(instant)`."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models

if TYPE_CHECKING:
    from hosting.models.states import StateQuerySet

Row = TypeVar("Row", bound=models.Model)


class CurrentManager(models.Manager[Row]):
    """Of a model whose rows have versions."""

    def as_of(self, instant: datetime) -> "StateQuerySet[Any]":
        """The rows that held at an instant, in publisher time: current ones and versions, with one form.

        A row has the id that it had then, which survives refreshes. Rows without identity (`key: none`) have
        no versions, so of them there are only those that hold still. Raises ValueError where it is naive.
        """
        from hosting.models.states import STATES

        state = next(state for state in STATES if state.current is self.model)
        found: StateQuerySet[Any] = state.objects.at(instant)
        return found
