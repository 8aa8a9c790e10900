"""Pictures of every page, on a desktop and a phone, in the light and in the dark: docs/screenshots/.

Over a portal that runs, with the demonstration loaded:

    bin/up -d && .venv/bin/python docs/make_screenshots.py [http://127.0.0.1:8000]

The demonstration has neither DER nor a past. Two made-up months of a utility that sends files bring both:

    bin/manage generate_iedr --dir var/months --scale 0.1
    bin/manage ingest_hosting_capacity --utility utility1 --data-dir var/months

Without them, the pictures that need them are left as they are. While the pictures are taken, that utility is
badged as synthetic, which its rows are here.

Needs what `bin/setup --dev --tests` installs. For the admin's pages it signs in as an administrator of
its own, who is there only while the pictures are taken. A page that answers with an error, throws one or is
wider than its window ends the script with status 1: a picture of it would be no proof of anything.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hcportal.settings")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = (
    "1"  # playwright has an event loop of its own; nothing else runs here
)

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.utils import timezone  # noqa: E402
from playwright.sync_api import Browser, Error, Page, sync_playwright  # noqa: E402

from hosting.models import (  # noqa: E402
    Feeder,
    FeederDERTotals,
    HCIngestionRun,
    HostingCapacityRecordVersion,
)
from utilities.models import Source, Utility  # noqa: E402

FOLDER = ROOT / "docs" / "screenshots"
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
THEMES = ("light", "dark")
UTILITY = "demo_valley"
MONTHLY = "utility1"
QUALITY = 82  # of the JPEG: text stays sharp, a picture stays under 200 kB

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

Act = Callable[[Page], None]


def drawn(page: Page) -> None:
    """Wait for a map to be drawn whole."""
    page.wait_for_selector("[data-map][data-ready]")
    page.wait_for_selector("[data-busy]", state="hidden")
    page.wait_for_timeout(400)


def opened(page: Page) -> None:
    """The map with its sheet open, which a phone has closed."""
    drawn(page)
    if not page.locator("[data-panel]").evaluate("element => element.open"):
        page.locator("[data-panel] summary").click()
        page.wait_for_timeout(300)


def at_rest(page: Page) -> None:
    """Nothing to wait for."""


def pages() -> dict[str, tuple[str, Act]]:
    """Name of the picture to address and what to do there first."""
    feeder = Feeder.objects.filter(utility__utility_code=UTILITY).order_by("external_id").first()
    source = Source.objects.filter(utility__utility_code=UTILITY).first()
    run = HCIngestionRun.objects.filter(source=source).first()
    if feeder is None or source is None or run is None:
        sys.exit("The demonstration is not there. bin/manage load_demo brings it.")
    return {
        "home": ("/", drawn),
        "map": (f"/map/?utility={UTILITY}", drawn),
        "map-legend": (f"/map/?utility={UTILITY}&capacity_type=load", opened),
        "map-feeder": (f"/map/?utility={UTILITY}&feeder={UTILITY}/{feeder.slug}", drawn),
        "feeder": (f"/feeders/{UTILITY}/{feeder.slug}/", at_rest),
        "changes": ("/changes/", at_rest),
        "changes-utility": (f"/changes/{UTILITY}/", at_rest),
        "feeders": (f"/feeders/?utility={UTILITY}", at_rest),
        "utilities": ("/utilities/", at_rest),
        "utility": (f"/utilities/{UTILITY}/", at_rest),
        "search": ("/search?q=valley", at_rest),
        "about": ("/about/", at_rest),
        "data": ("/data/", at_rest),
        "quality": ("/quality/", at_rest),
        "interregional": ("/interregional/", lambda page: page.wait_for_load_state("networkidle")),
        "api": ("/api/docs", lambda page: page.wait_for_load_state("networkidle")),
        "admin": ("/admin/", at_rest),
        "admin-source": (f"/admin/utilities/source/{source.pk}/change/", at_rest),
        "admin-run": (f"/admin/hosting/hcingestionrun/{run.pk}/change/", at_rest),
    } | of_months()


def of_months() -> dict[str, tuple[str, Act]]:
    """Pages of the utility with months of files; none where it was not read."""
    fullest = (
        FeederDERTotals.objects.filter(feeder__utility__utility_code=MONTHLY, planned_count__gt=0)
        .order_by("-installed_count", "feeder")
        .first()
    )
    past = (
        HostingCapacityRecordVersion.objects.filter(utility__utility_code=MONTHLY, feeder__isnull=False)
        .order_by("-valid_to", "pk")
        .first()
    )
    if fullest is None or past is None:
        return {}
    zone = ZoneInfo(past.utility.timezone)
    day = timezone.localdate(past.valid_to, timezone=zone) - timedelta(days=1)
    here, then = (f"/feeders/{MONTHLY}/{row.feeder.slug}/" for row in (fullest, past))  # type: ignore[union-attr]
    return {
        "feeder-ders": (f"{here}?ders_sort=-nameplate#ders", at_rest),
        "feeder-past": (f"{then}?as_of={day}", at_rest),
        "changes-utility": (f"/changes/{MONTHLY}/", at_rest),
        "admin-unresolved": (f"/admin/hosting/unresolvedder/?utility={MONTHLY}", at_rest),
    }


@contextmanager
def badged() -> Iterator[None]:
    """The utility with months of files is shown as made up, until the block ends."""
    made_up = Utility.objects.filter(utility_code=MONTHLY, is_synthetic=False)
    changed = list(made_up.values_list("pk", flat=True))
    Utility.objects.filter(pk__in=changed).update(is_synthetic=True)
    try:
        yield
    finally:
        Utility.objects.filter(pk__in=changed).update(is_synthetic=False)


@contextmanager
def administrator() -> Iterator[str]:
    """A session of an administrator; both end with the block."""
    users = get_user_model().objects
    users.filter(username="screenshots").delete()
    user = users.create_superuser("screenshots")
    session = SessionStore()
    session["_auth_user_id"] = str(user.pk)
    session["_auth_user_backend"] = settings.AUTHENTICATION_BACKENDS[0]
    session["_auth_user_hash"] = user.get_session_auth_hash()
    session.create()
    try:
        yield str(session.session_key)
    finally:
        session.delete()
        user.delete()


def note(faults: list[str], name: str, error: Error) -> None:
    """Keep what a page's script threw."""
    faults.append(f"{name}: {error}")


