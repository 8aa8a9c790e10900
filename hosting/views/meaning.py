"""What a figure means, said beside it: its grain, its dates, the rule that made it, how far it is sound."""

from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hosting.models import Finding, HostingCapacityRecord
from hosting.views.standing import Standing, standing, with_last_run
from hosting.views.wording import Instant, instant
from utilities.models import Grain, Source

Config = dict[str, Any]


def figure_config(config: Config, capacity_type: str, variant: str) -> Config:
    """The figure's part of a source's catalog entry; empty where the entry has none (any more)."""
    for figure in config.get("figures", ()):
        if (figure.get("capacity_type"), figure.get("variant", "default")) == (capacity_type, variant):
            return dict(figure)
    return {}


def config_of(record: HostingCapacityRecord) -> Config:
    """The source's catalog entry as it was when what readers see was read."""
    run = record.source.published_run
    return dict(run.config_json if run else record.source.config_json)


def grain_said(record: HostingCapacityRecord, rollup: str | None) -> str:
    """What the figure is of: "strongest of 84 sections", "the feeder", "a cell"."""
    if record.grain == Grain.CELL:
        return _("of a cell that names no feeder")
    count = record.section_count
    if count is None or rollup is None:
        return _("of the feeder as a whole")
    if rollup == "feeder_max":
        return _("the feeder's own figure, which its sections repeat")
    if rollup == "max":
        return ngettext(
            "of its one section", "maximum over %(count)s sections: the strongest decides", count
        ) % {"count": f"{count:,}"}
    return ngettext("of its one section", "minimum over %(count)s sections: the weakest decides", count) % {
        "count": f"{count:,}"
    }


def published_on(record: HostingCapacityRecord) -> Instant:
    """When the publisher changed the figure last, in the utility's own time zone."""
    return instant(record.valid_from, record.utility.timezone)


def day(moment: Any) -> str:
    """A date to read, empty where there is none."""
    return date_format(moment, "Y-m-d") if moment else ""


def sources_standing(pks: set[int]) -> dict[int, Standing]:
    """How sources stand, by id: one query."""
    return {source.pk: standing(source) for source in with_last_run(Source.objects.filter(pk__in=pks))}


def findings_of(record: HostingCapacityRecord) -> "list[Finding]":
    """What the checks noticed about the record's feeder in the run that readers see."""
    if record.feeder_id is None:
        return []
    found = Finding.objects.filter(feeder=record.feeder_id, run=record.source.published_run_id)
    return list(found.defer("examples").order_by("check_id", "pk"))
