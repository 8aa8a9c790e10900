"""Promotion: what one environment's readers see of a source becomes what this one's readers see.

Run in the environment that receives. Its state comes from the other's current tables, its bronze along with
it; checks, gate, publication and history are those of any run here. Nothing is written on the other side.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.utils import load_backend
from django.utils.dateparse import parse_datetime

from hcportal.errors import LakeError, NotPromoted
from hcportal.services.paths import ENVIRONMENTS
from hosting import lineage, network, reconcile
from hosting.lake import bronze, changes, copies, session
from hosting.lake.datasets import Dataset, of_source
from hosting.lake.store import Lake
from hosting.lake_settings import open_lake
from hosting.locks import source_lock
from hosting.models import HCIngestionRun, RunStatus, Severity
from hosting.pipeline import unchanged
from hosting.publish import publish
from hosting.recording import Recorder, Reporter, Silent, recording
from hosting.steps import compare_states, gate, judge, normalise, refuse_what_must_not_be_fetched
from utilities.models import Source
from utilities.spec import SourceSpec

ALIAS = "promoted_from"
LATER = ("network", "capacity", "ders")  # DER refer to feeders, which must be there before them


@dataclass(frozen=True)
class Offer:
    """What another environment shows of a source: `theirs` is the source there, `run` its published run."""

    environment: str
    theirs: Source
    ours: Source
    run: HCIngestionRun

    @property
    def spec(self) -> SourceSpec:
        """The catalog entry that it was read by."""
        return SourceSpec.model_validate(self.run.config_json)

    @property
    def is_here(self) -> bool:
        """True where readers see this very state already, and the lake has followed."""
        if self.ours.lake_run_id != self.ours.published_run_id:
            return False
        shown = self.ours.published_run
        known = (shown.promoted_from or {}) if shown else {}
        return (known.get("environment"), known.get("run")) == (self.environment, self.run.pk)


def refuse_direction(origin: str, to: str, *, out_of_order: bool) -> None:
    """Raise NotPromoted unless a state may go from `origin` to `to`, and `to` is where this process is."""
    if origin == to:
        raise NotPromoted(f"{origin} is both ends of the promotion.")
    if to != settings.HCP_ENV:
        raise NotPromoted(
            f"A promotion is run where it publishes: with HCP_ENV={to}, and it is {settings.HCP_ENV}."
        )
    if not out_of_order and ENVIRONMENTS.index(to) != ENVIRONMENTS.index(origin) + 1:
        raise NotPromoted(
            f"{origin} is not promoted to {to}: a state goes from dev to qa and from qa to prod. "
            "--out-of-order promotes it all the same."
        )
    ends = [settings.HCP_DATABASES[name] for name in (origin, to)]
    if ends[0] == ends[1]:
        raise NotPromoted(
            f"{origin} and {to} are the same database: give DATABASE_URL with {{env}} in the database's name."
        )


@contextmanager
def other_database(environment: str) -> Iterator[str]:
    """The alias under which another environment's database is read. Read only."""
    given = settings.HCP_DATABASES[environment]
    configured = {
        **connections.settings["default"],
        **given,
        "OPTIONS": {**given.get("OPTIONS", {}), "options": "-c default_transaction_read_only=on"},
    }
    # Of this thread alone, and in no list of databases: nothing else is to find it.
    connections[ALIAS] = load_backend(configured["ENGINE"]).DatabaseWrapper(configured, ALIAS)
    try:
        yield ALIAS
    finally:
        connections[ALIAS].close()
        del connections[ALIAS]


def offers(alias: str, environment: str, utility: str) -> list[Offer]:
    """What `environment` shows of a utility, in the order in which it is promoted here.

    Raises NotPromoted where any of it must not be: then none of it is.
    """
    theirs = Source.objects.using(alias).select_related("utility", "published_run")
    found = []
    for source in theirs.filter(utility__utility_code=utility, published_run__isnull=False).order_by("code"):
        assert source.published_run is not None  # noqa: S101 - asked for
        ours = Source.objects.filter(utility__utility_code=utility, code=source.code, in_catalog=True).first()
        if ours is None:
            raise NotPromoted(f"{source} is not in the catalog of {settings.HCP_ENV}: sync_catalog first.")
        found.append(Offer(environment, source, ours, source.published_run))
    if not found:
        raise NotPromoted(f"{environment} has published nothing of {utility}.")
    for offer in found:
        _refuse(offer)
    return sorted(found, key=lambda offer: LATER.index(_kind(offer)))


def _kind(offer: Offer) -> str:
    holds = offer.spec.holds
    return holds if holds in LATER else "network"


