"""Writing the load utilities to PostgreSQL, each in one transaction, and taking them away again.

What readers see follows from the rows as it does after a run: the same MERGE, the same shapes, the same sums.
Times are fixed, so that the same seed gives the same rows.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.db import connection, transaction

from hosting import publish_sql
from hosting.belonging import BELONGS_BY
from hosting.der_totals import refresh_der_totals
from hosting.load import draw, figures, rows, sql
from hosting.load.plan import PLANS, PREFIX, Plan, entry, split
from hosting.models import (
    HCIngestionRun,
    RunStatus,
)
from hosting.summaries import summarise
from hosting.tiles.grid import refresh
from utilities.models import Source, Utility

BEGAN = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
PUBLISHED = datetime(2026, 11, 1, 6, 5, tzinfo=UTC)
RECIPE = 1  # raise it when the same seed gives other rows
Say = Callable[[str], None]


def made_by(seed: int, feeders: int, sections: int, ders: int) -> str:
    """How the rows can be made again; kept as their utilities' evidence."""
    asked = f"--seed {seed} --feeders {feeders} --sections {sections} --ders {ders}"
    return f"generate_load {asked}, recipe {RECIPE}"


def there() -> list[Utility]:
    """The load utilities of this database."""
    return list(Utility.objects.filter(utility_code__startswith=PREFIX, is_synthetic=True, service_url=""))


