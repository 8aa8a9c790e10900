"""Every address of the portal that answers GET, by the resolver and the API's description, with real ids.

What has no value to be filled with raises: a new page, or a new parameter of the API, must be walked too.
"""

from collections.abc import Iterator
from itertools import pairwise, product
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.urls import URLPattern, URLResolver, get_resolver

from hosting.api.openapi import description
from hosting.models import Feeder, HCIngestionRun, HostingCapacityRecord, TrialKind
from interregional.models import Interface
from utilities.models import Source, Utility

MOST = 4  # rows of one model whose pages are opened
# But of these, which show rows as they were published, all.
ALL_OF = ("finding", "quarantinedrow", "hcingestionrun", "trial", "deraddress", "unresolvedder")
# They take a form by POST and answer 405, or 403 to who may not.
BY_POST = ("logout/", "/cancel/", "/decide/", "/rollback/", "/start/<slug:kind>/", "/pull/")
TILES = (
    "5/9/11",
    "8/76/94",
    "11/608/759",
    "14/4871/6078",
)  # where the shapes of tests.hosting.test_months lie
# These are nothing without a query.
BY_QUERY = (
    "map/card",
    "api/v1/hosting-capacity/nearby",
    "api/v1/utilities/<slug:code>/changes",
    "admin/autocomplete/",
)
ALWAYS = {"api/v1/utilities/<slug:code>/changes": "from=2026-01-01&to=2026-03-01"}
QUERIES: dict[str, tuple[str, ...]] = {
    "map/card": ("feeder={code}/{slug}",),
    "feeders/": ("utility={code}", "utility={code}&sort=-remaining"),
    "feeders/<slug:code>/<str:slug>/": ("as_of=2026-01-15", "sections=all", "ders=all"),
    "changes/": ("threshold=0.1",),
    "changes/<slug:code>/": ("from=2026-01-01&to=2026-03-01", "dataset=ders", "dataset=sections"),
    "search": ("q={slug}", "q=d1", "q={code}"),
    "utilities/": ("sort=name",),
    "interregional/series.json": ("range=24h",),
    "admin/autocomplete/": ("app_label=hosting&model_name=hcingestionrun&field_name=source&term=a",),
}


def patterns() -> list[str]:
    """Each address as the resolver writes it, the admin's included."""
    return list(dict.fromkeys(_patterns(get_resolver(), "")))


def _patterns(within: URLResolver, before: str) -> Iterator[str]:
    for entry in within.url_patterns:
        whole = before + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield whole
        else:
            yield from _patterns(entry, whole)


def addresses(pattern: str) -> list[str]:
    """A pattern filled with everything that is there, and its queries. Raises where nothing fills it."""
    found: list[str] = []
    for values in _values(pattern):
        path = pattern
        for name, value in values.items():
            path = path.replace(name, str(value))
        assert "<" not in path, f"{pattern}: nothing fills it"
        given = {"code": values.get("<slug:code>") or _code(), "slug": _slug(values)}
        queries = [query.format(**given) for query in QUERIES.get(pattern, ())] + _of_the_api(pattern, values)
        found += [f"/{path}"] if pattern not in BY_QUERY else []
        found += [f"/{path}?{query}" for query in queries]
    assert found, f"{pattern}: nothing fills it"
    return found


def _feeders() -> list[tuple[str, str]]:
    """Code and slug of each feeder whose utility has published it."""
    shown = HostingCapacityRecord.objects.filter(source__published_run__isnull=False, feeder__isnull=False)
    return sorted(set(shown.values_list("utility__utility_code", "feeder__slug")))


def _code() -> str:
    return _feeders()[0][0]


def _slug(values: dict[str, Any]) -> str:
    given = values.get("<str:slug>") or values.get("<slug:slug>")
    return str(given or _feeders()[0][1])


def _values(pattern: str) -> Iterator[dict[str, Any]]:
    """What stands in the places of a pattern, each way once."""
    if pattern.startswith("admin/"):
        yield from _of_the_admin(pattern)
    elif "slug>" in pattern:
        for code, slug in _feeders():
            yield {"<slug:code>": code, "<str:slug>": slug, "<slug:slug>": slug}
    elif "<slug:code>" in pattern:
        for code in sorted({code for code, _slug in _feeders()}):
            yield {"<slug:code>": code}
    elif "<str:layer>" in pattern:
        for layer, tile in product(_layers(), TILES):
            z, x, y = tile.split("/")
            yield {"<str:layer>": layer, "<str:z>": z, "<str:x>": x, "<str:y>": y}
    elif "<int:point_id>" in pattern:
        for point in Interface.objects.values_list("point_id", flat=True)[:3]:
            yield {"<int:point_id>": point}
    else:
        yield {}


