"""Addresses of publishers: templates with a date, and which of them may be fetched; no Django here."""

import re
from datetime import date
from typing import Final
from urllib.parse import urlsplit

PLACEHOLDERS: Final = {
    "{YYYY}": "%Y",
    "{MM}": "%m",
    "{DD}": "%d",
    "{YYYYMMDD}": "%Y%m%d",
    "{YYYYMM01}": "%Y%m01",
}
# Plain http is for hosts that have nothing else, by name; everything else is https.
PLAIN_HTTP_HOSTS: Final = frozenset({"mis.nyiso.com"})
LONGEST: Final = 400  # characters; with dates filled in it has to fit into a run's record
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})  # where HCP_ALLOW_LOOPBACK lets it


def faults_of(templates: object) -> list[str]:
    """What is wrong with a list of templates, each as a sentence."""
    if not isinstance(templates, list) or not all(isinstance(template, str) for template in templates):
        return ["Give a list of addresses."]
    return [fault for template in templates if (fault := _fault_of(template))]


def _fault_of(template: str) -> str:
    unknown = [word for word in re.findall(r"\{[^}]*\}?|\}", template) if word not in PLACEHOLDERS]
    if unknown:
        return f"{template}: {unknown[0]} is no placeholder; there are {', '.join(PLACEHOLDERS)}."
    try:
        parts = urlsplit(template)
        host = parts.hostname
    except ValueError as problem:
        return f"{template} is not an address: {problem}."
    if len(template) > LONGEST:
        return f"{template[:60]}… has more than {LONGEST} characters."
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        return f"{template} is not an https address."
    if parts.scheme == "http" and not may_be_plain(template):
        return f"{template} is not encrypted. Plain http is for {', '.join(sorted(PLAIN_HTTP_HOSTS))} alone."
    return ""


def may_be_plain(url: str) -> bool:
    """True where the address is of a host that is fetched without encryption."""
    return (urlsplit(url).hostname or "") in PLAIN_HTTP_HOSTS | LOOPBACK


def filled(template: str, day: date) -> str:
    """The address for a New York day."""
    for placeholder, form in PLACEHOLDERS.items():
        template = template.replace(placeholder, day.strftime(form))
    return template
