"""Rows for tests: plain functions with keyword defaults, each making what it needs.

Unique names are counted per process. Nothing here runs the pipeline: a row says what a test needs it to say.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.gis.geos import GEOSGeometry, LineString, MultiLineString, Point

from accounts.models import User
from hosting.models import (
    DER,
    CapacityStatus,
    DERAddress,
    DERStatus,
    Feeder,
    Finding,
    HCIngestionRun,
    HostingCapacityRecord,
    HostingCapacitySection,
    HostingCapacitySummary,
    RunStatus,
    Severity,
    Substation,
)
from utilities.models import Grain, Iso, Source, Utility

_number = count(1)
NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)


def make_user(*groups: str, superuser: bool = False, **given: Any) -> User:
    """A person of the admin, in `groups` (viewer, steward, operator, admin)."""
    name = given.pop("username", f"person{next(_number)}")
    user = User.objects.create_user(
        username=name, is_staff=given.pop("is_staff", True), is_superuser=superuser, **given
    )
    user.groups.set(Group.objects.filter(name__in=groups))
    return user


def make_iso(code: str = "isone", name: str = "ISO New England") -> Iso:
    return Iso.objects.get_or_create(code=code, defaults={"name": name})[0]


def make_utility(code: str = "", **given: Any) -> Utility:
    code = code or f"made{next(_number)}"  # no code of the catalog
    return Utility.objects.create(
        utility_code=code,
        **{
            "utility_name": code.replace("_", " ").title(),
            "states": ["RI"],
            "timezone": "America/New_York",
            "data_source_type": "arcgis_feature",
            "status": "seen",
            "config_json": {"code": code},
        }
        | given,
    )


def make_source(utility: Utility | None = None, code: str = "", **given: Any) -> Source:
    code = code or f"source{next(_number)}"
    return Source.objects.create(
        utility=utility or make_utility(),
        code=code,
        **{
            "title": "Hosting capacity by section",
            "service_url": "https://gis.example.org/arcgis/rest/services/HC/FeatureServer",
            "layer": 0,
            "grain": Grain.SECTION,
            "feed_mode": "snapshot",
            "status": "seen",
            "redistribution": "allowed",
            "cadence": "weekly",
            "config_json": {"code": code},
        }
        | given,
    )


def make_run(source: Source | None = None, status: str = RunStatus.COMPLETED, **given: Any) -> HCIngestionRun:
    """A run of `source`. It publishes nothing: set `source.published_run` where readers should see it."""
    source = source or make_source()
    return HCIngestionRun.objects.create(
        source=source,
        utility=source.utility,
        status=status,
        **{"started_at": NOON, "config_json": source.config_json} | given,
    )


def make_published_run(source: Source | None = None, **given: Any) -> HCIngestionRun:
    """A completed run whose state readers see."""
    run = make_run(source, **given)
    run.source.published_run = run
    run.source.save(update_fields=["published_run"])
    return run


def make_substation(utility: Utility | None = None, name: str = "", **given: Any) -> Substation:
    return Substation.objects.create(
        utility=utility or make_utility(),
        name=name or f"Substation {next(_number)}",
        **{"geometry": Point(-71.42, 41.82, srid=4326)} | given,
    )


def make_feeder(run: HCIngestionRun | None = None, external_id: str = "", **given: Any) -> Feeder:
    """A feeder of the run's utility, first and last seen in that run."""
    run = run or make_run()
    external_id = external_id or f"F{next(_number)}"
    return Feeder.objects.create(
        utility=run.utility,
        external_id=external_id,
        **{"slug": external_id.lower(), "first_seen": run, "last_seen": run} | given,
    )


def line(*points: tuple[float, float]) -> GEOSGeometry:
    """A line through `points` (longitude, latitude), or a short one in Providence."""
    return MultiLineString(
        LineString(*(points or ((-71.42, 41.82), (-71.41, 41.83), (-71.39, 41.83)))), srid=4326
    )


def make_record(feeder: Feeder | None = None, **given: Any) -> HostingCapacityRecord:
    """A generation record of `feeder`, 5 MW hosting, remaining not known."""
    feeder = feeder or make_feeder()
    run = given.pop("ingestion_run", feeder.last_seen)
    geometry = given.pop("geometry", line())
    return HostingCapacityRecord.objects.create(
        utility=feeder.utility,
        source=run.source,
        ingestion_run=run,
        feeder=feeder,
        geometry=geometry,
        **_capacity(feeder)
        | {
            "feeder_id_external": feeder.external_id,
            "feeder_name": feeder.name,
            "grain": Grain.FEEDER,
            "geometry_type": "MultiLineString",
            "geometry_3857": geometry and geometry.transform(3857, clone=True),
            "centroid": geometry and Point(geometry[0][0], srid=4326),
        }
        | given,
    )


def make_section(feeder: Feeder | None = None, **given: Any) -> HostingCapacitySection:
    """A section of `feeder` for generation, 5 MW hosting."""
    feeder = feeder or make_feeder()
    run = given.pop("ingestion_run", feeder.last_seen)
    return HostingCapacitySection.objects.create(
        utility=feeder.utility,
        source=run.source,
        ingestion_run=run,
        feeder=feeder,
        **_capacity(feeder) | {"geometry": line()} | given,
    )


def _capacity(feeder: Feeder) -> dict[str, Any]:
    return {
        "key": f"{feeder.external_id}-{next(_number)}",
        "capacity_type": "generation",
        "hosting_capacity_mw": Decimal("5"),
        "capacity_status": CapacityStatus.PUBLISHED,
        "record_date": date(2026, 9, 1),
        "valid_from": NOON,
    }


def make_summary(utility: Utility | None = None, **given: Any) -> HostingCapacitySummary:
    """A default generation summary of one feeder of which only that it exists is known."""
    return HostingCapacitySummary.objects.create(
        utility=utility or make_utility(),
        **{"total_feeders": 1, "constrained_feeders_count": 0, "computed_at": NOON} | given,
    )


def make_finding(run: HCIngestionRun | None = None, **given: Any) -> Finding:
    run = run or make_run()
    return Finding.objects.create(
        run=run,
        utility=run.utility,
        **{
            "check_id": "Q24",
            "severity": Severity.BLOCK,
            "message": "The median is 1000x the last",
            "count": 3,
        }
        | given,
    )


def make_der(feeder: Feeder | None = None, address: str = "", **given: Any) -> DER:
    """An installed DER on `feeder`, with its street address where one is given."""
    feeder = feeder or make_feeder()
    der = DER.objects.create(
        utility=feeder.utility,
        source=feeder.last_seen.source,
        ingestion_run=feeder.last_seen,
        feeder=feeder,
        **{
            "external_id": f"DER{next(_number)}",
            "status": DERStatus.INSTALLED,
            "nameplate_kw": Decimal("7.6"),
            "valid_from": NOON,
        }
        | given,
    )
    if address:
        DERAddress.objects.create(
            der=der, source=der.source, ingestion_run=der.ingestion_run, street_address=address
        )
    return der