def _layers() -> list[str]:
    from hosting.tiles.layers import LAYERS

    return list(LAYERS)


def _of_the_admin(pattern: str) -> Iterator[dict[str, Any]]:
    """Rows of the model that the address names."""
    parts = pattern.split("/")
    if "(?P<app_label>" in pattern:
        for label in ("auth", "django_celery_beat", "accounts", "utilities", "hosting", "interregional"):
            yield {pattern: f"admin/{label}/"}
    elif "(?P<url>" in pattern:
        yield {pattern: "admin/nothing/"}
    elif parts[1] == "r":
        for model in (Utility, Feeder):
            of_model = ContentType.objects.get_for_model(model).pk
            first = model._default_manager.values_list("pk", flat=True)[0]
            yield {"<path:content_type_id>": of_model, "<path:object_id>": first}
    elif "<" in pattern:
        model = apps.get_model(parts[1], parts[2])
        rows = model._default_manager.order_by("-pk").values_list("pk", flat=True)
        if pattern.endswith("/upload/"):  # of a utility with monthly files
            rows = rows.filter(sources__config_json__file__monthly=True).distinct()
        for pk in rows if parts[2] in ALL_OF else rows[:MOST]:
            row = dict.fromkeys(("<path:object_id>", "<int:pk>", "<id>"), pk)
            for kind in TrialKind if "<slug:kind>" in pattern else ("",):
                yield row | {"<slug:kind>": kind}
    else:
        yield {}


def _of_the_api(pattern: str, values: dict[str, Any]) -> list[str]:
    """Queries of an address of the API: each value of each parameter, by each form of an answer."""
    path = "/" + pattern.replace("<slug:", "{").replace(">", "}")
    told = description()["paths"].get(path)
    if told is None:
        return []
    said = {p["name"]: p for p in told["get"].get("parameters", []) if p["in"] == "query"}
    required = [f"{name}={_some(name, values)[0]}" for name, p in said.items() if p.get("required")]
    needed = ALWAYS.get(pattern, "&".join(required))
    forms = said.get("format", {}).get("schema", {}).get("enum", [""])
    asked = []
    for name, parameter in said.items():
        if name == "format" or parameter.get("required"):
            continue
        for value in parameter["schema"].get("enum") or _some(name, values):
            one = f"{name}={value}" if "=" not in str(value) else str(value)
            first = "" if one.startswith(("from", "to")) else needed
            asked += [
                "&".join(part for part in (first, one, form and f"format={form}") if part) for form in forms
            ]
    plain = [f"format={form}" for form in forms if form and not needed]
    return asked + plain + ([needed] if needed else [])


def _some(name: str, values: dict[str, Any]) -> list[Any]:
    """Values of a parameter. Raises KeyError for one that is not known here."""
    code = values.get("<slug:code>")
    runs = HCIngestionRun.objects.filter(status="completed").order_by("source_id", "pk")
    pairs = []
    for source in Source.objects.filter(utility__utility_code=code):
        numbers = list(runs.filter(source=source).values_list("pk", flat=True))
        pairs += [f"from_run={a}&to_run={b}" for a, b in pairwise(numbers)]
    told: dict[str, list[Any]] = {
        "limit": ["limit=100", "limit=1"],
        "after": [],  # a mark that each list makes for itself
        "as_of": ["2026-01-15", "2026-02-15"],
        "from": [f"from=2026-01-01&to=2026-03-01&dataset={d}" for d in ("ders", "records", "sections")],
        "to": ["from=2026-01-15&to=2026-02-15"],
        "from_run": [f"{pair}&dataset={d}" for pair in pairs for d in ("ders", "records")][:12]
        or ["limit=1"],
        "to_run": pairs[:4] or ["limit=1"],
        "variant": ["default"],
        "bbox": ["-75,40,-70,45"],
        "lat": [42.0],
        "lon": [-73.0],
        "radius_km": [50],
        "utility": [_code()],
        "start_date": ["2026-01-01"],
        "end_date": ["2026-01-02"],
        "regions": ["pjm"],
        "interfaces": ["1"],
        "min_remaining_mw": [0.5],
        "max_remaining_mw": [0.5],
        "min_hosting_mw": [0.5],
    }
    return told[name]
