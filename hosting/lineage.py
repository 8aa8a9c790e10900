"""Which runs of a source readers' figures stand on, where some were undone by a rollback.

A published run stands on the one that it was compared with, and a rollback on the run that it brought back.
"""

from django.db.models import Q

from hosting.models import HCIngestionRun, RunStatus
from utilities.models import Source

PUBLISHED = Q(status=RunStatus.COMPLETED)


def published_up_to(run: HCIngestionRun) -> list[int]:
    """Published runs of the run's source up to it, in their order: a later one has a higher number.

    Without those that were loaded anew by then, under another number, because a month came late.
    """
    mine = run.source.runs.filter(PUBLISHED, pk__lte=run.pk).exclude(replaced_by__lte=run.pk)
    return list(mine.order_by("pk").values_list("pk", flat=True))


def undone(source: Source) -> set[int]:
    """Runs whose reading stands no more because of a rollback; those that found them unchanged too."""
    runs = {
        pk: (compared_with, rollback_of)
        for pk, compared_with, rollback_of in source.runs.filter(PUBLISHED).values_list(
            "pk", "compared_with", "rollback_of"
        )
    }
    if all(rollback_of is None for _compared_with, rollback_of in runs.values()):
        return set()
    standing: set[int] = set()
    published = source.published_run_id
    while published is not None and published not in standing:
        standing.add(published)
        compared_with, rollback_of = runs.get(published, (None, None))
        published = rollback_of or compared_with
    gone = set(runs) - standing
    unchanged = source.runs.filter(status=RunStatus.UNCHANGED, compared_with__in=gone)
    return gone | set(unchanged.values_list("pk", flat=True))


def origin(run: HCIngestionRun) -> HCIngestionRun:
    """The run that read what `run` shows: itself, or for a rollback the one that it brought back."""
    while run.rollback_of is not None:
        run = run.rollback_of
    return run
