"""Where a figure is from: which published field, through which rule, of which source, in which run."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from hosting.models import HostingCapacityRecord
from hosting.models.words import RemainingBasis
from hosting.views import meaning
from hosting.views.terms import Terms, terms
from hosting.views.wording import Instant, instant

Config = dict[str, Any]

UNITS = {"mw": "MW", "kw": "kW", "mva": "MVA", "kva": "kVA", "watts": "W", "w": "W"}
TAKEN_OFF = {
    RemainingBasis.LESS_INSTALLED: ("installed_dg_mw",),
    RemainingBasis.LESS_QUEUED: ("queued_dg_mw",),
    RemainingBasis.LESS_INSTALLED_AND_QUEUED: ("installed_dg_mw", "queued_dg_mw"),
}


@dataclass(frozen=True)
class Provenance:
    """Of one record: everything that proves where its figures come from."""

    source_title: str
    source_code: str
    publisher: str  # whose service it is
    address: str  # of the layer that was really read
    is_link: bool  # a browser can follow it
    run: int
    changed_by: int  # the run that last changed the record
    read_at: Instant | None
    checked_at: Instant | None
    study_date: str
    der_date: str
    key_fields: str
    key: str
    rollup: str
    is_rolled_up: bool
    licence: str
    attribution: str
    asks: str  # what the publisher's terms ask, in words of ours
    terms: Terms
    evidence: str


def provenance(record: HostingCapacityRecord) -> Provenance:
    """Where `record` is from, as of the run whose state readers see."""
    source, run = record.source, record.source.published_run
    zone = record.utility.timezone
    config = meaning.config_of(record)
    figure = meaning.figure_config(config, record.capacity_type, record.variant)
    address = (run.source_url if run else "") or _address(config)
    read_at = (run.completed_at or run.started_at) if run else None
    return Provenance(
        source_title=source.title,
        source_code=str(f"{record.utility.utility_code}/{source.code}"),
        publisher=record.utility.utility_name,
        address=address,
        is_link=address.startswith(("https://", "http://")),
        run=run.pk if run else 0,
        changed_by=record.ingestion_run_id,
        read_at=instant(read_at, zone) if read_at else None,
        checked_at=instant(source.last_checked_at, zone) if source.last_checked_at else None,
        study_date=meaning.day(record.record_date),
        der_date=meaning.day(record.der_date),
        key_fields=_key_fields(config.get("key")),
        key=record.key,
        rollup=_rollup(figure.get("rollup"), record),
        is_rolled_up=bool(figure.get("rollup")),
        licence=source.licence,
        attribution=source.attribution,
        asks=str(config.get("terms", "")),
        terms=terms(source),
        evidence=str(config.get("evidence", "")),
    )


def field_said(figure: Config, column: str) -> str:
    """The published field that a column is read from, with its unit: "GEN_HC_KW, in kW"; or empty."""
    reading = figure.get(column)
    if not isinstance(reading, dict) or not reading:
        return ""
    if "reader" in reading:
        unit, name = reading["reader"], reading.get("field", "")
    else:
        unit, told = next(iter(reading.items()))
        name = told.get("field", "") if isinstance(told, dict) else told
    if isinstance(name, list | tuple):
        name = ", ".join(map(str, name))
    if unit not in UNITS:
        return str(name)
    return _("%(field)s, in %(unit)s") % {"field": name, "unit": UNITS[unit]}


def made_from(figure: Config, record: HostingCapacityRecord, column: str) -> str:
    """How a column of the record came about, in a sentence; empty where the source says nothing of it."""
    if column == "remaining_capacity_mw":
        return _remaining_made(figure, record)
    own = field_said(figure, column)
    if own:
        return _("Published field: %(field)s.") % {"field": own}
    of_sections = field_said(figure, "hosting_capacity_mw")
    if column in {"hosting_capacity_min_mw", "hosting_capacity_max_mw"} and record.section_count:
        lowest = column == "hosting_capacity_min_mw"
        said = (
            _("The lowest of its sections' %(field)s.")
            if lowest
            else _("The highest of its sections' %(field)s.")
        )
        return said % {"field": of_sections}
    return _("The source publishes no field for this.")


def _remaining_made(figure: Config, record: HostingCapacityRecord) -> str:
    basis = record.remaining_basis
    if basis == RemainingBasis.PUBLISHED:
        return _("Published field: %(field)s.") % {"field": field_said(figure, "remaining_capacity_mw")}
    hosting = field_said(figure, "hosting_capacity_mw") or field_said(figure, "hosting_capacity_max_mw")
    if basis == RemainingBasis.HOSTING:
        return _("Derived: the same as the hosting capacity (%(field)s).") % {"field": hosting}
    if basis in TAKEN_OFF:
        less = "; ".join(field_said(figure, column) for column in TAKEN_OFF[RemainingBasis(basis)])
        return _("Derived: %(field)s; less %(less)s.") % {"field": hosting, "less": less}
    return _("Not derived: the publisher does not say what its study already counts.")


def _rollup(rule: str | None, record: HostingCapacityRecord) -> str:
    if rule == "max":
        return _("The feeder's figure is that of its strongest section. Sections are never added up.")
    if rule == "min":
        return _("The feeder's figure is that of its weakest section. Sections are never added up.")
    if rule == "feeder_max":
        return _("The feeder's own figure, which its sections repeat. Sections are never added up.")
    if record.feeder_id is None:
        return _("None: the cell is published as it is.")
    return _("None: the feeder is published as one row.")


def _key_fields(key: Any) -> str:
    if key == "geometry":
        return _("the shape of the row")
    if key == "none" or not key:
        return _("none: the source is replaced as a whole")
    return ", ".join(map(str, key))


def _address(config: Config) -> str:
    layer = config.get("layer")
    service = str(config.get("service_url", ""))
    return service if layer is None else f"{service}/{layer}"
