"""The folder of each upload, below HCP_UPLOADS: of a random name, closed to others, and gone in the end.

Whoever receives files holds a lock on the folder, which is free at once when the process dies. Afterwards an
open trial keeps it. A folder that neither keeps is swept away.
"""

import fcntl
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from hosting.models import Trial, TrialKind
from hosting.models.trials import OPEN

log = logging.getLogger(__name__)
_NAME = re.compile(r"[0-9a-f]{32}")


def path_of(name: str) -> Path:
    """An upload's folder. Raises ValueError for a name that `receiving` never gives."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no folder of an upload")
    return Path(settings.HCP_UPLOADS) / name


@contextmanager
def receiving() -> Iterator[Path]:
    """A new folder while files are received into it; gone afterwards, unless a trial has it by then.

    Raises OSError where it cannot be made.
    """
    folder = path_of(secrets.token_hex(16))
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield folder
    finally:
        if folder.name not in _kept():
            remove(folder.name)
        os.close(held)


def remove(name: str) -> None:
    """Remove an upload's folder with all that is in it."""
    shutil.rmtree(path_of(name), onerror=_say)


def sweep() -> list[str]:
    """Remove folders that no open trial keeps and nobody receives into. A sentence where there were any."""
    root = Path(settings.HCP_UPLOADS)
    names = [one.name for one in root.iterdir() if _NAME.fullmatch(one.name)] if root.is_dir() else []
    gone = sum(_remove_if_left(name) for name in names)
    return (
        [f"Uploaded files of {gone} trial{'s' if gone > 1 else ''} that ended were removed."] if gone else []
    )


def _remove_if_left(name: str) -> bool:
    try:
        held = os.open(path_of(name), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False  # somebody else removed it
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if name in _kept():  # asked under the lock: its trial is made before the lock is given up
            return False
        remove(name)
    except BlockingIOError:
        return False
    finally:
        os.close(held)
    return True


def _kept() -> set[str]:
    """Folders of open trials."""
    kept = Trial.objects.filter(kind=TrialKind.UPLOAD, status__in=OPEN)
    return set(kept.values_list("options__folder", flat=True))


def _say(_function: object, path: str, error: object) -> None:
    log.warning("an uploaded file was not removed: %s (%s)", path, error)
