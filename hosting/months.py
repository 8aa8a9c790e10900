"""Which months of a monthly source are loaded, and which come too late. Asked by pages as well as by runs."""

from datetime import date

from django.db.models import QuerySet

from hosting.lineage import undone
from hosting.models import HCIngestionRun, RunStatus
from utilities.models import Source

LOADED = (RunStatus.COMPLETED, RunStatus.UNCHANGED)


def loaded(source: Source) -> QuerySet[HCIngestionRun]:
    """Its runs that loaded a month, or found it the same as the one before, and that were not undone."""
    return source.runs.filter(status__in=LOADED, period__isnull=False).exclude(pk__in=undone(source))


def newest(source: Source) -> HCIngestionRun | None:
    """The run that loaded its last month."""
    return loaded(source).order_by("-period").first()


def too_late(source: Source, month: date) -> str:
    """Why a month that was never loaded may not be loaded now, as a clause; empty where it may."""
    last = newest(source)
    if last is None or last.period is None or month >= last.period:
        return ""
    if loaded(source).filter(period=month).exists():
        return ""  # its rows are compared with those loaded then
    return (
        f"{month:%Y-%m} comes before {last.period:%Y-%m}, which run {last.pk} loaded; months are "
        "loaded oldest first"
    )


def after(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
