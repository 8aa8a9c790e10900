"""Which files are taken, and for which month: everything that can be known before the worker reads them."""

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from django.utils import timezone

from hcportal.errors import BadAnswer, FetchError, NotTaken
from hosting import months
from hosting.locks import is_busy
from hosting.mapped import lacking, missing_fields
from hosting.sources.files import folder as where
from hosting.sources.files.opened import open_file
from hosting.uploads.receiving import Received
from utilities.models import Redistribution, Source, Utility
from utilities.spec import SourceSpec
from utilities.spec_files import FileFeed

MOST_NAMED = 5  # missing fields in a sentence


def monthly(utility: Utility) -> list[Source]:
    """The utility's sources that are files month by month; capacity first, as they are loaded."""
    found = utility.sources.filter(in_catalog=True, config_json__file__monthly=True).select_related("utility")
    return sorted(found, key=lambda source: ("ders" in source.config_json, source.pk))


def feed_of(source: Source) -> FileFeed:
    """What the source's entry says of its file."""
    return FileFeed.model_validate(source.config_json["file"])


def closed(source: Source) -> str:
    """Why no file of the source is taken, as a sentence; empty where it is."""
    if source.redistribution == Redistribution.FORBIDDEN:
        return f"{source} is never loaded: its terms forbid it."
    if not source.is_enabled:
        return f"{source} is switched off. Tick 'Is enabled' on its page and save first."
    return ""


def next_month(sources: list[Source]) -> date:
    """The month after the last one loaded; where none is, the last one that is over."""
    last = [run.period for source in sources if (run := months.newest(source)) and run.period]
    if last:
        return months.after(max(last))
    today = timezone.localdate()
    return date(today.year - (today.month == 1), (today.month - 2) % 12 + 1, 1)


def month_of(text: str, utility: Utility) -> date:
    """The first day of a month as it is typed. Raises NotTaken for anything else, and before it begins."""
    month = where.month_of(text.strip())
    if month is None:
        raise NotTaken(f"'{text[:20]}' is no month; write it like 2026-03.")
    if month > datetime.now(ZoneInfo(utility.timezone)).date():
        raise NotTaken(f"{month:%Y-%m} has not begun; a month after it could not be told from a late one.")
    return month


def refuse_file(file: Received) -> None:
    """Raise NotTaken where it was refused while it was received."""
    if file.refusal:
        raise NotTaken(file.refusal)


def refuse_month(source: Source, month: date, *, force: bool) -> None:
    """Raise NotTaken where the command would not load this month, as far as its rows need not be read."""
    if why := closed(source):
        raise NotTaken(why)
    if is_busy(source):
        raise NotTaken(f"Another run of {source} is under way. Nothing was stored.")
    why = months.too_late(source, month)
    if why and not force:
        raise NotTaken(f"{why}; 'Replay history' loads it, and what came after it anew.")


def place(file: Received, source: Source, folder: Path, month: date) -> None:
    """Put a received file where the command looks for it, and look at its head. Raises NotTaken."""
    feed = file.feed
    target = folder / f"{month:%Y-%m}" / feed.name.replace("*", f"{month:%Y-%m}")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.path.rename(target)
    file.path = target
    try:
        found = where.find(folder, feed, month)
        if feed.format != "csv":
            return  # the worker opens it: GDAL and workbooks are not for the web server
        with open_file(found, feed) as opened:
            spec = SourceSpec.model_validate(source.config_json)
            missing = missing_fields(opened.layer, spec)
            why = f"{lacking(opened.layer, spec)}." if missing else ""
            if len(missing) > MOST_NAMED:  # another file altogether
                why = f"lacks {len(missing)} of the mapped fields, '{missing[0]}': is it the right file?"
    except BadAnswer as trouble:
        raise NotTaken(str(trouble).replace(found.address, file.name)) from trouble
    except FetchError as trouble:
        raise NotTaken(f"{file.name} cannot be kept under the name {feed.name}: {trouble}") from trouble
    if why:
        raise NotTaken(f"{file.name} {why}")
