"""What a person reads of a page, and rows that readers may see."""

import re
from html import unescape
from typing import Any

from django.test import Client
from django.utils import timezone

from hosting.models import Feeder, HCIngestionRun
from tests.factories import make_feeder, make_published_run, make_source, make_utility
from utilities.models import Source

THIN = "\u2009"


def get(client: Client, address: str, status: int = 200) -> str:
    """The page's HTML, spaces collapsed."""
    answer = client.get(address)
    assert answer.status_code == status, (address, answer.status_code)
    return re.sub(r"\s+", " ", answer.content.decode().replace("&thinsp;", " ").replace(THIN, " "))


def words(html: str) -> str:
    """What a person reads of it."""
    body = html.partition("<main")[2] or html
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", body)))


def read(client: Client, address: str, status: int = 200) -> str:
    """The words of the page."""
    return words(get(client, address, status))


def make_published(code: str = "", /, **given: Any) -> HCIngestionRun:
    """The published run of a fresh source of a utility, heard of just now; `given` is the source's."""
    utility = make_utility(
        code, last_ingested_at=timezone.now(), is_synthetic=given.pop("is_synthetic", False)
    )
    source = make_source(utility, **given)
    run = make_published_run(source, completed_at=timezone.now())
    Source.objects.filter(pk=source.pk).update(last_checked_at=timezone.now())
    return run


def make_shown(code: str = "", external_id: str = "", /, **given: Any) -> Feeder:
    """A feeder of such a run."""
    return make_feeder(make_published(code), external_id, **given)