def generate(seed: int, feeders: int, sections: int, ders: int, say: Say) -> None:
    """Make all of it. `sections` are places; each has a figure for generation and one for load."""
    with_sections = [plan for plan in PLANS if plan.grain == "section"]
    of_feeders, of_ders = split(feeders), split(ders)
    of_sections = split(sections, with_sections)
    for plan in PLANS:
        mine = of_feeders[plan.code]
        # Where only feeders are published, their lines have as many parts and no rows.
        parts = of_sections.get(plan.code, mine * sections // feeders)
        rng = np.random.default_rng([seed, plan.number])
        drawing = draw.draw(mine, parts, plan.box, rng)
        study = figures.study(drawing, rng)
        note = made_by(seed, feeders, sections, ders)
        with transaction.atomic():
            run = _begin(plan, note)
            _store(run, plan, drawing, study)
            say(f"{plan.code}: {mine:,} feeders, {parts:,} parts of their lines")
            _store_ders(run, plan, seed, of_ders[plan.code])
            _end(run, plan, len(drawing.reach), mine)
            say(f"{plan.code}: {of_ders[plan.code]:,} DER; published")
    with connection.cursor() as cursor:
        for table in sql.TABLES:
            cursor.execute(f"ANALYZE {table}")


def _begin(plan: Plan, note: str) -> HCIngestionRun:
    """The utility, its source and a run that is under way."""
    given = entry(plan, note)
    spec = given.sources[0]
    utility = Utility.objects.create(
        utility_code=plan.code,
        utility_name=given.name,
        states=list(given.states),
        timezone=given.timezone,
        data_source_type=given.data_source_type,
        status=given.status,
        is_synthetic=True,
        service_url="",
        config_json=given.model_dump(mode="json", exclude_defaults=True),
    )
    source = Source.objects.create(
        utility=utility,
        code=spec.code,
        title=spec.title,
        service_url=spec.service_url,
        layer=spec.layer,
        grain=spec.grain,
        feed_mode=spec.feed,
        status=spec.status,
        redistribution=spec.redistribution,
        licence=spec.licence,
        attribution=spec.attribution,
        cadence=spec.cadence,
        is_enabled=False,  # there is nothing to fetch
        config_json=spec.model_dump(mode="json", exclude_defaults=True),
    )
    return HCIngestionRun.objects.create(
        utility=utility,
        source=source,
        started_at=BEGAN,
        source_url=spec.url,
        config_json=source.config_json,
    )


def _store(run: HCIngestionRun, plan: Plan, drawing: draw.Drawing, study: figures.Figures) -> None:
    """Substations, feeders, sections and records, as a publication writes them."""
    rolled_up = plan.grain == "section"
    given = _given(run) | {"part": publish_sql.PARTS["polyline"]}
    with connection.cursor() as cursor:
        cursor.execute(sql.STATION_TABLE)
        with cursor.copy("COPY station FROM STDIN") as copy:
            for station in rows.stations(plan, drawing):
                copy.write_row(station)
        cursor.execute(sql.STATIONS, given)
        cursor.execute("DROP TABLE station")
        cursor.execute(publish_sql.STAGE_TABLE)
        with cursor.copy(f"COPY change ({', '.join(publish_sql.COPY_COLUMNS)}) FROM STDIN") as copy:
            for chunk in rows.changes(plan, drawing, study):
                copy.write(chunk)
        cursor.execute(publish_sql.STAGE_KNOWN)
        cursor.execute(sql.MEET_FEEDERS, given)
        cursor.execute(publish_sql.KNOW_FEEDERS)
        if rolled_up:
            cursor.execute(publish_sql.merge("sections", shapes_from_sections=False), given)
            cursor.execute(publish_sql.KNOW["sections"])
            for step in (sql.ROLL_UP, sql.DESCRIBE, "TRUNCATE change", sql.CHANGE_OF_RECORDS):
                cursor.execute(step)
            cursor.execute(publish_sql.STAGE_KNOWN)
            cursor.execute(publish_sql.MERGE_SHAPES, given)
        cursor.execute(publish_sql.merge("records", shapes_from_sections=rolled_up), given)
        cursor.execute(publish_sql.KNOW["records"])
        cursor.execute("DROP TABLE change" + (", shape, rolled, described" if rolled_up else ""))


def _store_ders(run: HCIngestionRun, plan: Plan, seed: int, ders: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.DERS, _given(run) | {"seed": seed, "ders": ders, "number": str(plan.number)})


def _end(run: HCIngestionRun, plan: Plan, parts: int, feeders: int) -> None:
    """What a publication leaves beside the rows (publish.publish, reconcile.advance_lake)."""
    added = {"sections": 2 * parts if plan.grain == "section" else 0, "records": 2 * feeders}
    counts = {name: {"added": number, "changed": 0, "removed": 0} for name, number in added.items()}
    fetched = parts if plan.grain == "section" else feeders
    Source.objects.filter(pk=run.source_id).update(
        published_run=run,
        lake_run=run,  # nothing is to follow: the lake has none of it
        last_checked_at=PUBLISHED,
    )
    Utility.objects.filter(pk=run.utility_id).update(last_ingested_at=PUBLISHED)
    HCIngestionRun.objects.filter(pk=run.pk).update(
        status=RunStatus.COMPLETED,
        completed_at=PUBLISHED,
        step="published",
        records_fetched=fetched,
        records_written=sum(added.values()),
        counts={"staged": 2 * fetched, "quarantined": 0, **counts},
    )
    summarise(run.utility_id)
    refresh_der_totals(run.utility_id)
    refresh()


def _given(run: HCIngestionRun) -> dict[str, Any]:
    return {
        "utility": run.utility_id,
        "source": run.source_id,
        "run": run.pk,
        "valid_from": PUBLISHED,
    }


@transaction.atomic
def remove() -> Counter[str]:
    """Delete the load utilities with all that belongs to them; how many rows of what."""
    mine = [utility.pk for utility in there()]
    if not mine:
        return Counter()
    Source.objects.filter(utility__in=mine).update(published_run=None, lake_run=None)
    refresh()
    removed: Counter[str] = Counter()
    for model, path in BELONGS_BY:
        # Rows are not brought here to look for what hangs on them: there are a million. What Django would
        # cascade to is not made here; the database refuses to leave any of it behind.
        number = model._default_manager.filter(**{f"{path}__in": mine})._raw_delete(connection.alias)
        removed[str(model._meta.verbose_name_plural)] += number
    return +removed
