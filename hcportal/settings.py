"""Every setting, from the environment; the defaults serve one machine with the private services of `bin/up`.

| variable | meaning |
|---|---|
| HCP_ENV | `dev` (default), `qa` or `prod`: the lake's folder, the database, how strict the defaults are |
| HCP_SECRET_KEY | required outside `dev`; in `dev` one is made and kept under var/ |
| HCP_ALLOWED_HOSTS | comma list; defaults to this machine's loopback names |
| DATABASE_URL, REDIS_URL | existing servers instead of the private ones; `{env}` in the first is HCP_ENV |
| HCP_LAKE | the lake's root folder, default var/lake |
| HCP_SPARK_REMOTE | `sc://…` for Spark, Databricks or a Sail cluster; empty is the embedded engine |
| HCP_CATALOG | further catalog folders, separated by `:` |
| HCP_ALLOW_LOOPBACK | `1` lets sources live on this machine (tests, a local FeatureServer) |
| HCP_HTTPS, HCP_TRUSTED_ORIGINS | a proxy ends TLS (default in `prod`); origins that forms may come from |
| HCP_DEBUG | Django's error pages; never where others can reach it |
| HCP_UPLOADS, HCP_UPLOAD_MB | where uploaded files wait for the worker, default var/uploads; most MB of one |
| HCP_VAR, HCP_HOST, HCP_PORT, HCP_PYTHON | of `bin/up`: its files, address and Python (hcportal/services) |
| HCP_MAP_TILES, HCP_MAP_ATTRIBUTION | raster tiles under the map, `https://…{z}/{x}/{y}.png`; whom to name |
| HCP_CONTACT | how publishers can reach whoever runs this portal; part of the User-Agent |
"""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import environ

from hcportal.services import paths

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = paths.var_dir()
HCP_ENV = env.str("HCP_ENV", "dev")
if HCP_ENV not in paths.ENVIRONMENTS:
    raise environ.ImproperlyConfigured(f"HCP_ENV is {HCP_ENV!r}; it must be dev, qa or prod.")


def _wheel_library(package: str, folder: str, pattern: str) -> str | None:
    """The shared library inside an installed wheel, or None where the package was built another way.

    The wheels of pyogrio and shapely bring a current GDAL and GEOS; Debian 12's GDAL 3.6 cannot block
    file and network access from a hostile file (Django's gis.W001).
    """
    import importlib.util

    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    found = sorted((Path(spec.origin).parent.parent / folder).glob(pattern))
    return str(found[0]) if found else None


GDAL_LIBRARY_PATH = _wheel_library("pyogrio", "pyogrio.libs", "libgdal*")
GEOS_LIBRARY_PATH = _wheel_library("shapely", "shapely.libs", "libgeos_c*")


def _secret_key() -> str:
    """The given key, or in development one that is made once and kept where only this user reads it."""
    key: str = env.str("HCP_SECRET_KEY", "")
    if key:
        return key
    if HCP_ENV != "dev":
        raise environ.ImproperlyConfigured(f"HCP_SECRET_KEY must be set where HCP_ENV is {HCP_ENV}.")
    kept = VAR_DIR / "secret_key"
    if not kept.exists():
        VAR_DIR.mkdir(parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(50))
        except FileExistsError:
            pass  # another process was first
    return kept.read_text()


SECRET_KEY = _secret_key()
DEBUG = env.bool("HCP_DEBUG", False)
ALLOWED_HOSTS = env.list("HCP_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("HCP_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.gis",
    "django.contrib.postgres",
    "rest_framework",
    "rest_framework_gis",
    "drf_spectacular",
    "leaflet",
    "django_celery_beat",
    "accounts",
    "utilities",
    "hosting",
    "interregional",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "hcportal.middleware.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "hcportal.urls"
WSGI_APPLICATION = "hcportal.wsgi.application"
APPEND_SLASH = False  # an address is written one way; nothing is redirected

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


# --- PostgreSQL with PostGIS, and Redis ---
def _database(environment: str) -> dict[str, Any]:
    """An environment's database; `{env}` in DATABASE_URL stands for its name."""
    engine = "django.contrib.gis.db.backends.postgis"
    given: str = env.str("DATABASE_URL", "")
    if not given:
        return {"ENGINE": engine, **paths.private_database(environment)}
    found: dict[str, Any] = environ.Env.db_url_config(given.replace("{env}", environment), engine=engine)
    # A socket's folder stands percent-encoded where a URL has its host.
    return {**found, "HOST": unquote(found.get("HOST", ""))}


HCP_DATABASES = {name: _database(name) for name in paths.ENVIRONMENTS}  # `promote` reads another one's
DATABASES = {"default": dict(HCP_DATABASES[HCP_ENV])}
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

_REDIS_URL = env.str("REDIS_URL", "")
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": _REDIS_URL or paths.redis_url(1),
        "KEY_PREFIX": f"hcp-{HCP_ENV}",
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},  # a Redis that hangs holds up no page
    }
}
# The same server; Celery has words of its own for a socket and for a database on it.
CELERY_BROKER_URL = (
    _REDIS_URL.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
    if _REDIS_URL.startswith("unix://")
    else _REDIS_URL or paths.celery_redis_url(0)
)
CELERY_TASK_IGNORE_RESULT = True  # a run is its own record
CELERY_TASK_ACKS_LATE = False  # a killed run is reconciled, never repeated behind a person's back
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
DJANGO_CELERY_BEAT_TZ_AWARE = True

