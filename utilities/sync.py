"""From the catalog's files to Utility and Source: facts are written anew, a person's choices are kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.dispatch import Signal

from hcportal.errors import CatalogError
from utilities.catalog_files import read_catalog
from utilities.models import Iso, Source, Utility
from utilities.spec import SourceSpec, UtilitySpec

ISOS = {
    "caiso": "California ISO",
    "pjm": "PJM Interconnection",
    "nyiso": "New York ISO",
    "isone": "ISO New England",
    "miso": "Midcontinent ISO",
    "spp": "Southwest Power Pool",
    "ercot": "ERCOT",
}

# Sent inside the transaction when terms may have changed, or sources come or gone: what readers see of them
# changes with the sync or not at all.
catalog_synced = Signal()


@dataclass(frozen=True)
class Synced:
    """What a sync did, by utility code."""

    added: list[str]
    updated: list[str]
    left: list[str]


@transaction.atomic
def sync_catalog(folders: Iterable[Path] | None = None, *, include_synthetic: bool = False) -> Synced:
    """Write the catalog to the database.

    Synthetic utilities are added only on `include_synthetic`, and kept up to date once they are there. A
    utility or source whose entry is gone is marked as out of the catalog; its history stays. Generated ones
    have no entry and are left alone. Raises
    CatalogError with every fault, and writes nothing then.
    """
    entries = read_catalog(settings.HCP_CATALOG if folders is None else folders)
    _refuse_loopback(entries.values())
    for code, name in ISOS.items():
        Iso.objects.update_or_create(code=code, defaults={"name": name})
    isos = {iso.code: iso for iso in Iso.objects.all()}
    known = dict(Utility.objects.in_bulk(field_name="utility_code"))
    synced = Synced([], [], [])
    for code, entry in sorted(entries.items()):
        if entry.synthetic and not include_synthetic and code not in known:
            continue
        (synced.updated if code in known else synced.added).append(code)
        utility, _created = Utility.objects.update_or_create(
            utility_code=code,
            defaults={
                "utility_name": entry.name,
                "parent_company": entry.parent_company,
                "iso": isos[entry.iso] if entry.iso else None,
                "states": list(entry.states),
                "timezone": entry.timezone,
                "data_source_type": entry.data_source_type,
                "status": entry.status,
                "is_synthetic": entry.synthetic,
                "requires_auth": entry.requires_auth,
                "service_url": next(filter(None, (spec.service_url for spec in entry.sources)), ""),
                "in_catalog": True,
                "config_json": entry.model_dump(mode="json", exclude_defaults=True),
            },
        )
        _sync_sources(utility, entry)
    for code, utility in known.items():
        if code not in entries and utility.in_catalog and not utility.is_generated:
            synced.left.append(code)
            utility.sources.update(in_catalog=False)
            Utility.objects.filter(pk=utility.pk).update(in_catalog=False)
    catalog_synced.send(sync_catalog)
    return synced


def _sync_sources(utility: Utility, entry: UtilitySpec) -> None:
    for spec in entry.sources:
        Source.objects.update_or_create(
            utility=utility,
            code=spec.code,
            defaults={
                "title": spec.title,
                "service_url": spec.service_url,
                "layer": spec.layer,
                "grain": spec.grain,
                "feed_mode": spec.feed,
                "status": spec.status if entry.status == "seen" else entry.status,
                "redistribution": spec.redistribution,
                "licence": spec.licence,
                "attribution": spec.attribution,
                "cadence": spec.cadence,
                "in_catalog": True,
                "config_json": _as_json(spec),
            },
        )
    utility.sources.exclude(code__in=[spec.code for spec in entry.sources]).update(in_catalog=False)


def _as_json(spec: SourceSpec) -> dict[str, object]:
    """The entry without what is default anyway, so that a new default does not look like an edit."""
    return spec.model_dump(mode="json", exclude_defaults=True)


def _refuse_loopback(entries: Iterable[UtilitySpec]) -> None:
    if settings.HCP_ALLOW_LOOPBACK:
        return
    local = [
        f"{entry.code}/{source.code}"
        for entry in entries
        for source in entry.sources
        if source.is_on_this_machine
    ]
    if local:
        raise CatalogError(
            f"{', '.join(local)}: a source on this machine is allowed only under HCP_ALLOW_LOOPBACK=1."
        )
