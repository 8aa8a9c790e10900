"""Runs of a few rows, and what the checks say of them."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from hosting.lake import quality, rollup, tables
from hosting.lake.checks.found import Noticed
from tests.hosting.lake.frames import session, source, stage
from utilities.spec import SourceSpec

Row = dict[str, Any]
TODAY = date(2026, 11, 1)


def found(
    spec: SourceSpec,
    now: Sequence[Row],
    then: Sequence[Row] = (),
    *,
    today: date = TODAY,
    name: str = "",
) -> list[Noticed]:
    """Findings of a run of rows `now`, after a run of rows `then` was published."""
    frame = session().createDataFrame(stage(spec, now).toArrow())
    before = frame.where("false")
    if then:
        published = stage(spec, then).where("reject_check IS NULL").toArrow()
        before = session().createDataFrame(published)
        if spec.rolls_up:  # of sections, their table and the records made of them are what is published
            records = rollup.feeders(before, spec)
            kept = [
                name for name in (*tables.KEY, *tables.SECTION_COLUMNS, "geometry") if name in before.columns
            ]
            before = rollup.with_own_figures(before.select(*kept), records, spec)
    return quality.check(quality.measure(frame, before, spec, today=today, name=name))


def counts(check: str, findings: list[Noticed]) -> list[tuple[str, int]]:
    """Severity and count of one check's findings."""
    return [(one.severity, one.count) for one in findings if one.check_id == check]


def sections(*figures: dict[str, Any], **given: Any) -> SourceSpec:
    """A source of sections with the feeder in `feeder`."""
    fields = {"feeder_id": {"id": "feeder"}} | given.pop("fields", {})
    return source(*figures, grain="section", fields=fields, **given)