def take(browser: Browser, url: str, session: str, wanted: set[str]) -> list[str]:
    """Take the pictures; the faults of the pages, in sentences."""
    faults: list[str] = []
    for size, viewport in SIZES.items():
        for theme in THEMES:
            context = browser.new_context(
                viewport=viewport,  # type: ignore[arg-type]
                color_scheme=theme,  # type: ignore[arg-type]
                has_touch=size == "phone",
                is_mobile=size == "phone",
                reduced_motion="reduce",
            )
            for name, (address, act) in pages().items():
                if wanted and name not in wanted:
                    continue
                context.clear_cookies()
                if address.startswith("/admin"):
                    context.add_cookies(
                        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}]
                    )
                page = context.new_page()
                page.on("pageerror", partial(note, faults, name))
                answer = page.goto(url + address)
                if answer is None or answer.status >= 400:
                    faults.append(f"{name}: {address} answers {answer and answer.status}")
                act(page)
                wide = page.evaluate(OVERFLOW)
                if wide > 0:
                    faults.append(f"{name}, {size}: {wide} px wider than the window")
                page.screenshot(path=FOLDER / f"{name}-{size}-{theme}.jpg", type="jpeg", quality=QUALITY)
                page.close()
            context.close()
    return faults


def main(url: str = "http://127.0.0.1:8000", *names: str) -> int:
    """Take all pictures, or those named; 1 where a page is at fault."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium is not installed. bin/setup --tests brings it.")
    FOLDER.mkdir(exist_ok=True)
    with administrator() as session, badged(), sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        faults = take(browser, url.rstrip("/"), session, set(names))
        browser.close()
    sys.stdout.writelines(f"{fault}\n" for fault in dict.fromkeys(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