# --- Who signs in ---
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Language and time ---
LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Static files, served by the project itself ---
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "hcportal.static_storage.HashedStaticFiles"
        if HCP_ENV != "dev"
        else "whitenoise.storage.CompressedStaticFilesStorage"
    },
}
LEAFLET_CONFIG = {
    "TILES": [],  # no request to another host; a basemap of our own comes with the map
    "RESET_VIEW": False,
    "DEFAULT_CENTER": (39.5, -98.35),
    "DEFAULT_ZOOM": 4,
}

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "EXCEPTION_HANDLER": "hcportal.api.problems.problem_response",
}

# The API's description; hcportal/api/schema.py says how an endpoint becomes its part of it.
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.1",
    "TITLE": "hcportal",
    "VERSION": "1",
    "DESCRIPTION": (
        "Hosting capacity of the distribution grid, as utilities publish it, in one set of words and units. "
        "Everything is GET and needs no key. `_mw` is megawatts, `_kv` kilovolts, `_km` kilometres; times "
        "are UTC, coordinates degrees in WGS 84; null is unknown and never zero. Figures are no promise of "
        "interconnection. The data belong to their publishers: each source's terms decide what an answer "
        "holds."
    ),
    "LICENSE": {"name": "Apache-2.0 (the code; the data stay under their publishers' terms)"},
    "SERVERS": [{"url": "/", "description": "This portal"}],
    "TAGS": [
        {"name": "Utilities", "description": "Who publishes"},
        {"name": "Data", "description": "All of it, and under which terms"},
        {"name": "Hosting capacity", "description": "What feeders can take, one record each, and sums"},
        {"name": "Runs", "description": "How each source was read"},
        {"name": "Interregional flows", "description": "New York's ties, every five minutes"},
        {"name": "Description", "description": "The API itself"},
    ],
    "SCHEMA_PATH_PREFIX": "/api",
    "SORT_OPERATIONS": False,
    "POSTPROCESSING_HOOKS": [],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}

# --- Security ---
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
if env.bool("HCP_HTTPS", HCP_ENV == "prod"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 31_536_000

# --- hcportal's own ---
HCP_LAKE = env.str("HCP_LAKE", str(VAR_DIR / "lake"))
HCP_SPARK_REMOTE = env.str("HCP_SPARK_REMOTE", "")
HCP_CATALOG = [Path(folder) for folder in env.str("HCP_CATALOG", "").split(":") if folder]
HCP_ALLOW_LOOPBACK = env.bool("HCP_ALLOW_LOOPBACK", False)
HCP_CONTACT = env.str("HCP_CONTACT", "")
HCP_PACE = VAR_DIR / "pace"  # where the processes of this machine keep a host's limits together
HCP_CLIENT: dict[str, Any] = {}  # other limits than those of hcportal.http.Client, by its own names
HCP_MAP_TILES = env.str("HCP_MAP_TILES", "")
HCP_MAP_ATTRIBUTION = env.str("HCP_MAP_ATTRIBUTION", "© OpenStreetMap contributors" if HCP_MAP_TILES else "")
HCP_UPLOADS = Path(env.str("HCP_UPLOADS", str(VAR_DIR / "uploads")))
HCP_UPLOAD_MB = env.int("HCP_UPLOAD_MB", 1_500)  # of one file; 5 million segments are 684 MB
HCP_RECORDED = VAR_DIR / "recorded"  # what `recorded://` addresses are answered from

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {name: {"level": "INFO"} for name in ("hosting", "interregional", "utilities", "hcportal")},
}