def _refuse(offer: Offer) -> None:
    """Raise NotPromoted where the state is not settled or not checked, or an older one than is shown here."""
    source, name = offer.theirs, f"{offer.theirs} in {offer.environment}"
    if source.runs.filter(status=RunStatus.RUNNING).exists() or source.lake_run_id != source.published_run_id:
        raise NotPromoted(
            f"{name} is not settled: a run is under way or was interrupted. Reconcile it there."
        )
    if held := source.runs.filter(status=RunStatus.HELD, pk__gt=offer.run.pk).order_by("-pk").first():
        raise NotPromoted(f"{name} has run {held.pk}, which waits for a person: decide it there.")
    stops = offer.run.findings.filter(severity=Severity.BLOCK).exists()
    if stops and offer.run.decided_at is None:
        raise NotPromoted(f"Run {offer.run.pk} of {name} has blocking findings that nobody decided on.")
    shown = offer.ours.published_run
    if shown is not None and not offer.is_here and read_at(shown) > read_at(offer.run):
        raise NotPromoted(
            f"{settings.HCP_ENV} is ahead of {offer.environment}: it shows {source} as read at "
            f"{read_at(shown):%Y-%m-%d %H:%M}, not at {read_at(offer.run):%Y-%m-%d %H:%M} (UTC)."
        )


def read_at(run: HCIngestionRun) -> datetime:
    """When the publisher was read for what `run` shows, in whichever environment that was."""
    origin = lineage.origin(run)
    told = parse_datetime((origin.promoted_from or {}).get("read_at", ""))
    return told or origin.started_at


def promote(offer: Offer, *, reporter: Reporter | None = None) -> HCIngestionRun:
    """Publish here what the other environment shows of a source; the run that did it, or found it the same.

    Raises SourceBusy where a run has the source on either side; other trouble ends the run as failed or held.
    """
    lake, source = open_lake(), offer.ours
    theirs = replace(lake, env=offer.environment)
    with source_lock(source), source_lock(offer.theirs):
        session.warm(lake.remote)
        reconcile.settle(source, lake)
        source.refresh_from_db()
        if offer.is_here and source.published_run is not None:  # it was killed after it had published
            return source.published_run
        refuse_what_must_not_be_fetched(source)
        with recording(source, reporter or Silent(), period=offer.run.period) as recorder:
            run, spec = recorder.run, offer.spec
            reconcile.check_lake(source, lake)
            _refuse_moved(offer, theirs)
            _bring(offer, theirs, lake, recorder)
            if spec.network is not None:
                network.load(lake, spec, recorder)
                reconcile.advance_lake(source, lake)
                return run
            found = judge(lake, spec, normalise(lake, spec, run), recorder)
            changed = compare_states(lake, spec, recorder, states(theirs, spec, offer.theirs))
            gate(found)
            recorder.done("check")
            if not changed:
                return unchanged(run)
            publish(lake, run, spec, before_commit=lambda: recorder.done("publish"))
            recorder.done("published")
            reconcile.advance_lake(source, lake)
            _prove(lake, spec, run)
            recorder.done("lake")
    return run


def states(lake: Lake, spec: SourceSpec, source: Source) -> dict[Dataset, Any]:
    """What a lake shows of a source, by dataset."""
    utility = source.utility.utility_code
    return {each: changes.current(lake, each, utility, source.code) for each in of_source(spec.holds)}


def _refuse_moved(offer: Offer, theirs: Lake) -> None:
    """Raise where the other side published anew meanwhile, or its lake is not what its readers see."""
    now = Source.objects.using(offer.theirs._state.db).get(pk=offer.theirs.pk)
    if (now.published_run_id, now.lake_run_id) != (offer.run.pk, offer.run.pk):
        raise LakeError(f"{offer.theirs} moved on in {offer.environment} meanwhile. Promote again.")
    if offer.spec.network is None:
        reconcile.check_lake(offer.theirs, theirs)


def _bring(offer: Offer, theirs: Lake, lake: Lake, recorder: Recorder) -> None:
    """Bronze of what is promoted, and where it is from."""
    run, read = recorder.run, lineage.origin(offer.run)
    utility = offer.ours.utility.utility_code
    origin = bronze.Origin(utility, offer.ours.code, run.pk, read.source_url, "")
    manifest = copies.copy_bronze(theirs, read.pk, lake, origin)
    shown = states(theirs, offer.spec, offer.theirs)
    recorder.note(
        promoted_from={
            "environment": offer.environment,
            "run": offer.run.pk,
            "read_at": read_at(offer.run).isoformat(),
            "bronze": {"rows": manifest["rows"], "sha256": manifest["sha256"]},
            **{each.name: copies.fingerprint(rows, _columns(each)) for each, rows in shown.items()},
        },
        config_json=offer.run.config_json,
        layer=offer.run.layer,
        source_url=offer.run.source_url,
        source_edited_at=offer.run.source_edited_at,
        records_fetched=manifest["rows"],
        content_sha256=offer.run.content_sha256,
    )
    recorder.done("bronze")


def _columns(dataset: Dataset) -> list[str]:
    return sorted({*dataset.key, *dataset.compared})


def _prove(lake: Lake, spec: SourceSpec, run: HCIngestionRun) -> None:
    """Raise LakeError where the lake does not hold now what was promoted, by rows and digest."""
    for dataset, rows in states(lake, spec, run.source).items():
        wanted, found = (run.promoted_from or {})[dataset.name], copies.fingerprint(rows, _columns(dataset))
        if found != wanted:
            raise LakeError(
                f"Of {dataset.name} {wanted['rows']:,} rows were promoted and {found['rows']:,} are here, "
                "or not the same ones."
            )
