"""How a source stands, in words: the same ones on the home page and in the admin."""

from datetime import timedelta
from typing import NamedTuple

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from hosting.models import HCIngestionRun, RunStatus
from utilities.models import CatalogStatus, Redistribution, Source

# A source that was not heard of for two of its intervals and a day's grace is stale.
LONGEST_SILENCE = {"daily": timedelta(days=3), "weekly": timedelta(days=15), "monthly": timedelta(days=63)}


class Standing(NamedTuple):
    """`word` to read; `tone` is good, waiting, bad or quiet; `for_a_person` where somebody should look."""

    word: str
    tone: str
    for_a_person: bool = False


def with_last_run(sources: QuerySet[Source]) -> QuerySet[Source]:
    """`sources` with what `standing` needs of their last run; no further query a source."""
    latest = HCIngestionRun.objects.filter(source=OuterRef("pk")).order_by("-started_at", "-pk")
    return sources.annotate(
        last_run_id=Subquery(latest.values("pk")[:1]),
        last_run_status=Subquery(latest.values("status")[:1]),
        last_run_started_at=Subquery(latest.values("started_at")[:1]),
        last_run_error=Subquery(latest.values("error_message")[:1]),
    )


def standing(source: Source) -> Standing:
    """How `source`, from `with_last_run`, stands. A run that failed or is held leaves what was published."""
    last_run = getattr(source, "last_run_status", None)
    published = source.published_run_id is not None
    if last_run == RunStatus.FAILED:
        word = _("last read failed, earlier figures stand") if published else _("last read failed")
        return Standing(word, "bad", for_a_person=True)
    if last_run == RunStatus.HELD:
        word = _("held for review, earlier figures stand") if published else _("held for review")
        return Standing(word, "waiting", for_a_person=True)
    if last_run == RunStatus.RUNNING:
        return Standing(_("being read now"), "waiting")
    return _standing_without_runs(source, published)


def _standing_without_runs(source: Source, published: bool) -> Standing:
    if source.redistribution == Redistribution.FORBIDDEN:
        return Standing(_("its terms forbid reading it"), "quiet")
    if not source.is_enabled:
        return Standing(_("switched off"), "quiet")
    if published:
        stale = Standing(_("stale"), "waiting", for_a_person=True)
        return stale if _is_stale(source) else Standing(_("published"), "good")
    word = {
        CatalogStatus.UNAVAILABLE: _("not available"),
        CatalogStatus.UNVERIFIED: _("not yet verified"),
        CatalogStatus.SEEN: _("not yet read"),
    }[CatalogStatus(source.status)]
    return Standing(word, "quiet")


def _is_stale(source: Source) -> bool:
    if source.last_checked_at is None:
        return True
    silence = timezone.now() - source.last_checked_at
    return silence > LONGEST_SILENCE.get(source.cadence, LONGEST_SILENCE["weekly"])
